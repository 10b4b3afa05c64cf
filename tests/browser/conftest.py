"""Chromium, a stack with cases, and people who sign in: one stack for all journeys."""

import os
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from release.desk import UI, install_packages, node_is_there
from tests.browser.book import DeskBook, prepare
from tests.browser.desk import Desk, chromium_path, launch
from tests.cluster import PROJECT
from tests.deployed import Deployed

LOCALE, ZONE = "en-GB", "Europe/Berlin"


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium; without it, or without Node.js, the journeys are skipped, except in CI."""
    path = chromium_path()
    missing = "" if path else "Chromium is missing: `make setup-browser` installs it on Debian"
    missing = missing or ("" if node_is_there() else "Node.js 20.19 or later is missing, so there is no desk")
    if missing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    install_packages(PROJECT / UI)  # axe-core
    with sync_playwright() as playwright:
        launched = launch(playwright.chromium)
        yield launched
        launched.close()


@pytest.fixture(scope="package")
def book(browser: Browser, deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> DeskBook:
    """A stack with cases. It comes after the browser, because without one it is not needed."""
    return prepare(deployed, tmp_path_factory.mktemp("book"))


@pytest.fixture(scope="package")
def week(book: DeskBook) -> str:
    """The name of a week that the weekly checks have looked at."""
    return book.checked_week()


type Opens = Callable[..., Desk]


@pytest.fixture
def open_desk(browser: Browser, book: DeskBook) -> Iterator[Opens]:
    """Open the desk for a person in a browser of their own; at the end, nothing may have gone wrong in it."""
    contexts: list[BrowserContext] = []
    desks: list[Desk] = []

    def opened(
        name: str,
        hash_: str = "#/",
        *,
        width: int = 1280,
        height: int = 900,
        theme: str = "light",
        within: Browser = browser,
    ) -> Desk:
        context = within.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if theme == "dark" else "light",
            locale=LOCALE,
            timezone_id=ZONE,
        )
        contexts.append(context)
        context.set_default_timeout(20_000)
        desk = Desk(context.new_page(), book.deployed.stack.desk_url, book.deployed.stack.endpoint_url)
        desks.append(desk)
        desk.enter(book.people[name], hash_)
        desk.settle()
        return desk

    yield opened
    for context in contexts:
        if context.browser and context.browser.is_connected():
            context.close()
    for desk in desks:
        assert desk.foreign_origins() == set()
        assert desk.errors == []
