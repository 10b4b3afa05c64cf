"""Who is handed which case, and what becomes of it other than a decision."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from claimwatch.storage.case_api import Answer
from tests.integration.desk.environment import Book, Scored, investigator, lead, person


def refusal(answer: Answer) -> str:
    """Return the code of a refusal."""
    assert answer.outcome != "answered", answer
    return str(answer.document["code"])


def test_the_case_with_most_at_stake_comes_first(book: Book) -> None:
    book.receive(Scored("small", 0.9, 10), Scored("large", 0.6, 4000), Scored("middle", 0.8, 1000))
    found = [book.next(name)["claim_id"] for name in ("ida", "ben", "eve")]
    assert found == ["large", "middle", "small"]
    assert book.next("uli") is None


def test_cases_of_several_lines_come_in_one_order(book: Book) -> None:
    book.receive(Scored("g-1", 0.5, 1000), Scored("g-2", 0.5, 10))
    book.receive(Scored("p-1", 0.5, 500), Scored("p-2", 0.5, 5), line="pane")
    names = ("ida", "ben", "eve", "uli")
    assert [book.next(name)["claim_id"] for name in names] == ["g-1", "p-1", "g-2", "p-2"]


def test_lines_narrow_the_queue_and_those_that_are_not_granted_are_left_out(book: Book) -> None:
    book.receive(Scored("g-1", 0.5, 1000))
    book.receive(Scored("p-1", 0.5, 500), line="pane")
    assert book.next("ida", lines=["pane"])["claim_id"] == "p-1"
    book.query(
        "INSERT INTO claimwatch.permission (grantee, permission, line, granted_by, why)"
        " VALUES ('person:uli', 'case.decide', 'pane', 'test', 'test') RETURNING 1"
    )
    assert book.ask("next_case", person("uli"), lines=["glass"]).document == {"case": None, "waiting": 0}


def test_a_person_keeps_the_case_until_the_lease_ends(book: Book) -> None:
    book.receive(Scored("a", 0.9, 1000), Scored("b", 0.5, 100))
    first = book.next()
    again = book.next()
    assert first["claim_id"] == again["claim_id"] == "a"
    assert first["lease"]["generation"] == again["lease"]["generation"] == 1
    assert first["version"] == again["version"]
    assert first["lease"]["mine"] is True
    minutes = (datetime.fromisoformat(first["lease"]["until"]) - datetime.now(UTC)).total_seconds() / 60
    assert 14 < minutes <= 15
    assert book.next("ben")["claim_id"] == "b"
    book.end_lease("a")
    taken = book.next("eve")
    assert (taken["claim_id"], taken["lease"]["generation"]) == ("a", 2)
    assert book.read(taken, "ben")["lease"]["mine"] is False


def test_a_lease_that_ended_has_another_generation_even_for_the_same_person(book: Book) -> None:
    book.receive(Scored("a"))
    first = book.next()
    book.end_lease("a")
    assert refusal(book.decide(first)) == "stale"
    second = book.next()
    assert second["lease"]["generation"] == first["lease"]["generation"] + 1
    assert refusal(book.decide(second, generation=first["lease"]["generation"])) == "stale"
    assert book.decided(second)["state"] == "decided"


def test_a_renewed_lease_lasts_longer_and_does_not_change_the_version(book: Book) -> None:
    book.receive(Scored("a"))
    case = book.next()
    book.query(
        "UPDATE claimwatch.review_case SET lease_until = clock_timestamp() + interval '1 min' RETURNING 1"
    )
    held = book.act("renew", case).document
    assert held["version"] == case["version"]
    assert held["lease"]["until"] > (datetime.now(UTC) + timedelta(minutes=14)).isoformat()
    book.end_lease("a")
    assert refusal(book.act("renew", case)) == "stale"


def test_a_skipped_case_goes_to_others_only(book: Book) -> None:
    book.receive(Scored("a", 0.9, 1000), Scored("b", 0.5, 100))
    case = book.next()
    assert book.act("skip", case).document["lease"] is None
    assert book.next()["claim_id"] == "b"
    assert book.next("ben")["claim_id"] == "a"
    book.query("UPDATE claimwatch.case_skip SET until = clock_timestamp() RETURNING 1")
    book.end_lease("a")
    book.end_lease("b")
    assert book.next()["claim_id"] == "a"


def test_a_snoozed_case_goes_to_nobody_until_then(book: Book) -> None:
    book.receive(Scored("a"))
    case = book.next()
    until = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    book.act("snooze", case, until=until)
    assert book.next() is None
    assert book.next("ben") is None
    assert datetime.fromisoformat(book.read(case)["snoozed_until"]) == datetime.fromisoformat(until)
    book.query("UPDATE claimwatch.review_case SET snoozed_until = clock_timestamp() RETURNING 1")
    assert book.next("ben")["claim_id"] == "a"


def test_a_case_that_is_handed_over_comes_first_to_that_person_and_to_nobody_else(book: Book) -> None:
    book.receive(Scored("a", 0.9, 1000), Scored("b", 0.5, 100), Scored("c", 0.5, 10))
    case = book.next()
    assert book.act("hand_over", case, to="ben", reason="he knows the garage").outcome == "answered"
    assert book.next("eve")["claim_id"] == "b"
    book.next("uli")
    assert book.next("ben")["claim_id"] == "a"
    event = book.read(case)["events"][1]
    assert (event["actor"], event["action"], event["reason"]) == ("ida", "hand_over", "he knows the garage")


def test_a_released_case_waits_again(book: Book) -> None:
    book.receive(Scored("a"))
    case = book.next()
    book.act("release", case)
    assert refusal(book.decide(case)) == "stale"
    assert book.next("ben")["claim_id"] == "a"


def test_a_case_is_taken_from_the_list_unless_it_is_held_or_assigned_to_somebody_else(book: Book) -> None:
    book.receive(Scored("a", 0.9, 1000), Scored("b", 0.5, 100))
    listed = {each["claim_id"]: each for each in book.ask("queue", investigator()).document["cases"]}
    held = book.act("take", listed["b"]).document
    assert held["lease"]["holder"] == "ida"
    assert refusal(book.act("take", listed["b"], "ben")) == "held"
    assert book.act("take", listed["b"]).document["lease"]["generation"] == held["lease"]["generation"]
    answer = book.ask(
        "assign", lead(), case_id=listed["a"]["case_id"], to="eve", reason="hers", if_match='"v1"'
    )
    assert answer.outcome == "answered"
    assert refusal(book.act("take", listed["a"], "ben")) == "forbidden"
    assert book.act("take", listed["a"], "eve").outcome == "answered"


def test_a_lead_assigns_a_case_and_whoever_held_it_loses_it(book: Book) -> None:
    book.receive(Scored("a"))
    case = book.next()
    stale = {"case_id": case["case_id"], "to": "ben", "reason": "ida is ill"}
    assert refusal(book.ask("assign", lead(), **stale)) == "precondition"
    assert refusal(book.ask("assign", lead(), **stale, if_match='"v1"')) == "changed"
    answer = book.ask("assign", lead(), **stale, if_match=f'"v{case["version"]}"')
    assert answer.outcome == "answered"
    assert refusal(book.decide(case)) == "stale"
    assert book.next() is None
    mine = book.next("ben")
    assert (mine["claim_id"], mine["assigned_to"]) == ("a", "ben")
    freed = book.ask(
        "assign", lead(), case_id=case["case_id"], to=None, reason="back", if_match=f'"v{mine["version"]}"'
    )
    assert freed.outcome == "answered"
    assert book.next("ida")["claim_id"] == "a"


@pytest.mark.parametrize(
    "asked",
    [
        {"action": "steal"},
        {"action": "skip", "generation": None},
        {"action": "skip", "generation": "x"},
        {"action": "snooze", "until": "2020-01-01T00:00:00Z"},
        {"action": "snooze", "until": "9999-01-01T00:00:00Z"},
        {"action": "snooze", "until": "tomorrow-ish"},
        {"action": "hand_over", "to": "ben"},
        {"action": "hand_over", "reason": "why"},
        {"action": "hand_over", "to": "ida", "reason": "to myself"},
        {"action": "release", "reason": "x" * 2001},
    ],
)
def test_a_malformed_action_changes_nothing(book: Book, asked: dict[str, Any]) -> None:
    book.receive(Scored("a"))
    case = book.next()
    before = book.case("a")
    assert refusal(book.act(asked.pop("action"), case, **asked)) == "malformed"
    assert book.case("a") == before


def test_the_list_is_ordered_by_due_date_and_never_by_a_score(book: Book) -> None:
    for part in range(3):
        book.receive(*(Scored(f"c-{part}-{n}", 0.5 + n / 100, 1000 - n) for n in range(30)))
    seen: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = book.ask("queue", investigator(), cursor=cursor).document
        seen += page["cases"]
        cursor = page["cursor"]
        assert page["waiting"] == 90
        if cursor is None:
            break
    assert len(seen) == len({each["case_id"] for each in seen}) == 90
    order = [(datetime.fromisoformat(each["due_at"]), each["case_id"]) for each in seen]
    assert order == sorted(order)
    names = {"case_id", "line", "claim_id", "state", "due_at", "opened_at", "amount", "holder"}
    assert {frozenset(each) for each in seen} == {frozenset(names | {"assigned_to", "snoozed_until"})}


def test_the_list_is_filtered(book: Book) -> None:
    book.receive(Scored("ab-1"), Scored("ab-2"), Scored("ac-1", 0.9, 5000))
    book.receive(Scored("ab-9"), line="pane")

    def listed(**asked: Any) -> list[str]:
        answer = book.ask("queue", investigator(), **asked)
        assert answer.outcome == "answered"
        return sorted(each["claim_id"] for each in answer.document["cases"])

    assert listed() == ["ab-1", "ab-2", "ab-9", "ac-1"]
    assert listed(line="glass", q="ab") == ["ab-1", "ab-2"]
    assert listed(q="ab-1%") == []
    assert listed(state="second_look") == listed(state="decided") == listed(holder="me") == []
    assert listed(due_before=datetime.now(UTC).isoformat()) == []
    case = book.next()
    assert listed(holder="me") == ["ac-1"]
    book.decided(case)
    assert listed(state="decided") == ["ac-1"]
    assert listed(state="open") == ["ab-1", "ab-2", "ab-9"]
    for asked in ({"cursor": "x"}, {"due_before": "x"}, {"holder": "ben"}, {"state": "lost"}):
        assert refusal(book.ask("queue", investigator(), **asked)) == "malformed"
    assert refusal(book.ask("queue", investigator(), line="unknown")) == "not_found"


def test_people_are_those_who_worked_on_cases(book: Book) -> None:
    book.receive(Scored("a"), Scored("b"), Scored("c"))
    for name in ("ida", "ben", "eve"):
        book.next(name)
    book.score(book.load([Scored("d")]), [Scored("d")])
    book.score(1, [Scored("d", referred=False)], version="2")
    assert book.ask("people", investigator()).document == {"people": ["ben", "eve"]}
    assert book.ask("people", lead()).document == {"people": ["ben", "eve", "ida"]}


def test_an_outcome_that_came_without_settling_its_case_ends_it_when_it_is_its_turn(book: Book) -> None:
    """An earlier version of the code commits outcomes and does not know of cases."""
    book.receive(Scored("a", 0.9, 1000), Scored("b", 0.5, 100))
    book.query(
        "INSERT INTO claimwatch.outcome (line, claim_id, is_fraud, decided_at, source, file_id, row_number)"
        " SELECT 'glass', 'a', true, now(), 'complaint', file_id, 1 FROM claimwatch.file WHERE line = 'glass'"
        " RETURNING 1"
    )
    assert book.next()["claim_id"] == "b"
    assert book.case("a")["state"] == "settled"


def test_a_purpose_that_a_line_does_not_know_hands_out_none_of_its_cases(book: Book) -> None:
    book.receive(Scored("g-1", 0.5, 1000))
    book.receive(Scored("p-1", 0.5, 500), line="pane")
    book.query(
        "UPDATE claimwatch.contract SET compiled = jsonb_set(compiled, '{purposes}', '[\"siu_review\"]')"
        " WHERE line = 'glass' RETURNING 1"
    )
    assert book.next("ida")["claim_id"] == "p-1"
    answer = book.ask("next_case", person("ben", "investigator", purpose="siu_review"))
    assert answer.document["case"]["claim_id"] == "g-1"
    wrong = book.ask("next_case", person("ben", "investigator", purpose="curiosity"))
    assert wrong.document["code"] == "purpose"
    assert "siu_review" in wrong.document["purposes"]


def test_every_request_is_one_access_event_and_so_is_every_refusal(book: Book) -> None:
    book.receive(Scored("a"))
    seen = len(book.events())
    case = book.next()
    requests: list[tuple[str, Answer]] = [
        ("queue.list", book.ask("queue", investigator())),
        ("case.read", book.ask("case", investigator(), case_id=case["case_id"])),
        ("case.read", book.ask("case", investigator(), case_id="x")),
        ("case.renew", book.act("renew", case)),
        ("case.action", book.act("steal", case)),
        ("case.decide", book.decide(case, verdict="maybe")),
        ("case.assign", book.ask("assign", lead(), case_id=case["case_id"])),
        ("people.list", book.ask("people", lead())),
        ("case.decide", book.decide(case)),
    ]
    events = book.events()[seen:]
    assert [event["action"] for event in events] == ["case.next", *(action for action, _ in requests)]
    assert [event["outcome"] for event in events[1:]] == [answer.outcome for _, answer in requests]
    assert {event["via"] for event in events} == {"app"}
    assert [event["object"] for event in events if event["action"] == "case.next"] == ["a"]
    assert {event["actor"] for event in events} == {"ida", "leo"}
