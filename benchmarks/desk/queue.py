"""The next case of the queue, for 20 people at once, compared with a query without a table of cases."""

import contextlib
import statistics
import threading
import time
import uuid
from pathlib import Path
from typing import Any

from benchmarks.command import say
from benchmarks.desk.book import Book
from benchmarks.results import median
from claimwatch.storage import desk
from claimwatch.storage.case_api import Caller
from claimwatch.storage.connection import Database

PEOPLE, RUNS, SECONDS, CALLS = 20, 5, 10.0, 300
PAUSE = 1.0
"""Seconds between two decisions of a person, who needs a minute in fact."""

WITHOUT_CASES = """
    SELECT s.claim_id, c.*
    FROM claimwatch.score AS s
    JOIN claimwatch.current_claim_motor AS c ON (c.claim_id, c.file_id) = (s.claim_id, s.file_id)
    LEFT JOIN claimwatch.current_outcome AS o ON (o.line, o.claim_id) = (s.line, s.claim_id)
    WHERE s.line = 'motor' AND s.role = 'champion' AND (s.referred OR s.audit_sample) AND o.claim_id IS NULL
      AND NOT EXISTS (SELECT FROM peers.lease AS l WHERE l.claim_id = s.claim_id AND l.until > now())
    ORDER BY s.probability * c.claim_amount DESC LIMIT 1 FOR UPDATE OF s SKIP LOCKED
"""
"""The queue as a query over scores and claims, with a table of leases: the first thing that comes to mind."""

_HEAD = """
    WITH head AS (
        SELECT c.case_id, row_number() OVER (ORDER BY c.priority DESC, c.due_at, c.case_id) AS place
        FROM claimwatch.review_case AS c WHERE c.closed_at IS NULL
        ORDER BY place LIMIT %(cases)s
    ), leased AS (
        UPDATE claimwatch.review_case AS c SET holder = 'somebody', lease_until = now() + interval '1 hour'
        FROM head AS h WHERE h.case_id = c.case_id AND h.place %% 3 = 0
    ), snoozed AS (
        UPDATE claimwatch.review_case AS c SET snoozed_until = now() + interval '1 day'
        FROM head AS h WHERE h.case_id = c.case_id AND h.place %% 3 = 1
    )
    INSERT INTO claimwatch.case_skip (case_id, person, until)
    SELECT h.case_id, 'person-' || p, now() + interval '1 day'
    FROM head AS h CROSS JOIN generate_series(0, %(people)s - 1) AS p WHERE h.place %% 3 = 2
"""


def measure(book: Book) -> dict[str, Any]:
    """Measure the queue as it is, with a head that nobody can have, and the peer."""
    figures: dict[str, Any] = {"opened_s": round(book.opening, 1)}
    figures["cases"] = book.place.count("claimwatch.review_case")
    figures["plain"] = _runs(book, PAUSE)
    book.change(_HEAD, {"cases": 1000, "people": PEOPLE})
    figures["head_of_1000_taken"] = _runs(book, PAUSE)
    figures["without_pauses"] = _runs(book, None)
    figures["processor"] = _processor(book)
    figures["without_cases"] = _peer(book)
    return figures


def _runs(book: Book, pause: float | None) -> dict[str, float]:
    found = []
    for _ in range(RUNS):
        found.append(_run(book, pause))
        say(f"{found[-1]}")
    return {key: round(median([each[key] for each in found]), 1) for key in found[0]}


def _run(book: Book, pause: float | None) -> dict[str, float]:
    times: dict[str, list[float]] = {"next": [], "decide": []}
    begin = threading.Barrier(PEOPLE)
    failures: list[str] = []

    def work(number: int) -> None:
        who = Caller(f"person-{number}", "fraud_investigation", "benchmark", ("investigator",))
        with contextlib.closing(book.as_task("api")) as database:
            # The first calls of a connection plan the statements.
            _ask(database, "decide", _decision(_ask(database, "next_case", {}, who)["case"]), who)
            begin.wait()
            time.sleep(number * (pause or 0) / PEOPLE)
            start = time.perf_counter()
            while time.perf_counter() < start + SECONDS:
                before = time.perf_counter()
                case = _ask(database, "next_case", {}, who)["case"]
                between = time.perf_counter()
                answer = _ask(database, "decide", _decision(case), who)
                after = time.perf_counter()
                times["next"].append(between - before)
                times["decide"].append(after - between)
                if "decision" not in answer:
                    failures.append(str(answer))
                if pause:
                    time.sleep(max(0.0, pause - (after - before)))

    people = [threading.Thread(target=work, args=(number,)) for number in range(PEOPLE)]
    for each in people:
        each.start()
    for each in people:
        each.join()
    assert failures == [], failures[:3]
    return {"decisions_per_s": len(times["decide"]) / SECONDS} | _percentiles(times)


def _processor(book: Book) -> dict[str, float]:
    """Return the processor time of the server for one call, whatever else the machine has to do."""
    who = Caller("person-0", "fraud_investigation", "benchmark", ("investigator",))
    times: dict[str, list[float]] = {"next": [], "decide": []}
    with contextlib.closing(book.as_task("api")) as database:
        with database.transaction() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            row = cursor.fetchone()
            assert row is not None
        used = Path(f"/proc/{row[0]}/schedstat")
        for _ in range(CALLS):
            before = _nanoseconds(used)
            case = _ask(database, "next_case", {}, who)["case"]
            between = _nanoseconds(used)
            _ask(database, "decide", _decision(case), who)
            times["next"].append((between - before) / 1e9)
            times["decide"].append((_nanoseconds(used) - between) / 1e9)
    return {name: round(value, 1) for name, value in _percentiles(times).items()}


def _nanoseconds(used: Path) -> int:
    return int(used.read_text("ascii").split()[0])


def _percentiles(times: dict[str, list[float]]) -> dict[str, float]:
    return {
        f"{name}_{label}_ms": value * 1000
        for name, each in times.items()
        for label, value in (("p50", statistics.median(each)), ("p95", sorted(each)[int(len(each) * 0.95)]))
    }


def _ask(database: Database, name: desk.Function, asked: dict[str, Any], who: Caller) -> dict[str, Any]:
    with database.transaction() as cursor:
        answer = desk.ask(cursor, name, asked, who)
    return answer.document


def _decision(case: dict[str, Any]) -> dict[str, Any]:
    return {
        "case_id": case["case_id"],
        "decision_id": str(uuid.uuid4()),
        "if_match": f'"v{case["version"]}"',
        "generation": case["lease"]["generation"],
        "verdict": "not_fraud",
        "grounds": ["no_indication"],
        "note": "",
        "seconds": 30,
    }


def _peer(book: Book) -> dict[str, float]:
    book.change("CREATE TABLE peers.lease (claim_id text PRIMARY KEY, until timestamptz NOT NULL)")
    times = []
    with book.place.connected() as connection, connection.cursor() as cursor:
        for _ in range(RUNS):
            start = time.perf_counter()
            cursor.execute(WITHOUT_CASES)
            row = cursor.fetchone()
            assert row is not None
            cursor.execute("INSERT INTO peers.lease VALUES (%s, now() + interval '15 min')", (row[0],))
            connection.commit()
            times.append(time.perf_counter() - start)
            say(f"without cases: {times[-1] * 1000:.0f} ms")
    return {"next_p50_ms": round(median(times) * 1000, 1)}


def rows(figures: dict[str, Any]) -> list[tuple[object, ...]]:
    """Return the rows of the table of ``python -m benchmarks.desk``."""
    names = {
        "plain": f"{PEOPLE} people, a decision a second each",
        "head_of_1000_taken": "the same, the first 1,000 cases held, snoozed or skipped",
        "without_pauses": "the same, without pauses",
    }
    keys = ("next_p50_ms", "next_p95_ms", "decide_p50_ms", "decide_p95_ms", "decisions_per_s")
    found: list[tuple[object, ...]] = [
        (label, *(figures[name][key] for key in keys)) for name, label in names.items()
    ]
    found.append(("one person, processor time", *(figures["processor"][key] for key in keys[:4]), "-"))
    peer = figures["without_cases"]["next_p50_ms"]
    return [*found, ("a query over scores and claims, one person", peer, "-", "-", "-", "-")]
