"""The SELECTs for SQL Server and Oracle, translated to DuckDB and executed there: each row comes once.

This shows that conditions, parameters and pages say what they should; not that the servers agree.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb
import oracledb
import pytest
import sqlglot

from claimwatch.domain.sources.source import Kind, Mode, Source
from claimwatch.sources import oracle, sqlserver
from claimwatch.sources.reader import Cycle, Key, Row
from claimwatch.sources.selecting import Dialect, SelectingReader
from tests.unit.sources.recorded_connection import RecordedConnection, RecordedCursor

CYCLE = {
    "from": "2026-01-10 00:00:00.000000",
    "until": "2026-01-20 00:00:00.000000",
    "recent": "2026-01-18 00:00:00.000000",
}
SOURCE = Source(
    "policies", Kind.ORACLE, "motor", "rate(1 hour)", "secret", Mode.OVERLAP, table="claims.motor",
    key=("branch", "number"), watermark="changed",
)  # fmt: skip
SQLSERVER = replace(
    sqlserver.DIALECT,
    describe=lambda *_: [
        sqlserver._column("branch", "varchar(9)", True, "Latin1_General_BIN2"),
        sqlserver._column("number", "int", True, None),
        sqlserver._column("changed", "datetime2(7)", True, None),
    ],
)
ORACLE = replace(
    oracle.DIALECT,
    fold=lambda name: name,
    describe=lambda *_: [
        oracle._column(name, kind, None, None, None, None, True)
        for name, kind in (
            ("branch", oracledb.DB_TYPE_VARCHAR),
            ("number", oracledb.DB_TYPE_NUMBER),
            ("changed", oracledb.DB_TYPE_TIMESTAMP),
        )
    ],
)


@dataclass
class Translated(RecordedConnection):
    """A connection that executes the statements of another server in DuckDB."""

    grammar: str = ""
    database: duckdb.DuckDBPyConnection = field(default_factory=duckdb.connect)

    def cursor(self, *_: Any) -> "TranslatedCursor":
        """Return a cursor."""
        return TranslatedCursor(self)


class TranslatedCursor(RecordedCursor):
    """A cursor of a translated connection."""

    def __init__(self, connection: Translated) -> None:
        super().__init__(connection)
        self._translated = connection

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Translate a statement and execute it."""
        if self._translated.grammar == "tsql":
            statement %= tuple(f"@p{number}" for number in range(1, len(parameters) + 1))
        else:
            statement = re.sub(r":(\d+)", r":p\1", statement)
        translated = sqlglot.transpile(statement, read=self._translated.grammar, write="duckdb")[0]
        translated = re.sub(r"COLLATE \w+", "", translated)
        translated = re.sub(r"[$:@]p(\d+)", r"$\1", translated)
        values = [str(value) for value in parameters]
        self._rows = self._translated.database.execute(translated, values or None).fetchall()


@pytest.fixture(scope="module")
def claims() -> list[tuple[str, int, str | None]]:
    draw = random.Random(1)
    keys = {(draw.choice("abcA"), number // 3 * 7 - 5) for number in range(40)}
    return [
        (branch, number, f"2026-01-{1 + place % 28:02} 09:00:00" if place % 7 else None)
        for place, (branch, number) in enumerate(sorted(keys))
    ]


def windows(reader: SelectingReader, cycle: Cycle, size: int) -> Iterator[list[Row]]:
    after: Key | None = None
    more = True
    while more:
        upto, more = reader.last_key(cycle, after, size)
        assert upto is not None
        yield [row for batch in reader.rows(cycle, after, upto) for row in batch]
        after = upto


@pytest.mark.parametrize(("grammar", "dialect"), [("tsql", SQLSERVER), ("oracle", ORACLE)])
@pytest.mark.parametrize("mode", [Mode.OVERLAP, Mode.DIFFERENCE])
@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_the_windows_of_a_cycle_have_each_of_its_rows_once(
    claims: list[tuple[str, int, str | None]], grammar: str, dialect: Dialect, mode: Mode, size: int
) -> None:
    connection = Translated(grammar=grammar)
    connection.database.execute("CREATE SCHEMA claims")
    connection.database.execute("CREATE TABLE claims.motor (branch varchar, number int, changed timestamp)")
    connection.database.executemany("INSERT INTO claims.motor VALUES (?, ?, ?)", claims)
    reader = SelectingReader(connection, replace(SOURCE, mode=mode), dialect)

    read = list(windows(reader, CYCLE if mode is Mode.OVERLAP else {}, size))

    expected = {
        (branch, str(number)): changed is None or changed > "2026-01-18" or mode is Mode.DIFFERENCE
        for branch, number, changed in claims
        if mode is Mode.DIFFERENCE
        or changed is None
        or "2026-01-10" < changed <= "2026-01-20"
        or changed > "2026-01-21"
    }
    rows = [row for window in read for row in window]
    assert sorted(row.key for row in rows) == sorted(expected)
    assert {row.key: row.recent for row in rows} == expected
    assert all(1 <= len(window) <= size for window in read)
