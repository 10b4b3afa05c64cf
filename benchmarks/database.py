"""The PostgreSQL server that all contestants load into: durable, and empty before every run."""

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
from benchmarks.null_services import NullServices
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
"""Settings that the laptop's server turns off and a production server must not."""

PEERS = ("raw_copy", "pandas", "awswrangler")


class Bench:
    """A database with Claimwatch's schema, and a schema ``peers`` with a table for each other contestant."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.url = server.url
        self.contract: Contract = parse_contract(MOTOR.read_text("utf-8"), "motor")

    def prepare(self, objects: FilesystemObjectStore) -> None:
        """Create the tables of all contestants."""
        with contextlib.closing(Database({"dsn": self.url})) as database:
            migrate(database)
            text = MOTOR.read_bytes()
            ref = objects.write(ARTIFACTS, "contracts/motor.yaml", [text])
            services = NullServices()
            apply_contract.apply_contract(
                apply_contract.Dependencies(
                    database, objects, services, lambda _file_id: None, lambda _line: None
                ),
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
        """Delete the rows of the last run and run a checkpoint, so that the next run does not pay for it."""
        tables = [f"claimwatch.{self.contract.table}", "claimwatch.file", "peers.quarantine"]
        tables += [f"peers.{name}" for name in PEERS]
        with self.connected() as connection, connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
            connection.commit()
        with contextlib.closing(psycopg2.connect(self.server.superuser_url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("CHECKPOINT")

    @contextlib.contextmanager
    def connected(self) -> Iterator[Connection]:
        """Connect as a peer does."""
        with contextlib.closing(psycopg2.connect(self.url, options="-c timezone=UTC")) as connection:
            yield connection

    def version(self) -> str:
        """Return the version of PostgreSQL."""
        return str(self.ask("SHOW server_version")[0][0])

    def count(self, table: str) -> int:
        """Return the number of rows of a table."""
        return int(self.ask(f"SELECT count(*) FROM {table}")[0][0])

    def ask(self, query: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        with self.connected() as connection, connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchall()


def _table_of_claims(name: str, columns: list[tuple[str, str]], key: str) -> sql.Composable:
    """Return a statement that creates a logged table with these columns and the claim id as primary key."""
    cells = [sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind)) for column, kind in columns]
    return sql.SQL("CREATE TABLE {} ({}, PRIMARY KEY ({}))").format(
        sql.Identifier("peers", name), sql.SQL(", ").join(cells), sql.Identifier(key)
    )


@contextlib.contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """Run a new, durable server with the tables of all contestants, and remove it at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    own = Path(tempfile.mkdtemp(prefix="postgres-", dir=folder))
    own.chmod(0o755)  # PostgreSQL's own user needs access
    server = PostgresServer(own, settings=DURABLE)
    try:
        server.start()
        place = Bench(server)
        place.prepare(FilesystemObjectStore(folder))
        yield place
    finally:
        server.remove()
        shutil.rmtree(own, ignore_errors=True)
