"""A connection to the PostgreSQL server of a source: transactions that only read, and errors in our words.

Messages of the server may quote a row, and those of libpq the login; so no error has them. A condition of the
server is named by its SQLSTATE, whose words do not depend on the language of the server.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import psycopg2
from psycopg2 import errors as pg
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.extensions import connection as PgConnection  # noqa: N812 - it is a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.sources.postgresql_copy import CopyOut
from claimwatch.sources.reader import RefusedSource, SourceUnreachable, WindowTooLarge
from claimwatch.sources.tls import is_loopback
from claimwatch.storage.connection import CONNECT_TIMEOUT, UNTRUSTED, parameters_of
from claimwatch.storage.queries import queries

_SQL = queries("postgresql", "claimwatch.sources")

_REQUIRED = ("host", "dbname", "username", "password")

_REFUSED_LOGINS = (
    "password authentication failed",
    "authentication failed",
    "no pg_hba.conf entry",
    "no password supplied",
    "does not exist",
    "is not permitted to log in",
    "permission denied for database",
)
"""Signs in libpq's messages of a login that no retry lets in. Other refusals may pass, as at a restart."""

_PASSING = ("08", "40", "53", "55", "57", "58", "XX")
"""Classes of SQLSTATE of conditions that pass: connections, resources, restarts, conflicts, the system."""


class SourceConnection:
    """An open connection to a source, with one transaction at a time."""

    def __init__(self, secret: Mapping[str, Any], seconds: float) -> None:
        """Connect. ``seconds`` is the time that one statement may take."""
        self._milliseconds = str(max(1, int(seconds * 1000)))
        self._connection = _connected(secret)
        self._copying: CopyOut | None = None

    @contextmanager
    def reading(self) -> Iterator[Cursor]:
        """Yield a cursor in a transaction that sees one state of the data and can change none."""
        try:
            cursor = self._connection.cursor()
            cursor.execute(_SQL["settings"], {"milliseconds": self._milliseconds})
            yield cursor
            self._connection.commit()
        except psycopg2.Error as error:
            self._roll_back()
            raise _in_our_words(error) from None
        except UnicodeError:
            self._roll_back()
            raise RefusedSource(
                "a text of the source is not valid in the encoding of its database; use mode horizon, which"
                " copies the bytes, or leave the column out"
            ) from None
        except BaseException:
            self._roll_back()
            raise

    def streaming(self, name: str) -> Cursor:
        """Return a cursor that leaves the rows at the server until they are fetched, for this transaction."""
        cursor: Cursor = self._connection.cursor(name=name)
        return cursor

    def copy(self, cursor: Cursor, statement: str) -> Iterator[bytes]:
        """Yield what a statement ``COPY … TO STDOUT`` writes, in blocks.

        Who does not take all blocks ends the connection, because the server is in the middle of a statement.
        """
        self._copying = CopyOut(cursor, statement)
        try:
            yield from self._copying.blocks()
        finally:
            if self._copying.stop():
                self.close()

    def close(self) -> None:
        """Close the connection, also while a statement runs."""
        if self._copying is not None:
            self._copying.stop()
        with suppress(psycopg2.Error):  # it is closed because it is broken
            self._connection.close()

    def _roll_back(self) -> None:
        with suppress(psycopg2.Error):  # the connection has been lost
            self._connection.rollback()


def _connected(secret: Mapping[str, Any]) -> PgConnection:
    missing = [key for key in _REQUIRED if not isinstance(secret.get(key), str) or not secret[key]]
    if missing:
        raise RefusedSource(f"the secret of the source lacks {', '.join(missing)}; add it as a text")
    if secret.get("sslmode", "verify-full") != "verify-full" and not is_loopback(secret["host"]):
        raise RefusedSource(
            "the secret switches off the verification of a server on another machine; remove 'sslmode', and"
            " add 'sslrootcert' if the server's certificate is signed by an authority of your own"
        )
    try:
        connection: PgConnection = psycopg2.connect(
            **{"connect_timeout": CONNECT_TIMEOUT, **parameters_of(secret)},
            application_name="claimwatch",
            client_encoding="UTF8",
            keepalives_idle=30,
        )
        connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
    except psycopg2.Error as error:
        message = str(error)
        if any(sign in message for sign in UNTRUSTED) or "SSL" in message:
            raise RefusedSource(
                "the server cannot prove with a certificate that it is the source; set sslrootcert in the"
                " secret to the certificate of the authority that signed the server's"
            ) from None
        if any(sign in message for sign in _REFUSED_LOGINS):
            raise RefusedSource(
                "the server refuses the login; check username, password and dbname in the secret, and that"
                " pg_hba.conf admits the login from the network of the functions"
            ) from None
        if "FATAL:" in message:
            raise SourceUnreachable(
                "the server answers and refuses the connection: it is starting, stopping or has no connection"
                " left, or it does not admit the login"
            ) from None
        raise SourceUnreachable(
            "the server does not answer; check host and port in the secret, and that the security group of"
            " the functions can reach it"
        ) from None
    return connection


def _in_our_words(error: psycopg2.Error) -> Exception:
    """Return the error that a step raises, without any words of the server."""
    code = error.pgcode
    if isinstance(error, pg.QueryCanceled):
        return WindowTooLarge("the server did not finish the statement in the time of limits.seconds")
    if isinstance(error, pg.InsufficientPrivilege):
        return RefusedSource(
            "the login may not read all that the source names; grant it USAGE on the schema and SELECT on"
            " each table or column that is read"
        )
    if isinstance(error, pg.ReadOnlySqlTransaction):
        return RefusedSource("the query would change data; write a SELECT that only reads")
    if isinstance(error, (pg.UndefinedTable, pg.InvalidSchemaName)):
        return RefusedSource(
            "a table of the source does not exist; write the schema before the name of each table"
        )
    if isinstance(error, pg.UndefinedColumn):
        return RefusedSource("a column that the source names does not exist; compare columns and key")
    if isinstance(error, pg.UndefinedFunction):
        return RefusedSource(
            "a function or operator does not exist for the types of the query or of the key; name the schema"
            " of each function, and choose key columns that can be ordered"
        )
    if code is None or code[:2] in _PASSING:
        return SourceUnreachable(f"PostgreSQL broke off ({code or 'the connection was lost'})")
    return RefusedSource(f"PostgreSQL refuses what the source reads: {type(error).__name__} ({code})")
