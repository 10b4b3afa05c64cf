"""Reads tables and queries of SQL Server with python-tds. No server was available: see the tests."""

import ipaddress
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import pytds
import pytds.tls
from cryptography import x509
from OpenSSL import SSL

from claimwatch.domain.sources.source import Source
from claimwatch.sources.reader import RefusedSource, SourceUnreachable
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
from claimwatch.sources.tls import UNTRUSTED, authorities_file, tls_context

PORT = 1433
CONNECT_SECONDS = 20

LOCK_MILLISECONDS = 60_000
"""How long a statement waits for rows that others change, where the database has no snapshots."""

READING = {
    *("CONNECT", "CONNECT SQL", "CONNECT ANY DATABASE", "CONNECT REPLICATION", "SELECT"),
    *("SELECT ALL USER SECURABLES", "REFERENCES", "SHOWPLAN", "UNMASK"),
}
"""Permissions that change no data, as do those to view something."""

_NUMBERS = {"bit", "tinyint", "smallint", "int", "bigint"}
_DECIMALS = {"decimal", "numeric"}
_MONEY = {"money", "smallmoney"}
_TEXTS = {"char", "varchar", "nchar", "nvarchar"}
_BYTES = {"binary", "varbinary"}
_TIMES = {"date", "time", "datetime", "smalldatetime", "datetime2", "datetimeoffset"}

_GRAINS = {
    "date": timedelta(days=1),
    "smalldatetime": timedelta(minutes=1),
    "datetime": timedelta(seconds=1),
    "datetime2": timedelta(seconds=1),
    "datetimeoffset": timedelta(seconds=1),
}
"""By how much a time may be rounded when it is stored."""

_ADVICE = {
    102: "the server does not understand the query; correct it",
    156: "the server does not understand the query; correct it",
    207: "the table or query names a column that does not exist; correct the source",
    208: "the table does not exist, or the login may not see it; write it as 'schema.table', or grant SELECT",
    229: "the login may not read the table; grant it SELECT",
    230: "the login may not read a column; grant it SELECT on the column, or list the columns to read",
    916: "the login is not a user of the database; create a user for it there",
    1033: "the query has ORDER BY; remove it, because rows are read by ranges of the key",
    3952: "the query reads another database, which does not allow snapshots; allow them there, with "
    "ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON",
    4060: "the server has no such database, or the login may not use it; correct 'dbname' in the secret",
    8155: "the query has a column without a name; name it with AS",
    8156: "the query has two columns with the same name; rename one with AS",
    18452: "the server refuses the login; it must be a login of SQL Server, not of Windows",
    18456: "the server refuses the login; correct username and password in the secret",
    18470: "the login is disabled; enable it",
    18486: "the login is locked; unlock it",
    18487: "the password of the login has expired; set a new one, and store it in the secret",
    18488: "the password of the login must be changed; set a new one, and store it in the secret",
    40615: "the firewall of the server refuses connections from here; allow the network of the stack",
}

_PASSING = {
    *(64, 233, 596, 601, 615, 701, 802, 845, 921, 922, 927, 976, 978, 983, 1204, 1205, 1222),
    *(3960, 3961, 6005, 8628, 8645, 8651, 10053, 10054, 10060, 10928, 10929, 17142, 17197, 17809),
    *(18401, 40143, 40197, 40501, 40540, 40613, 49918, 49919, 49920),
}
"""A server that is full, stops, starts or breaks off, or rows that others have locked."""

FATAL_SEVERITY = 20
"""From this severity on, the server ends the connection."""


def open_sqlserver(source: Source, secret: Mapping[str, Any]) -> SelectingReader:
    """Connect to a SQL Server and return its reader."""
    host = text_at(secret, "host")
    if "\\" in host:
        raise RefusedSource("the secret names an instance in 'host'; write its host and its 'port' instead")
    if source.query is not None and source.query.lstrip()[:4].upper() == "WITH":
        raise RefusedSource("the query begins with WITH, which SQL Server cannot nest; create a view of it")
    context = tls_context(secret, host)
    # The driver's own check fails for certificates with more than one name.
    pytds.tls.validate_host = names_host
    with translated_errors(DIALECT.errors, _translated, source):
        connection = pytds.connect(
            dsn=host,
            port=port_of(secret, PORT),
            database=secret.get("dbname"),
            user=text_at(secret, "username"),
            password=text_at(secret, "password"),
            cafile=authorities_file(context) if context else None,
            validate_host=True,
            enc_login_only=False,
            login_timeout=CONNECT_SECONDS,
            disable_connect_retry=True,
            timeout=source.limits.seconds,
            autocommit=True,
            appname="claimwatch",
        )
        try:
            _set_session(connection)
        except BaseException:
            connection.close()
            raise
    return SelectingReader(connection, source, DIALECT)


def names_host(cert: Any, name: bytes) -> bool:
    """Return whether a certificate names a host, as RFC 6125 asks for: only its alternative names count.

    An older certificate without alternative names has its host as common name.
    """
    certificate: x509.Certificate = cert.to_cryptography()
    host = name.decode("ascii").lower().rstrip(".")
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        return any(_matches(str(each.value), host) for each in common)
    try:
        return ipaddress.ip_address(host) in names.get_values_for_type(x509.IPAddress)
    except ValueError:
        return any(_matches(each, host) for each in names.get_values_for_type(x509.DNSName))


def _matches(pattern: str, host: str) -> bool:
    """Return whether a name of a certificate is that of a host; ``*`` stands for its first part."""
    pattern = pattern.lower().rstrip(".")
    if pattern.startswith("*.") and pattern.count(".") > 1:
        return host.partition(".")[2] == pattern[2:]
    return pattern == host


def _set_session(connection: Any) -> None:
    """Have each statement read one moment, without waiting for others, if the database has snapshots."""
    with closing(connection.cursor()) as cursor:
        cursor.execute("SELECT snapshot_isolation_state FROM sys.databases WHERE database_id = DB_ID()")
        found = cursor.fetchone()
        level = "SNAPSHOT" if found and found[0] == 1 else "READ COMMITTED"
        cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {level}; SET LOCK_TIMEOUT {LOCK_MILLISECONDS}")


def _describe(connection: Any, sql: str) -> list[SelectedColumn]:
    with closing(connection.cursor()) as cursor:
        cursor.execute(
            "SELECT name, system_type_name, is_nullable, collation_name, error_number"
            " FROM sys.dm_exec_describe_first_result_set(%s, NULL, 0)"
            " WHERE is_hidden = 0 ORDER BY column_ordinal",
            (sql,),
        )
        described = cursor.fetchall()
    for *_, problem in described:
        if problem:
            raise _by_number(problem, 0)
    return [_column(*row[:4]) for row in described]


def _column(name: str, declared: str | None, nullable: bool, collation: str | None) -> SelectedColumn:
    """Return a column with bounds that have its exact type: another one would compare in another order."""
    declared = declared or "user-defined"
    kind = declared.partition("(")[0]
    key: KeyForm | None = None
    if kind in _NUMBERS:
        key = KeyForm(f"CAST({{}} AS {declared})", None if kind != "bit" else "CAST({} AS int)")
    elif kind in _DECIMALS:
        key = KeyForm(f"CAST({{}} AS {declared})", "CONVERT(varchar(60), {})")
    elif kind in _MONEY:
        key = KeyForm(f"CAST({{}} AS {declared})", "CONVERT(varchar(60), {}, 2)")
    elif kind in _TEXTS and collation and collation.replace("_", "").isalnum() and "max" not in declared:
        key = KeyForm(f"CAST({{}} COLLATE {collation} AS {declared})")
    elif kind in _BYTES and "max" not in declared:
        key = KeyForm(f"CONVERT({declared}, {{}}, 2)")
    elif kind in _TIMES:
        key = KeyForm(f"CONVERT({declared}, {{}}, 121)", "CONVERT(varchar(40), {}, 121)")
    elif kind == "uniqueidentifier":
        key = KeyForm("CAST({} AS uniqueidentifier)")
    watermark: WatermarkForm | None = None
    if kind == "datetimeoffset":
        watermark = WatermarkForm("CAST({} + ' +00:00' AS datetimeoffset(7))", _GRAINS[kind], zoned=True)
    elif kind in _GRAINS:
        watermark = WatermarkForm(f"CAST(CAST({{}} AS datetime2(7)) AS {declared})", _GRAINS[kind])
    return SelectedColumn(name, declared, bool(nullable), key, watermark)


def _clock(connection: Any) -> Clock:
    with closing(connection.cursor()) as cursor:
        cursor.execute(
            "SELECT CONVERT(varchar(40), CAST(SYSUTCDATETIME() AS datetime2(6)), 121),"
            " DATEDIFF(minute, SYSUTCDATETIME(), SYSDATETIME())"
        )
        utc, ahead = cursor.fetchone()
    return Clock(datetime.fromisoformat(utc), timedelta(minutes=ahead))


_OWN_PERMISSIONS = """
SELECT permission_name, 'the server' FROM fn_my_permissions(NULL, 'SERVER')
UNION ALL SELECT permission_name, 'the database' FROM fn_my_permissions(NULL, 'DATABASE')
"""

_PERMISSIONS_ON_TABLES = """
SELECT TOP (4) wanted.name, s.name + '.' + o.name
FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id
CROSS JOIN (VALUES ('INSERT'), ('UPDATE'), ('DELETE'), ('ALTER')) wanted (name)
WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0
  AND HAS_PERMS_BY_NAME(QUOTENAME(s.name) + '.' + QUOTENAME(o.name), 'OBJECT', wanted.name) = 1
"""


def _refuse_writers(connection: Any, source: Source) -> None:
    found = list(dict.fromkeys(f"{name} on {what}" for name, what in _writing(connection)))
    if not found:
        return
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    raise RefusedSource(
        f"the login may change data: it has {', '.join(found[:3])}{more}. Create a login that may only read, "
        "with CREATE LOGIN claimwatch WITH PASSWORD = '…'; CREATE USER claimwatch FOR LOGIN claimwatch; "
        f"GRANT SELECT ON {source.table or '…'} TO claimwatch; and store it in the secret"
    )


def _writing(connection: Any) -> Iterator[tuple[str, str]]:
    with closing(connection.cursor()) as cursor:
        cursor.execute(_OWN_PERMISSIONS)
        for name, what in cursor.fetchall():
            if name not in READING and not name.startswith("VIEW "):
                yield name, what
        cursor.execute(_PERMISSIONS_ON_TABLES)
        yield from cursor.fetchall()


def _translated(error: Exception, _: Source) -> Exception:
    if isinstance(error, SSL.Error):
        return RefusedSource(UNTRUSTED)
    number = getattr(error, "msg_no", 0) or 0
    if not number:
        return _without_number(error)
    return _by_number(number, getattr(error, "severity", 0) or 0)


def _by_number(number: int, severity: int) -> Exception:
    if number in _ADVICE:
        return RefusedSource(f"{_ADVICE[number]} (error {number} of the server)")
    if number in _PASSING or severity >= FATAL_SEVERITY:
        return SourceUnreachable(f"SQL Server does not answer or broke off (error {number})")
    return RefusedSource(
        f"the server refuses to read the source (error {number}); look up the number, and correct the table, "
        "the query or the rights of the login"
    )


def _without_number(error: Exception) -> Exception:
    """Return the error for one of the driver itself."""
    message = str(error)
    if "host name" in message:
        return RefusedSource(UNTRUSTED)
    if "encryption" in message:
        return RefusedSource(
            "the server and the secret do not agree on TLS; switch TLS on at the server, with a certificate "
            "for its host name, and remove 'tls' from the secret"
        )
    return SourceUnreachable(f"the connection to SQL Server broke off ({type(error).__name__})")


def _end(connection: Any, _: Any) -> None:
    connection.close()


DIALECT = Dialect(
    quote=lambda name: "[" + name.replace("]", "]]") + "]",
    placeholder=lambda _: "%s",
    page=lambda skipped, rows: f"OFFSET {skipped} ROWS FETCH NEXT {rows} ROWS ONLY",
    describe=_describe,
    clock=_clock,
    errors=(pytds.tds_base.Error, SSL.Error),
    translate=_translated,
    tables="SELECT TABLE_SCHEMA, TABLE_NAME FROM INFORMATION_SCHEMA.TABLES"
    " WHERE HAS_PERMS_BY_NAME(QUOTENAME(TABLE_SCHEMA) + '.' + QUOTENAME(TABLE_NAME), 'OBJECT', 'SELECT') = 1"
    " ORDER BY TABLE_SCHEMA, TABLE_NAME",
    refuse_writers=_refuse_writers,
    end_cursor=_end,
    verbatim=lambda sql: sql.replace("%", "%%"),
    unordered="ORDER BY (SELECT NULL)",
)
"""SQL Server 2012 and later."""
