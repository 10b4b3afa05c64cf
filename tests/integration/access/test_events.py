"""Access events: written with what is handed out, found by claim, model, actor, purpose and time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from claimwatch.errors import TransientFault
from claimwatch.storage import access_events, case_api
from claimwatch.storage.access_events import EventFilter, NewEvent
from claimwatch.storage.connection import Database
from tests.cluster import Cluster
from tests.integration.access.environment import GUILTY, MACHINE, Desk, person

INVESTIGATOR = person("ann", "investigator")
AUDITOR = person("eve", "auditor", purpose="audit")
MARCH = datetime(2026, 3, 1, tzinfo=UTC)


class Interrupted(Exception):
    """Ends a transaction before it is committed."""


def test_what_is_rolled_back_is_neither_handed_out_nor_recorded(desk: Desk) -> None:
    with suppress(Interrupted), desk.database.as_task("api").transaction() as cursor:
        assert case_api.read_claim(cursor, "glass", "g-1", INVESTIGATOR).outcome == "answered"
        raise Interrupted
    assert desk.count() == 0


def test_a_claim_is_not_handed_out_if_its_event_cannot_be_written(desk: Desk) -> None:
    desk.site.query("DROP POLICY add_events ON claimwatch.access_event; SELECT 1")
    with pytest.raises(Exception, match="InsufficientPrivilege"):
        desk.ask("read_claim", "glass", "g-1", caller=INVESTIGATOR)


def test_fifty_people_who_read_at_once_leave_fifty_events(desk: Desk) -> None:
    def read(number: int) -> str:
        reader = person(f"reader {number}", "investigator", request_id=f"r{number}")
        with closing(desk.database.separately("api")) as own, own.transaction() as cursor:
            claim = GUILTY[number % len(GUILTY)]
            return case_api.read_claim(cursor, "glass", claim, reader, unmask=number % 2 == 0).outcome

    with ThreadPoolExecutor(50) as pool:
        assert list(pool.map(read, range(50))) == ["answered"] * 50
    events = desk.events()
    assert sorted(event["request_id"] for event in events) == sorted(f"r{number}" for number in range(50))
    for event in events:
        number = int(event["request_id"][1:])
        assert event["object"] == GUILTY[number % len(GUILTY)]
        assert event["action"] == ("claim.unmask" if number % 2 == 0 else "claim.read")
        assert event["actor"] == f"reader {number}"


def test_a_request_that_was_refused_before_the_database_is_on_record(desk: Desk) -> None:
    known = desk.ask(
        "refused",
        "claim.read",
        caller=person("ann"),
        via="app",
        reason="malformed",
        line="glass",
        object="g-1",
    )
    assert (known.outcome, known.document) == ("refused", {"code": "malformed"})
    event = desk.last_event()
    compared = ("actor", "via", "action", "line", "object", "purpose", "reason", "outcome")
    assert tuple(event[name] for name in compared) == (
        "ann", "app", "claim.read", "glass", "g-1", "fraud_investigation", "malformed", "refused",
    )  # fmt: skip
    desk.ask("refused", "DROP TABLE", caller=person("", purpose="Zoe"), via="v1", reason="")
    event = desk.last_event()
    assert (event["actor"], event["action"], event["purpose"]) == ("unknown", "unknown", None)


def test_texts_of_any_length_are_recorded(desk: Desk) -> None:
    long = person("a" * 3000, purpose="audit", request_id="r" * 3000)
    desk.ask(
        "refused", "claim.read", caller=long, via="app", reason="x" * 9000, line="l" * 500, object="o" * 9000
    )
    event = desk.last_event()
    assert [len(event[name]) for name in ("actor", "request_id", "reason", "line", "object")] == [
        500, 200, 4000, 100, 4000,
    ]  # fmt: skip


# -- Lists ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def book(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk with 600 events of March, one an hour; their order of arrival is another."""
    with cluster.clone() as url, closing(cluster.database(url)) as database:
        desk = Desk.below(database, tmp_path_factory.mktemp("buckets"))
        with database.as_task("record").transaction() as cursor:
            access_events.add(cursor, [scored(number * 7 % 600) for number in range(600)])
        yield desk


def scored(hour: int) -> NewEvent:
    return NewEvent(
        actor=f"arn:system-{hour % 3}",
        via="v1",
        action="score" if hour % 5 else "claims.submit",
        outcome="answered" if hour % 11 else "refused",
        purpose=("claim_handling", "testing")[hour % 2],
        at=MARCH + timedelta(hours=hour),
        line=("glass", "pane")[hour % 4 == 0],
        object=f"g-{hour % 50}" if hour % 5 else f"claims/g-{hour % 50}",
        request_id=f"r{hour}",
        model_version=str(hour // 200 + 1),
    )


def hours(events: list[dict[str, Any]]) -> list[int]:
    return [int(event["request_id"][1:]) for event in events if event["request_id"].startswith("r")]


FILTERS: dict[str, tuple[dict[str, str], Any]] = {
    "all": ({}, lambda _: True),
    "claim": ({"claim": "g-7"}, lambda e: e.object == "g-7"),
    "claim that is not one": ({"claim": "claims/g-7"}, lambda _: False),
    "line": ({"line": "pane"}, lambda e: e.line == "pane"),
    "model": ({"model": "3"}, lambda e: e.model_version == "3"),
    "actor": ({"actor": "arn:system-1"}, lambda e: e.actor == "arn:system-1"),
    "purpose": ({"purpose": "testing"}, lambda e: e.purpose == "testing"),
    "action": ({"action": "claims.submit"}, lambda e: e.action == "claims.submit"),
    "since": ({"since": "2026-03-05T00:00:00Z"}, lambda e: e.at >= MARCH + timedelta(days=4)),
    "until": ({"until": "2026-03-05T00:00:00Z"}, lambda e: e.at < MARCH + timedelta(days=4)),
    "days": (
        {"since": "2026-03-05", "until": "2026-03-06T02:00:00+02:00"},
        lambda e: MARCH + timedelta(days=4) <= e.at < MARCH + timedelta(days=5),
    ),
    "several": (
        {"model": "2", "purpose": "testing", "line": "glass", "actor": "arn:system-0", "since": "2026-03-10"},
        lambda e: (e.model_version, e.purpose, e.line, e.actor) == ("2", "testing", "glass", "arn:system-0")
        and e.at >= MARCH + timedelta(days=9),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILTERS)
def test_events_are_found_by_what_is_asked_newest_first_page_by_page(book: Desk, name: str) -> None:
    filters, wanted = FILTERS[name]
    expected = [hour for hour in reversed(range(600)) if wanted(scored(hour))]
    found: list[int] = []
    asked = filters | {} if "until" in filters else filters | {"until": "2026-04-01"}
    cursor: str | None = None
    for _ in range(40):
        more = {"cursor": cursor} if cursor else {}
        answer = book.ask("audit", asked | more, caller=AUDITOR, limit=37)
        assert answer.outcome == "answered"
        found += hours(answer.document["events"])
        cursor = answer.document["cursor"]
        if cursor is None:
            break
    assert found == expected


@pytest.mark.parametrize("name", FILTERS)
def test_the_command_line_finds_the_same_events(book: Desk, name: str) -> None:
    filters, wanted = FILTERS[name]
    times = {key: datetime.fromisoformat(filters[key]) for key in ("since", "until") if key in filters}
    times = {key: at if at.tzinfo else at.replace(tzinfo=UTC) for key, at in times.items()}
    asked = EventFilter(**({"until": MARCH + timedelta(days=31)} | filters | times))  # type: ignore[arg-type]
    with book.database.as_task("audit").transaction() as cursor:
        listed = access_events.list_events(cursor, asked, limit=None)
        first = access_events.list_events(cursor, asked, limit=10)
        second = access_events.list_events(cursor, asked, limit=10, before=first[-1].seq if first else None)
        counts = access_events.summarize(cursor, asked)
    expected = [hour for hour in reversed(range(600)) if wanted(scored(hour))]
    assert [int((event.request_id or "")[1:]) for event in listed] == expected
    assert [*first, *second] == list(listed[: len(first) + len(second)])
    assert sum(count.events for count in counts) == len(expected)
    assert len(counts) == len(
        {(c.actor, c.action, c.line, c.model_version, c.purpose, c.outcome) for c in counts}
    )


def test_who_used_a_model_in_march_and_for_what_is_one_question(book: Desk) -> None:
    asked = EventFilter(model="3", since=MARCH, until=MARCH + timedelta(days=31))
    with book.database.as_task("audit").transaction() as cursor:
        counts = access_events.summarize(cursor, asked)
    found = {(count.actor, count.purpose) for count in counts}
    assert found == {(f"arn:system-{n}", p) for n in range(3) for p in ("claim_handling", "testing")}
    assert min(count.first for count in counts) == MARCH + timedelta(hours=400)
    assert max(count.last for count in counts) == MARCH + timedelta(hours=599)


def test_an_auditor_of_one_line_sees_the_events_of_that_line_only(book: Desk) -> None:
    assert book.grant("person:kim", "audit.read", "pane").outcome == "answered"
    kim = person("kim", purpose="audit")
    for filters in ({}, {"line": "glass"}, {"claim": "g-7"}, {"actor": MACHINE.actor}):
        events = book.ask("audit", filters, caller=kim, limit=500).document["events"]
        assert {event["line"] for event in events} <= {"pane"}
    events = book.ask("audit", {"until": "2026-04-01"}, caller=kim, limit=500).document["events"]
    assert hours(events) == [hour for hour in reversed(range(600)) if hour % 4 == 0]


def test_reading_the_audit_is_an_event_with_what_was_asked(book: Desk) -> None:
    before = book.count()
    book.ask("audit", {"claim": "g-7", "line": "glass"}, caller=AUDITOR, limit=3)
    event = book.last_event()
    assert book.count() == before + 1
    assert (event["action"], event["line"], event["actor"]) == ("audit.list", "glass", "eve")
    assert '"claim": "g-7"' in event["object"]


@pytest.mark.parametrize(("limit", "listed"), [(0, 1), (-5, 1), (1, 1), (500, 500), (10_000_000, 500)])
def test_a_page_has_at_most_500_events(book: Desk, limit: int, listed: int) -> None:
    assert len(book.ask("audit", {}, caller=AUDITOR, limit=limit).document["events"]) == listed


@pytest.mark.parametrize(
    "filters",
    [
        {"since": "yesterdayish"},
        {"until": "2026-13-01"},
        {"cursor": "1;2"},
        {"cursor": "9" * 30},
        {"since": "'"},
    ],
)
def test_a_malformed_filter_is_refused_and_recorded(book: Desk, filters: dict[str, str]) -> None:
    answer = book.ask("audit", filters, caller=AUDITOR)
    assert (answer.outcome, answer.document) == ("refused", {"code": "malformed"})
    assert book.last_event()["reason"] == "malformed"


def test_a_claim_id_that_is_longer_than_an_index_allows_is_found(book: Desk) -> None:
    ids = ["x" * 3000 + end for end in "ab"]
    with book.database.as_task("record").transaction() as cursor:
        access_events.add(
            cursor,
            [
                NewEvent("arn:a", "v1", "score", "rejected", "testing", line="glass", object=each)
                for each in ids
            ],
        )
    [event] = book.ask("audit", {"claim": ids[0]}, caller=AUDITOR).document["events"]
    assert event["object"] == ids[0]


MANY = 30_000
"""Events from which on PostgreSQL prefers an index; in a million, each question takes a second at most."""

USUAL: dict[str, EventFilter] = {
    "what happened last": EventFilter(),
    "who saw a claim": EventFilter(claim="claim-77"),
    "who saw a claim of a line": EventFilter(claim="claim-77", line="pane"),
    "who used a model in March": EventFilter(model="3", since=MARCH, until=MARCH + timedelta(days=31)),
    "what somebody did": EventFilter(actor="system-7"),
    "what happened in a line": EventFilter(line="pane"),
}


@pytest.fixture(scope="module")
def large_book(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with cluster.clone() as url, closing(cluster.database(url)) as database:
        desk = Desk.below(database, tmp_path_factory.mktemp("buckets"))
        desk.site.query(
            "INSERT INTO claimwatch.access_event (at, actor, via, action, line, object, purpose, outcome,"
            " model_version) SELECT timestamptz '2026-01-01Z' + n * interval '15 min', 'system-' || n %% 50,"
            " 'v1', 'score', CASE WHEN n %% 2 = 0 THEN 'glass' ELSE 'pane' END, 'claim-' || n %% 9000,"
            " 'testing', 'answered', (n / 3000 + 1)::text FROM generate_series(1, %s) AS n RETURNING 1",
            MANY,
        )
        desk.site.query("ANALYZE claimwatch.access_event; SELECT 1")
        yield desk


@pytest.mark.parametrize("question", USUAL)
def test_a_usual_question_does_not_read_all_events(large_book: Desk, question: str) -> None:
    def times_read(database: Database) -> int:
        with database.transaction() as cursor:
            cursor.execute("SELECT pg_stat_force_next_flush()")
        with database.transaction() as cursor:
            cursor.execute("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'access_event'")
            [(count,)] = cursor.fetchall()
        return int(count)

    audit = large_book.database.as_task("audit")
    before = times_read(audit)
    with audit.transaction() as cursor:
        assert access_events.list_events(cursor, USUAL[question])
    assert times_read(audit) == before


# -- The lock of seals ---------------------------------------------------------------------------------------

LOCK = "SELECT claimwatch.lock_access_events()"


def test_a_seal_waits_for_events_that_are_being_added_and_gives_up_in_time(desk: Desk) -> None:
    seal = desk.database.as_task("seal")
    with desk.database.as_task("api").transaction() as writing:
        case_api.models(writing, "glass", MACHINE)
        with pytest.raises(TransientFault), seal.transaction() as cursor:
            cursor.execute(LOCK)
    with seal.transaction() as cursor:
        cursor.execute(LOCK)
        [(last,)] = cursor.fetchall()
    assert last == desk.last_event()["seq"]


def test_no_event_gets_a_number_below_what_a_seal_has_seen(desk: Desk) -> None:
    """A writer that begins while a seal looks is numbered after it."""

    def write(_: int) -> None:
        with closing(desk.database.separately("api")) as own:
            for _ in range(20):
                with own.transaction() as cursor:
                    case_api.models(cursor, "glass", MACHINE)

    seen: list[tuple[int, int]] = []
    with ThreadPoolExecutor(4) as pool, closing(desk.database.separately("seal")) as seal:
        writers = [pool.submit(write, number) for number in range(4)]
        while not all(writer.done() for writer in writers):
            with seal.transaction() as cursor:
                cursor.execute(LOCK)
                [(last,)] = cursor.fetchall()
            with seal.transaction() as cursor:
                cursor.execute("SELECT count(*) FROM claimwatch.access_event WHERE seq <= %s", [last])
                [(count,)] = cursor.fetchall()
            seen.append((last, count))
        for writer in writers:
            writer.result()
    assert len(seen) > 1
    final = [event["seq"] for event in desk.events()]
    assert len(final) == 80
    for last, count in seen:
        assert sum(seq <= last for seq in final) == count
