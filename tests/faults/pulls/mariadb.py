"""The source in a server of MariaDB."""

import atexit
import itertools
import os
import secrets
from functools import cache
from typing import Any

import pymysql

from tests.faults.pulls.origin import Origin
from tests.mariadb import MariaDb

_NUMBERS = itertools.count(1)
_PULLER = "puller"
_PASSWORD = secrets.token_urlsafe(24)

_CREATE = (
    "CREATE DATABASE {database} CHARACTER SET utf8mb4",
    (
        "CREATE TABLE {database}.claim ("
        " branch varchar(40) NOT NULL, claim_id varchar(40) NOT NULL, revision bigint NOT NULL,"
        " amount decimal(12, 2) NOT NULL, note text, updated_at datetime(6), PRIMARY KEY (branch, claim_id),"
        " UNIQUE (claim_id), INDEX (updated_at))"
    ),
    "CREATE TABLE {database}.claim_history (revision bigint, amount decimal(12, 2), note text)",
    "CREATE TABLE {database}.claim_deleted (branch varchar(40), claim_id varchar(40))",
    (
        "CREATE TRIGGER {database}.remember_new AFTER INSERT ON {database}.claim FOR EACH ROW"
        " INSERT INTO {database}.claim_history VALUES (NEW.revision, NEW.amount, NEW.note)"
    ),
    (
        "CREATE TRIGGER {database}.remember_change AFTER UPDATE ON {database}.claim FOR EACH ROW"
        " INSERT INTO {database}.claim_history VALUES (NEW.revision, NEW.amount, NEW.note)"
    ),
    (
        "CREATE TRIGGER {database}.remember_renamed AFTER UPDATE ON {database}.claim FOR EACH ROW"
        " INSERT INTO {database}.claim_deleted"
        " SELECT OLD.branch, OLD.claim_id FROM DUAL WHERE OLD.claim_id <> NEW.claim_id"
    ),
    (
        "CREATE TRIGGER {database}.remember_deleted AFTER DELETE ON {database}.claim FOR EACH ROW"
        " INSERT INTO {database}.claim_deleted VALUES (OLD.branch, OLD.claim_id)"
    ),
    "GRANT SELECT ON {database}.claim TO {puller}@'%'",
)


@cache
def _server() -> MariaDb:
    """Start the server of all schedules of this process; it ends with the process."""
    server = MariaDb(
        "--default-time-zone=+00:00", "--transaction-isolation=READ-COMMITTED", "--innodb-lock-wait-timeout=2"
    ).__enter__()
    atexit.register(server.__exit__, None, None, None)
    server.execute(f"CREATE USER {_PULLER}@'%' IDENTIFIED BY '{_PASSWORD}'")
    return server


class MariadbOrigin(Origin):
    """A database with a table."""

    broken = (pymysql.err.OperationalError, pymysql.err.InterfaceError, pymysql.err.InternalError)
    clock = "NOW(6)"

    def __init__(self) -> None:
        self._server = _server()
        self._database = f"s{os.getpid()}_{next(_NUMBERS)}"
        self.table = f"{self._database}.claim"
        self.secret = dict(self._server.secret(_PULLER, _PASSWORD, self._database))
        for statement in _CREATE:
            self._server.execute(statement.format(database=self._database, puller=_PULLER))

    def connect(self) -> Any:
        return self._server.connect(self._database, autocommit=False)

    def shifted(self, seconds: int) -> str:
        return f"NOW(6) + INTERVAL {seconds} SECOND"

    def terminate_readers(self) -> None:
        statement = f"SELECT id FROM information_schema.processlist WHERE user = '{_PULLER}'"
        try:
            for (number,) in self._server.execute(statement):
                self._server.execute(f"KILL CONNECTION {number}")
        except pymysql.err.Error:
            return  # the connection has ended meanwhile

    def restart(self, mode: str) -> None:
        if mode == "immediate":
            self._server.kill()
        else:
            self._server.stop()
        self._server.start()

    def drop(self) -> None:
        self._server.execute(f"DROP DATABASE {self._database}")
