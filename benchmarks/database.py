"""The PostgreSQL that everybody loads into: one server, durable, and empty before every run."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from benchmarks.book import ARTIFACTS
from benchmarks.silence import NobodyToTell
from claimwatch.aws.events import CreatedObject
from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.ingest import apply_contract
from claimwatch.storage.connection import Database
from claimwatch.storage.migrate import migrate
from local.filesystem_object_store import FilesystemObjectStore
from local.postgres import PostgresServer
from samples.contract import MOTOR

DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
"""What the laptop's server leaves out, and one that is to keep claims must not."""

PEERS = ("raw_copy", "pandas", "awswrangler")


class Bench:
    """The server's one database: Claimwatch's schema, and a schema ``peers`` with a table for each other."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self.url = server.url
        self.contract: Contract = parse_contract(MOTOR.read_text("utf-8"), "motor")

    def prepare(self, objects: FilesystemObjectStore) -> None:
        """Make the tables of all."""
        with contextlib.closing(Database({"dsn": self.url})) as database:
            migrate(database)
            text = MOTOR.read_bytes()
            ref = objects.write(ARTIFACTS, "contracts/motor.yaml", [text])
            quiet = NobodyToTell()
            apply_contract.apply_contract(
                apply_contract.Dependencies(database, objects, quiet, lambda _file_id: None),
                CreatedObject(ref, len(text), "", datetime.now(UTC)),
            )
        columns = [(column.name, column.sql_type) for column in self.contract.columns]
        with self.connected() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE SCHEMA peers")
            for name in PEERS:
                cursor.execute(_table_of_claims(name, columns, self.contract.identifier.name))
            cursor.execute(
                "CREATE TABLE peers.quarantine"
                " (row_number bigint PRIMARY KEY, raw text NOT NULL, reasons jsonb NOT NULL)"
            )
            connection.commit()

    def empty(self) -> None:
        """Take out what the last run loaded, and write it all down, so that the next does not pay for it."""
        tables = [f"claimwatch.{self.contract.table}", "claimwatch.file", "peers.quarantine"]
        tables += [f"peers.{name}" for name in PEERS]
        with self.connected() as connection, connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
            connection.commit()
        with contextlib.closing(psycopg2.connect(self._server.superuser_url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("CHECKPOINT")

    @contextlib.contextmanager
    def connected(self) -> Iterator[Connection]:
        """A connection as a peer opens one."""
        with contextlib.closing(psycopg2.connect(self.url, options="-c timezone=UTC")) as connection:
            yield connection

    def version(self) -> str:
        """PostgreSQL's."""
        return str(self.ask("SHOW server_version")[0][0])

    def count(self, table: str) -> int:
        """Rows of a table."""
        return int(self.ask(f"SELECT count(*) FROM {table}")[0][0])

    def ask(self, query: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self.connected() as connection, connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchall()


def _table_of_claims(name: str, columns: list[tuple[str, str]], key: str) -> sql.Composable:
    """The claim table's columns and types, logged, with the claim id as its primary key."""
    cells = [sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind)) for column, kind in columns]
    return sql.SQL("CREATE TABLE {} ({}, PRIMARY KEY ({}))").format(
        sql.Identifier("peers", name), sql.SQL(", ").join(cells), sql.Identifier(key)
    )


@contextlib.contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """A fresh durable server in a folder of its own, with everybody's tables; gone afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    own = Path(tempfile.mkdtemp(prefix="postgres-", dir=folder))
    own.chmod(0o755)  # PostgreSQL's own user has to pass
    server = PostgresServer(own, settings=DURABLE)
    try:
        server.start()
        place = Bench(server)
        place.prepare(FilesystemObjectStore(folder))
        yield place
    finally:
        server.remove()
        shutil.rmtree(own, ignore_errors=True)
