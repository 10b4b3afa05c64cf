"""The simulation of pulls: a source is written to, pulled, restarted, redefined, and workers are killed."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.domain.sources.parse import parse_source
from claimwatch.domain.sources.source import Mode
from claimwatch.errors import TransientFault
from claimwatch.storage.sources import Submission
from claimwatch.storage.sources import apply as apply_source
from tests.cluster import Cluster, database_at
from tests.faults.pulls.environment import SOURCE, PullsEnvironment
from tests.faults.pulls.invariants import PullsInvariants, PullsWatcher, SftpInvariants
from tests.faults.pulls.mariadb import MariadbOrigin
from tests.faults.pulls.naive import NaivePull
from tests.faults.pulls.origin import Origin
from tests.faults.pulls.postgresql import PostgresqlOrigin
from tests.faults.pulls.schedule import CALM_EXECUTION, OVERLAP, MariadbSchedule, PullSchedule, SftpSchedule
from tests.faults.pulls.sftp import FileWriters, NaiveFiles, SftpOrigin
from tests.faults.pulls.writers import Writers
from tests.faults.simulation import Simulation
from tests.faults.worker import Workspace
from tests.faults.workers import Hangs, Workers

CALM_PULLS = 2
"""Pulls without faults after the last write: one ends a cycle that is open, and one pulls the rest."""

_DEFINITION = """\
kind: {kind}
line: motor
table: {table}
key: [{key}]
{watermark}mode: {mode}
{overlap}schedule: rate(15 minutes)
secret: claimwatch/faults/sources/policy-system
limits: {{rows: {rows}, seconds: 600}}
silentAfter: never
"""

_FILES = """\
kind: sftp
line: motor
files: {files}
hostKeys: ["{host_key}"]
{complete}
schedule: rate(15 minutes)
secret: claimwatch/faults/sources/policy-system
limits: {{rows: 500000, seconds: {seconds}}}
silentAfter: never
"""


class PullsSimulation(Simulation):
    """One table of a PostgreSQL server."""

    kind = "postgresql"
    calm_pulls = CALM_PULLS
    schedules: type[PullSchedule] = PullSchedule
    environment: PullsEnvironment

    def __init__(self, seed: int, url: str, folder: Path, cluster: Cluster, workers: Workers) -> None:
        self._schedule, self._url, self._folder = self.schedules(seed), url, folder
        self._origin: Any = self.create_origin()
        self._definitions = 0
        workspace = Workspace.of(cluster, url, folder)
        self.environment = PullsEnvironment(
            self._schedule, cluster, workspace, workers, self._origin.secret, self._strike
        )
        self.watcher = PullsWatcher(url)
        self._create_writers()
        self._writers.fill()
        self._define()

    def create_origin(self) -> Any:
        """Create the source."""
        return PostgresqlOrigin()

    def _create_writers(self) -> None:
        self._writers: Any = Writers(self._schedule, self._origin)
        self._naive: Any = NaivePull(self._origin, self._schedule.key, self._schedule.page)

    def run_waves(self) -> None:
        """Fire the schedule's pulls while there are writers."""
        striker = threading.Thread(target=self._strike_all)
        self._writers.start()
        striker.start()
        began = time.monotonic()
        for number, firing in enumerate(self._schedule.firings()):
            time.sleep(max(0.0, firing.at - (time.monotonic() - began)))
            if firing.time_passes:
                self._let_time_pass()
            self.environment.fire(f"pull-{number}", firing.executions)
            self._naive.pull()
        self._writers.join()
        striker.join()

    def repair(self, round_number: int) -> bool:
        """Pull without faults until a cycle that began after the last write has ended."""
        if round_number == 1:
            self._mark = self._origin.mark()
        elif round_number > self.calm_pulls and self._origin.reached(self._position(), self._mark):
            return False
        self._let_time_pass()
        self.environment.fire(f"{CALM_EXECUTION}-{round_number}")
        return True

    def finish(self) -> None:
        """Let the control pull once more."""
        self._naive.pull()

    def invariants(self, cursor: Cursor) -> PullsInvariants:
        """Return the invariants of what was delivered."""
        notes = self.environment.notes
        notes.bugs += self._writers.problems
        return PullsInvariants(cursor, self._folder, self._origin, self._schedule, notes)

    def observed(self) -> Counter[str]:
        """Return what the writers did, and what the control has missed."""
        observed = self.environment.notes.observed
        observed.update({f"transactions: {end}": count for end, count in self._writers.done.items()})
        newest = self._origin.newest(self._schedule.key)
        observed["rows of the source in the end"] = len(newest)
        observed["rows that the naive pull missed"] = self._naive.missed(newest)
        return observed

    def close(self) -> None:
        """Remove the source."""
        self._origin.drop()

    def secrets(self) -> Iterable[str]:
        """Return the password, and values of keys and notes."""
        return (self._origin.secret["password"], "first-00", "w0-00", "w1-00", "w2-00", 'says "no"')

    # -- The source and its definition ---------------------------------------------------------------------

    def _define(self) -> None:
        """Put a definition of the source; another one only has other limits."""
        text = self._definition()
        self._definitions += 1
        submission = Submission(
            SOURCE,
            "artifacts",
            f"sources/{SOURCE}.yaml",
            str(self._definitions),
            datetime.now(UTC),
            f"{self._definitions:04}",
            text,
        )

        def apply() -> None:
            with closing(database_at(self._url)) as database, database.transaction() as cursor:
                apply_source(cursor, submission, parse_source(text, SOURCE), datetime.now(UTC))

        self._patiently(apply)

    def _definition(self) -> str:
        schedule = self._schedule
        return _DEFINITION.format(
            kind=self.kind,
            table=self._origin.table,
            key=", ".join(schedule.key),
            watermark="watermark: updated_at\n" if schedule.mode is not Mode.DIFFERENCE else "",
            mode=schedule.mode,
            overlap=f"overlap: {OVERLAP:.0f} seconds\n" if schedule.mode is Mode.OVERLAP else "",
            rows=schedule.window_rows if self._definitions % 2 == 0 else 11,
        )

    def _strike_all(self) -> None:
        elapsed = 0.0
        for at, kind in self._schedule.source_strikes():
            time.sleep(at - elapsed)
            elapsed = at
            self.environment.strike_source(kind)

    def _strike(self, kind: str) -> None:
        match kind:
            case "definition":
                self._define()
            case "source_terminate":
                self._origin.terminate_readers()
            case _:
                self._origin.restart(kind.removeprefix("source_restart_"))

    # -- Claimwatch's database -----------------------------------------------------------------------------

    def _let_time_pass(self) -> None:
        """Let the time pass for which an execution has taken the source."""
        self._query("UPDATE claimwatch.source SET lease_until = clock_timestamp() - interval '1 second'")

    def _position(self) -> Any:
        return self._query("SELECT position FROM claimwatch.source")

    def _query(self, statement: str) -> Any:
        def query() -> Any:
            with closing(database_at(self._url)) as database, database.transaction() as cursor:
                cursor.execute(statement)
                row = cursor.fetchone() if cursor.description else None
                return row[0] if row else None

        return self._patiently(query)

    def _patiently(self, do: Callable[[], Any]) -> Any:
        for _ in range(100):
            with suppress(TransientFault):
                return do()
            time.sleep(0.05)
        raise Hangs("the database does not come back")


class SftpPullsSimulation(PullsSimulation):
    """One folder of an SFTP server."""

    calm_pulls = 3
    schedules = SftpSchedule

    def create_origin(self) -> SftpOrigin:
        """Create the source."""
        return SftpOrigin()

    def _create_writers(self) -> None:
        assert isinstance(self._schedule, SftpSchedule)
        self._writers = FileWriters(self._schedule, self._origin)
        self._naive = NaiveFiles(self._origin)

    def _definition(self) -> str:
        assert isinstance(self._schedule, SftpSchedule)
        complete = "marker: .done" if self._schedule.marker else "settle: 1 second"
        return _FILES.format(
            files=self._origin.files,
            host_key=self._origin.host_keys[0],
            complete=complete,
            seconds=600 + self._definitions % 2,
        )

    def invariants(self, cursor: Cursor) -> SftpInvariants:
        """Return the invariants of what was delivered."""
        notes = self.environment.notes
        notes.bugs += self._writers.problems
        return SftpInvariants(cursor, self._folder, self._origin, self._schedule, notes, self._writers)

    def observed(self) -> Counter[str]:
        """Return what the writers did, and what the control has missed."""
        observed = self.environment.notes.observed
        observed.update({f"uploads: {kind}": count for kind, count in self._writers.done.items()})
        observed["files of the source in the end"] = len(self._origin.contents())
        observed["files that the naive pull missed"] = self._naive.missed()
        return observed

    def secrets(self) -> Iterable[str]:
        """Return the login's key, and names and rows of files."""
        return (self._origin.secret["private_key"].splitlines()[1], "w0 ", "w1 ", "first-", "X-1")


class MariadbPullsSimulation(PullsSimulation):
    """One table of a MariaDB server."""

    kind = "mysql"
    schedules = MariadbSchedule

    def create_origin(self) -> Origin:
        """Create the source."""
        return MariadbOrigin()
