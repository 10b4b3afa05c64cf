"""Sources in memory, and an environment in which executions pull them into a folder."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from claimwatch.aws.objects import ObjectRef
from claimwatch.aws.pull_events import FailedPull, PullRequest, WindowRef
from claimwatch.domain.sources.parse import parse_source
from claimwatch.domain.sources.source import Source
from claimwatch.sources import commit_window, extract_window, plan_pull, record_pull_failure
from claimwatch.sources.commit_window import Committed
from claimwatch.sources.extract_window import Extracted
from claimwatch.sources.plan_pull import Plan
from claimwatch.sources.reader import Column, Cycle, Key, RefusedSource, RemoteFile, Row, SourceUnreachable
from claimwatch.storage import sources
from claimwatch.storage.sources import State, Submission
from local.filesystem_object_store import FilesystemObjectStore
from tests.cluster import ClonedDatabase

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
LANDING = "landing"
DATABASE = {
    "kind": "mysql",
    "line": "motor",
    "table": "claim",
    "key": "[claim_id]",
    "mode": "difference",
    "schedule": "rate(15 minutes)",
    "secret": "claimwatch/test/sources/policy",
}


class Killed(BaseException):
    """Stands for the end of a process."""


@dataclass
class FakeTable:
    """A table in memory: its rows by key, each with the number of its last change, and its columns."""

    columns: list[Column] = field(
        default_factory=lambda: [Column("claim_id", "text"), Column("amount", "int")]
    )
    rows: dict[str, tuple[int, list[Any]]] = field(default_factory=dict)
    changes: int = 0
    overlap: int = 0
    """How many of the last changes are read again, in mode overlap."""
    may_write: bool = False
    unreachable: bool = False
    after_batch: Callable[[], None] = lambda: None
    batch: int = 2
    opened: int = 0
    closed: int = 0
    asked_rows: list[int] = field(default_factory=list)

    def put(self, key: str, amount: Any) -> None:
        """Insert or change a row."""
        self.changes += 1
        self.rows[key] = (self.changes, [key, amount])

    def delete(self, key: str) -> None:
        """Delete a row."""
        del self.rows[key]

    def open(self, source: Source) -> "FakeReader":
        """Return a reader."""
        if self.unreachable:
            raise SourceUnreachable(f"source {source.name} does not answer")
        self.opened += 1
        return FakeReader(self)

    def between(self, cycle: Cycle, after: Key | None, upto: Key | None) -> list[str]:
        """Return the keys of a window."""
        return [
            key
            for key, (change, _) in sorted(self.rows.items())
            if cycle["from"] < change <= cycle["to"]
            and (after is None or (key,) > after)
            and (upto is None or (key,) <= upto)
        ]


class FakeReader:
    """Reads a fake table, in batches."""

    def __init__(self, table: FakeTable) -> None:
        self._table = table

    def refuse_writers(self) -> None:
        if self._table.may_write:
            raise RefusedSource("the login may change data; GRANT SELECT only")

    def close(self) -> None:
        self._table.closed += 1

    def columns(self) -> tuple[Column, ...]:
        return tuple(self._table.columns)

    def tables(self) -> tuple[str, ...]:
        return ("claim",)

    def sample(self, rows: int) -> list[Sequence[Any]]:
        return list([values for _, values in self._table.rows.values()][:rows])

    def begin_cycle(self, previous: Cycle | None) -> Cycle:
        start = 0 if previous is None else max(0, previous["to"] - self._table.overlap)
        if self._table.overlap == 0:
            start = 0  # all rows, as mode difference reads them
        return {"from": start, "to": self._table.changes}

    def last_key(self, cycle: Cycle, after: Key | None, rows: int) -> tuple[Key | None, bool]:
        self._table.asked_rows.append(rows)
        keys = self._table.between(cycle, after, None)
        return ((keys[:rows][-1],) if keys else None), len(keys) > rows

    def rows(self, cycle: Cycle, after: Key | None, upto: Key) -> Iterator[list[Row]]:
        keys = self._table.between(cycle, after, upto)
        for first in range(0, len(keys), self._table.batch):
            batch = keys[first : first + self._table.batch]
            recent = cycle["to"] - self._table.overlap
            yield [Row((key,), self._table.rows[key][1], self._table.rows[key][0] > recent) for key in batch]
            self._table.after_batch()


class FakeCopyingTable(FakeTable):
    """A table whose server writes CSV itself, and tells changed rows apart exactly."""

    def open(self, source: Source) -> "FakeCopyingReader":
        super().open(source)
        return FakeCopyingReader(self)


class FakeCopyingReader(FakeReader):
    """Copies a fake table."""

    copied = 0

    def begin_cycle(self, previous: Cycle | None) -> Cycle:
        return {"from": previous["to"] if previous else 0, "to": self._table.changes}

    def copy(self, cycle: Cycle, after: Key | None, upto: Key) -> Iterator[bytes]:
        yield (",".join(column.name for column in self._table.columns) + "\n").encode()
        keys = self._table.between(cycle, after, upto)
        for key in keys:
            yield f"{key},{self._table.rows[key][1][1]}\n".encode()
            self._table.after_batch()
        self.copied = len(keys)


@dataclass
class FakeServer:
    """A server with files."""

    content: dict[str, tuple[bytes, datetime]] = field(default_factory=dict)

    def put(self, path: str, content: bytes, modified_at: datetime = NOON) -> None:
        """Store a file."""
        self.content[path] = (content, modified_at)

    def open(self, _: Source) -> "FakeFileReader":
        """Return a reader."""
        return FakeFileReader(self)


class FakeFileReader:
    """Reads the files of a fake server."""

    def __init__(self, server: FakeServer) -> None:
        self._server = server

    def refuse_writers(self) -> None:
        """Any login may read."""

    def close(self) -> None:
        """Nothing to close."""

    def files(self) -> list[RemoteFile]:
        return [RemoteFile(path, len(body), at) for path, (body, at) in self._server.content.items()]

    def read(self, file: RemoteFile) -> Iterator[bytes]:
        body, at = self._server.content.get(file.path, (b"", NOON))
        yield body
        if (len(body), at) != (file.size, file.modified_at):
            raise SourceUnreachable("the file changed while it was read")


@dataclass
class Notifications:
    """Records notifications; ``fault`` is raised once instead of recording one."""

    messages: list[tuple[str, str]] = field(default_factory=list)
    fault: BaseException | None = None

    def publish(self, subject: str, message: str) -> None:
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
        self.messages.append((subject, message))

    @property
    def subjects(self) -> list[str]:
        return [subject for subject, _ in self.messages]


class Environment:
    """Pulls sources into a folder; time stands still unless a test moves it."""

    def __init__(self, database: ClonedDatabase, folder: Path) -> None:
        self.database = database
        self.objects = FilesystemObjectStore(folder)
        self.sent = Notifications()
        self.server: FakeTable | FakeServer = FakeTable()
        self.time = NOON
        self.seconds = 0.0
        self._versions = 0

    def now(self) -> datetime:
        return self.time

    def later(self, **by: float) -> None:
        """Move the time."""
        self.time += timedelta(**by)

    def define(self, name: str = "policy", begin_again: bool = False, /, **changed: str | None) -> Source:
        """Store a source's file as ``apply_source`` does."""
        keys = {key: value for key, value in (DATABASE | changed).items() if value is not None}
        text = "\n".join(f"{key}: {value}" for key, value in keys.items())
        source = parse_source(text, name)
        self._versions += 1
        submission = Submission(name, "artifacts", f"sources/{name}.yaml", "1", self.time, "", text)
        with self.database.as_task("sources").transaction() as cursor:
            sources.apply(cursor, submission, source, self.time)
            if begin_again:
                sources.begin_again(cursor, name, self.time)
        return source

    def plan(self, execution: str = "one", *, from_start: bool = False, narrow: bool = False) -> Plan:
        deps = plan_pull.Dependencies(self.database.as_task("sources"), self.sent, self.server.open, self.now)
        return plan_pull.plan_pull(deps, PullRequest("policy", execution, from_start, narrow))

    def extract(self, plan: Plan, time_left: float = 900.0) -> Extracted:
        deps = extract_window.Dependencies(
            self.database.as_task("sources"),
            self.objects,
            LANDING,
            self.server.open,
            lambda: b"k" * 32,
            self.now,
            lambda: self.seconds,
        )
        ref = WindowRef(plan.source, plan.number, plan.generation)
        return extract_window.extract_window(deps, ref, lambda: time_left)

    def commit(self, plan: Plan) -> Committed:
        deps = commit_window.Dependencies(
            self.database.as_task("sources"), self.objects, self.sent, LANDING, self.now
        )
        return commit_window.commit_window(deps, WindowRef(plan.source, plan.number, plan.generation))

    def fail(self, error: str, message: str = "it broke", execution: str = "one") -> str:
        deps = record_pull_failure.Dependencies(self.database.as_task("sources"), self.sent, self.now)
        cause = f'{{"errorMessage": "{message}"}}'
        return record_pull_failure.record_pull_failure(deps, FailedPull("policy", execution, error, cause))

    def pull(self, execution: str = "one", *, from_start: bool = False) -> str:
        """Run an execution to its end, as the state machine does; return the last status."""
        plan = self.plan(execution, from_start=from_start)
        while plan.status == "extract":
            self.extract(plan)
            if not self.commit(plan).more:
                return "done"
            plan = self.plan(execution, from_start=from_start)
        return plan.status

    def state(self) -> State:
        with self.database.as_task("sources").transaction() as cursor:
            state = sources.find(cursor, "policy")
        assert state is not None
        return state

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.database.transaction() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def objects_of(self, folder: str = "claims/motor/pull/policy") -> dict[str, list[bytes]]:
        """Return all versions of each object, oldest first, by the end of its key."""
        found: dict[str, list[bytes]] = {}
        for (key,) in self.rows("SELECT DISTINCT object_key FROM source_window ORDER BY 1"):
            for number in range(1, 100):
                ref = ObjectRef(LANDING, key, str(number))
                if not self.objects.path(ref).is_file():
                    break
                body = b"".join(self.objects.read(ref))
                found.setdefault(key.removeprefix(f"{folder}/"), []).append(body)
        return found

    def pulled(self) -> list[Mapping[str, str]]:
        """Return the rows of the newest versions of all objects, in the order of the objects."""
        rows: list[Mapping[str, str]] = []
        for versions in self.objects_of().values():
            rows += csv.DictReader(io.StringIO(versions[-1].decode(), newline=""))
        return rows

    def amounts(self) -> dict[str, str]:
        """Return the last pulled amount of each claim."""
        return {row["claim_id"]: row["amount"] for row in self.pulled()}


def table_of(env: Environment, rows: int) -> FakeTable:
    """Give the environment a table with rows c000, c001, …"""
    table = FakeTable()
    for number in range(rows):
        table.put(f"c{number:03}", number)
    env.server = table
    return table


def copying_table_of(env: Environment, rows: int) -> FakeCopyingTable:
    """Give the environment a table whose server writes CSV."""
    table = FakeCopyingTable()
    for number in range(rows):
        table.put(f"c{number:03}", number)
    env.server = table
    return table
