"""What is done with a case besides deciding it; each look at personal data is on record."""

import re

from playwright.sync_api import expect

from tests.browser.book import DeskBook
from tests.browser.conftest import Opens
from tests.browser.desk import UNDO, Desk


def release(desk: Desk) -> None:
    desk.page.get_by_role("button", name="Release").click()
    expect(desk.page.get_by_role("button", name=re.compile("^Take this case"))).to_be_visible()


def test_a_decision_is_taken_back_with_a_key_and_its_case_comes_back(
    open_desk: Opens, book: DeskBook
) -> None:
    desk = open_desk("ida")
    claim = desk.take(book.case("NOT blinded AND amount < 20000")["case_id"])
    desk.press("f", "2", "Enter")
    desk.next_case(after=claim)
    desk.press("u")
    expect(desk.page.get_by_role("heading", level=1)).to_have_text(claim)
    assert desk.page.locator("form.decide input:checked").count() == 2  # what was chosen is kept
    [decision] = book.decisions(claim, "ida")
    undone = book.deployed.query(
        "SELECT by FROM claimwatch.decision_undo WHERE decision_id = %s", decision["decision_id"]
    )
    assert [row["by"] for row in undone] == ["ida"]
    release(desk)


def test_a_large_amount_needs_a_second_person_who_does_not_see_the_first_verdict(
    open_desk: Opens, book: DeskBook
) -> None:
    case = book.case("amount >= 20000")
    first = open_desk("ines")
    claim = first.take(case["case_id"])
    first.press("f", "1", "t")
    first.page.keyboard.type("the invoice is copied")
    first.press("Enter")
    first.next_case(after=claim)
    release(first)
    first.page.wait_for_timeout(UNDO)  # until then, nobody else gets the case

    second = open_desk("ivan")
    second.take(case["case_id"])
    expect(second.page.get_by_text("Second look: decide for yourself")).to_be_visible()
    assert "the invoice is copied" not in second.page.content()
    second.press("f", "1", "Enter")
    second.next_case(after=claim)
    release(second)
    second.show(f"#/case/{case['case_id']}")
    expect(second.page.get_by_text("the invoice is copied")).to_be_visible()
    [row] = book.deployed.query(
        "SELECT state FROM claimwatch.review_case WHERE case_id = %s", case["case_id"]
    )
    assert row["state"] == "decided"


def test_a_skipped_a_snoozed_and_a_handed_over_case_do_not_come_back(
    open_desk: Opens, book: DeskBook
) -> None:
    desk = open_desk("ilse")
    desk.press("n")
    claims = [desk.next_case()]
    desk.press("s")
    claims.append(desk.next_case(after=claims[-1]))
    desk.press("z")
    desk.page.get_by_role("dialog").get_by_label("Reason").fill("the expert answers tomorrow")
    desk.press("Enter")
    claims.append(desk.next_case(after=claims[-1]))
    desk.press("g")
    desk.page.get_by_role("dialog").get_by_label("To", exact=True).fill("ines")
    desk.page.get_by_role("dialog").get_by_label("Reason").fill("knows the workshop")
    desk.press("Enter")
    claims.append(desk.next_case(after=claims[-1]))
    assert len(set(claims)) == 4
    release(desk)
    rows = book.deployed.query(
        "SELECT claim_id, assigned_to, snoozed_until IS NOT NULL AS snoozed FROM claimwatch.review_case"
        " WHERE claim_id = ANY(%s)",
        claims[1:3],
    )
    found = {row["claim_id"]: (row["assigned_to"], row["snoozed"]) for row in rows}
    assert found[claims[1]][1]
    assert found[claims[2]][0] == "ines"


def test_personal_values_are_hidden_until_a_reason_is_given_and_each_look_is_one_event(
    open_desk: Opens, book: DeskBook
) -> None:
    desk = open_desk("ida")
    before = book.events("claim.unmask", "ida")
    desk.take(book.case("NOT blinded")["case_id"])
    hidden = desk.page.get_by_text("hidden, because it is personal")
    before_it = hidden.count()
    desk.page.get_by_role("button", name="Show personal values").click()
    desk.page.get_by_role("dialog").get_by_label(re.compile("^Reason")).fill("call the policyholder")
    desk.page.get_by_role("button", name="Show them").click()
    expect(desk.page.get_by_text("Personal values are shown").first).to_be_visible()
    expect(hidden).not_to_have_count(before_it)
    assert hidden.count() < before_it
    assert book.events("claim.unmask", "ida") == before + 1
    release(desk)


def test_a_photo_is_seen_in_full_and_names_the_other_claim_with_it(open_desk: Opens, book: DeskBook) -> None:
    desk = open_desk("ines")
    before = book.events("photo.view", "ines")
    desk.show(f"#/case/{book.photographed()['case_id']}")
    expect(desk.page.get_by_text(re.compile("also used in 1 claim")).first).to_be_visible()
    desk.press("p")
    viewer = desk.page.get_by_role("dialog")
    expect(viewer.get_by_role("img", name=re.compile("Photo 1 of 2"))).to_be_visible()
    viewer.get_by_role("button", name=re.compile("Rotate")).click()
    assert desk.findings() == []
    assert book.events("photo.view", "ines") == before + 1


def test_a_what_if_asks_the_model_and_changes_nothing(open_desk: Opens, book: DeskBook) -> None:
    case = book.case("NOT blinded")
    desk = open_desk("ida")
    before = book.events("claim.what_if", "ida")
    desk.show(f"#/case/{case['case_id']}")
    desk.page.get_by_label("Claim amount").fill("95000")
    desk.page.get_by_role("button", name="Ask the model").click()
    expect(desk.page.get_by_text(re.compile("as it is, .* as changed")).first).to_be_visible(timeout=60_000)
    assert book.events("claim.what_if", "ida") == before + 1
    [row] = book.deployed.query(
        "SELECT amount FROM claimwatch.review_case WHERE case_id = %s", case["case_id"]
    )
    assert row["amount"] == case["amount"]


def test_a_blinded_case_shows_nothing_of_its_score(open_desk: Opens, book: DeskBook) -> None:
    desk = open_desk("ida")
    for origin in ("random_audit", "referral"):
        desk.show(f"#/case/{book.case('blinded AND origin = %s', origin)['case_id']}")
        expect(desk.page.get_by_text(re.compile("hidden until the decision"))).to_be_visible()
        shown = desk.page.get_by_role("main").inner_text()
        assert not re.search(r"probability of fraud of|random|referr|audit", shown, re.IGNORECASE)
