"""A PostgreSQL server for tests, with a migrated template database that tests clone."""

import contextlib
import itertools
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import psycopg2
from psycopg2 import sql

from claimwatch.aws.events import CreatedObject
from claimwatch.ingest import apply_contract as use_case
from claimwatch.storage.connection import Database
from claimwatch.storage.migrate import migrate
from local.filesystem_object_store import FilesystemObjectStore
from local.postgres import PostgresServer

PROJECT = Path(__file__).resolve().parent.parent
MOTOR = PROJECT / "contracts" / "motor.yaml"
TEMPLATE = "migrated"
SETTINGS = {"shared_buffers": "64MB", "max_wal_size": "1GB"}


class Cluster:
    """A server whose template database contains the schema and the contract of line motor."""

    def __init__(self, folder: Path) -> None:
        self.server = PostgresServer(folder, settings=SETTINGS)
        self._numbers = itertools.count(1)

    def __enter__(self) -> Self:
        self.server.start()
        self._administer(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
        with contextlib.closing(database_at(self.url(TEMPLATE))) as database:
            migrate(database)
            with tempfile.TemporaryDirectory() as folder:
                status = apply_contract(
                    database, "motor", MOTOR.read_text("utf-8"), FilesystemObjectStore(Path(folder))
                )
            assert status == "applied", f"the contract of line motor was {status}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.remove()

    def url(self, name: str) -> str:
        """Return the libpq URL of a database, with its owner as user."""
        return urlsplit(self.server.url)._replace(path=f"/{name}").geturl()

    @contextlib.contextmanager
    def clone(self) -> Iterator[str]:
        """Clone the template, yield the URL of the clone and drop the clone afterwards."""
        name = sql.Identifier(f"clone_{os.getpid()}_{next(self._numbers)}")
        self._administer(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, sql.Identifier(TEMPLATE)))
        try:
            yield self.url(name.string)
        finally:
            # Autovacuum may be connected, which only a superuser may terminate.
            self._administer(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name), self.server.superuser_url)

    def _administer(self, statement: sql.Composable, url: str | None = None) -> None:
        with contextlib.closing(psycopg2.connect(url or self.server.url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)


def database_at(url: str, **parameters: Any) -> Database:
    """Return the database at a URL; further parameters go to psycopg2."""
    return Database({"dsn": url} | parameters, wake_up_time=10)


def apply_contract(
    database: Database, line: str, text: str, objects: FilesystemObjectStore, *, day: int = 1
) -> str:
    """Apply a contract received on a day of January 2026, and return its status."""

    def replay(file_id: int) -> None:
        raise AssertionError(f"file {file_id} waits for a contract")

    ref = objects.write("artifacts", f"contracts/{line}.yaml", [text.encode()])
    created = CreatedObject(ref, len(text), "", datetime(2026, 1, day, tzinfo=UTC))
    return use_case.apply_contract(
        use_case.Dependencies(database, objects, SilentAlerts(), replay), created
    ).status


class SilentAlerts:
    """Discards alerts."""

    def publish(self, subject: str, message: str) -> None:
        """Discard an alert."""
