"""The simulation of publications: decisions are taken and undone, messages repeat, consumers are killed."""

import json
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from threading import Thread
from urllib.parse import unquote

import psycopg2
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from tests.cluster import Cluster
from tests.faults.invariants import Invariants
from tests.faults.message_queue import Message, MessageQueue, Received
from tests.faults.publications.function import LANDING, PublicationRequested
from tests.faults.publications.schedule import DECISIONS, WAVES, Decision, PublicationSchedule
from tests.faults.simulation import Simulation
from tests.faults.watcher import Watcher
from tests.faults.worker import Workspace
from tests.faults.workers import Workers

_PAUSE = 0.05
"""Seconds after which the request of a run arrives."""

_DECIDE = """
    WITH opened AS (
        INSERT INTO claimwatch.review_case
            (line, claim_id, file_id, origin, blinded, priority, model_version, due_at)
        VALUES (%(line)s, %(claim_id)s, 1, %(origin)s, true, 1, '1', now())
        RETURNING *
    )
    INSERT INTO claimwatch.decision
        (decision_id, case_id, line, claim_id, generation, verdict, grounds, note, by, at, model_version,
         final)
    SELECT %(decision_id)s, case_id, line, claim_id, 1, %(verdict)s, '{other}', '', 'ida',
           clock_timestamp() - %(ago)s * interval '1 second', '1', %(final)s
    FROM opened
"""

# What the API's function does: it locks the case, and the policy of the table compares the time.
_LOCK = "SELECT FROM claimwatch.review_case WHERE (line, claim_id) = (%(line)s, %(claim_id)s) FOR UPDATE"
_UNDO = """
    INSERT INTO claimwatch.decision_undo (decision_id, by)
    SELECT d.decision_id, 'ida' FROM claimwatch.decision AS d
    WHERE d.decision_id = %(decision_id)s AND d.at > clock_timestamp() - interval '15 seconds'
"""

_SURE = """
    FROM claimwatch.decision AS d JOIN claimwatch.review_case AS c USING (case_id)
    WHERE d.final AND d.verdict <> 'inconclusive'
      AND NOT EXISTS (SELECT FROM claimwatch.decision_undo AS u WHERE u.decision_id = d.decision_id)
"""


class PublicationQueue(MessageQueue):
    """The queue of requests and its consumer, which sends requests too."""

    requested = 0

    def _process(self, batch: list[Received]) -> list[Received]:
        return self._call("publish_decisions", batch, {"TransientFault"})

    def _start(self, request: object) -> None:
        assert isinstance(request, PublicationRequested)
        time.sleep(_PAUSE)
        with self._changed:
            self.requested += 1
            self._waiting.append((Message(f"requested-{self.requested}", "{}"), 0))
            self._changed.notify()


class PublicationsSimulation(Simulation):
    """Decisions on cases of two lines."""

    environment: PublicationQueue

    def __init__(self, seed: int, url: str, folder: Path, cluster: Cluster, workers: Workers) -> None:
        self._schedule = PublicationSchedule(seed)
        self._url, self._folder = url, folder
        workspace = Workspace.of(cluster, url, folder)
        self.environment = PublicationQueue(self._schedule, self._schedule, cluster, workspace, workers)
        self.watcher = PublicationsWatcher(url)

    def run_waves(self) -> None:
        """Decide the cases of each wave while the decisions of the wave before are published."""
        messages: list[Message] = []
        for wave in range(WAVES + 1):
            people = Thread(target=self._decide, args=(wave,) if wave < WAVES else (None,))
            people.start()
            self.environment.deliver(messages)
            people.join()
            labels = [f"decision-{wave}-{number}" for number in range(DECISIONS)]
            messages = [
                Message(f"{label}/{copy}", "{}")
                for label in labels
                for copy in range(self._schedule.copies(label))
            ]
            self.environment.notes.injected["doubled message"] += len(messages) - len(labels)

    def _decide(self, wave: int | None) -> None:
        if wave is None:
            return
        undoing = []
        for number in range(DECISIONS):
            decision = self._schedule.decision(wave, number)
            self._run(_DECIDE, decision)
            if decision.undone_within is not None:
                undoing.append(Thread(target=self._undo, args=(decision,)))
                undoing[-1].start()
        for thread in undoing:
            thread.join()

    def _undo(self, decision: Decision) -> None:
        try:
            with (
                closing(psycopg2.connect(self._url)) as connection,
                connection,
                connection.cursor() as cursor,
            ):
                cursor.execute(_LOCK, vars(decision))
                cursor.execute(_UNDO, vars(decision))
                time.sleep(decision.undone_within or 0.0)  # the process is frozen before it commits
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            self.environment.notes.injected["undo that broke off"] += 1
        except psycopg2.Error as error:
            self.environment.notes.bugs.append(f"a decision could not be undone: {error}"[:300])

    def _run(self, statement: str, decision: Decision) -> None:
        """Run a statement, again after a fault; a person would repeat the request with its key."""
        for _ in range(100):
            try:
                with (
                    closing(psycopg2.connect(self._url)) as connection,
                    connection,
                    connection.cursor() as cursor,
                ):
                    cursor.execute(statement, vars(decision))
                return
            except psycopg2.errors.UniqueViolation:
                return
            except (psycopg2.OperationalError, psycopg2.InterfaceError):
                time.sleep(0.05)
        raise AssertionError("the database does not come back")

    def repair(self, round_number: int) -> bool:
        """Redrive the dead letters."""
        notes = self.environment.notes
        letters, notes.dead_letters = notes.dead_letters, []
        self.environment.deliver(letters, round_number)
        return bool(letters)

    def invariants(self, cursor: Cursor) -> "PublicationsInvariants":
        """Return the invariants of files and decisions."""
        return PublicationsInvariants(cursor, self._folder)


class PublicationsInvariants(Invariants):
    """Compares the files with the decisions that nobody has undone."""

    def __init__(self, cursor: Cursor, folder: Path) -> None:
        super().__init__(cursor)
        self._folder = folder

    def check(self) -> None:
        """Check that each sure decision is in one file, and each file has one version and its numbers."""
        found: Counter[tuple[str, str, bool, str, str]] = Counter()
        numbers: Counter[tuple[str, int]] = Counter()
        for path in (self._folder / LANDING).glob("*/[0-9]*"):
            self.expect("the version of a file", path.name, "1")
            _, line, _, name = unquote(path.parent.name).split("/")
            first, last = map(int, name.removesuffix(".ndjson").split("-"))
            rows = [json.loads(text) for text in path.read_text("utf-8").splitlines()]
            self.expect("the number of decisions of a file", len(rows), last - first + 1)
            numbers.update((line, number) for number in range(first, last + 1))
            found.update((line, r["claim_id"], r["is_fraud"], r["decided_by"], r["source"]) for r in rows)
        sure = self.rows(f"SELECT d.line, d.claim_id, d.verdict = 'fraud', d.by, c.origin {_SURE}")
        self.compare("decisions in files", found, Counter(sure))
        stored = self.rows(
            "SELECT line, number FROM claimwatch.decision_publication WHERE stored_at IS NOT NULL"
        )
        self.compare("numbers of files", numbers, Counter(stored))
        self.expect("unpublished decisions", self.rows("SELECT * FROM claimwatch.decision_to_publish"), [])


class PublicationsWatcher(Watcher):
    """Expects numbers without gaps, and no publication of what was undone, at every moment."""

    def look(self, cursor: Cursor) -> list[str]:
        """Look at the publications."""
        cursor.execute(
            "SELECT (SELECT count(*) FROM claimwatch.decision_publication JOIN claimwatch.decision_undo"
            "        USING (decision_id)),"
            "       (SELECT count(*) FROM (SELECT line FROM claimwatch.decision_publication GROUP BY line"
            "                              HAVING count(*) <> max(number)) AS with_gaps)"
        )
        found = cursor.fetchone()
        return [] if found == (0, 0) else [f"undone and published, lines with gaps: {found}"]
