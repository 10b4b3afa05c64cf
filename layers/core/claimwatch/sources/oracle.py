"""Reads tables and queries of Oracle with python-oracledb. No server was available: see the tests."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import oracledb

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

PORT = 1521
TLS_PORT = 2484
CONNECT_SECONDS = 20

ROUND_TRIP_ROWS = 500
"""Rows that the server sends at once, all of which the driver holds."""

READING = {
    *("CREATE SESSION", "ALTER SESSION", "SELECT ANY TABLE", "READ ANY TABLE", "SELECT ANY DICTIONARY"),
    *("SELECT ANY SEQUENCE", "SET CONTAINER", "EXEMPT ACCESS POLICY", "FLASHBACK ANY TABLE"),
    *("RESTRICTED SESSION", "ADVISOR", "QUERY REWRITE", "GLOBAL QUERY REWRITE", "SELECT", "READ", "INHERIT"),
}
"""Privileges that change no data."""

DATE_FORMAT = "YYYY-MM-DD HH24:MI:SS"

_TIMES = {
    oracledb.DB_TYPE_DATE: KeyForm(f"TO_DATE({{}}, '{DATE_FORMAT}')", f"TO_CHAR({{}}, '{DATE_FORMAT}')"),
    oracledb.DB_TYPE_TIMESTAMP: KeyForm(
        f"TO_TIMESTAMP({{}}, '{DATE_FORMAT}.FF9')", f"TO_CHAR({{}}, '{DATE_FORMAT}.FF9')"
    ),
}
_ZONED = (oracledb.DB_TYPE_TIMESTAMP_TZ, oracledb.DB_TYPE_TIMESTAMP_LTZ)

_PARSED = f"TO_TIMESTAMP({{}}, '{DATE_FORMAT}.FF6')"
_WATERMARKS = {
    oracledb.DB_TYPE_DATE: WatermarkForm(f"CAST({_PARSED} AS DATE)", timedelta(seconds=1)),
    oracledb.DB_TYPE_TIMESTAMP: WatermarkForm(_PARSED, timedelta(seconds=1)),
    **{
        kind: WatermarkForm(f"FROM_TZ({_PARSED}, '+00:00')", timedelta(seconds=1), zoned=True)
        for kind in _ZONED
    },
}

_ADVICE = {
    "DPY-3001": "the server asks for the network encryption of Oracle, which the driver does not support; "
    "set up TLS (TCPS) at its listener",
    "DPY-3010": "this version of Oracle is too old for the driver; versions from 12.1 on can be read",
    "DPY-3015": "the password of the login is stored in an old form; set it again",
    "DPY-4010": "the query has a placeholder such as ':name'; write its value",
    "ORA-00904": "the table or query names a column that does not exist; correct the source",
    "ORA-00918": "the query has two columns with the same name; rename one with AS",
    "ORA-00942": "the table does not exist, or the login may not read it; write 'SCHEMA.TABLE' as the server "
    "has it, usually in upper case, or grant SELECT",
    "ORA-01008": "the query has a placeholder such as ':name'; write its value",
    "ORA-01017": "the server refuses the login; correct username and password in the secret",
    "ORA-01031": "the login lacks a privilege for the query; grant it, or simplify the query",
    "ORA-01045": "the login may not connect; grant it CREATE SESSION",
    "ORA-28000": "the login is locked; unlock it",
    "ORA-28001": "the password of the login has expired; set a new one, and store it in the secret",
}

_PASSING = {
    *("DPY-1001", "DPY-4011", "DPY-4033", "DPY-6000", "DPY-6005", "ORA-00018", "ORA-00020", "ORA-00028"),
    *("ORA-00054", "ORA-00060", "ORA-00257", "ORA-01012", "ORA-01013", "ORA-01033", "ORA-01034", "ORA-01089"),
    *("ORA-01090", "ORA-01109", "ORA-02391", "ORA-02396", "ORA-03113", "ORA-03114", "ORA-03135", "ORA-04031"),
    *("ORA-08103", "ORA-12170", "ORA-12514", "ORA-12516", "ORA-12518", "ORA-12519", "ORA-12520", "ORA-12528"),
    *("ORA-12537", "ORA-12541", "ORA-12547", "ORA-25408", "ORA-30006"),
}
"""A server that is full, stops, starts or breaks off."""

_TOO_LONG = {"DPY-4024", "ORA-01555", "ORA-22924"}
"""A statement took longer than it may, or than the server keeps what has changed in the meantime."""

_UNREGISTERED = {"DPY-6001", "DPY-6003"}


def open_oracle(source: Source, secret: Mapping[str, Any]) -> SelectingReader:
    """Connect to an Oracle database and return its reader."""
    host = text_at(secret, "host")
    context = tls_context(secret, host)
    with translated_errors(DIALECT.errors, _translated, source):
        connection = oracledb.connect(
            host=host,
            port=port_of(secret, PORT if context is None else TLS_PORT),
            protocol="tcp" if context is None else "tcps",
            service_name=text_at(secret, "dbname"),
            user=text_at(secret, "username"),
            password=text_at(secret, "password"),
            ssl_context=context,
            ssl_server_dn_match=True,
            tcp_connect_timeout=CONNECT_SECONDS,
            program="claimwatch",
        )
        try:
            _set_session(connection, source)
        except BaseException:
            connection.close()
            raise
    return SelectingReader(connection, source, DIALECT)


def _set_session(connection: Any, source: Source) -> None:
    """Have the server compare and sort texts by their bytes, write times in UTC, and end in time."""
    connection.call_timeout = source.limits.seconds * 1000
    with closing(connection.cursor()) as cursor:
        cursor.execute("ALTER SESSION SET NLS_SORT = BINARY NLS_COMP = BINARY TIME_ZONE = '+00:00'")


def _describe(connection: Any, sql: str) -> list[SelectedColumn]:
    with closing(connection.cursor()) as cursor:
        cursor.execute(f"{sql} WHERE 1 = 0")
        return [_column(*each[:7]) for each in cursor.description]


def _column(
    name: str, kind: Any, _: Any, __: Any, precision: int | None, scale: int | None, nullable: bool
) -> SelectedColumn:
    declared = kind.name.removeprefix("DB_TYPE_").lower()
    if kind is oracledb.DB_TYPE_NUMBER and precision:
        declared = f"number({precision},{scale or 0})"
    key: KeyForm | None = None
    value = "{}"
    if kind is oracledb.DB_TYPE_NUMBER:
        key = KeyForm(parameter=Decimal)
    elif kind in (oracledb.DB_TYPE_VARCHAR, oracledb.DB_TYPE_CHAR):
        key = KeyForm()
    elif kind in (oracledb.DB_TYPE_NVARCHAR, oracledb.DB_TYPE_NCHAR):
        # The driver sends a text in the server's other character set, which may lack its letters.
        key = KeyForm("UNISTR({})", parameter=_escaped)
    elif kind is oracledb.DB_TYPE_RAW:
        key = KeyForm("HEXTORAW({})")
    elif kind in _TIMES:
        key = _TIMES[kind]
    elif kind in _ZONED:
        # The driver returns such times without their zone.
        value = f"TO_CHAR(SYS_EXTRACT_UTC({{}}), '{DATE_FORMAT}.FF9') || '+00:00'"
        key = KeyForm(f"FROM_TZ(TO_TIMESTAMP({{}}, '{DATE_FORMAT}.FF9\"+00:00\"'), '+00:00')", value)
    elif kind is oracledb.DB_TYPE_JSON:
        value = "JSON_SERIALIZE({} RETURNING CLOB)"
    elif kind is oracledb.DB_TYPE_INTERVAL_YM:
        value = "TO_CHAR({})"
    return SelectedColumn(name, declared, bool(nullable), key, _WATERMARKS.get(kind), value)


def _escaped(text: str) -> str:
    r"""Return a text for UNISTR: every character but plain ones as ``\`` and its UTF-16 digits."""
    units = text.encode("utf-16-be")
    codes = [int.from_bytes(units[place : place + 2]) for place in range(0, len(units), 2)]
    return "".join(chr(code) if 32 <= code < 127 and code != ord("\\") else f"\\{code:04X}" for code in codes)


def _clock(connection: Any) -> Clock:
    with closing(connection.cursor()) as cursor:
        cursor.execute(
            f"SELECT TO_CHAR(SYS_EXTRACT_UTC(SYSTIMESTAMP), '{DATE_FORMAT}.FF6'),"
            " EXTRACT(TIMEZONE_HOUR FROM SYSTIMESTAMP) * 60 + EXTRACT(TIMEZONE_MINUTE FROM SYSTIMESTAMP)"
            " FROM DUAL"
        )
        utc, ahead = cursor.fetchone()
    return Clock(datetime.fromisoformat(utc), timedelta(minutes=int(ahead)))


_PRIVILEGES = """
SELECT privilege, 'the database' FROM session_privs
UNION SELECT privilege, 'the database' FROM role_sys_privs
UNION SELECT privilege, owner || '.' || table_name FROM user_tab_privs_recd
UNION SELECT privilege, owner || '.' || table_name FROM role_tab_privs
UNION SELECT 'ownership', 'its own tables' FROM user_tables
"""


def _refuse_writers(connection: Any, source: Source) -> None:
    found = list(_writing(connection))
    if not found:
        return
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    raise RefusedSource(
        f"the login may change data: it has {', '.join(found[:3])}{more}. Create a login that may only read, "
        'with CREATE USER claimwatch IDENTIFIED BY "…"; GRANT CREATE SESSION TO claimwatch; '
        f"GRANT READ ON {source.table or '…'} TO claimwatch; and store it in the secret"
    )


def _writing(connection: Any) -> Iterator[str]:
    """Yield what the login may change, also with roles that are not active."""
    with closing(connection.cursor()) as cursor:
        cursor.execute(_PRIVILEGES)
        for privilege, what in cursor.fetchall():
            if privilege not in READING and not privilege.startswith("INHERIT "):
                yield f"{privilege} on {what}"


def _translated(error: Exception, _: Source) -> Exception:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return RefusedSource(UNTRUSTED)
        cause = cause.__cause__ or cause.__context__
    detail = error.args[0] if error.args else None
    code = getattr(detail, "full_code", "") or "unknown"
    if code in ("DPY-6002", "DPY-6008") or "server certificate" in str(detail):
        return RefusedSource(UNTRUSTED)
    if code in _TOO_LONG:
        return WindowTooLarge("a statement took longer than a window may")
    if code in _ADVICE:
        return RefusedSource(f"{_ADVICE[code]} ({code})")
    if code in _UNREGISTERED:
        return SourceUnreachable(
            f"the listener does not know the service; if this lasts, correct 'dbname' in the secret ({code})"
        )
    if code in _PASSING or getattr(detail, "isrecoverable", False):
        return SourceUnreachable(f"Oracle does not answer or broke off ({code})")
    return RefusedSource(
        f"the server refuses to read the source ({code}); look up the code, and correct the table, the query "
        "or the rights of the login"
    )


def _open_cursor(connection: Any) -> Any:
    cursor = connection.cursor()
    cursor.arraysize = cursor.prefetchrows = ROUND_TRIP_ROWS
    return cursor


def _end(connection: Any, cursor: Any) -> None:
    """Leave the rows that were not read to the server, which drops them."""
    if connection.is_healthy():
        cursor.close()


def _close(connection: Any) -> None:
    if connection.is_healthy():
        connection.close()


def _fold(name: str) -> str:
    """Return a name as Oracle stores one that was not quoted: in upper case."""
    return name.upper() if name == name.lower() else name


oracledb.defaults.fetch_lobs = False
oracledb.defaults.fetch_decimals = True

DIALECT = Dialect(
    quote=lambda name: '"' + name.replace('"', '""') + '"',
    placeholder=lambda number: f":{number}",
    page=lambda skipped, rows: f"OFFSET {skipped} ROWS FETCH NEXT {rows} ROWS ONLY",
    describe=_describe,
    clock=_clock,
    errors=(oracledb.Error,),
    translate=_translated,
    tables="SELECT owner, name FROM ("
    "SELECT owner, table_name AS name FROM all_tables UNION SELECT owner, view_name FROM all_views"
    ") WHERE owner IN (SELECT username FROM all_users WHERE oracle_maintained = 'N') ORDER BY owner, name",
    refuse_writers=_refuse_writers,
    open_cursor=_open_cursor,
    end_cursor=_end,
    fold=_fold,
    close=_close,
)
"""Oracle 12.1 and later."""
