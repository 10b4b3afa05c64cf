"""What leads and investigators see of cases and decisions: each number as pandas counts it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from claimwatch.domain.evaluation.intervals import wilson
from claimwatch.domain.evaluation.week import name_of
from tests.cluster import Cluster
from tests.integration.overviews.desk_book import (
    CAPACITY,
    COST,
    LINE,
    PEOPLE,
    DeskBook,
    KnownDecision,
    monday,
    person,
)

LEAD = person("lea", "lead")
WEEKS = 13
ENOUGH = 20


@pytest.fixture(scope="module")
def book(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskBook]:
    with cluster.clone() as url, closing(cluster.database(url)) as database:
        yield DeskBook.generate(database, tmp_path_factory.mktemp("buckets"))


@pytest.fixture(scope="module")
def team(book: DeskBook) -> dict[str, Any]:
    answer = book.ask("team", LEAD, line=LINE, weeks=WEEKS)
    assert answer.outcome == "answered"
    return answer.document


def proportion(hits: int, of: int) -> dict[str, Any]:
    known = wilson(hits, of)
    return {
        "count": hits,
        "of": of,
        "share": None if known.value is None else pytest.approx(known.value),
        "low": None if known.low is None else pytest.approx(known.low),
        "high": None if known.high is None else pytest.approx(known.high),
    }


def since(book: DeskBook, weeks: int = WEEKS) -> Any:
    return monday(book.now) - timedelta(days=7 * (weeks - 1))


def counted(moments: Any) -> Counter[str]:
    return Counter(name_of(each) for each in moments)


def test_cases_are_counted_against_the_capacity_of_each_week(book: DeskBook, team: dict[str, Any]) -> None:
    claims = counted(book.claims)
    opened = counted(case.opened_at for case in book.cases)
    due = counted(case.due_at for case in book.cases if case.state != "withdrawn")
    decided = counted(each.at for each in book.standing(lambda d: d.final))
    weeks = [name_of(since(book) + timedelta(days=7 * number)) for number in range(WEEKS)]
    assert team["weeks"] == [
        {
            "week": week,
            "claims": claims[week],
            "capacity": round(claims[week] * CAPACITY),
            "opened": opened[week],
            "decided": decided[week],
            "due": due[week],
        }
        for week in weeks
    ]
    assert sum(week["decided"] for week in team["weeks"]) > 200
    assert sum(week["capacity"] for week in team["weeks"]) > 20


def test_waiting_cases_are_counted_by_age_and_by_due_date(book: DeskBook, team: dict[str, Any]) -> None:
    waiting = pd.DataFrame(
        [
            {"days": (book.now - each.opened_at).total_seconds() / 86_400, "due": each.due_at}
            for each in book.cases
            if each.closed_at is None
        ]
    )
    late = waiting.due < book.now
    buckets = pd.cut(waiting.days, [0, 3, 7, 14, 30, float("inf")], right=False)
    assert [(age["from_day"], age["to_day"]) for age in team["ages"]] == [
        (0, 3), (3, 7), (7, 14), (14, 30), (30, None),
    ]  # fmt: skip
    assert [age["cases"] for age in team["ages"]] == waiting.groupby(buckets, observed=False).size().tolist()
    assert [age["overdue"] for age in team["ages"]] == late.groupby(buckets, observed=False).sum().tolist()
    assert (team["open"], team["overdue"]) == (len(waiting), int(late.sum()))
    within = [(waiting.due >= book.now) & (waiting.due < book.now + timedelta(days=days)) for days in (1, 7)]
    assert [team["due_within_day"], team["due_within_week"]] == [int(each.sum()) for each in within]
    assert team["overdue"] > 50


def test_hit_rates_count_final_decisions_of_referrals_and_of_the_audit_separately(
    book: DeskBook, team: dict[str, Any]
) -> None:
    for origin, name in (("referral", "hits_of_referrals"), ("random_audit", "hits_of_audit")):
        verdicts = Counter(
            each.verdict
            for each in book.standing(lambda d: d.final and d.at >= since(book))
            if each.case.origin == origin
        )
        assert team[name] == proportion(verdicts["fraud"], verdicts["fraud"] + verdicts["not_fraud"])
        assert team[name]["of"] > 30


def test_saved_is_what_confirmed_frauds_cost_less_the_cost_of_every_review(
    book: DeskBook, team: dict[str, Any]
) -> None:
    decisions = book.standing(lambda d: d.at >= since(book))
    frauds = [each.case.amount for each in decisions if each.final and each.verdict == "fraud"]
    amount = sum(each for each in frauds if each is not None)
    assert None in frauds
    assert (team["confirmed_frauds"], team["confirmed_amount"]) == (len(frauds), amount)
    assert (team["reviews"], team["review_cost"]) == (len(decisions), COST)
    assert team["saved"] == pytest.approx(amount - COST * len(decisions))


def test_people_with_few_decisions_are_reported_as_too_few(book: DeskBook, team: dict[str, Any]) -> None:
    known = book.standing(lambda d: d.at >= since(book) and d.case.closed_at is not None)
    by_person = {name: [each for each in known if each.by == name] for name in PEOPLE}
    assert [each["person"] for each in team["people"]] == sorted(name for name in PEOPLE if by_person[name])
    found = {each["person"]: each for each in team["people"]}
    for name, decisions in by_person.items():
        if decisions:
            assert found[name] == described(name, decisions)
    assert {each["enough"] for each in team["people"]} == {True, False}
    assert team["enough"] == ENOUGH


def described(name: str, decisions: list[KnownDecision]) -> dict[str, Any]:
    referred = [
        each.verdict == "fraud" for each in decisions if each.case.origin == "referral" and each.shown
    ]
    seconds = [each.seconds for each in decisions if each.seconds is not None]
    inconclusive = sum(each.verdict == "inconclusive" for each in decisions)
    enough, timed = len(decisions) >= ENOUGH, len(seconds) >= ENOUGH
    return {
        "person": name,
        "decided": len(decisions),
        "enough": enough,
        "follows_score": proportion(sum(referred), len(referred)) if len(referred) >= ENOUGH else None,
        "inconclusive": proportion(inconclusive, len(decisions)) if enough else None,
        "fast": proportion(sum(each < 10 for each in seconds), len(seconds)) if timed else None,
        "median_seconds": pytest.approx(pd.Series(seconds).median()) if timed else None,
    }


def test_who_holds_what_since_when_is_listed_by_due_date(book: DeskBook, team: dict[str, Any]) -> None:
    leased = {each.case_id for each in book.cases if each.lease_until and each.lease_until > book.now}
    snoozed = {each.case_id for each in book.cases if each.snoozed_until and each.snoozed_until > book.now}
    listed = sorted(
        (each for each in book.cases if each.case_id in leased | snoozed or each.assigned_to),
        key=lambda each: (each.due_at, each.case_id),
    )
    assert team["held"] == len(listed) > 30
    assert [case["case_id"] for case in team["cases"]] == [str(each.case_id) for each in listed]
    for case, known in zip(team["cases"], listed, strict=True):
        held = known.case_id in leased
        assert case["holder"] == (known.holder if held else None)
        assert moment(case["since"]) == (known.lease_until - timedelta(minutes=15) if held else None)  # type: ignore[operator]
        assert moment(case["lease_until"]) == (known.lease_until if held else None)
        assert case["assigned_to"] == known.assigned_to
        assert moment(case["snoozed_until"]) == (known.snoozed_until if known.case_id in snoozed else None)
        assert moment(case["due_at"]) == known.due_at
        assert case["due_at"].endswith("+00:00")


def moment(text: str | None) -> Any:
    return None if text is None else pd.Timestamp(text).to_pydatetime()


def test_nothing_that_a_lead_sees_tells_why_a_case_is_open(team: dict[str, Any]) -> None:
    assert {*team["cases"][0]} == {
        "case_id", "claim_id", "state", "version", "due_at", "holder", "since", "lease_until", "assigned_to",
        "snoozed_until",
    }  # fmt: skip


def test_a_person_sees_the_own_decisions(book: DeskBook) -> None:
    for name in PEOPLE:
        own = book.standing(lambda d, name=name: d.by == name and d.at >= since(book))  # type: ignore[misc]
        answer = book.ask("statistics", person(name, "investigator"))
        assert answer.outcome == "answered"
        frame = pd.DataFrame([(name_of(each.at), each.verdict) for each in own], columns=["week", "verdict"])
        weeks = [name_of(since(book) + timedelta(days=7 * number)) for number in range(WEEKS)]
        table = pd.crosstab(frame.week, frame.verdict).reindex(
            index=weeks, columns=["fraud", "not_fraud", "inconclusive"], fill_value=0
        )
        assert [
            (w["week"], w["fraud"], w["not_fraud"], w["inconclusive"]) for w in answer.document["weeks"]
        ] == [(week, *counts) for week, counts in zip(weeks, table.to_numpy().tolist(), strict=True)]
        verdicts = Counter(each.verdict for each in own)
        assert answer.document["decided"] == len(own)
        assert answer.document["fraud"] == proportion(
            verdicts["fraud"], verdicts["fraud"] + verdicts["not_fraud"]
        )
        seconds = pd.Series([each.seconds for each in own if each.seconds is not None], dtype=float)
        assert answer.document["median_seconds"] == pytest.approx(seconds.median(), nan_ok=True)
        assert answer.document["agreed"] == agreed(book, name)


def agreed(book: DeskBook, name: str) -> dict[str, Any]:
    standing = {each.decision_id: each for each in book.standing()}
    pairs = [
        (standing[two.second_of], two)
        for two in standing.values()
        if two.second_of in standing and two.at >= since(book)
    ]
    own = [one.verdict == two.verdict for one, two in pairs if name in (one.by, two.by)]
    return proportion(sum(own), len(own))


def test_each_read_is_one_event_and_each_refusal_too(book: DeskBook) -> None:
    cases: tuple[tuple[Any, Any, dict[str, str], str, str], ...] = (
        ("team", LEAD, {"line": LINE}, "answered", "team.read"),
        ("team", person("ann", "investigator"), {"line": LINE}, "refused", "team.read"),
        ("team", person("lea", "lead", purpose="curiosity"), {"line": LINE}, "refused", "team.read"),
        ("team", LEAD, {"line": "no_such_line"}, "not_found", "team.read"),
        ("team", LEAD, {}, "not_found", "team.read"),
        ("statistics", person("ann", "investigator"), {}, "answered", "statistics.read"),
        ("statistics", LEAD, {}, "refused", "statistics.read"),
    )
    for function, who, asked, outcome, action in cases:
        before = len(book.events())
        answer = book.ask(function, who, **asked)
        assert answer.outcome == outcome
        assert answer.outcome == "answered" or answer.document.keys() <= {"code", "purposes"}
        [event] = book.events()[before:]
        assert (event["actor"], event["action"], event["outcome"]) == (who.actor, action, outcome)
        assert event["via"] == "app"
        assert event["purpose"] == (who.purpose if who.purpose != "curiosity" else None)


def test_a_lead_of_another_line_sees_nothing(book: DeskBook) -> None:
    book.site.query(
        "INSERT INTO claimwatch.permission (grantee, permission, line, granted_by, why)"
        " VALUES ('person:mo', 'case.assign', 'motor', 'test', 'test') RETURNING 1"
    )
    assert book.ask("team", person("mo"), line=LINE).outcome == "not_found"
    assert book.ask("team", person("mo"), line="motor").outcome == "answered"
