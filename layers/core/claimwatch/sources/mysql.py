"""Reads tables and queries of MySQL and MariaDB with PyMySQL, which streams rows from the server."""

import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pymysql
from pymysql.constants import FIELD_TYPE, FLAG
from pymysql.converters import encoders
from pymysql.cursors import Cursor, SSCursor

from claimwatch.domain.sources.source import Source
from claimwatch.sources.reader import RefusedSource, SourceUnreachable, WindowTooLarge
from claimwatch.sources.selecting import (
    Clock,
    Dialect,
    KeyForm,
    SelectedColumn,
    SelectingReader,
    WatermarkForm,
    port_of,
    text_at,
    translated_errors,
)
from claimwatch.sources.tls import UNTRUSTED, tls_context

PORT = 3306
CONNECT_SECONDS = 10

SLACK_SECONDS = 30
"""Added to the seconds of a window, in which the server ends a statement by itself."""

BINARY = 63
"""The number of the character set of bytes."""

READING = {
    *("USAGE", "SELECT", "SHOW VIEW", "SHOW DATABASES", "SHOW CREATE ROUTINE", "PROCESS"),
    *("REPLICATION CLIENT", "BINLOG MONITOR", "SLAVE MONITOR", "REPLICA MONITOR", "LOCK TABLES"),
    "CREATE TEMPORARY TABLES",
}
"""Privileges that change no data."""

_INTEGERS = {
    FIELD_TYPE.TINY: "tinyint",
    FIELD_TYPE.SHORT: "smallint",
    FIELD_TYPE.INT24: "mediumint",
    FIELD_TYPE.LONG: "int",
    FIELD_TYPE.LONGLONG: "bigint",
    FIELD_TYPE.YEAR: "year",
    FIELD_TYPE.BIT: "bit",
}
_TIMES = {
    FIELD_TYPE.DATE: "date",
    FIELD_TYPE.NEWDATE: "date",
    FIELD_TYPE.TIME: "time",
    FIELD_TYPE.DATETIME: "datetime",
    FIELD_TYPE.TIMESTAMP: "timestamp",
}
_TEXTS = {FIELD_TYPE.VARCHAR: "char", FIELD_TYPE.VAR_STRING: "char", FIELD_TYPE.STRING: "char"}
_OTHERS = {
    FIELD_TYPE.FLOAT: "float",
    FIELD_TYPE.DOUBLE: "double",
    FIELD_TYPE.JSON: "json",
    FIELD_TYPE.GEOMETRY: "geometry",
    FIELD_TYPE.NULL: "null",
}

_GRAINS = {
    "date": timedelta(days=1),
    "datetime": timedelta(seconds=1),
    "timestamp": timedelta(seconds=1),
}

_TOO_LONG = {1969, 3024}
"""The server ended a statement after the time that it may take."""

_ADVICE = {
    1044: "the login may not use this database; grant it SELECT on the table",
    1045: "the server refuses the login; correct username and password in the secret",
    1049: "the server has no such database; correct 'dbname' in the secret",
    1054: "the table or query names a column that does not exist; correct the source",
    1064: "the server does not understand the query; correct it",
    1109: "the table does not exist; correct the source",
    1130: "the server accepts no connections from here; allow the login from the network of the stack",
    1142: "the login may not read the table; grant it SELECT",
    1143: "the login may not read a column; grant it SELECT on the column, or list the columns to read",
    1146: "the table does not exist; write 'database.table', in upper and lower case as the server has it",
    1227: "the login lacks a privilege for the query; grant it, or simplify the query",
    1370: "the login may not execute a function of the query; do without it",
    1698: "the server refuses the login; give it a password, and correct username and password in the secret",
    1820: "the password of the login has expired; set a new one, and store it in the secret",
    1862: "the password of the login has expired; set a new one, and store it in the secret",
    2026: "the server offers no TLS; switch it on there, with a certificate for its host name",
    2059: "the login authenticates in a way that the driver does not support; use caching_sha2_password "
    "or mysql_native_password",
    3118: "the login is locked; unlock it",
    3159: "the server accepts encrypted connections only, and the secret switches TLS off; remove 'tls'",
    4151: "the login is locked; unlock it",
}

_PASSING = {
    *(1040, 1053, 1077, 1078, 1079, 1080, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1205, 1213, 1226, 1317),
    *(1021, 1037, 1041, 1129, 1135, 1927, 2002, 2003, 2006, 2013, 2055, 4031),
}
"""A server that is full, stops, starts or breaks off, or a connection that does."""

_ROLES = re.compile(r"GRANT ((?:[`'\"].+?[`'\"](?:@[`'\"].*?[`'\"])?,? ?)+) TO ", re.DOTALL)
_GRANT = re.compile(r"GRANT (.+?) ON (.+?) TO ", re.DOTALL)


def open_mysql(source: Source, secret: Mapping[str, Any]) -> SelectingReader:
    """Connect to a MySQL or MariaDB server and return its reader."""
    host = text_at(secret, "host")
    context = tls_context(secret, host)
    with translated_errors((pymysql.err.Error,), _translated, source):
        try:
            connection = pymysql.connect(
                host=host,
                port=port_of(secret, PORT),
                user=text_at(secret, "username"),
                password=text_at(secret, "password"),
                database=secret.get("dbname"),
                charset="utf8mb4",
                ssl=context,
                ssl_disabled=context is None,
                connect_timeout=CONNECT_SECONDS,
                read_timeout=source.limits.seconds + SLACK_SECONDS,
                autocommit=True,
                conv=_CONVERTERS,
                program_name="claimwatch",
            )
        except RuntimeError:  # a plug-in of authentication needs a package that is not installed
            raise RefusedSource(_ADVICE[2059]) from None
        try:
            _set_session(connection, source)
        except BaseException:
            connection.close()
            raise
    return SelectingReader(connection, source, DIALECT)


def _set_session(connection: Any, source: Source) -> None:
    """Make the session read only, in UTC, with each statement reading one moment and ending in time."""
    seconds = source.limits.seconds
    with closing(connection.cursor(Cursor)) as cursor:
        limit = f"max_execution_time = {seconds * 1000}"
        if _is_mariadb(cursor):
            limit = f"max_statement_time = {seconds}"
        for statement in (
            "SET SESSION TRANSACTION READ ONLY",
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
            "SET SESSION time_zone = '+00:00'",
            # Without it, the server breaks off if a part takes longer than a minute to store.
            f"SET SESSION net_write_timeout = {seconds}",
            f"SET SESSION {limit}",
        ):
            cursor.execute(statement)


class _DescribingCursor(Cursor):
    """A cursor that has the fields of its result as the server describes them."""

    _result: Any

    def fields(self) -> list[Any]:
        result = self._result
        return list(result.fields) if result else []


class _StreamingCursor(SSCursor):
    """A cursor that reads rows when they are fetched, and that need not read all."""

    _result: Any
    connection: Any

    def abandon(self) -> None:
        """Give up the rows that were not read. Without this, the driver reads them when it ends."""
        if self._result is not None:
            self._result.unbuffered_active = False
        self._result = None
        self.connection = None


def _describe(connection: Any, sql: str) -> list[SelectedColumn]:
    with closing(connection.cursor(_DescribingCursor)) as cursor:
        cursor.execute(f"{sql} LIMIT 0")
        return [_column(field) for field in cursor.fields()]


def _column(field: Any) -> SelectedColumn:
    code, flags, binary = field.type_code, field.flags, field.charsetnr == BINARY
    key: KeyForm | None = None
    if code in _INTEGERS:
        kind, key = _INTEGERS[code], KeyForm(parameter=int)
        if flags & FLAG.UNSIGNED and code not in (FIELD_TYPE.YEAR, FIELD_TYPE.BIT):
            kind += " unsigned"
    elif code in (FIELD_TYPE.DECIMAL, FIELD_TYPE.NEWDECIMAL):
        kind, key = f"decimal({_digits(field)},{field.scale})", KeyForm(parameter=Decimal)
    elif code in _TIMES:
        kind, key = _TIMES[code], KeyForm()
    elif flags & (FLAG.ENUM | FLAG.SET):
        # They sort by the number of the value, but compare with a text by its letters.
        kind = "enum" if flags & FLAG.ENUM else "set"
    elif code in _TEXTS:
        kind = "binary" if binary else "char"
        key = KeyForm(parameter=bytes.fromhex) if binary else KeyForm()
    else:
        # A blob or text is sorted by its first bytes only.
        kind = _OTHERS.get(code) or ("blob" if binary else "text")
    watermark = WatermarkForm(grain=_GRAINS[kind], zoned=kind == "timestamp") if kind in _GRAINS else None
    return SelectedColumn(field.name, kind, not flags & FLAG.NOT_NULL, key, watermark)


def _digits(field: Any) -> int:
    """Return the digits of a decimal number, of which the length also counts sign and point."""
    length: int = field.length
    return length - (1 if field.scale else 0) - (0 if field.flags & FLAG.UNSIGNED else 1)


def _number_of_bits(value: bytes) -> int:
    return int.from_bytes(value)


_CONVERTERS: dict[Any, Any] = {**encoders, FIELD_TYPE.BIT: _number_of_bits}
"""All other values stay the texts that the server writes, because these are what a window contains."""


def _clock(connection: Any) -> Clock:
    with closing(connection.cursor(Cursor)) as cursor:
        cursor.execute(
            "SELECT t, TIMESTAMPDIFF(SECOND, t, CONVERT_TZ(t, '+00:00', @@global.time_zone))"
            " FROM (SELECT UTC_TIMESTAMP(6) AS t) now"
        )
        utc, ahead = cursor.fetchone()
    return Clock(datetime.fromisoformat(utc), timedelta(seconds=int(ahead or 0)))


def _refuse_writers(connection: Any, source: Source) -> None:
    found = sorted(
        {f"{privilege} on {what}" for privilege, what in _grants(connection) if privilege not in READING}
    )
    if not found:
        return
    table = source.table or "…"
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    raise RefusedSource(
        f"the login may change data: it has {', '.join(found[:3])}{more}. Create a login that may only "
        f"read, with CREATE USER claimwatch IDENTIFIED BY '…' REQUIRE SSL; GRANT SELECT ON {table} TO "
        "claimwatch; and store it in the secret"
    )


def _grants(connection: Any) -> Iterator[tuple[str, str]]:
    """Yield the privileges of the login and of all its roles, also of those that are not active."""
    with closing(connection.cursor(Cursor)) as cursor:
        lines = _lines(cursor, "SHOW GRANTS")
        # The last words of a line are the login, which has a host, or one of its roles.
        roles = [found[1] for line in lines if (found := _ROLES.match(line)) and "@" in line[found.end() :]]
        if roles:
            lines += _lines_of_roles(cursor, roles)
    for line in lines:
        if granted := _GRANT.match(line):
            for privilege in re.split(r",\s*(?![^(]*\))", granted[1]):
                yield privilege.partition("(")[0].strip().upper(), granted[2]


def _lines_of_roles(cursor: Cursor, roles: list[str]) -> list[str]:
    """Return the grants of roles and of the roles within them; the roles are written as in SHOW GRANTS."""
    if not _is_mariadb(cursor):
        return _lines(cursor, f"SHOW GRANTS FOR CURRENT_USER() USING {', '.join(roles)}")
    [active] = _lines(cursor, "SELECT CURRENT_ROLE()")
    lines = []
    try:
        for role in roles:
            cursor.execute(f"SET ROLE {role}")
            lines += _lines(cursor, "SHOW GRANTS")
    finally:
        cursor.execute(f"SET ROLE {_quote(active) if active else 'NONE'}")
    return lines


def _lines(cursor: Cursor, statement: str) -> list[str]:
    cursor.execute(statement)
    return [line for (line,) in cursor.fetchall()]


def _is_mariadb(cursor: Cursor) -> bool:
    [version] = _lines(cursor, "SELECT VERSION()")
    return "mariadb" in version.lower()


def _translated(error: Exception, _: Source) -> Exception:
    cause = getattr(error, "original_exception", None)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return RefusedSource(UNTRUSTED)
    number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    if number in _TOO_LONG:
        return WindowTooLarge("the server ended a statement that took longer than a window may")
    if number in _ADVICE:
        return RefusedSource(f"{_ADVICE[number]} (error {number} of the server)")
    if number in _PASSING or isinstance(error, (pymysql.err.InterfaceError, pymysql.err.InternalError)):
        return SourceUnreachable(f"MySQL does not answer or broke off (error {number})")
    if isinstance(error, pymysql.err.OperationalError) and number >= 2000 and number < 3000:
        return SourceUnreachable(f"the connection to MySQL failed (error {number})")
    return RefusedSource(
        f"the server refuses to read the source (error {number}); look up the number, and correct the table, "
        "the query or the rights of the login"
    )


def _end(connection: Any, cursor: Any) -> None:
    cursor.abandon()
    _close(connection)


def _close(connection: Any) -> None:
    if connection.open:
        connection.close()


def _open_cursor(connection: Any) -> Any:
    return connection.cursor(_StreamingCursor)


def _quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


DIALECT = Dialect(
    quote=_quote,
    placeholder=lambda _: "%s",
    page=lambda skipped, rows: f"LIMIT {rows} OFFSET {skipped}",
    describe=_describe,
    clock=_clock,
    errors=(pymysql.err.Error,),
    translate=_translated,
    tables="SELECT table_schema, table_name FROM information_schema.tables"
    " WHERE table_schema NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')"
    " ORDER BY table_schema, table_name",
    refuse_writers=_refuse_writers,
    open_cursor=_open_cursor,
    end_cursor=_end,
    verbatim=lambda sql: sql.replace("%", "%%"),
    # A column that may not be NULL has dates of zeros instead.
    missing="({0} IS NULL OR {0} < '1000-01-01')",
    close=_close,
)
"""MySQL and MariaDB."""
