"""Migration of the database schema to this version of the code."""

import hashlib
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.errors import TransientFault
from claimwatch.storage.connection import Database
from claimwatch.storage.queries import queries

RETRY_TIME = 300.0
"""Seconds during which a migration is retried."""

PAUSE = 2.0
"""Seconds between two attempts."""

_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


class ChangedMigration(Exception):
    """A migration was changed after it had run; write a new migration instead."""


@dataclass(frozen=True)
class Migration:
    """One step in the history of the schema."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Checksum that reveals changes after the migration has run."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    """Return the migrations of this code in order.

    Numbers may be missing before a release: branches that are developed side by side reserve them. A release
    has no gaps (``python -m release record``).
    """
    found = [
        Migration(int(name[1]), name[2], entry.read_text("utf-8"))
        for entry in files("claimwatch.storage.migrations").iterdir()
        if (name := _FILE_NAME.fullmatch(entry.name))
    ]
    found.sort(key=lambda migration: migration.number)
    numbers = [migration.number for migration in found]
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"the migrations are numbered {numbers}, with duplicates")
    return found


def migrate_with_retry(database: Database, retry_time: float = RETRY_TIME) -> list[Migration]:
    """Migrate, retrying for ``retry_time`` seconds: a new database may not accept connections yet."""
    deadline = time.monotonic() + retry_time
    while time.monotonic() < deadline:
        try:
            return migrate(database)
        except TransientFault:
            time.sleep(PAUSE)
    return migrate(database)


def migrate(database: Database, steps: Iterable[Migration] | None = None) -> list[Migration]:
    """Run the migrations that have not run yet, each in its own transaction; return those that ran.

    Repeated and concurrent calls are safe: the second one waits and finds nothing to do. Raises
    ``ChangedMigration`` and, from the database, ``TransientFault``.
    """
    with database.transaction() as cursor:
        _lock_migrations(cursor)
        cursor.execute(queries("migrate")["create_history"])
    return [step for step in (migrations() if steps is None else steps) if _run_if_new(database, step)]


def _run_if_new(database: Database, migration: Migration) -> bool:
    sql = queries("migrate")
    with database.transaction() as cursor:
        _lock_migrations(cursor)
        cursor.execute(sql["find_migration"], [migration.number])
        found = cursor.fetchone()
        if found is not None:
            if found[0] != migration.sha256:
                raise ChangedMigration(
                    f"migration {migration.number:04}_{migration.name} was changed after it had run here"
                )
            return False
        cursor.execute(migration.sql)
        cursor.execute(sql["record_migration"], [migration.number, migration.name, migration.sha256])
        return True


def _lock_migrations(cursor: Cursor) -> None:
    cursor.execute(queries("migrate")["lock_migrations"])
