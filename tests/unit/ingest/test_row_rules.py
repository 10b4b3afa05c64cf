"""The two forms of each rule agree: a record is refused exactly if there is a reason."""

import csv
import io
import json
import re
from dataclasses import MISSING, fields
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import duckdb
import pytest
from duckdb.func import SPECIAL
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claimwatch.domain.contract.contract import (
    Column,
    Contract,
    DatePart,
    ExtraValues,
    LogicalType,
    NegativeNumbers,
    Role,
)
from claimwatch.domain.contract.date_parts import read_date
from claimwatch.domain.files.layout import Layout
from claimwatch.domain.validation.identity_sql import FUNCTIONS
from claimwatch.domain.validation.row_rules_sql import RuleQueries, rule_queries
from claimwatch.domain.validation.values_sql import date_function, hash_function

IDENTIFIERS = (
    Column("claim", LogicalType.STRING, Role.IDENTIFIER, required=True),
    Column("claim", LogicalType.STRING, Role.IDENTIFIER, required=True, max_length=3, pattern="^[ C0-9-]+$"),
    Column("claim", LogicalType.INTEGER, Role.IDENTIFIER, required=True),
)
MADE_OF = ((DatePart.YEAR_MONTH, "claim"), (DatePart.DAY, "1"))
COLUMNS = (
    Column("text", LogicalType.STRING, Role.FEATURE, missing_values=("?", "n/a")),
    Column("text", LogicalType.STRING, Role.FEATURE, required=True),
    Column("text", LogicalType.STRING, Role.FEATURE, required=True, min_length=3, max_length=6),
    Column("text", LogicalType.STRING, Role.FEATURE, valid_values=("a", "zwölf", 'a "b"'), min_length=2),
    Column("text", LogicalType.STRING, Role.FEATURE, required=True, pattern="^[A-Z]{2}[0-9]+$"),
    Column("text", LogicalType.STRING, Role.IGNORED, hashed=True, personal=True, max_length=6),
    Column("whole", LogicalType.INTEGER, Role.FEATURE),
    Column("whole", LogicalType.INTEGER, Role.FEATURE, minimum=Decimal(-5), maximum=Decimal(100)),
    Column("whole", LogicalType.INTEGER, Role.FEATURE, required=True, valid_values=("1", "7", "12")),
    Column("number", LogicalType.NUMBER, Role.FEATURE),
    Column("number", LogicalType.NUMBER, Role.FEATURE, minimum=Decimal(0), maximum=Decimal("99.99")),
    Column("number", LogicalType.NUMBER, Role.FEATURE, exclusive_minimum=Decimal("0.1"), required=True),
    Column("number", LogicalType.NUMBER, Role.FEATURE, decimal_separator=",", thousands_separator="."),
    Column("number", LogicalType.NUMBER, Role.FEATURE, decimal_separator=","),
    Column("number", LogicalType.NUMBER, Role.FEATURE, thousands_separator=" ", required=True),
    Column(
        "number",
        LogicalType.NUMBER,
        Role.FEATURE,
        decimal_separator=",",
        thousands_separator=".",
        units=("€", "EUR"),
        negatives=tuple(NegativeNumbers),
    ),
    Column("number", LogicalType.NUMBER, Role.IGNORED, hashed=True, units=("%",)),
    Column("whole", LogicalType.INTEGER, Role.FEATURE, thousands_separator=",", units=("km",)),
    Column("whole", LogicalType.INTEGER, Role.FEATURE, negatives=(NegativeNumbers.TRAILING,), required=True),
    Column("boolean", LogicalType.BOOLEAN, Role.FEATURE, required=True, missing_values=("N",)),
    Column("boolean", LogicalType.BOOLEAN, Role.FEATURE, true_words=("ja", "n"), false_words=("nein",)),
    Column("day", LogicalType.DATE, Role.FEATURE, exclusive_maximum=date(2024, 2, 29)),
    Column("day", LogicalType.DATE, Role.FEATURE, minimum=date(1, 1, 1), maximum=date(9999, 12, 31)),
    Column("day", LogicalType.DATE, Role.FEATURE, required=True, date_formats=("%d.%m.%Y",)),
    Column("day", LogicalType.DATE, Role.FEATURE, date_formats=("%d/%m/%Y", "%m/%d/%Y")),
    Column("day", LogicalType.DATE, Role.IGNORED, hashed=True, date_formats=("%a %d %b %y",)),
    Column("day", LogicalType.DATE, Role.FEATURE, required=True, date_parts=MADE_OF),
    Column("moment", LogicalType.TIMESTAMP, Role.FEATURE),
    Column("moment", LogicalType.TIMESTAMP, Role.FEATURE, date_formats=("%d.%m.%Y %H:%M:%S.%f", "%Y-%d-%m")),
    Column(
        "moment",
        LogicalType.TIMESTAMP,
        Role.FEATURE,
        minimum=datetime(1, 1, 1, tzinfo=UTC),
        maximum=datetime(9999, 12, 31, 23, tzinfo=UTC),
    ),
)
WITHOUT_RULE = {
    "name",
    "logical_type",
    "role",
    "unique",
    "synonyms",
    "description",
    "link_group",
    "bands",
    "empty_history",
    "link_on",
    "what_if",
    "group",
}
"""Fields of a column that have no rule about a cell."""

TEXTS = (
    "", " ", "a", "?", "n/a", "zwölf", 'a "b"', '"', "éééé", "AB1", "AB12345", "AB1\n", "C1", "\\.", "NULL",
)  # fmt: skip
NUMBERS = (
    "0", "-0", "007", "+7", "7.", "12.0", "12.5", " 12\n", "99.99", "0.1", "-5", "-6", "100", "101",
    "1.234,5", "1,5", "1.000", "0x1F", "nan", "inf", "-inf", "1e3", "1e400", "1e-5000", "0e99999", "1" * 19,
    "1" * 401, "9223372036854775808", "+-5", "1_000", "1.2.3", "12.34.567", "1.234.567,89", "0.123", "1,234",
    "1 234", "1\u202f234", "1'234", "(7)", "7-", "-7-", "\u22127", "7 €", "€ -7,5", "(1.234,50 €)", "7 %",
    "7 km", "\u0661", "7 USD", "  ", "\u00a0",
)  # fmt: skip
WORDS = ("ja", "NEIN", "1.0", "true", " T ", "tRUE", "no", "N", "0", "2", "maybe")
DAYS = (
    "0000-01-01", "0001-01-01", "0001-01-01 (BC)", "1970-01-01", "epoch", "infinity", "-infinity",
    "2024-02-29", "2023-02-29", "28.02.2024", "31.02.2024", "9999-12-30", "9999-12-31", "10000-01-01",
    "2024-02-29T10:00:00", "9999-12-31T10:00:00", "2024-02-29 10:00:00+02:00", "9999-12-31T23:30:00Z",
    "2024-02-29T25:00:00", "2024-2-9", "2024 02 09", "3/2/26", "2024-02-09T08: 5:00", "2024-02-09T08:15:00z",
    "2024-02-09 08:15:00 +0530", "2024-02-09T08:15:00,5", "2024-02-09T08:15:00 CET", "03/02/2024",
    "13/02/2024", "02/02/2024", "2024-02-09T24:00:00", "2024-02-09T23:59:60", "2024-02-09T08:15:00+99:99",
    "Mon 03 feb 26",
    "Tue 03 feb 26", "09.02.2024 08:15:00.123456789", "2024-02-13", "9999-12-31T23:59:59.999999Z",
)  # fmt: skip
ODD = (*TEXTS, *NUMBERS, *WORDS, *DAYS)
CELLS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=8),
    st.text("0123456789-+.,eE: TZ", max_size=20),
    st.from_regex(re.compile("[A-Z]{2}[0-9]{1,5}", re.ASCII), fullmatch=True),
    st.integers(-(10**20), 10**20).map(str),
    st.decimals(-200, 200, places=2).map(str),
    st.dates().map(str),
)


def _results(queries: RuleQueries, records: str, path: Path) -> list[tuple[bool, list[str]]]:
    """Return of each record whether it is accepted, and the rules for which it has a finding."""
    path.write_bytes(records.encode())
    with duckdb.connect(config={"threads": 1}) as engine:
        engine.execute("SET TimeZone = 'UTC'")
        for name, function in FUNCTIONS.items():
            engine.create_function(name, function, ["VARCHAR"], "VARCHAR", null_handling=SPECIAL)
        for index in range(2):
            engine.create_function(hash_function(index), str.upper, ["VARCHAR"], "VARCHAR")
        made = partial(read_date, [part for part, _ in MADE_OF])
        engine.create_function(date_function(1), made, ["VARCHAR"], "VARCHAR")
        accepted = engine.execute(
            f"SELECT accepted FROM ({queries.accept}) ORDER BY place", {"path": str(path), "first_row": 1}
        ).fetchall()
        findings = engine.execute(queries.explain, {"path": str(path)}).fetchall()
    return [
        (kept, [problem.rule for problem in queries.problems(*found)])
        for (kept,), found in zip(accepted, findings, strict=True)
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("identifier", "column"),
    [(IDENTIFIERS[0], column) for column in COLUMNS]
    + [(identifier, COLUMNS[0]) for identifier in IDENTIFIERS[1:]],
)
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=st.lists(CELLS, max_size=60), other=st.sampled_from(["7", "C1"]))
def test_a_record_is_refused_exactly_if_there_is_a_reason(
    tmp_path: Path, identifier: Column, column: Column, cells: list[str], other: str
) -> None:
    contract = Contract("odd", "1.0.0", "claim_odd", (identifier, column), extra=ExtraValues.PLAIN)
    names = (identifier.name, column.name)
    rows = [(cell, "a") for cell in (*ODD, *cells)] + [(other, cell) for cell in (*ODD, *cells)]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows((*row, "extra") for row in rows)
    documents = [*(dict(zip(names, row, strict=True)) for row in rows), [1], None, {names[0]: other}]
    json_lines = "".join(json.dumps(document) + "\n" for document in documents)

    of_csv = _results(
        rule_queries(Layout(contract, (*names, "more"), ",")), text.getvalue(), tmp_path / "csv"
    )
    of_json = _results(
        rule_queries(Layout(contract, keys=((names[0],) * 2, (names[1],) * 2))), json_lines, tmp_path / "json"
    )

    for (accepted, rules), record in zip([*of_csv, *of_json], [*rows, *documents], strict=True):
        assert accepted is (not rules), (record, rules)
    assert of_csv == of_json[: len(of_csv)]


def test_the_cases_have_every_field_of_a_column_that_has_a_rule() -> None:
    for field in fields(Column):
        if field.default is not MISSING and field.name not in WITHOUT_RULE:
            assert any(getattr(column, field.name) != field.default for column in COLUMNS), field.name
    assert {column.logical_type for column in COLUMNS} == set(LogicalType)
