"""An investigator's day, in a real browser, with the keyboard."""

import os
from statistics import median

import pytest
from playwright.sync_api import expect

from tests.browser.book import DeskBook
from tests.browser.conftest import Opens

WATCH = """() => {
  window.waits = [];
  let since = 0, before = "";
  const title = () => document.querySelector("h1")?.textContent ?? "";
  addEventListener("keydown", (event) => {
    if (event.key === "Enter") { since = performance.now(); before = title(); }
  }, true);
  new MutationObserver(() => {
    if (since && title() && title() !== before && document.querySelector("form.decide")) {
      waits.push(performance.now() - since);
      since = 0;
    }
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""
"""Measures in the page: from Enter until the next case is on screen."""

DECISIONS = 10


def test_ten_decisions_take_three_keys_each_and_the_next_case_comes_by_itself(
    open_desk: Opens, book: DeskBook, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = open_desk("ida")
    desk.press("n")
    claim = desk.next_case()
    desk.page.evaluate(WATCH)
    decided = []
    for number in range(DECISIONS):
        decided.append(claim)
        desk.press("fhi"[number % 3], str(1 + number % 9), "Enter")
        claim = desk.next_case(after=claim)
    waits = desk.page.evaluate("window.waits")
    with capsys.disabled():
        print(f"\nnext case after {median(waits):.0f} ms (median), {max(waits):.0f} at most")
    assert len(waits) == DECISIONS
    assert len(set(decided)) == DECISIONS
    assert all(len(book.decisions(each, "ida")) == 1 for each in decided)
    if os.environ.get("CLAIMWATCH_LIGHTHOUSE"):  # other tests may use all cores
        assert median(waits) <= 300


def test_nothing_is_decided_while_typing(open_desk: Opens) -> None:
    desk = open_desk("ines")
    desk.press("n")
    claim = desk.next_case()
    desk.press("t")
    desk.page.keyboard.type("fhi 123 snu")
    note = desk.page.get_by_label("Note")
    expect(note).to_have_value("fhi 123 snu")
    assert desk.heading == claim
    assert desk.page.locator("form.decide input:checked").count() == 0
    desk.page.get_by_role("button", name="Release").click()
