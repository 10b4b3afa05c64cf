"""An environment in which contracts are stored, applied and notified."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from claimwatch.aws.events import CreatedObject
from claimwatch.ingest.apply_contract import Applied, Dependencies, apply_contract
from claimwatch.ingest.publish_running import Dependencies as Publishing
from claimwatch.ingest.publish_running import publish_running
from claimwatch.storage.connection import Database
from local.filesystem_object_store import FilesystemObjectStore
from tests.cluster import ClonedDatabase
from tests.pointers import PointerFiles

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@dataclass
class Notifications:
    """Records notifications; `fault` is raised once instead of recording one."""

    messages: list[tuple[str, str]] = field(default_factory=list)
    fault: Exception | None = None

    def publish(self, subject: str, message: str) -> None:
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
        self.messages.append((subject, message))


class Environment:
    """Applies contracts to a database, with everything else in memory or in a folder."""

    def __init__(self, database: ClonedDatabase, folder: Path) -> None:
        self.database = database
        self.objects = FilesystemObjectStore(folder)
        self.pointers = PointerFiles(folder / "contracts")
        self.sent = Notifications()
        self.replayed: list[int] = []
        self.slept: list[float] = []
        self.on_replay: Callable[[int], None] = self.replayed.append
        self.on_sleep: Callable[[float], None] = self.slept.append

    def put(
        self, text: str | bytes, *, line: str = "home", second: int = 0, sequencer: str = ""
    ) -> CreatedObject:
        """Store a contract; return the event that S3 would send."""
        body = text.encode() if isinstance(text, str) else text
        ref = self.objects.write("artifacts", f"contracts/{line}.yaml", [body])
        return CreatedObject(ref, len(body), sequencer, NOON + timedelta(seconds=second))

    def apply(self, created: CreatedObject, database: Database | None = None) -> Applied:
        return apply_contract(
            Dependencies(
                database=database or self.database.as_task("contracts"),
                objects=self.objects,
                alerts=self.sent,
                replay=self.on_replay,
                publish=lambda line: publish_running(self.publishing(database), line),
                lock_timeout=0.2,
                sleep=self.on_sleep,
            ),
            created,
        )

    def publishing(self, database: Database | None = None) -> Publishing:
        """Return the dependencies of publishing contracts."""
        database = database or self.database.as_task("contracts")
        return Publishing(database, self.objects, "artifacts", self.pointers)

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.database.transaction() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def file(
        self, status: str = "committed", *, second: int = 0, sequencer: str = "", line: str = "home"
    ) -> int:
        """Insert a file into the ledger; return its number."""
        counts = (1, 1, 0) if status == "committed" else (None, None, None)
        committed_at = NOON if status == "committed" else None
        [(file_id,)] = self.rows(
            """
            INSERT INTO file (dataset, line, bucket, key, version_id, received_at, sequencer, status,
                              rows_read, rows_loaded, rows_quarantined, committed_at)
            VALUES ('claims', %s, 'landing', gen_random_uuid()::text, '1', %s, %s, %s, %s, %s, %s, %s)
            RETURNING file_id
            """,
            *(line, NOON + timedelta(seconds=second), sequencer, status, *counts, committed_at),
        )
        return int(file_id)

    def columns(self, table: str) -> dict[str, str]:
        """Return the types of the columns of a table or view."""
        return dict(
            self.rows(
                """
                SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
                WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
                """,
                f'claimwatch."{table}"',
            )
        )
