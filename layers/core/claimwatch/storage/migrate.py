"""Bringing the database's schema up to this version of the code."""

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

PATIENCE = 300.0
"""Seconds."""

PAUSE = 2.0
"""Seconds between two tries."""

_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


class ChangedMigration(Exception):
    """A migration that has run already is not the one that is in the code; write a new one instead."""


@dataclass(frozen=True)
class Migration:
    """One step of the schema's history."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """What tells whether it was changed after it ran."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    """The migrations of this code, in their order."""
    found = [
        Migration(int(name[1]), name[2], entry.read_text("utf-8"))
        for entry in files("claimwatch.storage.migrations").iterdir()
        if (name := _FILE_NAME.fullmatch(entry.name))
    ]
    found.sort(key=lambda migration: migration.number)
    numbers = [migration.number for migration in found]
    if numbers != list(range(1, len(found) + 1)):
        raise ValueError(f"the migrations are numbered {numbers}, with gaps or doubles")
    return found


def migrate_with_retry(database: Database, patience: float = PATIENCE) -> list[Migration]:
    """As ``migrate``, trying for ``patience`` seconds: a database that was just made may still wake up."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            return migrate(database)
        except TransientFault:
            time.sleep(PAUSE)
    return migrate(database)


def migrate(database: Database, steps: Iterable[Migration] | None = None) -> list[Migration]:
    """Run what has not run yet, each in a transaction of its own; returns what ran.

    Safe to repeat, and for two to run at once: the second waits, and finds nothing to do. Raises
    ``ChangedMigration`` and, from the database, ``TransientFault``.
    """
    with database.transaction() as cursor:
        _lock_migrations(cursor)
        cursor.execute(queries("migrate")["create_history"])
    return [step for step in (migrations() if steps is None else steps) if _ran_now(database, step)]


def _ran_now(database: Database, migration: Migration) -> bool:
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
