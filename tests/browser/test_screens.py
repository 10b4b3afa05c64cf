"""Every screen, as each role sees it: accessible in both themes, and usable on a narrow or enlarged page."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.book import DeskBook
from tests.browser.conftest import Opens
from tests.browser.desk import Desk
from tests.cluster import PROJECT

ROLES = {"ida": "investigator", "leo": "lead", "dana": "data-scientist", "axel": "auditor"}
WIDTHS = (1280, 400)
"""Widths of the screenshots, in pixels."""
NARROW, ENLARGED = 320, 640
"""A narrow phone, and a window of 1280 pixels at 200 %."""

OF_THE_BOOK = {"team": "?line=motor", "models": "/motor", "weeks": "/motor"}
"""What leads to the line of the book: these screens begin with the first line."""

SCREENSHOTS = os.environ.get("CLAIMWATCH_SCREENSHOTS", "")
"""A folder for pictures of every screen; `make screenshots` sets it."""


def screens(desk: Desk, book: DeskBook) -> Iterator[tuple[str, str]]:
    """Yield the name and the address of every screen that the navigation offers, and of a case."""
    links = desk.page.get_by_role("navigation", name="Main").get_by_role("link").all()
    found = [link.get_attribute("href") or "" for link in links]
    assert found, "the navigation is empty"
    for address in found:
        name = re.sub(r"[^a-z0-9]+", "-", address.partition("#")[2]).strip("-") or "home"
        yield name, address + OF_THE_BOOK.get(name, "")
    if "#/queue" in found:
        yield "case", f"#/case/{book.photographed()['case_id']}"
        yield "case-blinded", f"#/case/{book.case('blinded')['case_id']}"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ROLES)
def test_a_screen_has_no_barrier_and_no_horizontal_scrolling(
    name: str, theme: str, open_desk: Opens, book: DeskBook, week: str
) -> None:
    desk = open_desk(name, theme=theme)
    barriers: dict[str, list[str]] = {}
    scrolling: dict[str, int] = {}

    def look(title: str) -> None:
        if found := desk.findings():
            barriers[title] = found
        for width in (ENLARGED, NARROW):
            desk.page.set_viewport_size({"width": width, "height": 700})
            desk.settle()
            if wider := desk.overflow():
                scrolling[f"{title} at {width}"] = wider
        if found := desk.findings():
            barriers[f"{title}, narrow"] = found
        for width in WIDTHS if SCREENSHOTS else ():
            desk.page.set_viewport_size({"width": width, "height": 900})
            desk.settle()
            picture = Path(SCREENSHOTS, f"{ROLES[name]}-{title}-{width}-{theme}.png")
            desk.page.screenshot(path=picture, full_page=True)
        desk.page.set_viewport_size({"width": WIDTHS[0], "height": 900})

    for title, address in list(screens(desk, book)):
        desk.show(f"#{address.partition('#')[2]}")
        if title not in ("home", "case", "case-blinded"):
            assert (
                desk.page.get_by_role("alert").filter(has_text=re.compile("refused|unexpected")).count() == 0
            )
        look(title)
    if name == "ida":
        desk.take(book.photographed()["case_id"])
        look("case-held")
        desk.page.get_by_role("button", name="Release").click()
        expect(desk.page.get_by_role("button", name=re.compile("^Take this case"))).to_be_visible()
    assert barriers == {}
    assert scrolling == {}


def test_the_desk_starts_with_little_script_of_few_packages(open_desk: Opens) -> None:
    desk = open_desk("ida")
    sizes = desk.page.evaluate(
        "performance.getEntriesByType('resource').filter((each) => each.name.endsWith('.js'))"
        ".map((each) => each.encodedBodySize)"
    )
    assert sizes
    assert all(sizes), "the size of a script is not known"
    assert sum(sizes) <= 200_000
    packages = json.loads((PROJECT / "ui" / "package.json").read_text("utf-8"))["dependencies"]
    assert len(packages) <= 12
