"""The connection to PostgreSQL: one per execution environment, opened on first use and reopened when lost."""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import errors as pg
from psycopg2.extensions import connection as PgConnection  # noqa: N812 - it is a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.errors import ClaimwatchError, TransientFault

CONNECT_TIMEOUT = 10
"""Seconds that one attempt to connect may take."""

WAKE_UP_TIME = 60.0
"""Seconds during which connecting is retried: a paused Aurora takes 15 to 30 seconds to resume."""

RDS_ROOTS = Path(__file__).with_name("rds_roots.pem")
"""The root certificates of Amazon RDS."""

UNTRUSTED = ("certificate verify failed", "does not match host name", "server does not support SSL")
"""Signs of libpq that a server is not the one that it should be; no retry cures them."""

_TRANSIENT = (
    psycopg2.OperationalError,
    psycopg2.InterfaceError,
    pg.SerializationFailure,
    pg.DeadlockDetected,
    pg.LockNotAvailable,
    pg.QueryCanceled,
)


_DATA = (
    psycopg2.DataError,
    psycopg2.IntegrityError,
    pg.ProgramLimitExceeded,
    pg.StatementTooComplex,
    pg.TooManyColumns,
    pg.TooManyArguments,
)
"""Classes 22, 23 and 54 of SQLSTATE. To psycopg2 the last are operational errors, but no retry helps."""

_NUL = "cannot contain NUL"
"""In the message of psycopg2's ``ValueError`` for a text with the character that PostgreSQL cannot store."""


class StatementRefused(ClaimwatchError):
    """PostgreSQL refused a statement and would refuse it again: an error in the code, not in the data."""


class DataRefused(StatementRefused):
    """PostgreSQL cannot store a value: it is out of range, violates a constraint or exceeds a limit."""


class UntrustedServer(ClaimwatchError):
    """The server has no certificate that proves that it is the database."""


@dataclass
class Database:
    """A database that runs transactions over one connection.

    ``parameters`` are libpq's keywords, or a function that reads them; it is called for every attempt to
    connect, because a deployment changes the password. A broken connection is discarded, and the next
    transaction opens a new one. Transient errors are raised as ``TransientFault``, all others as
    ``StatementRefused``; if a value is at fault, as ``DataRefused``.

    Queries name the schema of everything that they use: whoever may create functions in a schema of the
    search path could replace those that others call.
    """

    parameters: Mapping[str, Any] | Callable[[], Mapping[str, Any]] = field(repr=False)
    wake_up_time: float = WAKE_UP_TIME
    statement_timeout: float = 840.0
    search_path: str = "pg_catalog"
    _connection: PgConnection | None = field(default=None, repr=False)

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """Yield a cursor in a transaction: committed at the end of the block, rolled back on any error."""
        try:
            connection = self._healthy_connection()
            with connection, connection.cursor() as cursor:
                yield cursor
        except _DATA as error:
            # The message is dropped, because it may quote a row.
            raise DataRefused(_without_values(error)) from None
        except _TRANSIENT as error:
            self.close()
            # The cause is dropped, here and below, because its context may quote a row.
            raise TransientFault(f"PostgreSQL broke off: {_first_line(error)}") from None
        except psycopg2.Error as error:
            if self._connection is not None and self._connection.closed:
                self.close()
                raise TransientFault(f"PostgreSQL broke off: {_without_values(error)}") from None
            # The message is dropped too, because it may quote a row.
            raise StatementRefused(_without_values(error)) from None
        except ValueError as error:
            if isinstance(error, UnicodeEncodeError) or _NUL in str(error):
                raise DataRefused("a text contains NUL or half of a character") from None
            raise
        except BaseException:
            if self._connection is not None and self._connection.closed:
                self.close()
            raise

    def close(self) -> None:
        """Close the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg2.Error):  # it is closed because it is broken
                connection.close()

    def _healthy_connection(self) -> PgConnection:
        if self._connection is None or not _answers(self._connection):
            self.close()
            self._connection = self._connect_with_retry()
        return self._connection

    def _connect_with_retry(self) -> PgConnection:
        deadline = time.monotonic() + self.wake_up_time
        pause = 0.2
        while True:
            try:
                return self._connect()
            except (psycopg2.OperationalError, TransientFault) as error:
                if any(sign in str(error) for sign in UNTRUSTED):
                    raise UntrustedServer(
                        f"the database cannot prove its identity: {_first_line(error)}; set sslrootcert or"
                        " sslmode in the database's secret and deploy again"
                    ) from None
                hopeless = "password authentication" in str(error) and not callable(self.parameters)
                if time.monotonic() + pause > deadline or hopeless:
                    raise
                time.sleep(pause)
                pause = min(pause * 2, 5.0)

    def _connect(self) -> PgConnection:
        parameters = self.parameters() if callable(self.parameters) else self.parameters
        connection: PgConnection = psycopg2.connect(
            **{"connect_timeout": CONNECT_TIMEOUT, **parameters},
            application_name="claimwatch",
            keepalives_idle=30,
            options=(
                f"-c search_path={self.search_path} -c timezone=UTC -c datestyle=ISO"
                f" -c statement_timeout={int(self.statement_timeout * 1000)}"
                " -c idle_in_transaction_session_timeout=300000"
            ),
        )
        return connection


def parameters_of(credentials: Mapping[str, Any]) -> dict[str, Any]:
    """Return libpq's keywords for credentials with the keys that RDS uses in its secrets.

    The server's certificate is verified for ``host`` with the root certificates of RDS, unless ``sslmode``
    says otherwise or ``sslrootcert`` names others (as PEM, as a file, or ``system``). ``hostaddr`` is the
    numeric address to connect to, if it is not that of ``host``.
    """
    parameters = {
        "host": credentials["host"],
        "port": credentials.get("port", 5432),
        "dbname": credentials.get("dbname", "claimwatch"),
        "user": credentials["username"],
        "password": credentials["password"],
        "sslmode": credentials.get("sslmode", "verify-full"),
    }
    if parameters["sslmode"].startswith("verify"):
        parameters["sslrootcert"] = _root_certificates(credentials.get("sslrootcert"))
    if "hostaddr" in credentials:
        parameters["hostaddr"] = credentials["hostaddr"]
    return parameters


def _root_certificates(given: str | None) -> str:
    """Return libpq's ``sslrootcert``: the name of a file, or ``system``."""
    if given is None:
        return str(RDS_ROOTS)
    return _file_with(given) if given.lstrip().startswith("-----BEGIN") else given


@cache
def _file_with(certificates: str) -> str:
    """Write certificates to a file of this process, because libpq reads no texts; return its name."""
    with tempfile.NamedTemporaryFile("w", prefix="claimwatch-", suffix=".pem", delete=False) as file:
        file.write(certificates)
    return file.name


@contextmanager
def savepoint(cursor: Cursor) -> Iterator[None]:
    """Undo the block's statements if it raises an error about data, so that the transaction can go on.

    Raises ``DataRefused`` if PostgreSQL refuses the block's values.
    """
    cursor.execute("SAVEPOINT block")
    try:
        yield
    except _DATA as error:
        cursor.execute("ROLLBACK TO SAVEPOINT block")
        raise DataRefused(_without_values(error)) from None
    except ClaimwatchError:
        cursor.execute("ROLLBACK TO SAVEPOINT block")
        raise
    cursor.execute("RELEASE SAVEPOINT block")


def _answers(connection: PgConnection) -> bool:
    """Return whether the server still has this connection: it closes idle ones without notice."""
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except psycopg2.Error:
        return False
    return True


def _without_values(error: psycopg2.Error) -> str:
    """Return a description of the error and its place, without any values."""
    places = (error.diag.table_name, error.diag.column_name, error.diag.constraint_name)
    where = ", ".join(place for place in places if place)
    place = f" at {where}" if where else ""
    return f"PostgreSQL refused a statement: {type(error).__name__} ({error.pgcode}){place}"


def _first_line(error: Exception) -> str:
    """Return the server's message without its DETAIL, which may quote a row."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
