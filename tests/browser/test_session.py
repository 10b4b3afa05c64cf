"""Around the work: sign-out, reloads, two tabs, a lost network, a sleeping database, a lost lease."""

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psutil
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.book import DeskBook
from tests.browser.conftest import Opens
from tests.browser.desk import Desk, launch


@dataclass
class Doomed:
    """A browser of its own, which can be killed as a crash of the machine would."""

    browser: Browser
    processes: list[psutil.Process]

    def kill(self) -> None:
        for process in self.processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(self.processes, timeout=10)


@pytest.fixture
def doomed(browser: Browser) -> Iterator[Callable[[], Doomed]]:
    """Start a browser that a test kills; what a test leaves running is ended."""
    started: list[Doomed] = []

    def begun() -> Doomed:
        before = set(psutil.Process().children(recursive=True))
        launched = launch(browser.browser_type)
        started.append(Doomed(launched, list(set(psutil.Process().children(recursive=True)) - before)))
        return started[-1]

    yield begun
    for each in started:
        each.kill()


def take_case(desk: Desk) -> str:
    desk.press("n")
    return desk.next_case()


def release(desk: Desk) -> None:
    desk.page.get_by_role("button", name="Release").click()


def test_after_signing_out_neither_the_back_button_nor_a_reload_shows_anything(open_desk: Opens) -> None:
    desk = open_desk("ivan")
    claim = take_case(desk)
    release(desk)
    desk.page.get_by_role("button", name="Account of ivan").click()
    desk.page.get_by_role("button", name="Sign out").click()
    expect(desk.page.get_by_role("heading", name="You are signed out")).to_be_visible()
    for step in ("setTimeout(() => history.back())", "setTimeout(() => location.reload())"):
        desk.page.evaluate(step)
        desk.page.wait_for_timeout(1_500)
        desk.page.wait_for_load_state("networkidle")
        assert claim not in desk.page.content()
        assert desk.page.get_by_role("banner").count() == 0


def test_the_storage_of_the_browser_holds_no_token_and_no_claim(open_desk: Opens) -> None:
    desk = open_desk("ivan")
    claim = take_case(desk)
    stored = desk.page.evaluate(
        "async () => JSON.stringify([{...localStorage}, {...sessionStorage}, await indexedDB.databases(),"
        " await caches.keys(), document.cookie])"
    )
    assert claim not in stored
    assert not re.search(r"eyJ|token|ivan", stored), stored
    release(desk)


def test_what_was_typed_is_sent_when_the_network_is_back(open_desk: Opens, book: DeskBook) -> None:
    desk = open_desk("ines")
    claim = take_case(desk)
    desk.press("h", "7", "t")
    desk.page.keyboard.type("called the workshop")
    desk.page.context.set_offline(True)
    desk.press("Enter")
    expect(desk.page.get_by_text("No connection").first).to_be_visible()
    expect(desk.page.get_by_label("Note")).to_have_value("called the workshop")
    assert desk.heading == claim
    desk.page.context.set_offline(False)
    desk.next_case(after=claim)
    assert [row["note"] for row in book.decisions(claim, "ines")] == ["called the workshop"]
    release(desk)


def test_a_case_whose_lease_ended_is_not_decided_and_keeps_what_was_typed(
    open_desk: Opens, book: DeskBook
) -> None:
    desk = open_desk("ines")
    claim = take_case(desk)
    desk.press("f", "1")
    # The lease ends, and somebody else gets the case.
    book.deployed.query(
        "UPDATE claimwatch.review_case SET lease_until = now() + interval '15 minutes', holder = 'ilse',"
        " generation = generation + 1, version = version + 1 WHERE claim_id = %s RETURNING 1",
        claim,
    )
    desk.press("Enter")
    expect(desk.page.get_by_text(re.compile("no longer hold this case")).first).to_be_visible()
    assert desk.page.locator("form.decide input:checked").count() == 2
    assert book.decisions(claim, "ines") == []


def test_the_cases_of_two_browsers_that_were_killed_come_back(
    open_desk: Opens, book: DeskBook, doomed: Callable[[], Doomed]
) -> None:
    first, second = doomed(), doomed()
    claims = []
    for name, each in (("ines", first), ("ivan", second)):
        desk = open_desk(name, within=each.browser)
        claims.append(take_case(desk))
        desk.press("f", "1")
    first.kill()
    second.kill()

    # Whoever comes back in time goes on with the same case.
    back = open_desk("ines")
    assert take_case(back) == claims[0]
    back.press("h", "7", "Enter")
    back.next_case(after=claims[0])
    release(back)

    # The other case is anybody's when the lease is over.
    expired = "UPDATE claimwatch.review_case SET lease_until = now() WHERE claim_id = %s RETURNING case_id"
    [case] = book.deployed.query(expired, claims[1])
    other = open_desk("ilse")
    assert other.take(case["case_id"]) == claims[1]
    release(other)
    assert [row["verdict"] for row in book.decisions(claims[0], "ines")] == ["not_fraud"]
    assert book.decisions(claims[1], "ivan") == []


def test_two_tabs_of_one_person_decide_a_case_once(open_desk: Opens, book: DeskBook) -> None:
    desk = open_desk("ilse")
    claim = take_case(desk)
    other = Desk(desk.page.context.new_page(), desk.address, desk.sign_in)
    other.page.goto(desk.page.url)
    other.page.get_by_label("Username").fill("ilse")
    other.page.get_by_label("Password").fill(book.people["ilse"].password)
    other.press("Enter")
    expect(other.page.get_by_role("form", name="Decision")).to_be_visible()
    assert other.heading == claim
    desk.press("f", "1", "Enter")
    desk.next_case(after=claim)
    other.press("h", "7", "Enter")
    expect(
        other.page.get_by_text(
            re.compile("already decided|Decided|own decision|no longer hold|has changed")
        ).first
    ).to_be_visible()
    assert [row["verdict"] for row in book.decisions(claim, "ilse")] == ["fraud"]
    release(desk)


def test_the_page_waits_for_a_sleeping_database_and_goes_on_by_itself(
    open_desk: Opens, book: DeskBook
) -> None:
    desk = open_desk("ilse")
    server = book.deployed.stack.servers.postgres
    server.stop("immediate")
    try:
        desk.press("n")
        expect(desk.page.get_by_text("The database is waking up").first).to_be_visible(timeout=10_000)
    finally:
        server.restart()
    desk.next_case()
    release(desk)
