"""A database of its own on the tests' server, as an insurer has it, and a login that may only read it."""

import contextlib
import csv
import dataclasses
import io
import itertools
import os
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from claimwatch.domain.sources.source import Kind, Mode, Source
from claimwatch.sources.postgresql import PostgresqlReader, open_postgresql
from claimwatch.sources.reader import Cycle
from local.postgres import PostgresServer

_NUMBERS = itertools.count(1)

CLAIMS = Source(
    name="policies",
    kind=Kind.POSTGRESQL,
    line="motor",
    schedule="rate(15 minutes)",
    secret="policies",
    mode=Mode.HORIZON,
    table="claims.claim",
    key=("claim_id",),
)


class SourceDatabase:
    """A database with a schema ``claims``, its owner, who writes, and a login that may read the schema."""

    def __init__(self, server: PostgresServer, name: str, password: str) -> None:
        self.server, self.name = server, name
        self.secret: dict[str, Any] = {
            "host": server.host,
            "port": server.port,
            "dbname": name,
            "username": f"reader_{name}",
            "password": password,
            "sslmode": "disable",
        }
        self._opened: list[Connection | PostgresqlReader] = []
        self.owner = self.connect(autocommit=True)

    def connect(self, *, autocommit: bool = False) -> Connection:
        """Connect as the owner."""
        url = self.server.url.replace("/claimwatch?", f"/{self.name}?")
        connection: Connection = psycopg2.connect(url)
        connection.autocommit = autocommit
        self._opened.append(connection)
        return connection

    def run(self, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """Run a statement as the owner, in a transaction of its own."""
        return run(self.owner, statement, parameters)

    def administer(self, statement: str) -> None:
        """Run a statement in this database as the superuser; ``{}`` stands for the login that reads."""
        url = self.server.superuser_url.replace("/postgres?", f"/{self.name}?")
        with contextlib.closing(psycopg2.connect(url)) as connection:
            connection.autocommit = True
            run(connection, statement.replace("{}", f'"{self.secret["username"]}"'))

    def terminate_readers(self) -> None:
        """End the connections of the login that may only read."""
        self.administer(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            f" WHERE usename = '{self.secret['username']}'"
        )

    def reconnect(self) -> None:
        """Connect again after the server was restarted."""
        self.close()
        self.owner = self.connect(autocommit=True)

    def open(self, *, secret: Mapping[str, Any] | None = None, **changes: Any) -> PostgresqlReader:
        """Open a reader with the login that may only read; changes are those of the source."""
        reader = open_postgresql(dataclasses.replace(CLAIMS, **changes), secret or self.secret)
        self._opened.append(reader)
        return reader

    def close(self) -> None:
        """Close all connections."""
        for connection in self._opened:
            connection.close()
        self._opened.clear()


def run(connection: Connection, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    """Run a statement and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


@contextlib.contextmanager
def source_database(server: PostgresServer) -> Iterator[SourceDatabase]:
    """Create a database and its login, and drop both afterwards."""
    name = f"source_{os.getpid()}_{next(_NUMBERS)}"
    password = secrets.token_urlsafe(12)
    administer(server, sql.SQL("CREATE DATABASE {} OWNER claimwatch").format(sql.Identifier(name)))
    reader = sql.Identifier(f"reader_{name}")
    administer(server, sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(reader, sql.Literal(password)))
    database = SourceDatabase(server, name, password)
    try:
        database.run("CREATE SCHEMA claims")
        with database.owner.cursor() as cursor:
            cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA claims TO {}").format(reader))
            cursor.execute(
                sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA claims GRANT SELECT ON TABLES TO {}").format(
                    reader
                )
            )
        yield database
    finally:
        database.close()
        administer(server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        administer(server, sql.SQL("DROP ROLE {}").format(reader))


def administer(server: PostgresServer, statement: sql.Composable) -> None:
    """Run a statement as the superuser."""
    with contextlib.closing(psycopg2.connect(server.superuser_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)


def pulled(reader: PostgresqlReader, cycle: Cycle, window_rows: int = 1000) -> list[dict[str, str]]:
    """Copy a cycle window by window; return its rows as they stand in the files."""
    found: list[dict[str, str]] = []
    after, more = None, True
    while more:
        upto, more = reader.last_key(cycle, after, window_rows)
        if upto is None:
            break
        text = b"".join(reader.copy(cycle, after, upto)).decode()
        rows = list(csv.DictReader(io.StringIO(text)))
        assert len(rows) == reader.copied
        found += rows
        after = upto
    return found
