"""A case is decided once, by its holder, and a second person agrees where the contract asks for it."""

import hashlib
import json
import uuid
from typing import Any

import pytest

from claimwatch.storage import case_api
from tests.integration.desk.environment import DRIVER, Book, Scored, decision, investigator, lead, person
from tests.integration.desk.test_queue import refusal


def test_a_decision_records_verdict_grounds_note_and_what_was_shown(book: Book) -> None:
    book.receive(Scored("a", 0.75, 900))
    book.query("UPDATE claimwatch.review_case SET blinded = false RETURNING 1")
    case = book.next()
    asked = decision(case)
    answer = book.ask("decide", investigator(), **asked)
    assert answer.document["state"] == "decided"
    shown = answer.document["decision"]
    assert shown["decision_id"] == asked["decision_id"]
    assert (shown["verdict"], shown["grounds"], shown["by"]) == ("fraud", ["staged_event"], "ida")
    assert (shown["final"], shown["second_of"], shown["undone"]) == (True, None, False)
    assert shown["undo_until"] == answer.document["undo_until"] is not None
    [row] = book.query("SELECT * FROM claimwatch.decision")
    assert (row["model_version"], row["seconds"], row["note"]) == ("1", 42.5, asked["note"])
    assert row["shown"] == case["score"]
    [stored] = book.query("SELECT shown::text AS text FROM claimwatch.decision")
    assert bytes(row["shown_sha256"]) == hashlib.sha256(stored["text"].encode()).digest()
    closed = book.case("a")
    assert (closed["state"], str(closed["decision_id"]), closed["holder"]) == (
        "decided",
        asked["decision_id"],
        None,
    )
    assert closed["closed_at"] == row["at"]


def test_the_decision_on_a_blinded_case_says_that_nothing_was_shown(book: Book) -> None:
    book.receive(Scored("a", 0.1, 900, referred=False, audited=True))
    case = book.next()
    assert (case["score"], case["similar"], case["origin"], case["blinded"]) == (None, None, None, True)
    book.decided(case)
    [row] = book.query("SELECT * FROM claimwatch.decision")
    assert (row["shown"], row["shown_sha256"], row["model_version"]) == (None, None, "1")
    still = book.read(case)
    assert (still["score"], still["origin"], still["blinded"]) == (None, None, True)
    book.let_time_pass("a")
    after = book.read(case)
    assert (after["origin"], after["blinded"]) == ("random_audit", False)
    assert after["score"]["probability"] == 0.1


def test_the_same_decision_sent_again_has_the_same_answer_and_another_is_refused(book: Book) -> None:
    book.receive(Scored("a"))
    case = book.next()
    asked = decision(case)
    first = book.ask("decide", investigator(), **asked)
    again = book.ask("decide", investigator(), **asked)
    assert again == first
    assert refusal(book.ask("decide", investigator(), **asked | {"verdict": "not_fraud"})) == "conflict"
    assert refusal(book.ask("decide", investigator("ben"), **asked)) == "conflict"
    assert len(book.query("SELECT * FROM claimwatch.decision")) == 1
    assert refusal(book.decide(case)) == "decided"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"if_match": None}, "precondition"),
        ({"if_match": ""}, "precondition"),
        ({"if_match": "*"}, "changed"),
        ({"if_match": '"v1"'}, "changed"),
        ({"if_match": "2"}, "changed"),
        ({"generation": 0}, "stale"),
        ({"generation": 2}, "stale"),
        ({"generation": None}, "malformed"),
        ({"generation": "x"}, "malformed"),
        ({"generation": 1e300}, "malformed"),
        ({"decision_id": "x"}, "malformed"),
        ({"decision_id": None}, "malformed"),
        ({"verdict": "guilty"}, "malformed"),
        ({"verdict": None}, "malformed"),
        ({"grounds": []}, "malformed"),
        ({"grounds": None}, "malformed"),
        ({"grounds": "other"}, "malformed"),
        ({"grounds": ["other", "other"]}, "malformed"),
        ({"grounds": ["a hunch"]}, "malformed"),
        ({"grounds": [None]}, "malformed"),
        ({"note": "x" * 4001}, "malformed"),
        ({"seconds": -1}, "malformed"),
        ({"seconds": "NaN"}, "malformed"),
        ({"second_look": "perhaps"}, "malformed"),
        ({"case_id": str(uuid.uuid4())}, "not_found"),
        ({"case_id": "x"}, "not_found"),
        ({"case_id": None}, "not_found"),
    ],
)
def test_a_decision_that_is_not_right_is_refused_and_changes_nothing(
    book: Book, changed: dict[str, Any], code: str
) -> None:
    book.receive(Scored("a"))
    case = book.next()
    before = book.case("a")
    assert refusal(book.ask("decide", investigator(), **decision(case, **changed))) == code
    assert book.case("a") == before
    assert book.query("SELECT * FROM claimwatch.decision") == []


def test_grounds_are_those_of_the_contract(book: Book) -> None:
    book.receive(Scored("a"))
    book.query(
        "UPDATE claimwatch.contract SET compiled = jsonb_set(compiled, '{grounds}', '[\"hunch\", \"proof\"]')"
        " WHERE line = 'glass' RETURNING 1"
    )
    case = book.next()
    assert case["grounds"] == ["hunch", "proof"]
    assert refusal(book.decide(case)) == "malformed"
    assert book.decided(case, grounds=["proof"])["state"] == "decided"


def test_an_outcome_from_outside_ends_the_case_under_the_hands_of_its_holder(book: Book) -> None:
    book.receive(Scored("a"))
    case = book.next()
    book.settle("claim_id,is_fraud,decided_at,decided_by,source\na,true,2026-01-05T00:00:00Z,ann,complaint\n")
    assert refusal(book.decide(case)) == "not_open"
    assert book.read(case)["outcome"]["is_fraud"] is True


# -- Second and third look -----------------------------------------------------------------------------------


def second_look(book: Book, **first: Any) -> dict[str, Any]:
    """Let ida decide a case of 900 first, of a line where 500 needs a second look, and return the case."""
    book.add_line()
    book.set_terms(second_look_above=500)
    book.receive(Scored("a", 0.5, 900))
    case = book.next()
    assert case["needs_second_look"] is True
    answer = book.decided(case, **first)
    assert (answer["state"], answer["decision"]["final"]) == ("second_look", False)
    book.let_time_pass("a")
    return case


def test_a_small_amount_needs_one_person_and_a_large_one_two(book: Book) -> None:
    second_look(book)
    assert book.next("ida") is None
    case = book.next("ben")
    assert case["state"] == "second_look"
    answer = book.decided(case, "ben")
    assert (answer["state"], answer["decision"]["final"]) == ("decided", True)
    first, second = book.query("SELECT * FROM claimwatch.decision ORDER BY at")
    assert second["second_of"] == first["decision_id"]
    assert book.case("a")["decision_id"] == second["decision_id"]


def test_the_second_person_does_not_see_what_the_first_one_decided(book: Book) -> None:
    second_look(book)
    case = book.next("ben")
    [hidden] = case["decisions"]
    assert (hidden["verdict"], hidden["grounds"], hidden["note"], hidden["by"]) == (None, [], None, "ida")
    assert book.read(case, "ida")["decisions"][0]["verdict"] == "fraud"
    assert book.ask("case", lead(), case_id=case["case_id"]).document["decisions"][0]["verdict"] is None
    assert "fraud" not in json.dumps(case["events"])
    book.decided(case, "ben")
    assert [each["verdict"] for each in book.read(case, "ben")["decisions"]] == ["fraud", "fraud"]


def test_a_third_person_decides_where_two_disagree(book: Book) -> None:
    second_look(book)
    case = book.next("ben")
    assert book.decided(case, "ben", verdict="not_fraud")["state"] == "third_look"
    book.let_time_pass("a")
    assert book.next("ida") is None
    assert book.next("ben") is None
    third = book.next("eve")
    assert [each["verdict"] for each in third["decisions"]] == [None, None]
    answer = book.decided(third, "eve", verdict="inconclusive")
    assert (answer["state"], answer["decision"]["final"]) == ("decided", True)


def test_nobody_confirms_an_own_decision_by_any_way(book: Book) -> None:
    case = second_look(book)
    assert refusal(book.act("take", case)) == "own_decision"
    held = book.next("ben")
    assert refusal(book.act("hand_over", held, "ben", to="ida", reason="back")) == "own_decision"
    assigned = {"case_id": case["case_id"], "to": "ida", "reason": "x", "if_match": f'"v{held["version"]}"'}
    assert refusal(book.ask("assign", lead(), **assigned)) == "own_decision"
    book.query("UPDATE claimwatch.review_case SET holder = 'ida' RETURNING 1")
    assert refusal(book.decide(held, "ida")) == "own_decision"


def test_a_second_look_can_be_asked_for_at_any_amount(book: Book) -> None:
    book.receive(Scored("a"))
    case = book.next()
    assert case["needs_second_look"] is False
    assert book.decided(case, second_look=True)["state"] == "second_look"


def test_a_case_waits_for_its_second_look_until_the_first_cannot_be_undone(book: Book) -> None:
    book.receive(Scored("a"))
    case = book.next()
    first = book.decided(case, second_look=True)
    assert book.next("ben") is None
    assert refusal(book.act("take", case, "ben")) == "not_yet"
    undone = book.ask(
        "undo", investigator(), case_id=case["case_id"], decision_id=first["decision"]["decision_id"]
    )
    assert undone.document["case"]["state"] == "open"


# -- Undo ----------------------------------------------------------------------------------------------------


def undo(book: Book, answer: dict[str, Any], case: dict[str, Any], name: str = "ida") -> Any:
    return book.ask(
        "undo", investigator(name), case_id=case["case_id"], decision_id=answer["decision"]["decision_id"]
    )


def test_an_undone_decision_gives_the_case_back_and_can_be_taken_again(book: Book) -> None:
    book.receive(Scored("a"))
    case = book.next()
    answer = book.decided(case)
    back = undo(book, answer, case).document["case"]
    assert (back["state"], back["lease"]["mine"]) == ("open", True)
    assert back["lease"]["generation"] > case["lease"]["generation"]
    assert [(each["undone"], each["undo_until"]) for each in back["decisions"]] == [(True, None)]
    assert refusal(book.decide(case)) == "stale"
    assert book.decided(back, verdict="not_fraud")["state"] == "decided"
    standing = book.query(
        "SELECT verdict FROM claimwatch.decision AS d WHERE NOT EXISTS"
        " (SELECT FROM claimwatch.decision_undo AS u WHERE u.decision_id = d.decision_id)"
    )
    assert standing == [{"verdict": "not_fraud"}]


def test_the_same_undo_sent_again_has_the_same_effect(book: Book) -> None:
    book.receive(Scored("a"))
    case = book.next()
    answer = book.decided(case)
    first = undo(book, answer, case).document["case"]
    second = undo(book, answer, case).document["case"]
    assert second["lease"]["generation"] == first["lease"]["generation"]
    assert len(book.query("SELECT * FROM claimwatch.decision_undo")) == 1


def test_an_undo_is_refused_to_others_after_a_while_and_of_an_earlier_decision(book: Book) -> None:
    book.receive(Scored("a"))
    case = book.next()
    answer = book.decided(case)
    assert refusal(undo(book, answer, case, "ben")) == "forbidden"
    wrong = book.ask("undo", investigator(), case_id=case["case_id"], decision_id="x")
    assert refusal(wrong) == "malformed"
    book.let_time_pass("a", seconds=16)
    assert refusal(undo(book, answer, case)) == "too_late"
    assert book.case("a")["state"] == "decided"


def test_an_undone_second_look_waits_for_a_second_person_again(book: Book) -> None:
    second_look(book)
    case = book.next("ben")
    answer = book.decided(case, "ben", verdict="not_fraud")
    back = undo(book, answer, case, "ben").document["case"]
    assert back["state"] == "second_look"
    assert book.decided(back, "ben")["state"] == "decided"


# -- What is shown -------------------------------------------------------------------------------------------


def test_a_case_shows_its_claim_by_groups_and_masks_as_the_claim_itself_does(book: Book) -> None:
    book.receive(Scored("a", 0.75, 900))
    book.query("UPDATE claimwatch.review_case SET blinded = false RETURNING 1")
    book.query(
        "UPDATE claimwatch.contract SET compiled = jsonb_set(jsonb_set(compiled,"
        " '{columns,2,group}', '\"Money\"'), '{columns,2,what_if}', 'true') WHERE line = 'glass' RETURNING 1"
    )
    case = book.next()
    groups = {group["name"]: [each["name"] for each in group["columns"]] for group in case["groups"]}
    assert groups == {"Claim": ["claim_id", "broken_on", "panes", "driver", "story"], "Money": ["amount"]}
    [amount] = case["groups"][1]["columns"]
    assert (amount["value"], amount["minimum"], amount["maximum"], amount["what_if"]) == (900, 0, 5000, True)
    assert case["masked"] == ["driver", "story"]
    assert DRIVER not in json.dumps(case)
    with book.database.as_task("api").transaction() as cursor:
        claim = case_api.read_claim(cursor, "glass", "a", investigator()).document
    assert claim["masked"] == case["masked"]
    shown = {each["name"]: each["value"] for group in case["groups"] for each in group["columns"]}
    assert {each["name"]: each["value"] for each in claim["columns"]} == shown
    assert case["score"]["reasons"] == claim["score"]["reasons"]
    assert case["contract_version"] == "1.0.0"


def test_a_reason_of_a_masked_column_is_shown_without_its_text(book: Book) -> None:
    book.receive(Scored("a"))
    book.query(
        "UPDATE claimwatch.review_case SET blinded = false RETURNING 1",
    )
    book.query(
        "UPDATE claimwatch.contract SET compiled = jsonb_set(compiled, '{columns,2,personal}', 'true')"
        " WHERE line = 'glass' RETURNING 1"
    )
    reasons = book.next()["score"]["reasons"]
    assert [("text" in each, each.get("masked", False)) for each in reasons] == [(False, True), (True, False)]
    [answer] = [book.decided(book.next())]
    assert answer["state"] == "decided"
    [row] = book.query("SELECT shown FROM claimwatch.decision")
    assert "amount 900" not in json.dumps(row["shown"])


def test_a_claim_with_an_undecided_case_never_tells_why_it_is_one(book: Book) -> None:
    book.receive(
        Scored("audit", 0.1, referred=False, audited=True),
        Scored("open", 0.7),
        Scored("none", 0.1, referred=False),
    )
    book.query("UPDATE claimwatch.review_case SET blinded = (claim_id = 'audit') RETURNING 1")

    def read(claim: str) -> dict[str, Any]:
        with book.database.as_task("api").transaction() as cursor:
            return case_api.read_claim(cursor, "glass", claim, investigator()).document

    assert (read("audit")["score"], read("audit")["blinded"]) == (None, True)
    assert "referred" not in read("open")["score"]
    assert read("none")["score"]["referred"] is False
    for _ in range(2):
        book.decided(book.next())
    assert read("audit")["score"] is None
    book.let_time_pass("audit")
    book.let_time_pass("open")
    assert read("audit")["score"]["referred"] is False
    assert read("open")["score"]["referred"] is True


def test_what_scores_did_to_an_undecided_case_is_not_shown(book: Book) -> None:
    """Audited claims are never withdrawn, so a case that was must be a referral."""
    file_id = book.receive(Scored("a"))
    book.show_scores("a")
    book.score(file_id, [Scored("a", 0.1, referred=False)], version="2")
    book.score(file_id, [Scored("a", 0.9)], version="3")
    case = book.next()
    assert [event["actor"] for event in case["events"]] == ["ida"]
    assert case["blinded"] is False
    book.decided(case)
    book.let_time_pass("a")
    assert [event["action"] for event in book.read(case)["events"]] == [
        "withdraw",
        "reopen",
        "next",
        "decide",
    ]


def test_a_case_says_how_claims_with_the_same_reasons_were_decided(book: Book) -> None:
    book.receive(Scored("old"), Scored("a"))
    book.query("UPDATE claimwatch.review_case SET blinded = false RETURNING 1")
    book.settle(
        "claim_id,is_fraud,decided_at,decided_by,source\nold,true,2026-01-05T00:00:00Z,ann,complaint\n"
    )
    similar = book.next()["similar"]
    assert (similar["reasons"], similar["decided"], similar["fraud"]) == (["amount", "panes"], 1, 1)
    assert [each["claim_id"] for each in similar["newest"]] == ["old"]


# -- Every function and every permission ---------------------------------------------------------------------

NEEDED = {
    "queue": {"case.decide", "case.assign"},
    "next_case": {"case.decide"},
    "case": {"claim.read"},
    "decide": {"case.decide"},
    "undo": {"case.decide"},
    "case_action": {"case.decide"},
    "assign": {"case.assign"},
    "people": {"case.decide", "case.assign"},
}
PERMISSIONS = (
    "claim.read", "claim.unmask", "case.decide", "case.assign", "photo.view", "model.read", "model.train",
    "model.promote", "audit.read", "person.erase",
)  # fmt: skip


@pytest.fixture(scope="module")
def granted(shared_book: Book) -> Book:
    """A book in which a person has each permission for each of two lines, and an open case in both."""
    shared_book.receive(Scored("a"))
    shared_book.receive(Scored("b"), line="pane")
    for permission in PERMISSIONS:
        for line in ("glass", "pane", "*"):
            shared_book.query(
                "INSERT INTO claimwatch.permission (grantee, permission, line, granted_by, why)"
                " VALUES (%s, %s, %s, 'test', 'test') RETURNING 1",
                f"person:{permission} {line}",
                permission,
                line,
            )
    return shared_book


@pytest.mark.parametrize("function", NEEDED)
@pytest.mark.parametrize("permission", PERMISSIONS)
def test_each_function_is_open_to_those_with_its_permission_on_the_line_and_to_nobody_else(
    granted: Book, function: Any, permission: str
) -> None:
    cases = {line: granted.case(claim, line) for claim, line in (("a", "glass"), ("b", "pane"))}
    about_a_case = "case_id" if function not in ("queue", "next_case", "people") else None
    for line in ("glass", "pane", "*"):
        caller = person(f"{permission} {line}")
        for of_line, case in cases.items():
            asked: dict[str, Any] = {about_a_case: str(case["case_id"])} if about_a_case else {}
            if function == "next_case":
                asked = {"lines": []}
            answer = granted.ask(function, caller, **asked)
            code = answer.document.get("code", "answered")
            if permission not in NEEDED[function]:
                assert code == "forbidden"
            elif about_a_case and line not in (of_line, "*"):
                assert code == "not_found"
            else:
                assert code not in ("forbidden", "not_found", "purpose")
            nobody = granted.ask(function, person(caller.actor, purpose="curiosity"), **asked)
            assert nobody.document["code"] == "purpose"


def test_the_matrix_has_every_function_of_the_queue_and_its_cases(granted: Book) -> None:
    found = granted.query(
        "SELECT p.proname::text AS name FROM pg_proc AS p WHERE p.pronamespace = 'claimwatch'::regnamespace"
        " AND p.prosecdef AND p.proname LIKE 'api\\_%%' AND p.prosrc LIKE '%%review_case%%'"
        " AND pg_get_function_identity_arguments(p.oid)"
        " = 'asked jsonb, actor text, groups text[], purpose text, request_id text'"
    )
    assert {row["name"].removeprefix("api_") for row in found} <= {
        *NEEDED, "search", "links", "team", "statistics", "photos", "photo", "unmask", "what_if", "people"
    }  # fmt: skip
