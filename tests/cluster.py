"""A PostgreSQL server for tests, with a migrated template database that tests clone."""

import contextlib
import itertools
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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
from claimwatch.storage.logins import renew_logins
from claimwatch.storage.migrate import migrate
from local.filesystem_object_store import FilesystemObjectStore
from local.postgres import PostgresServer

PROJECT = Path(__file__).resolve().parent.parent
MOTOR = PROJECT / "contracts" / "motor.yaml"
TEMPLATE = "migrated"
SETTINGS = {"shared_buffers": "64MB", "max_wal_size": "1GB"}


class Logins(dict[str, Mapping[str, Any]]):
    """The credentials of each task's login, in memory."""

    def put(self, task: str, credentials: Mapping[str, Any]) -> None:
        """Store the credentials of a task's login."""
        self[task] = credentials


class Cluster:
    """A server whose template database contains the schema and the contract of line motor.

    The template's logins may connect to its clones, too.
    """

    def __init__(self, folder: Path) -> None:
        self.server = PostgresServer(folder, settings=SETTINGS)
        self.logins = Logins()
        self._numbers = itertools.count(1)

    def __enter__(self) -> Self:
        self.server.start()
        self._administer(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
        with contextlib.closing(database_at(self.url(TEMPLATE))) as database:
            migrate(database)
            renew_logins(database, {"host": self.server.host, "port": self.server.port}, self.logins)
        with contextlib.closing(database_at(self.url(TEMPLATE, "contracts"))) as database:
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

    def url(self, name: str, task: str | None = None) -> str:
        """Return the libpq URL of a database for the login of a task, or for its owner."""
        owned = urlsplit(self.server.url)._replace(path=f"/{name}")
        if task is None:
            return owned.geturl()
        login = self.logins[task]
        user = f"{login['username']}:{login['password']}@{self.server.host}:{self.server.port}"
        return owned._replace(netloc=user).geturl()

    def database(self, url: str) -> "ClonedDatabase":
        """Return the database at the URL of a clone."""
        name = urlsplit(url).path.lstrip("/")
        urls = {task: self.url(name, task) for task in self.logins}
        return ClonedDatabase({"dsn": url}, wake_up_time=10, search_path="claimwatch", urls=urls)

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


@dataclass
class ClonedDatabase(Database):
    """A clone as its owner sees it, who prepares and inspects it, and as the logins of the tasks do."""

    urls: Mapping[str, str] = field(default_factory=dict, kw_only=True, repr=False)
    _opened: dict[str, Database] = field(default_factory=dict, kw_only=True, repr=False)

    def as_task(self, task: str) -> Database:
        """Return the database with the privileges of a task, over one connection for each task."""
        if task not in self._opened:
            self._opened[task] = self.separately(task)
        return self._opened[task]

    def separately(self, task: str, **parameters: Any) -> Database:
        """Return the database with the privileges of a task, over a connection that the caller closes."""
        return database_at(self.urls[task], **parameters)

    def close(self) -> None:
        """Close all connections."""
        super().close()
        for opened in self._opened.values():
            opened.close()


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
        use_case.Dependencies(database, objects, SilentAlerts(), replay, lambda _: None), created
    ).status


class SilentAlerts:
    """Discards alerts."""

    def publish(self, subject: str, message: str) -> None:
        """Discard an alert."""
