"""Journeys of a lead, a data scientist and an auditor."""

import re

from playwright.sync_api import expect

from tests.browser.book import DeskBook
from tests.browser.conftest import Opens
from tests.deployed import eventually


def test_a_lead_gives_a_held_case_to_somebody_else(open_desk: Opens, book: DeskBook) -> None:
    investigator = open_desk("ivan")
    claim = investigator.take(book.case()["case_id"])
    lead = open_desk("leo", "#/team?line=motor")
    lead.page.get_by_role("button", name=f"Reassign claim {claim}").click()
    dialog = lead.page.get_by_role("dialog")
    dialog.get_by_label("To", exact=True).select_option(label="Somebody else …")
    dialog.get_by_label(re.compile("^Name")).fill("ilse")
    dialog.get_by_label(re.compile("^Reason")).fill("ivan is ill")
    dialog.get_by_role("button", name="Reassign").click()
    expect(dialog).not_to_be_visible()
    [row] = book.deployed.query("SELECT assigned_to FROM claimwatch.review_case WHERE claim_id = %s", claim)
    assert row["assigned_to"] == "ilse"


def test_who_may_promote_promotes_a_model_with_a_reason(open_desk: Opens, book: DeskBook) -> None:
    desk = open_desk("leo", "#/models/motor")
    desk.page.get_by_role("button", name=f"Promote model {book.candidate}").click()
    dialog = desk.page.get_by_role("dialog")
    dialog.get_by_label(re.compile("^Challenger")).check()
    dialog.get_by_label(re.compile("^Reason")).fill("compared by the desk's test")
    dialog.get_by_role("button", name="Request the promotion").click()
    expect(dialog).not_to_be_visible()
    assert book.events("model.promote", "leo") == 1
    eventually(
        lambda: bool(
            book.deployed.query(
                "SELECT 1 FROM claimwatch.live_model WHERE role = 'challenger' AND version = %s",
                book.candidate,
            )
        ),
        "the model is live as a challenger",
    )


def test_an_auditor_filters_verifies_and_exports_the_record(open_desk: Opens, book: DeskBook) -> None:
    ida = open_desk("ida")
    ida.show("#/queue")
    desk = open_desk("axel", "#/audit")
    desk.page.get_by_label("Person").fill("ida")
    desk.page.get_by_role("button", name="Show", exact=True).click()
    desk.settle()
    expect(desk.page.get_by_role("cell", name="queue.list").first).to_be_visible()
    with desk.page.expect_download() as downloading:
        desk.page.get_by_role("button", name="As CSV").click()
    content = downloading.value.path().read_text("utf-8")
    assert "queue.list" in content
    assert "ida" in content
    desk.page.get_by_role("button", name=re.compile("^Verify")).click()
    expect(desk.page.get_by_text(re.compile("intact|agree", re.IGNORECASE)).first).to_be_visible(
        timeout=60_000
    )
