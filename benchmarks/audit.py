"""The record of who accessed what: verifying a million access events, and what sealing costs those who read.

python -m benchmarks.audit                    measures everything; writes benchmarks/results.json
python -m benchmarks.audit --events 100000    fewer events, for a first look

Reads are calls of the function behind the route of a claim, by four connections with the login of the
API, for claims that do not exist: the cheapest answer that writes an access event, so that sealing weighs
most. Runs with and without sealing alternate. A run with sealing seals 60,000 events, as many as 200 reads a
second make in the five minutes between two seals, although it lasts ten seconds.
"""

import argparse
import contextlib
import multiprocessing
import shutil
import statistics
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.command import Figures, argument_parser, run, say
from benchmarks.database import DURABLE
from benchmarks.null_services import NullServices
from benchmarks.results import circumstances, median, table
from claimwatch.aws.objects import ObjectExists
from claimwatch.aws.seal_store import SealObject
from claimwatch.governance.seal_audit import Dependencies, seal_audit
from claimwatch.governance.verify_audit import verify_audit
from claimwatch.storage import access_events, case_api
from claimwatch.storage.access_events import EventFilter
from claimwatch.storage.case_api import Caller
from claimwatch.storage.connection import Database
from claimwatch.storage.logins import renew_logins
from claimwatch.storage.migrate import migrate
from local.postgres import PostgresServer

EVENTS, RUNS, SECONDS, CONNECTIONS = 1_000_000, 5, 10.0, 4
OFFERED = 200
"""Reads a second."""
BETWEEN_SEALS = 300 * OFFERED
"""Events of five minutes."""
READER = Caller("eva", "claim_handling", "benchmark", ("investigator",))

FILL = """
    INSERT INTO claimwatch.access_event
        (at, actor, via, action, line, object, purpose, request_id, outcome, model_version)
    SELECT timestamptz '2026-01-01 00:00Z' + n * interval '10 seconds',
           'arn:aws:sts::123456789012:assumed-role/system-' || n %% 23 || '/session', 'v1', 'score', 'motor',
           'CLM-' || n %% 250000, (ARRAY['claim_handling', 'fraud_investigation', 'testing'])[1 + n %% 3],
           gen_random_uuid()::text, 'answered', (n / 100000)::text
    FROM generate_series(1, %s) AS n
"""


class FileSeals:
    """Seals in a folder, in place of S3."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def uri(self, number: int) -> str:
        """Return the address of a seal."""
        return f"s3://audit/seals/{number}.json"

    def create(self, number: int, content: bytes) -> str:
        """Store a seal once."""
        try:
            with (self.folder / str(number)).open("xb") as file:
                file.write(content)
        except FileExistsError:
            raise ObjectExists("the seal exists") from None
        return "v"

    def listing(self) -> dict[int, SealObject]:
        """Return all seals."""
        return {int(file.name): SealObject(int(file.name), "v", False) for file in self.folder.iterdir()}

    def find(self, number: int) -> SealObject | None:
        """Return a seal."""
        return self.listing().get(number)

    def read(self, stored: SealObject) -> bytes:
        """Return the content of a seal."""
        return (self.folder / str(stored.number)).read_bytes()


class Logins(dict[str, dict[str, Any]]):
    """The logins of the tasks."""

    def put(self, task: str, credentials: Any) -> None:
        """Keep the login of a task."""
        self[task] = credentials


class Audit:
    """A server with access events and their seals."""

    def __init__(self, server: PostgresServer, folder: Path) -> None:
        self.logins = Logins()
        self.owner = Database({"dsn": server.url})
        shutil.rmtree(folder / "seals", ignore_errors=True)  # of a run that was broken off
        self.seals = FileSeals(folder / "seals")
        self._server = server
        migrate(self.owner)
        renew_logins(self.owner, {"host": server.host, "port": server.port}, self.logins)

    def url(self, task: str) -> str:
        """Return the libpq URL of the database for a task."""
        login = self.logins[task]
        user = f"{login['username']}:{login['password']}@{self._server.host}:{self._server.port}"
        return urlsplit(self._server.url)._replace(netloc=user).geturl()

    def as_task(self, task: str) -> Database:
        """Return the database with the privileges of a task."""
        return Database({"dsn": self.url(task)})

    def add(self, count: int) -> None:
        """Add events."""
        with self.owner.transaction() as cursor:
            cursor.execute(FILL, (count,))

    def seal(self) -> None:
        """Seal all events."""
        with contextlib.closing(self.as_task("seal")) as database:
            _seal(database, self.seals)


def _seal(database: Database, seals: FileSeals) -> None:
    seal_audit(Dependencies(database, seals, NullServices(), lambda: datetime.now(UTC)))


def seal_in_process(url: str, folder: Path) -> None:
    """Seal all events, in a process of its own as on AWS."""
    with contextlib.closing(Database({"dsn": url})) as database:
        _seal(database, FileSeals(folder))


def measure(options: argparse.Namespace) -> Figures:
    """Measure verification, listing, and reads with and without sealing."""
    folder: Path = options.folder / "audit"
    with PostgresServer(folder / "postgres", settings=DURABLE) as server:
        audit = Audit(server, folder)
        say(f"adding {options.events:,} events")
        audit.add(options.events)
        with audit.owner.transaction() as cursor:
            cursor.execute("ANALYZE claimwatch.access_event")
        sealing = _seconds(audit.seal)
        say(f"sealed in {sealing:.1f} s")
        figures: Figures = {
            "events": options.events,
            "seal_s": round(sealing, 2),
            "verify_s": round(median([_verify(audit, options.events) for _ in range(3)]), 2),
            "list": _lists(audit),
        }
        say(f"verified in {figures['verify_s']} s")
        figures["offered"] = _compare(audit, OFFERED)
        figures["saturated"] = _compare(audit, None)
        return figures | circumstances("psycopg2-binary")


def _verify(audit: Audit, events: int) -> float:
    with contextlib.closing(audit.as_task("audit")) as database:
        start = time.perf_counter()
        result = verify_audit(database, audit.seals)
        assert (result.verified, result.findings) == (events, [])
        return time.perf_counter() - start


def _lists(audit: Audit) -> dict[str, float]:
    """Return the seconds of the two questions that an auditor asks."""
    march = EventFilter(
        model="5", since=datetime(2026, 3, 1, tzinfo=UTC), until=datetime(2026, 4, 1, tzinfo=UTC)
    )
    with contextlib.closing(audit.as_task("audit")) as database, database.transaction() as cursor:
        questions: dict[str, Callable[[], object]] = {
            "who_saw_a_claim_s": lambda: access_events.list_events(cursor, EventFilter(claim="CLM-77")),
            "who_used_a_model_s": lambda: access_events.summarize(cursor, march),
        }
        return {
            name: round(median([_seconds(question) for _ in range(5)]), 4)
            for name, question in questions.items()
        }


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _compare(audit: Audit, offered: int | None) -> dict[str, Any]:
    """Return medians of reads with and without sealing; without ``offered``, as fast as they can."""
    found: dict[bool, list[dict[str, float]]] = {False: [], True: []}
    for number in range(RUNS):
        for sealing in (False, True) if number % 2 else (True, False):
            audit.add(BETWEEN_SEALS)
            if not sealing:
                audit.seal()
            found[sealing].append(_reads(audit, offered, sealing=sealing))
            say(f"{'sealing' if sealing else 'not sealing'}: {found[sealing][-1]}")
    medians = {
        name: {key: round(median([row[key] for row in found[sealing]]), 2) for key in found[sealing][0]}
        for sealing, name in ((False, "without"), (True, "with"))
    }
    # One seal in ten seconds costs as much as one in five minutes, which are thirty times as long.
    lost = 1 - medians["with"]["per_s"] / medians["without"]["per_s"]
    return medians | {
        "lost_in_a_run": round(lost, 4),
        "lost_share": round(lost * SECONDS / 300, 5),
    }


def _reads(audit: Audit, offered: int | None, *, sealing: bool) -> dict[str, float]:
    times: list[list[float]] = [[] for _ in range(CONNECTIONS)]
    begin = threading.Barrier(CONNECTIONS + 1)

    def read(own: list[float], place: int) -> None:
        with contextlib.closing(audit.as_task("api")) as database:
            _read(database, 0)
            begin.wait()
            start, count = time.perf_counter(), 0
            while (now := time.perf_counter()) < start + SECONDS:
                due = start + (count * CONNECTIONS + place) / offered if offered else now
                if due > now:
                    time.sleep(due - now)
                before = time.perf_counter()
                _read(database, count)
                # Of an offered load, waiting for one's turn counts too.
                own.append(time.perf_counter() - (due if offered else before))
                count += 1

    threads = [threading.Thread(target=read, args=(own, place)) for place, own in enumerate(times)]
    for thread in threads:
        thread.start()
    context = multiprocessing.get_context("spawn")
    sealer = context.Process(target=seal_in_process, args=(audit.url("seal"), audit.seals.folder))
    begin.wait()
    if sealing:
        sealer.start()
    for thread in threads:
        thread.join()
    if sealing:
        sealer.join()
        assert sealer.exitcode == 0
    done = sorted(each for own in times for each in own)
    return {
        "per_s": len(done) / SECONDS,
        "p50_ms": statistics.median(done) * 1000,
        "p99_ms": done[int(len(done) * 0.99)] * 1000,
        "max_ms": done[-1] * 1000,
    }


def _read(database: Database, number: int) -> None:
    with database.transaction() as cursor:
        answer = case_api.read_claim(cursor, "motor", f"none-{number}", READER, unmask=False)
    assert answer.outcome == "not_found"


def report(figures: Figures) -> str:
    """Return the figures as tables."""
    rows = [
        (f"{load}, {name}", *(figures[load][name][key] for key in ("per_s", "p50_ms", "p99_ms", "max_ms")))
        for load in ("offered", "saturated")
        for name in ("without", "with")
    ]
    return "\n".join(
        [
            f"{figures['events']:,} events: seal {figures['seal_s']} s, verify {figures['verify_s']} s",
            f"lists: {figures['list']}",
            table(("reads", "per s", "p50 ms", "p99 ms", "max ms"), rows),
            f"sealing costs {figures['offered']['lost_in_a_run']:.2%} of {OFFERED} reads a second",
            f"and {figures['saturated']['lost_share']:.2%} of all that are possible, every five minutes",
        ]
    )


def main() -> None:
    """Run the benchmark."""
    parser = argument_parser("audit", __doc__)
    parser.add_argument("--events", type=int, default=EVENTS, help="number of events to verify")
    options = parser.parse_args()
    run("audit", options, measure, report, complete=options.events == EVENTS)


if __name__ == "__main__":
    main()
