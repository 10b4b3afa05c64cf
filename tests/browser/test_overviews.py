"""Journeys through what surrounds a case: connected claims, the team, models and weeks."""

import re

from playwright.sync_api import expect

from tests.browser.book import DeskBook
from tests.browser.conftest import Opens
from tests.browser.desk import UNDO, Desk


def figure(desk: Desk, name: str) -> str:
    """Return the value of one of the figures at the top of a screen."""
    shown = desk.page.locator("dl.figures > div").filter(has=desk.page.get_by_text(name, exact=True))
    return shown.locator(".figure-value").inner_text()


def test_connected_claims_are_a_picture_and_a_list_and_open_their_cases(
    open_desk: Opens, book: DeskBook
) -> None:
    desk = open_desk("ines")
    before = book.events("claim.links", "ines")
    desk.show(f"#/case/{book.photographed()['case_id']}")
    claim = desk.heading
    desk.press("l")
    heading = desk.page.get_by_role("heading", name=re.compile("^Connected claims"))
    expect(heading).to_be_focused()
    links = desk.page.get_by_role("region", name=re.compile("^Connected claims"))
    rows = links.get_by_role("row").filter(has=desk.page.get_by_role("button"))
    expect(rows.first).to_be_visible()
    picture = links.get_by_role("img", name=re.compile("Connected claims"))
    expect(picture).to_be_visible()
    # Each claim of the list is a numbered shape of the picture.
    numbers = picture.locator("g.link-node > text").all_text_contents()
    assert sorted(numbers, key=int) == [str(number) for number in range(1, rows.count() + 1)]
    assert book.events("claim.links", "ines") == before + 1

    same_photo = rows.filter(has_text="the same photo").get_by_role("button")
    other = same_photo.inner_text()
    assert other != claim
    same_photo.click()
    expect(desk.page.get_by_role("heading", level=1)).to_have_text(other)


def test_the_team_is_shown_as_it_works(open_desk: Opens, book: DeskBook) -> None:
    investigator = open_desk("ines")
    case = book.case("NOT blinded AND amount < 20000")
    claim = investigator.take(case["case_id"])
    investigator.press("f", "1", "Enter")
    held = investigator.next_case(after=claim)
    investigator.page.wait_for_timeout(UNDO)  # until then, it is nobody's decision
    lead = open_desk("leo", "#/team?line=motor")
    [counted] = book.deployed.query(
        "SELECT (SELECT count(*) FROM claimwatch.review_case"
        " WHERE line = 'motor' AND state IN ('open', 'second_look', 'third_look')) AS open,"
        " (SELECT count(*) FROM claimwatch.decision AS d"
        " LEFT JOIN claimwatch.decision_undo AS u USING (decision_id)"
        " WHERE d.line = 'motor' AND d.by = 'ines' AND u.decision_id IS NULL) AS decided"
    )
    assert figure(lead, "Open cases") == str(counted["open"])
    person = lead.page.get_by_role("region", name="How people decide").get_by_role("row", name="ines")
    expect(person.get_by_role("cell").first).to_have_text(str(counted["decided"]))
    holds = lead.page.get_by_role("region", name="Who holds what").get_by_role("row", name=held)
    expect(holds.get_by_role("cell", name=re.compile("^ines since"))).to_be_visible()
    expect(lead.page.get_by_role("img", name=re.compile("^Capacity"))).to_be_visible()
    investigator.page.get_by_role("button", name="Release").click()
    expect(investigator.page.get_by_role("button", name=re.compile("^Take this case"))).to_be_visible()


def test_the_report_of_a_week_is_read_in_its_frame(open_desk: Opens, book: DeskBook, week: str) -> None:
    desk = open_desk("dana", f"#/weeks/motor?week={week}")
    expect(desk.page.get_by_role("heading", name=f"Week {week}")).to_be_visible()
    before = book.events("weeks.report", "dana")
    desk.page.get_by_role("button", name="Show the report").click()
    frame = desk.page.frame_locator(f'iframe[title^="Report of week {week}"]')
    expect(frame.get_by_role("heading", level=1)).to_contain_text(f"Line motor, week {week}")
    # The policy takes the style out of the page; the desk gives it back.
    assert frame.locator("body").evaluate("body => document.adoptedStyleSheets.length") == 1
    assert desk.findings() == []
    assert book.events("weeks.report", "dana") == before + 1


def test_the_card_of_a_model_is_read_in_its_frame(open_desk: Opens, book: DeskBook) -> None:
    desk = open_desk("dana", "#/models/motor")
    before = book.events("models.card", "dana")
    desk.page.get_by_role("button", name=f"Show the card of model {book.candidate}").click()
    frame = desk.page.frame_locator(f'iframe[title^="Card of model {book.candidate}"]')
    expect(frame.get_by_text("A model of a test.")).to_be_visible()
    assert book.events("models.card", "dana") == before + 1
