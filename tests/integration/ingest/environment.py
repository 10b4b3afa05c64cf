"""A pipeline without AWS: real PostgreSQL, buckets in a folder, and a state machine run on request."""

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from claimwatch.aws.events import CreatedObject
from claimwatch.aws.executions import execution_name
from claimwatch.aws.objects import ObjectRef
from claimwatch.errors import TransientFault
from claimwatch.ingest import apply_contract, commit, inspect, load, publish_running
from claimwatch.ingest import register as registration
from claimwatch.ingest.fail import record_failure
from claimwatch.ingest.replay import replay, resume
from local.filesystem_object_store import FilesystemObjectStore
from tests.cluster import ClonedDatabase
from tests.pointers import PointerFiles

LANDING, ARTIFACTS = "landing", "artifacts"
KEY = b"a key for tests only"
FIRST_DAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

_EVENT_SENT_LATER = """
      - name: event day that is sent later
        logicalType: date
        customProperties: [{property: role, value: event_time}]
"""

type Row = dict[str, Any]


@dataclass(frozen=True)
class Alert:
    """A published notification."""

    subject: str
    message: str


@dataclass
class Site:
    """A pipeline that files are dropped into, each an hour after the previous one by default."""

    database: ClonedDatabase
    objects: FilesystemObjectStore
    alerts: list[Alert] = field(default_factory=list)
    started: dict[str, tuple[int, int]] = field(default_factory=dict)
    waiting: deque[tuple[int, int]] = field(default_factory=deque)
    hours: int = 0

    @classmethod
    def below(cls, database: ClonedDatabase, folder: Path) -> "Site":
        """Return a pipeline with its buckets in a folder."""
        return cls(database, FilesystemObjectStore(folder))

    def pointers(self, kind: str) -> PointerFiles:
        """Return what is published of the lines, of one kind."""
        return PointerFiles(self.objects.folder / "pointers" / kind)

    # -- Fakes of Step Functions and SNS ---------------------------------------------------------------------

    def start(self, ref: ObjectRef, file_id: int, attempt: int) -> None:
        """Start an execution; a second start with the same name has no effect."""
        name = execution_name(ref, attempt)
        if name not in self.started:
            self.started[name] = (file_id, attempt)
            self.waiting.append((file_id, attempt))

    def publish(self, subject: str, message: str) -> None:
        """Record a notification."""
        self.alerts.append(Alert(subject, message))

    # -- Actions -------------------------------------------------------------------------------------------

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
        """Drop an object, receive its event ``events`` times, run it; return its row in the ledger."""
        created = self.put(key, data, at=at, sequencer=sequencer)
        for _ in range(events):
            file_id = self.register(created)
        if run:
            self.run()
        return self.file(file_id)

    def put(
        self, key: str, data: bytes | str, *, at: datetime | None = None, sequencer: str = ""
    ) -> CreatedObject:
        """Store the object only; return its event."""
        content = data.encode() if isinstance(data, str) else data
        ref = self.objects.write(LANDING, key, [content])
        self.hours += 1
        moment = at or FIRST_DAY + timedelta(hours=self.hours)
        return CreatedObject(ref, len(content), sequencer or f"{self.hours:04X}", moment)

    def register(self, created: CreatedObject) -> int:
        """Receive the event of an object; return the file's number."""
        return registration.register(
            self.database.as_task("ingest"), self, self, self.objects, created
        ).file_id

    def run(self) -> None:
        """Run all started executions, as the state machine does without faults."""
        while self.waiting:
            file_id, attempt = self.waiting.popleft()
            try:
                self.execute(file_id, attempt)
            except TransientFault:
                self.waiting.append((file_id, attempt))

    def execute(self, file_id: int, attempt: int) -> None:
        """Run one execution."""
        found = inspect.inspect(self.inspection, file_id, attempt)
        for chunk in found["chunks"]:
            load.load_chunk(self.loading, **chunk)
        if found["status"] == "ready":
            commit.commit_file(self.committing, file_id, attempt)

    def replay(self, file_id: int) -> Row:
        """Replay a file."""
        replay(self.database.as_task("replay"), self, file_id)
        self.run()
        return self.file(file_id)

    def fail(self, file_id: int, attempt: int, error: str = "TransientFault") -> None:
        """Record a failure, as the state machine does after its last retry."""
        record_failure(self.database.as_task("ingest"), self, file_id, attempt, error, "it did not pass")

    def put_contract(self, line: str, text: str) -> apply_contract.Applied:
        """Store and apply a contract, and run the executions that it starts."""
        ref = self.objects.write(ARTIFACTS, f"contracts/{line}.yaml", [text.encode()])
        self.hours += 1
        created = CreatedObject(ref, len(text), f"{self.hours:04X}", FIRST_DAY + timedelta(hours=self.hours))
        database = self.database.as_task("contracts")
        deps = apply_contract.Dependencies(
            database,
            self.objects,
            self,
            lambda file_id: resume(database, self, file_id),
            lambda line: publish_running.publish_running(self.publishing, line),
        )
        applied = apply_contract.apply_contract(deps, created)
        self.run()
        return applied

    @property
    def publishing(self) -> publish_running.Dependencies:
        """The dependencies of publishing contracts."""
        return publish_running.Dependencies(
            self.database.as_task("contracts"), self.objects, ARTIFACTS, self.pointers("contracts")
        )

    def draft(self, line: str) -> str:
        """Return the draft of a line's contract."""
        ref = ObjectRef(ARTIFACTS, f"contracts/{line}.draft.yaml", "1")
        return b"".join(self.objects.read(ref)).decode()

    def confirm(self, line: str, draft: str) -> apply_contract.Applied:
        """Apply a draft as a person does who agrees with all of it, and sends the event time later."""
        event = "" if "role, value: event_time}" in draft else _EVENT_SENT_LATER
        return self.put_contract(line, draft.replace("status: draft", "status: active", 1) + event)

    # -- Results ---------------------------------------------------------------------------------------------

    def file(self, file_id: int) -> Row:
        """Return a row of the ledger."""
        (row,) = self.query("SELECT * FROM claimwatch.file WHERE file_id = %s", file_id)
        return row

    def quarantine(self, file_id: int) -> dict[int, list[Row]]:
        """Return the reasons by row number."""
        found = self.query(
            "SELECT row_number, reasons FROM claimwatch.quarantine WHERE file_id = %s ORDER BY 1", file_id
        )
        return {row["row_number"]: row["reasons"] for row in found}

    def query(self, sql: str, *parameters: object) -> list[Row]:
        """Return rows as dictionaries."""
        with self.database.transaction() as cursor:
            cursor.execute(sql, parameters)
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    # -- Dependencies of the steps ---------------------------------------------------------------------------

    @property
    def inspection(self) -> inspect.Dependencies:
        """Dependencies of ``inspect``."""
        return inspect.Dependencies(self.database.as_task("ingest"), self.objects, self, ARTIFACTS)

    @property
    def loading(self) -> load.Dependencies:
        """Dependencies of ``load_chunk``."""
        return load.Dependencies(self.database.as_task("ingest"), self.objects, KEY)

    @property
    def committing(self) -> commit.Dependencies:
        """Dependencies of ``commit_file``."""
        return commit.Dependencies(self.database.as_task("ingest"), self.objects, self)
