"""A pipeline without AWS: real PostgreSQL, buckets in a folder, a state machine that runs when told to."""

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from claimwatch.aws.events import CreatedObject
from claimwatch.aws.executions import execution_name
from claimwatch.aws.objects import ObjectRef
from claimwatch.errors import TransientFault
from claimwatch.ingest import apply_contract, commit, inspect, load
from claimwatch.ingest.fail import record_failure
from claimwatch.ingest.register import register
from claimwatch.ingest.replay import replay, resume
from claimwatch.storage.connection import Database
from local.filesystem_object_store import FilesystemObjectStore

LANDING, ARTIFACTS = "landing", "artifacts"
KEY = b"a key that only the tests know"
FIRST_DAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

type Row = dict[str, Any]


@dataclass(frozen=True)
class Alert:
    """A message to people."""

    subject: str
    message: str


@dataclass
class Site:
    """Where files are dropped and looked at; each an hour after the one before, unless told otherwise."""

    database: Database
    objects: FilesystemObjectStore
    alerts: list[Alert] = field(default_factory=list)
    started: dict[str, tuple[int, int]] = field(default_factory=dict)
    waiting: deque[tuple[int, int]] = field(default_factory=deque)
    hours: int = 0

    @classmethod
    def below(cls, database: Database, folder: Path) -> "Site":
        """With its buckets below a folder."""
        return cls(database, FilesystemObjectStore(folder))

    # -- Step Functions and SNS, played ----------------------------------------------------------------------

    def start(self, ref: ObjectRef, file_id: int, attempt: int) -> None:
        """Start an execution; a second one of the same name is none."""
        name = execution_name(ref, attempt)
        if name not in self.started:
            self.started[name] = (file_id, attempt)
            self.waiting.append((file_id, attempt))

    def publish(self, subject: str, message: str) -> None:
        """Tell people."""
        self.alerts.append(Alert(subject, message))

    # -- What people do ------------------------------------------------------------------------------------

    def drop(
        self,
        key: str,
        data: bytes | str,
        *,
        at: datetime | None = None,
        sequencer: str = "",
        events: int = 1,
        run: bool = True,
    ) -> Row:
        """Drop an object, hear of it so many times, and work it through; returns its row in the ledger."""
        created = self.put(key, data, at=at, sequencer=sequencer)
        for _ in range(events):
            file_id = self.hear(created)
        if run:
            self.run()
        return self.file(file_id)

    def put(
        self, key: str, data: bytes | str, *, at: datetime | None = None, sequencer: str = ""
    ) -> CreatedObject:
        """Only put the object there; returns what its event says."""
        content = data.encode() if isinstance(data, str) else data
        ref = self.objects.write(LANDING, key, [content])
        self.hours += 1
        moment = at or FIRST_DAY + timedelta(hours=self.hours)
        return CreatedObject(ref, len(content), sequencer or f"{self.hours:04X}", moment)

    def hear(self, created: CreatedObject) -> int:
        """Its event comes; returns the file's number."""
        return register(self.database, self, self, created).file_id

    def run(self) -> None:
        """Work through what was started, as the state machine does on a day without faults."""
        while self.waiting:
            file_id, attempt = self.waiting.popleft()
            try:
                self.execute(file_id, attempt)
            except TransientFault:
                self.waiting.append((file_id, attempt))

    def execute(self, file_id: int, attempt: int) -> None:
        """One execution."""
        found = inspect.inspect(self.inspection, file_id, attempt)
        for chunk in found["chunks"]:
            load.load_chunk(self.loading, **chunk)
        if found["status"] == "ready":
            commit.commit_file(self.committing, file_id, attempt)

    def replay(self, file_id: int) -> Row:
        """Try a file again."""
        replay(self.database, self, file_id)
        self.run()
        return self.file(file_id)

    def fail(self, file_id: int, attempt: int) -> None:
        """What the state machine does when its retries have ended."""
        record_failure(self.database, self, file_id, attempt, "TransientFault", "it did not pass")

    def put_contract(self, line: str, text: str) -> apply_contract.Applied:
        """Put a contract in place, and work through what it wakes."""
        ref = self.objects.write(ARTIFACTS, f"contracts/{line}.yaml", [text.encode()])
        self.hours += 1
        created = CreatedObject(ref, len(text), f"{self.hours:04X}", FIRST_DAY + timedelta(hours=self.hours))
        place = apply_contract.Dependencies(
            self.database, self.objects, self, lambda file_id: resume(self.database, self, file_id)
        )
        applied = apply_contract.apply_contract(place, created)
        self.run()
        return applied

    def draft(self, line: str) -> str:
        """The draft of a line's contract."""
        ref = ObjectRef(ARTIFACTS, f"contracts/{line}.draft.yaml", "1")
        return b"".join(self.objects.read(ref)).decode()

    # -- What they see ---------------------------------------------------------------------------------------

    def file(self, file_id: int) -> Row:
        """A row of the ledger."""
        (row,) = self.query("SELECT * FROM claimwatch.file WHERE file_id = %s", file_id)
        return row

    def quarantine(self, file_id: int) -> dict[int, list[Row]]:
        """Row number to reasons."""
        found = self.query(
            "SELECT row_number, reasons FROM claimwatch.quarantine WHERE file_id = %s ORDER BY 1", file_id
        )
        return {row["row_number"]: row["reasons"] for row in found}

    def query(self, sql: str, *parameters: object) -> list[Row]:
        """Rows by the names of their columns."""
        with self.database.transaction() as cursor:
            cursor.execute(sql, parameters)
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    # -- The steps' workplaces -------------------------------------------------------------------------------

    @property
    def inspection(self) -> inspect.Dependencies:
        """Of inspect."""
        return inspect.Dependencies(self.database, self.objects, self, ARTIFACTS)

    @property
    def loading(self) -> load.Dependencies:
        """Of load_chunk."""
        return load.Dependencies(self.database, self.objects, KEY)

    @property
    def committing(self) -> commit.Dependencies:
        """Of commit_file."""
        return commit.Dependencies(self.database, self.objects)
