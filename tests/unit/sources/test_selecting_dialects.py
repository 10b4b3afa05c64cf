"""The statements for SQL Server and Oracle, of which no server is available, and errors of their drivers.

Each statement is parsed in the grammar of its server. tests/integration/sources/test_mariadb.py runs the same
SELECT on a real server in the dialect of MariaDB.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import oracledb
import pytds
import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st
from oracledb import errors as oracle_errors
from pytds.tds_base import _create_exception_by_message
from sqlglot.errors import SqlglotError

from claimwatch.domain.sources.source import Kind, Mode, Source
from claimwatch.errors import ClaimwatchError
from claimwatch.sources import oracle, sqlserver
from claimwatch.sources.reader import Cycle, RefusedSource, SourceUnreachable, WindowTooLarge
from claimwatch.sources.selecting import (
    Clock,
    Dialect,
    KeyForm,
    SelectedColumn,
    SelectingReader,
    WatermarkForm,
)
from tests.unit.sources.recorded_connection import RecordedConnection

SOURCE = Source(
    "policies", Kind.SQLSERVER, "motor", "rate(15 minutes)", "secret", Mode.OVERLAP, table="claims.motor",
    key=("branch", "number"), watermark="changed",
)  # fmt: skip
CYCLE = {
    "from": "2026-01-31 09:00:00.000000",
    "until": "2026-01-31 10:00:00.000000",
    "recent": "2026-01-31 09:50:00.000000",
}

SQLSERVER_TYPES = {
    "bit": "True",
    "int": "-7",
    "bigint": "9223372036854775807",
    "decimal(12,2)": "10.50",
    "money": "10.5000",
    "char(4)": "a   ",
    "varchar(40)": "a'b",
    "nvarchar(40)": "ü🚗",
    "date": "2026-01-31",
    "time(7)": "09:30:00.1234567",
    "datetime": "2026-01-31 09:30:00.123",
    "smalldatetime": "2026-01-31 09:30:00",
    "datetime2(7)": "2026-01-31 09:30:00.1234567",
    "datetimeoffset(7)": "2026-01-31 09:30:00.1234567 +01:00",
    "uniqueidentifier": "6f9619ff-8b86-d011-b42d-00c04fc964ff",
    "varbinary(16)": "00ff",
}
ORACLE_TYPES = {
    oracledb.DB_TYPE_NUMBER: "10.50",
    oracledb.DB_TYPE_VARCHAR: "a'b",
    oracledb.DB_TYPE_CHAR: "a   ",
    oracledb.DB_TYPE_NVARCHAR: "ü🚗",
    oracledb.DB_TYPE_DATE: "2026-01-31 09:30:00",
    oracledb.DB_TYPE_TIMESTAMP: "2026-01-31 09:30:00.123456789",
    oracledb.DB_TYPE_TIMESTAMP_TZ: "2026-01-31 09:30:00.123456789+00:00",
    oracledb.DB_TYPE_TIMESTAMP_LTZ: "2026-01-31 09:30:00.123456789+00:00",
    oracledb.DB_TYPE_RAW: "00ff",
}


def described_by_sqlserver(*types: str) -> list[tuple[Any, ...]]:
    """Return what sys.dm_exec_describe_first_result_set returns: branch and number, and the watermark."""
    names = ("branch", "number", "changed")
    return [
        (name, declared, 1, "Latin1_General_CI_AS", None) for name, declared in zip(names, types, strict=True)
    ]


def on_sqlserver(*types: str, source: Source = SOURCE, rows: Sequence[Any] = ()) -> tuple[Any, Any]:
    def answer(statement: str) -> Sequence[Any]:
        return described_by_sqlserver(*types) if "describe_first_result_set" in statement else rows

    connection = RecordedConnection(answer)
    return SelectingReader(connection, source, sqlserver.DIALECT), connection


def on_oracle(*types: Any, source: Source = SOURCE, rows: Sequence[Any] = ()) -> tuple[Any, Any]:
    names = ("BRANCH", "NUMBER", "CHANGED")
    description = [
        (name, kind, None, None, None, None, True) for name, kind in zip(names, types, strict=True)
    ]
    connection = RecordedConnection(lambda _: rows, description)
    return SelectingReader(connection, source, oracle.DIALECT), connection


def run_all(reader: SelectingReader, key: tuple[str, str]) -> None:
    """Execute every kind of statement once."""
    reader.columns()
    reader.sample(10)
    reader.last_key(CYCLE, None, 100)
    reader.last_key(CYCLE, key, 100)
    list(reader.rows(CYCLE, None, key))
    list(reader.rows(CYCLE | {"from": None}, key, key))


def parsed(statement: str, parameters: Sequence[Any], grammar: str) -> None:
    """Parse a statement as the driver sends it; every parameter must have its place."""
    if grammar == "tsql":
        assert statement.count("%s") == len(parameters)
        statement %= tuple(f"@P{number}" for number in range(1, len(parameters) + 1))
    else:
        assert all(f":{number}" in statement for number in range(1, len(parameters) + 1))
        assert f":{len(parameters) + 1}" not in statement
        statement = re.sub(r":(\d)", r":p\1", statement)
    try:
        assert len(sqlglot.parse(statement, read=grammar)) == 1
    except SqlglotError as error:  # pragma: no cover
        pytest.fail(f"{statement}\n{error}")


# -- Statements ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("declared", SQLSERVER_TYPES)
def test_each_statement_is_one_of_sqlserver_for_keys_of_any_type(declared: str) -> None:
    key = (SQLSERVER_TYPES[declared], "7")
    for watermark in ("datetime2(7)", "datetime", "smalldatetime", "date", "datetimeoffset(7)"):
        reader, connection = on_sqlserver(declared, "int", watermark)
        run_all(reader, key)
        assert len(connection.statements) == 8
        for statement, parameters in connection.statements:
            parsed(statement, parameters, "tsql")


@pytest.mark.parametrize("kind", ORACLE_TYPES)
def test_each_statement_is_one_of_oracle_for_keys_of_any_type(kind: Any) -> None:
    key = (ORACLE_TYPES[kind], "7")
    for watermark in (oracledb.DB_TYPE_DATE, oracledb.DB_TYPE_TIMESTAMP, oracledb.DB_TYPE_TIMESTAMP_LTZ):
        reader, connection = on_oracle(kind, oracledb.DB_TYPE_NUMBER, watermark)
        run_all(reader, key)
        assert len(connection.statements) == 8
        for statement, parameters in connection.statements:
            parsed(statement, parameters, "oracle")


def test_a_window_of_sqlserver_compares_values_of_the_exact_types() -> None:
    reader, connection = on_sqlserver("varchar(3)", "int", "datetime2(7)")
    list(reader.rows(CYCLE, ("B", "7"), ("C", "9")))
    statement, parameters = connection.statements[-1]
    branch, number = "CAST(%s COLLATE Latin1_General_CI_AS AS varchar(3))", "CAST(%s AS int)"
    moment = "CAST(CAST(%s AS datetime2(7)) AS datetime2(7))"
    assert statement == (
        "SELECT [branch], [number], [changed],"
        f" CASE WHEN [changed] > {moment} OR [changed] IS NULL THEN 1 ELSE 0 END"
        f" FROM [claims].[motor] WHERE (([changed] <= {moment} AND [changed] > {moment})"
        f" OR [changed] > {moment} OR [changed] IS NULL) AND [branch] IS NOT NULL AND [number] IS NOT NULL"
        f" AND [branch] >= {branch}"
        f" AND ([branch] > {branch} OR ([branch] = {branch} AND [number] > {number}))"
        f" AND [branch] <= {branch}"
        f" AND ([branch] < {branch} OR ([branch] = {branch} AND [number] <= {number}))"
    )
    assert parameters == (
        "2026-01-31 09:50:00.000000",
        "2026-01-31 10:00:00.000000",
        "2026-01-31 09:00:00.000000",
        "2026-02-01 10:00:00.000000",
        *("B", "B", "B", "7"),
        *("C", "C", "C", "9"),
    )


def test_a_window_of_oracle_compares_values_of_the_exact_types() -> None:
    reader, connection = on_oracle(
        oracledb.DB_TYPE_TIMESTAMP, oracledb.DB_TYPE_NUMBER, oracledb.DB_TYPE_DATE,
        source=replace(SOURCE, mode=Mode.DIFFERENCE, watermark=None),
    )  # fmt: skip
    list(reader.rows({}, None, ("2026-01-31 09:30:00.123456789", "9.5")))
    statement, parameters = connection.statements[-1]
    moment = "TO_TIMESTAMP(:{}, 'YYYY-MM-DD HH24:MI:SS.FF9')"
    assert statement == (
        """SELECT "BRANCH", "NUMBER", "CHANGED", TO_CHAR("BRANCH", 'YYYY-MM-DD HH24:MI:SS.FF9')"""
        ' FROM "CLAIMS"."MOTOR" WHERE 1 = 1 AND "BRANCH" IS NOT NULL AND "NUMBER" IS NOT NULL'
        f' AND "BRANCH" <= {moment.format(1)} AND ("BRANCH" < {moment.format(2)}'
        f' OR ("BRANCH" = {moment.format(3)} AND "NUMBER" <= :4))'
    )
    assert parameters == (*["2026-01-31 09:30:00.123456789"] * 3, Decimal("9.5"))


def test_a_query_is_read_as_a_table_and_names_cannot_leave_their_quotes() -> None:
    query = "SELECT branch, number, changed FROM motor WHERE note LIKE '%x%'"
    source = replace(SOURCE, table=None, query=query)
    reader, connection = on_sqlserver("int", "int", "datetime", source=source)
    run_all(reader, ("1", "2"))
    for statement, parameters in connection.statements:
        parsed(statement, parameters, "tsql")
    # The statement that describes the query is a parameter, so nothing in it is doubled.
    assert connection.statements[0][1] == (f"SELECT * FROM ({query}\n) q",)
    assert "'%%x%%'" in connection.statements[-1][0]
    assert sqlserver.DIALECT.quote("a]; DROP TABLE x --") == "[a]]; DROP TABLE x --]"
    assert oracle.DIALECT.quote('a"; DROP') == '"a""; DROP"'


def test_oracle_folds_names_without_upper_case_letters_as_it_does_itself() -> None:
    assert oracle.DIALECT.fold("motor_claim") == "MOTOR_CLAIM"
    assert oracle.DIALECT.fold("Motor_Claim") == "Motor_Claim"


def test_rows_have_their_key_as_text_and_whether_they_are_recent() -> None:
    stored = [
        (Decimal("7"), "x", datetime.fromisoformat("2026-01-31"), 1),
        (Decimal("8"), "y", None, 0),
    ]
    reader, _ = on_oracle(
        oracledb.DB_TYPE_NUMBER, oracledb.DB_TYPE_VARCHAR, oracledb.DB_TYPE_TIMESTAMP, rows=stored
    )
    [batch] = reader.rows(CYCLE, None, ("9", "z"))
    assert [(row.key, row.values, row.recent) for row in batch] == [
        (("7", "x"), stored[0][:3], True),
        (("8", "y"), stored[1][:3], False),
    ]


@pytest.mark.parametrize("value", ["a\0b", "a\ud800"])
def test_a_key_that_the_database_cannot_store_is_refused(value: str) -> None:
    types = (oracledb.DB_TYPE_VARCHAR, oracledb.DB_TYPE_VARCHAR, oracledb.DB_TYPE_TIMESTAMP)
    reader, _ = on_oracle(*types, rows=[(value, "x", None, 1)])
    with pytest.raises(RefusedSource, match="a key contains NUL or half of a character"):
        list(reader.rows(CYCLE, None, ("9", "z")))


@pytest.mark.parametrize("declared", ["float", "real", "varchar(max)", "text", "xml", "sql_variant", None])
def test_keys_of_sqlserver_without_an_exact_order_are_refused(declared: Any) -> None:
    reader, _ = on_sqlserver(declared, "int", "datetime")
    with pytest.raises(RefusedSource, match="the key column 'branch' has type"):
        reader.last_key(CYCLE, None, 10)


@pytest.mark.parametrize(
    "kind",
    [oracledb.DB_TYPE_BINARY_DOUBLE, oracledb.DB_TYPE_CLOB, oracledb.DB_TYPE_JSON, oracledb.DB_TYPE_ROWID],
)
def test_keys_of_oracle_without_an_exact_order_are_refused(kind: Any) -> None:
    reader, _ = on_oracle(kind, oracledb.DB_TYPE_NUMBER, oracledb.DB_TYPE_DATE)
    with pytest.raises(RefusedSource, match="the key column 'BRANCH' has type"):
        reader.last_key(CYCLE, None, 10)


@pytest.mark.parametrize("declared", ["int", "timestamp", "varchar(30)"])
def test_a_watermark_of_sqlserver_that_is_not_a_time_is_refused(declared: str) -> None:
    reader, _ = on_sqlserver("int", "int", declared)
    with pytest.raises(RefusedSource, match="write 'mode: difference'"):
        list(reader.rows(CYCLE, None, ("1", "2")))


def test_values_that_the_driver_of_oracle_cannot_read_are_written_by_the_server() -> None:
    types = (oracledb.DB_TYPE_TIMESTAMP_TZ, oracledb.DB_TYPE_JSON, oracledb.DB_TYPE_INTERVAL_YM)
    reader, connection = on_oracle(*types)
    reader.sample(1)
    assert connection.statements[-1][0] == (
        """SELECT TO_CHAR(SYS_EXTRACT_UTC("BRANCH"), 'YYYY-MM-DD HH24:MI:SS.FF9') || '+00:00',"""
        ' JSON_SERIALIZE("NUMBER" RETURNING CLOB), TO_CHAR("CHANGED")'
        ' FROM "CLAIMS"."MOTOR"  OFFSET 0 ROWS FETCH NEXT 1 ROWS ONLY'
    )


@given(st.text())
def test_a_text_for_unistr_is_plain_and_stands_for_the_same_text(text: str) -> None:
    written = oracle._escaped(text)
    assert written.isascii()
    units = b""
    place = 0
    while place < len(written):
        step = 5 if written[place] == "\\" else 1
        code = int(written[place + 1 : place + 5], 16) if step == 5 else ord(written[place])
        units += code.to_bytes(2)
        place += step
    assert units.decode("utf-16-be") == text


# -- Cycles --------------------------------------------------------------------------------------------------


def cycles(clocks: Sequence[Clock], form: WatermarkForm, overlap: timedelta) -> list[Cycle]:
    """Return the cycles that begin at these times of the server's clock."""
    remaining = iter(clocks)
    dialect = replace(
        oracle.DIALECT,
        clock=lambda _: next(remaining),
        describe=lambda *_: [
            SelectedColumn("branch", "number", False, KeyForm()),
            SelectedColumn("changed", "timestamp", True, watermark=form),
        ],
    )
    source = replace(SOURCE, key=("branch",), overlap=overlap)
    reader = SelectingReader(RecordedConnection(), source, dialect)
    found: list[Cycle] = []
    for _ in clocks:
        found.append(reader.begin_cycle(found[-1] if found else None))
    return found


def belongs(cycle: Cycle, watermark: datetime) -> bool:
    text = watermark.isoformat(" ", "microseconds")
    return bool((cycle["from"] is None or text > cycle["from"]) and text <= cycle["until"])


JANUARY = datetime.fromisoformat("2026-01-01")
SUMMER = datetime.fromisoformat("2026-03-29 01:00"), datetime.fromisoformat("2026-10-25 01:00")
TIMES = st.integers(0, 400 * 24 * 60).map(lambda minutes: JANUARY + timedelta(minutes=minutes))
MOMENTS = st.lists(TIMES, min_size=2, max_size=12, unique=True).map(sorted)


def ahead_in(zone: int, moment: datetime) -> timedelta:
    """Return by how many hours the clocks of a zone are ahead of UTC, an hour more in summer."""
    summer = SUMMER[0] <= moment < SUMMER[1]
    return timedelta(hours=zone + summer)


@given(
    moments=MOMENTS,
    zone=st.integers(-11, 13),
    local=st.booleans(),
    written=st.integers(0, 10**9),
    grain=st.sampled_from([timedelta(microseconds=1), timedelta(seconds=1), timedelta(days=1)]),
)
def test_a_row_of_any_moment_belongs_to_a_cycle_that_begins_after_it(
    moments: list[datetime], zone: int, local: bool, written: int, grain: timedelta
) -> None:
    """Also when clocks are put back in autumn, and whether the times are those of UTC or of the server."""
    overlap = timedelta(minutes=10)
    span = moments[-1] - moments[0]
    moment = moments[0] + span * (written / 10**9)
    watermark = moment + (ahead_in(zone, moment) if local else timedelta(0))
    day = datetime.combine(watermark.date(), time.min)
    watermark = day + (watermark - day) // grain * grain
    clocks = [Clock(each, ahead_in(zone, each)) for each in [*moments, moments[-1] + timedelta(days=2)]]

    found = cycles(clocks, WatermarkForm(grain=grain), overlap)

    # A row that commits after its cycle has begun, by less than the overlap, belongs to the next one as well.
    for number, clock in enumerate(clocks):
        if clock.utc - overlap < moment <= clock.utc and number + 1 < len(clocks):
            later = [cycle for cycle in found[number + 1 :] if belongs(cycle, watermark)]
            assert later
    assert any(belongs(cycle, watermark) for cycle in found)


@given(moments=MOMENTS, zone=st.integers(-11, 13), zoned=st.booleans())
def test_the_rows_that_a_cycle_shares_with_the_next_one_are_recent(
    moments: list[datetime], zone: int, zoned: bool
) -> None:
    """Otherwise their hashes would not be kept, and the next cycle would pull them again."""
    form = WatermarkForm(grain=timedelta(seconds=1), zoned=zoned)
    found = cycles([Clock(each, ahead_in(zone, each)) for each in moments], form, timedelta(minutes=10))
    for cycle, following in pairwise(found):
        assert cycle["recent"] <= following["from"]


def test_a_clock_that_was_put_back_hides_no_row() -> None:
    noon = datetime.fromisoformat("2026-01-31 12:00")
    clocks = [Clock(noon, timedelta(0)), Clock(noon - timedelta(hours=3), timedelta(0))]
    _, second = cycles(clocks, WatermarkForm(), timedelta(minutes=10))
    assert second["from"] == "2026-01-31 08:49:59.999999"


# -- Logins --------------------------------------------------------------------------------------------------


def refusal_of(dialect: Dialect, answer: Callable[[str], Sequence[Any]]) -> str | None:
    reader = SelectingReader(RecordedConnection(answer), SOURCE, dialect)
    try:
        reader.refuse_writers()
    except RefusedSource as refusal:
        return str(refusal)
    return None


def test_a_login_of_sqlserver_may_have_permissions_to_read_and_to_view_only() -> None:
    reading = [("CONNECT SQL", "the server"), ("VIEW ANY DATABASE", "the server"), ("SELECT", "the database")]

    def answer(statement: str, own: Sequence[Any] = (), tables: Sequence[Any] = ()) -> Sequence[Any]:
        return [*reading, *own] if "fn_my_permissions" in statement else tables

    assert refusal_of(sqlserver.DIALECT, answer) is None
    found = refusal_of(sqlserver.DIALECT, lambda sql: answer(sql, own=[("CONTROL", "the database")]))
    assert found
    assert "it has CONTROL on the database" in found
    assert "GRANT SELECT ON claims.motor TO claimwatch" in found
    found = refusal_of(sqlserver.DIALECT, lambda sql: answer(sql, tables=[("INSERT", "claims.motor")]))
    assert found
    assert "it has INSERT on claims.motor" in found


def test_a_login_of_oracle_may_have_privileges_to_read_only_and_own_no_table() -> None:
    reading = [("CREATE SESSION", "the database"), ("READ", "CLAIMS.MOTOR"), ("SELECT", "CLAIMS.MOTOR")]
    assert refusal_of(oracle.DIALECT, lambda _: reading) is None
    for extra, part in (
        (("DELETE", "CLAIMS.MOTOR"), "it has DELETE on CLAIMS.MOTOR"),
        (("ownership", "its own tables"), "it has ownership on its own tables"),
        (("INSERT ANY TABLE", "the database"), "it has INSERT ANY TABLE on the database"),
    ):
        found = refusal_of(oracle.DIALECT, lambda _, extra=extra: [*reading, extra])  # type: ignore[misc]
        assert found
        assert part in found
        assert "GRANT READ ON claims.motor TO claimwatch" in found


def test_statements_about_rights_and_tables_are_ones_of_their_servers() -> None:
    for statement in (
        sqlserver._OWN_PERMISSIONS,
        sqlserver._PERMISSIONS_ON_TABLES,
        sqlserver.DIALECT.tables,
    ):
        parsed(statement, (), "tsql")
    for statement in (oracle._PRIVILEGES, oracle.DIALECT.tables):
        parsed(statement, (), "oracle")
    for dialect, answer, grammar in (
        (sqlserver.DIALECT, ("2026-01-31 09:30:00.123456", 60), "tsql"),
        (oracle.DIALECT, ("2026-01-31 09:30:00.123456", Decimal(60)), "oracle"),
    ):
        connection = RecordedConnection(lambda _, answer=answer: [answer])  # type: ignore[misc]
        clock = dialect.clock(connection)
        assert clock == Clock(datetime.fromisoformat("2026-01-31 09:30:00.123456"), timedelta(hours=1))
        parsed(*connection.statements[0], grammar)


# -- Errors --------------------------------------------------------------------------------------------------

VALUE = "Mustermann"
"""A value that messages of servers quote."""


def error_of_sqlserver(number: int, severity: int = 16) -> Exception:
    message = {
        "msgno": number, "state": 1, "severity": severity, "message": f"Error near {VALUE}", "server": "db",
        "proc_name": "", "line_number": 1,
    }  # fmt: skip
    error: Exception = _create_exception_by_message(message, f"Error near {VALUE}")
    return error


def error_of_oracle(number: int) -> Exception:
    return oracledb.DatabaseError(
        oracle_errors._Error(f"ORA-{number:05}: error near {VALUE}", code=number, isrecoverable=False)
    )


@pytest.mark.parametrize(
    ("error", "expected", "reason"),
    [
        (error_of_sqlserver(18456), RefusedSource, "correct username and password"),
        (error_of_sqlserver(208), RefusedSource, "the table does not exist"),
        (error_of_sqlserver(229), RefusedSource, "grant it SELECT"),
        (error_of_sqlserver(245), RefusedSource, "error 245"),
        (error_of_sqlserver(1205), SourceUnreachable, "error 1205"),
        (error_of_sqlserver(1222), SourceUnreachable, "error 1222"),
        (error_of_sqlserver(6005), SourceUnreachable, "error 6005"),
        (error_of_sqlserver(9999, 20), SourceUnreachable, "error 9999"),
        (pytds.ClosedConnectionError(), SourceUnreachable, "broke off"),
        (pytds.Error(f"Invalid packet {VALUE}"), SourceUnreachable, "broke off"),
        (
            pytds.Error("The certificate does not match the host name"),
            RefusedSource,
            "cannot prove its identity",
        ),
        (pytds.Error("You requested encryption but it is not supported by server"), RefusedSource, "on TLS"),
        (TimeoutError("timed out"), SourceUnreachable, "TimeoutError"),
        (ConnectionResetError(), SourceUnreachable, "ConnectionResetError"),
    ],
)
def test_errors_of_sqlserver_are_refusals_or_faults_and_quote_nothing(
    error: Exception, expected: type[ClaimwatchError], reason: str
) -> None:
    check_error(on_sqlserver, ("int", "int", "datetime"), error, expected, reason)


@pytest.mark.parametrize(
    ("error", "expected", "reason"),
    [
        (error_of_oracle(1017), RefusedSource, "correct username and password"),
        (error_of_oracle(942), RefusedSource, "usually in upper case"),
        (error_of_oracle(904), RefusedSource, "column that does not exist"),
        (error_of_oracle(1722), RefusedSource, "ORA-01722"),
        (error_of_oracle(12514), SourceUnreachable, "ORA-12514"),
        (error_of_oracle(1034), SourceUnreachable, "ORA-01034"),
        (error_of_oracle(3113), SourceUnreachable, "DPY-4011"),
        (error_of_oracle(1555), WindowTooLarge, "longer than a window"),
        (
            oracle_errors._create_exception(oracle_errors.ERR_CONNECTION_FAILED, connection_id="x"),
            SourceUnreachable,
            "DPY-6005",
        ),
        (
            oracle_errors._create_exception(oracle_errors.ERR_CALL_TIMEOUT_EXCEEDED, timeout=1),
            WindowTooLarge,
            "longer than a window",
        ),
        (
            oracle_errors._create_exception(
                oracle_errors.ERR_INVALID_SERVICE_NAME, service_name=VALUE, host="h", port=1
            ),
            SourceUnreachable,
            "correct 'dbname'",
        ),
        (ConnectionResetError(), SourceUnreachable, "ConnectionResetError"),
    ],
)
def test_errors_of_oracle_are_refusals_or_faults_and_quote_nothing(
    error: Exception, expected: type[ClaimwatchError], reason: str
) -> None:
    types = (oracledb.DB_TYPE_NUMBER, oracledb.DB_TYPE_NUMBER, oracledb.DB_TYPE_DATE)
    check_error(on_oracle, types, error, expected, reason)


def check_error(
    opened: Callable[..., tuple[Any, Any]],
    types: Sequence[Any],
    error: Exception,
    expected: type[ClaimwatchError],
    reason: str,
) -> None:
    reader, connection = opened(*types)
    reader.columns()

    def fail(_: str) -> Sequence[Any]:
        raise error

    connection.answer = fail
    with pytest.raises(expected, match=reason) as raised:
        list(reader.rows(CYCLE, None, ("1", "2")))
    assert VALUE not in str(raised.value)
    assert raised.value.__cause__ is None
    assert type(raised.value) is expected


def test_an_error_in_the_description_of_a_query_is_that_of_the_server() -> None:
    connection = RecordedConnection(lambda _: [(None, None, None, None, 208)])
    with pytest.raises(RefusedSource, match="the table does not exist"):
        SelectingReader(connection, SOURCE, sqlserver.DIALECT).columns()


def test_rows_that_nobody_reads_end_the_connection() -> None:
    reader, connection = on_sqlserver("int", "int", "datetime", rows=[(1, 2, None, 1)] * 5_000)
    batches = reader.rows(CYCLE, None, ("1", "2"))
    assert [len(next(batches)) for _ in range(3)] == [50, 2_000, 2_000]
    batches.close()
    assert connection.closed
    reader.close()


@pytest.mark.parametrize(
    ("changes", "secret", "reason"),
    [
        ({}, {"host": "db\\SQLEXPRESS"}, "names an instance"),
        ({}, {}, "no text for 'host'"),
        (
            {"table": None, "query": " WITH x AS (…) SELECT 1"},
            {"host": "db"},
            "begins with WITH",
        ),
    ],
)
def test_what_sqlserver_cannot_do_is_refused_before_connecting(
    changes: dict[str, Any], secret: dict[str, Any], reason: str
) -> None:
    with pytest.raises(RefusedSource, match=reason):
        sqlserver.open_sqlserver(replace(SOURCE, **changes), secret)
