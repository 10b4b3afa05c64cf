"""The source in a PostgreSQL server of its own, which restarts while Claimwatch's does not."""

import atexit
import itertools
import os
import secrets
import tempfile
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import Any

import psycopg2

from local.postgres import PostgresServer
from tests.faults.pulls.origin import Origin

_NUMBERS = itertools.count(1)
_PULLER = "puller"
_PASSWORD = secrets.token_urlsafe(24)

_CREATE = """
    CREATE SCHEMA {schema};
    CREATE TABLE {schema}.claim (
        branch text NOT NULL, claim_id text NOT NULL, revision bigint NOT NULL,
        amount numeric(12, 2) NOT NULL, note text, updated_at timestamptz, PRIMARY KEY (branch, claim_id)
    );
    CREATE UNIQUE INDEX ON {schema}.claim (claim_id);
    CREATE INDEX ON {schema}.claim (updated_at);
    CREATE TABLE {schema}.claim_history (revision bigint, amount numeric(12, 2), note text);
    CREATE TABLE {schema}.claim_deleted (branch text, claim_id text);
    CREATE FUNCTION {schema}.remember() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP <> 'DELETE' THEN
                INSERT INTO {schema}.claim_history VALUES (NEW.revision, NEW.amount, NEW.note);
            END IF;
            IF TG_OP <> 'INSERT' AND (TG_OP = 'DELETE' OR NEW.claim_id <> OLD.claim_id) THEN
                INSERT INTO {schema}.claim_deleted VALUES (OLD.branch, OLD.claim_id);
            END IF;
            RETURN NULL;
        END
    $$;
    CREATE TRIGGER remember AFTER INSERT OR UPDATE OR DELETE ON {schema}.claim
        FOR EACH ROW EXECUTE FUNCTION {schema}.remember();
    GRANT USAGE ON SCHEMA {schema} TO {puller};
    GRANT SELECT ON {schema}.claim TO {puller};
"""


@cache
def _server() -> PostgresServer:
    """Start the server of all schedules of this process; it ends with the process."""
    folder = tempfile.TemporaryDirectory(prefix="claimwatch-source-")
    server = PostgresServer(
        Path(folder.name) / "source", settings={"shared_buffers": "64MB", "max_prepared_transactions": "40"}
    )
    server.start()
    atexit.register(folder.cleanup)
    atexit.register(server.remove)
    with closing(psycopg2.connect(server.superuser_url)) as connection, connection:
        connection.cursor().execute(f"CREATE ROLE {_PULLER} LOGIN PASSWORD %s", (_PASSWORD,))
    return server


class PostgresqlOrigin(Origin):
    """A schema with a table."""

    broken = (psycopg2.Error,)
    clock = "clock_timestamp()"

    def __init__(self) -> None:
        self._server = _server()
        self._schema = f"s{os.getpid()}_{next(_NUMBERS)}"
        self.table = f"{self._schema}.claim"
        self.secret = {
            "host": self._server.host,
            "port": self._server.port,
            "dbname": "claimwatch",
            "username": _PULLER,
            "password": _PASSWORD,
            "sslmode": "disable",
        }
        with closing(self.connect()) as connection, connection:
            connection.cursor().execute(_CREATE.format(schema=self._schema, puller=_PULLER))

    def connect(self) -> Any:
        return psycopg2.connect(self._server.url)

    def shifted(self, seconds: int) -> str:
        return f"clock_timestamp() + interval '{seconds} seconds'"

    def terminate_readers(self) -> None:
        with (
            suppress(psycopg2.OperationalError),
            closing(psycopg2.connect(self._server.superuser_url)) as connection,
            connection,
        ):
            connection.cursor().execute(
                "SELECT pg_terminate_backend(pid, 500) FROM pg_stat_activity WHERE usename = %s", (_PULLER,)
            )

    def restart(self, mode: str) -> None:
        self._server.restart("immediate" if mode == "immediate" else "fast")

    def prepare(self, connection: Any, name: str) -> None:
        connection.cursor().execute("PREPARE TRANSACTION %s", (f"{self._schema}/{name}",))
        connection.commit()

    def commit_prepared(self) -> None:
        with closing(self.connect()) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT gid FROM pg_prepared_xacts WHERE gid LIKE %s", (f"{self._schema}/%",))
                for (name,) in cursor.fetchall():
                    cursor.execute("COMMIT PREPARED %s", (name,))

    def mark(self) -> int:
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
            [mark] = cursor.fetchone()
            return int(mark)

    def reached(self, position: Any, mark: int) -> bool:
        # In a server with other transactions, the horizon may still lie before the last write.
        return (
            "until" not in position
            or not str(position["until"]).isdecimal()
            or int(position["until"]) >= mark
        )

    def drop(self) -> None:
        self.commit_prepared()
        with closing(self.connect()) as connection, connection:
            connection.cursor().execute(f"DROP SCHEMA {self._schema} CASCADE")
