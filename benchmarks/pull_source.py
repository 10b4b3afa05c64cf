"""The source of `make bench-pull`: a second database with a table of claims; and the peers that copy it."""

import contextlib
import secrets
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from benchmarks.book import BookFile, good_rows
from benchmarks.database import Bench
from local.postgres import INSTALLATION, clean_environment

DATABASE, READER, TABLE = "policies", "policies_reader", "claims.motor_claim"
COPIES = "claims.motor_claim_10m"
_BLOCK = 1 << 20


class PullSource:
    """A database with claims, and a login that may only read them."""

    def __init__(self, bench: Bench) -> None:
        """Create database, login and an empty table with the columns of the contract."""
        server = bench.server
        self._server, self._bench = server, bench
        self.secret: dict[str, Any] = {
            "host": server.host,
            "port": server.port,
            "dbname": DATABASE,
            "username": READER,
            "password": secrets.token_urlsafe(12),
            "sslmode": "disable",  # as over loopback; both sides of the comparison do without TLS
        }
        self._run(server.superuser_url, f"CREATE DATABASE {DATABASE} OWNER claimwatch")
        self._run(
            server.superuser_url,
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                sql.Identifier(READER), sql.Literal(self.secret["password"])
            ),
        )
        columns = ", ".join(f'"{column.name}" {column.sql_type}' for column in bench.contract.columns)
        key = bench.contract.identifier.name
        self._run(
            self.url,
            f"CREATE SCHEMA claims; CREATE TABLE {TABLE} ({columns}, PRIMARY KEY ({key}));"
            f"GRANT USAGE ON SCHEMA claims TO {READER}; GRANT SELECT ON {TABLE} TO {READER}",
        )

    @property
    def url(self) -> str:
        """The libpq URL for the owner."""
        return self._server.url.replace("/claimwatch?", f"/{DATABASE}?")

    def fill(self, book: BookFile) -> int:
        """Load the good rows of a file; return their number."""
        with self._connected(self.url) as connection, connection.cursor() as cursor:
            names = ", ".join(f'"{column.name}"' for column in self._bench.contract.columns)
            with good_rows(book).open("rb") as file:
                cursor.copy_expert(f"COPY {TABLE} ({names}) FROM STDIN (FORMAT csv, HEADER)", file, _BLOCK)
            connection.commit()
        self._settle(TABLE)
        return book.good

    def multiply(self, rows: int) -> int:
        """Create a table with this many rows, copies of the first one with other identifiers."""
        key = self._bench.contract.identifier.name
        others = ", ".join(
            f'"{column.name}"' for column in self._bench.contract.columns if column.name != key
        )
        self._run(
            self.url,
            f"CREATE TABLE {COPIES} AS SELECT {key} || '-' || copy AS {key}, {others}"
            f" FROM generate_series(1, 1000) copy, {TABLE} LIMIT {rows};"
            f"ALTER TABLE {COPIES} ADD PRIMARY KEY ({key}); GRANT SELECT ON {COPIES} TO {READER}",
        )
        self._settle(COPIES)
        return int(self._run(self.url, f"SELECT count(*) FROM {COPIES}")[0][0])

    def psql_to_file(self, path: Path) -> float:
        """Copy the table with psql into a file; return the seconds."""
        command = [
            *(str(INSTALLATION / "bin" / "psql"), "--no-psqlrc", "--quiet", self._reader_url),
            *("--command", f"COPY {TABLE} TO STDOUT (FORMAT csv, HEADER)"),
        ]
        begun = time.perf_counter()
        with path.open("wb") as file:
            subprocess.run(command, stdout=file, env=clean_environment(), check=True)
        return time.perf_counter() - begun

    def psycopg2_to_file(self, path: Path) -> float:
        """Copy the table with psycopg2 into a file; return the seconds."""
        with self._connected(self._reader_url) as connection, connection.cursor() as cursor:
            begun = time.perf_counter()
            with path.open("wb", buffering=_BLOCK) as file:
                cursor.copy_expert(f"COPY {TABLE} TO STDOUT (FORMAT csv, HEADER)", file, _BLOCK)
            return time.perf_counter() - begun

    def touch(self, rows: int) -> None:
        """Change rows all over the table."""
        key = self._bench.contract.identifier.name
        self._run(
            self.url,
            f"UPDATE {TABLE} SET {key} = {key} WHERE {key} IN"
            f" (SELECT {key} FROM {TABLE} ORDER BY md5({key}) LIMIT {rows})",
        )

    @property
    def _reader_url(self) -> str:
        login = f"{READER}:{self.secret['password']}@{self._server.host}:{self._server.port}"
        return f"postgresql://{login}/{DATABASE}?sslmode=disable"

    def _settle(self, table: str) -> None:
        """Set the hint bits and gather statistics, as a table that is in use has them."""
        self._run(self.url, f"VACUUM (ANALYZE) {table}")
        self._run(self._server.superuser_url, "CHECKPOINT")

    def _run(self, url: str, statement: str | sql.Composable) -> list[tuple[Any, ...]]:
        with self._connected(url) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []

    @contextlib.contextmanager
    def _connected(self, url: str) -> Iterator[Connection]:
        with contextlib.closing(psycopg2.connect(url)) as connection:
            yield connection
