"""What the first look is sure of passes the checks, and PostgreSQL is told the same by either."""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from claimwatch.domain.contract.contract import Column, Contract, LogicalType, Role
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.files.header import csv_layout
from claimwatch.domain.files.layout import Layout
from claimwatch.domain.files.records import RecordCutter
from claimwatch.domain.validation.fast_path.fast_path import _HASHED_ALIKE, FastPath
from claimwatch.domain.validation.fast_path.simple_regex import steps
from claimwatch.domain.validation.row_rules_sql import TRUE_WORDS
from claimwatch.ingest.validation import DuckDbValidator
from samples import write_claims
from samples.contract import MOTOR

KEY = b"a key of some bytes"
type Quoting = Literal[0, 1]

IDENTIFIERS = (
    Column("claim", LogicalType.STRING, Role.IDENTIFIER, required=True),
    Column(
        "claim", LogicalType.STRING, Role.IDENTIFIER, required=True, max_length=12, pattern="^C-[0-9A-F]{4}$"
    ),
    Column("claim", LogicalType.STRING, Role.IDENTIFIER, required=True, pattern="^[ C0-9-]+$"),
    Column("claim", LogicalType.INTEGER, Role.IDENTIFIER, required=True),
)
COLUMNS = (
    Column("text", LogicalType.STRING, Role.FEATURE),
    Column("text", LogicalType.STRING, Role.FEATURE, missing_values=("?", "n/a", "nothing at all")),
    Column("text", LogicalType.STRING, Role.FEATURE, required=True, min_length=3, max_length=6),
    Column("text", LogicalType.STRING, Role.FEATURE, min_length=9),
    Column(
        "text",
        LogicalType.STRING,
        Role.FEATURE,
        valid_values=("a", "zwölf", "third party, fire", 'a "b"', ""),
    ),
    Column("text", LogicalType.STRING, Role.FEATURE, valid_values=("a", "?"), missing_values=("?",)),
    Column("text", LogicalType.STRING, Role.FEATURE, pattern="^[A-Z]{2}[0-9]+$"),
    Column("text", LogicalType.STRING, Role.FEATURE, pattern="[^@ ]+@[^@ ]+[.][a-z]+", max_length=20),
    Column("text", LogicalType.STRING, Role.FEATURE, pattern=".{3}", missing_values=("xxx",)),
    Column("text", LogicalType.STRING, Role.IGNORED, hashed=True, personal=True, min_length=2, max_length=20),
    Column("text", LogicalType.STRING, Role.IGNORED, hashed=True, required=True, missing_values=("?",)),
    Column("whole", LogicalType.INTEGER, Role.FEATURE),
    Column(
        "whole", LogicalType.INTEGER, Role.FEATURE, minimum=Decimal(-5), exclusive_maximum=Decimal("100.5")
    ),
    Column("whole", LogicalType.INTEGER, Role.FEATURE, required=True, missing_values=("-1", "99")),
    Column("number", LogicalType.NUMBER, Role.FEATURE),
    Column(
        "number", LogicalType.NUMBER, Role.FEATURE, exclusive_minimum=Decimal("0.1"), maximum=Decimal("99.99")
    ),
    Column("number", LogicalType.NUMBER, Role.FEATURE, decimal_separator=",", thousands_separator="."),
    Column("boolean", LogicalType.BOOLEAN, Role.FEATURE),
    Column("boolean", LogicalType.BOOLEAN, Role.FEATURE, missing_values=("N",)),
    Column("day", LogicalType.DATE, Role.FEATURE),
    Column(
        "day", LogicalType.DATE, Role.FEATURE, minimum=date(1999, 12, 31), exclusive_maximum=date(2024, 2, 29)
    ),
    Column("day", LogicalType.DATE, Role.FEATURE, date_formats=("%d.%m.%Y",)),
    Column("moment", LogicalType.TIMESTAMP, Role.FEATURE),
    Column(
        "moment",
        LogicalType.TIMESTAMP,
        Role.FEATURE,
        exclusive_minimum=datetime(2000, 1, 1, 0, 0, 10, 999_999),  # noqa: DTZ001 - as contracts have it
        maximum=datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC),
    ),
)

ODD_TEXTS = (
    "", " ", "a", "?", "n/a", "xxx", "N", "a ", " a", "zwölf", "third party, fire", 'a "b"', '"', '""',
    "éééé", "AB1", "AB", "A1", "AB12345678901234567890", "AB1\n", "ann@x.org", "ann@@x.org", "İ", "ΑΣ",
    "\u00a0a", "ŉ", "Ann Lee", "ANN LEE", "René", "nothing at all", "nothing at al", "line\nbreak", "C-00FF",
    "C-00fF", "\\.",
)  # fmt: skip
ODD_NUMBERS = (
    "0", "00", "-0", "007", "+7", "7.", ".7", "1.5.5", "1,5", "1.000", "99.99", "0.1", "0.10", "-1",
    "12345678", "123456789", "1234567.12345678", "12345678.1", "999999999999999", "1" * 16, "1" * 40,
)  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(ODD_TEXTS),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=10),
    st.from_regex(re.compile("[A-Z]{2}[0-9]{1,12}", re.ASCII), fullmatch=True),
)
NUMBERS = st.one_of(
    st.integers(-200, 200).map(str),
    st.integers(-(10**20), 10**20).map(str),
    st.decimals(-200, 200, places=2).map(str),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.sampled_from(ODD_NUMBERS),
    st.text("0123456789-+.eE,", max_size=12),
)
WORDS = st.sampled_from(
    ["true", "TRUE", "True", "tRUE", "t", "Y", "yes", "no", "N", "0", "1", "2", "on", "off", ""]
)
DAYS = st.one_of(
    st.dates(date(1, 1, 1)).map(str),
    st.tuples(st.integers(0, 2100), st.integers(0, 14), st.integers(0, 33)).map(
        lambda day: f"{day[0]:04}-{day[1]:02}-{day[2]:02}"
    ),
    st.sampled_from(["9999-12-29", "9999-12-30", "9999-12-31", "0001-01-01", "0000-01-01", "1999-12-31"]),
    st.sampled_from(
        ["2024-02-29", "2023-02-29", "1900-02-29", "2000-02-29", "31.12.1999", "2024-1-2", "epoch"]
    ),
    st.text("0123456789-", max_size=11),
)
TIMES = st.tuples(
    DAYS,
    st.sampled_from(["T", " ", "t", ""]),
    st.tuples(st.integers(0, 25), st.integers(0, 61), st.integers(0, 61)).map(
        lambda time: f"{time[0]:02}:{time[1]:02}:{time[2]:02}"
    ),
    st.sampled_from(["", "", "Z", "z", "+00", "+02:00", ".5", " "]),
).map("".join) | st.sampled_from(["2000-01-01T00:00:10", "2000-01-01T00:00:11", "2024-02-29T23:59:59Z"])
OF_KIND = {
    LogicalType.STRING: TEXTS,
    LogicalType.INTEGER: NUMBERS,
    LogicalType.NUMBER: NUMBERS,
    LogicalType.BOOLEAN: WORDS,
    LogicalType.DATE: DAYS,
    LogicalType.TIMESTAMP: TIMES,
}


def layout_of(identifier: Column, column: Column, delimiter: str = ",") -> Layout:
    contract = Contract("odd", "1.0.0", "claim_odd", (identifier, column))
    return Layout(contract, fields=(column.name, identifier.name), delimiter=delimiter)


def written(rows: list[tuple[str, ...]], delimiter: str, quoting: Quoting, newline: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=newline, quoting=quoting).writerows(rows)
    return text.getvalue().encode()


@contextmanager
def examiner(layout: Layout) -> Iterator[DuckDbValidator]:
    made = DuckDbValidator(layout, KEY)
    try:
        yield made
    finally:
        made.close()


def cells(line: bytes, delimiter: str) -> list[str | None]:
    """The cells of a line as PostgreSQL's COPY reads them: None where nothing stands, not even quotes."""
    cell = re.compile(rf'(?:"((?:[^"]|"")*)"|([^"{re.escape(delimiter)}\n]*))({re.escape(delimiter)}|\n)')
    found: list[str | None] = []
    place = 0
    text = line.decode()
    while place < len(text):
        match = cell.match(text, place)
        assert match is not None, text
        found.append(match[2] or None if match[1] is None else match[1].replace('""', '"'))
        place = match.end()
    return found


def meaning(kind: LogicalType, cell: str | None) -> object:
    if cell is None:
        return None
    match kind:
        case LogicalType.INTEGER | LogicalType.NUMBER:
            return Decimal(cell)
        case LogicalType.BOOLEAN:
            return cell.lower() in TRUE_WORDS
        case LogicalType.DATE:
            return date.fromisoformat(cell)
        case LogicalType.TIMESTAMP:
            moment = datetime.fromisoformat(cell)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        case _:
            return cell


@pytest.mark.parametrize(
    ("identifier", "column"),
    [(IDENTIFIERS[0], column) for column in COLUMNS]
    + [(identifier, COLUMNS[0]) for identifier in IDENTIFIERS[1:]],
)
def test_what_is_sure_passes_the_checks_and_means_the_same(identifier: Column, column: Column) -> None:
    ids = {LogicalType.STRING: TEXTS | st.just("C-00FF"), LogicalType.INTEGER: NUMBERS}[
        identifier.logical_type
    ]
    with (
        examiner(layout_of(identifier, column)) as commas,
        examiner(layout_of(identifier, column, "|")) as bars,
    ):

        @settings(max_examples=20, deadline=None)
        @given(
            st.lists(st.tuples(OF_KIND[column.logical_type], ids | st.just("7")), min_size=1, max_size=60),
            st.sampled_from([(",", commas), ("|", bars)]),
            st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
            st.sampled_from(["\n", "\r\n"]),
        )
        def holds(
            rows: list[tuple[str, ...]], chosen: tuple[str, DuckDbValidator], quoting: Quoting, newline: str
        ) -> None:
            delimiter, checks = chosen
            look = FastPath.of(layout_of(identifier, column, delimiter), KEY)
            assert look is not None
            batch = RecordCutter(delimiter.encode(), 2).feed(written(rows, delimiter, quoting, newline))
            sure = look.at(batch, 1)
            examined = checks.examine(batch.text(batch.readable), batch.readable, 1)

            told = {line[0]: line for line in (cells(line, delimiter) for line in examined.lines)}
            ids_told = dict(zip(told, examined.ids, strict=True))
            for line, claim in zip(sure.lines, sure.ids, strict=True):
                row, cell, key, extra = cells(line, delimiter)
                kind = LogicalType.STRING if column.hashed else column.logical_type
                _, same, same_key, _ = told[row]
                assert (meaning(kind, cell), key, extra) == (meaning(kind, same), same_key, None)
                assert claim == ids_told[row]
            assert len(sure.lines) + len(sure.rest) + len(batch.broken) == len(batch)

        holds()


def test_nearly_all_records_of_a_sample_need_no_second_look(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("sample") / "claims.csv"
    manifest = write_claims(path, 5_000, seed=3, bad_share=0.01)
    header, _, body = path.read_bytes().partition(b"\n")
    names = header.decode().split(",")
    look = FastPath.of(csv_layout(parse_contract(MOTOR.read_text("utf-8"), "motor"), names, ","), KEY)
    assert look is not None
    sure = look.at(RecordCutter(b",", len(names)).feed(body), 1)
    bad = {damaged.row for damaged in manifest.damaged}
    assert not bad & {int(line.partition(b",")[0]) for line in sure.lines}
    assert len(sure.lines) >= 0.995 * (5_000 - len(bad))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"fields": ("text", "claim", "note")}, "an extra column becomes JSON"),
        ({"delimiter": "#"}, "another delimiter may stand in a value"),
        ({"delimiter": None}, "JSON is another format"),
    ],
)
def test_there_is_no_first_look_at_what_has_to_be_written_anew(change: dict[str, Any], why: str) -> None:
    layout = layout_of(IDENTIFIERS[0], COLUMNS[0])
    assert FastPath.of(layout, KEY), why
    assert FastPath.of(replace(layout, **change), KEY) is None, why


def test_blank_lines_of_a_file_of_one_column_are_no_records() -> None:
    layout = Layout(Contract("odd", "1.0.0", "claim_odd", IDENTIFIERS[:1]), fields=("claim",), delimiter=",")
    look = FastPath.of(layout, KEY)
    assert look is not None
    assert look.at(RecordCutter(b",", 1).feed(b"C1\n\nC2\n\r\n"), 1).ids == [b"C1", b"C2"]


def test_hashed_text_is_made_small_and_cut_as_the_engine_does_it() -> None:
    letters = [chr(code) for code in range(1, 0x600) if _HASHED_ALIKE.fullmatch(chr(code))]
    assert len(letters) > 1_000
    for letter in letters:
        for text in (letter, f" {letter}a{letter} ", f"A{letter}", f"{letter}Σ"):
            if _HASHED_ALIKE.fullmatch(text):
                (made,) = duckdb.execute("SELECT lower(trim(?))", [text]).fetchone() or ("",)
                assert text.strip(" ").lower() == made, ascii(text)


ATOMS = st.sampled_from(
    ["A", "-", "[0-9]", "[A-F0-9]", "[^@ ]", "[.]", "\\.", "\\d", ".", "[a-z_-]", "@", "[\\]x]"]
)
TIMES_OVER = st.sampled_from(["", "", "{2}", "{1,3}", "{2,}", "*", "+", "?"])
PATTERNS = st.lists(st.tuples(ATOMS, TIMES_OVER).map("".join), min_size=1, max_size=4).map("".join)


@given(PATTERNS, st.data())
@settings(max_examples=200)
@example("^[^@ ]+@[^@ ]+[.][a-z]+$", None)
def test_steps_are_what_the_pattern_says(pattern: str, data: st.DataObject | None) -> None:
    found = steps(pattern)
    assert found is not None
    text = "ann@x.org"
    if data is not None:
        texts = st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True)
        text = data.draw(texts | st.text("A-0a.@]x ", max_size=6))
    if not text.isascii() or set(text) & set('"\r\n'):
        return
    expression = "".join(
        f"[{''.join(re.escape(chr(code)) for code in sorted(step.allowed))}]"
        f"{{{step.least},{'' if step.most is None else step.most}}}"
        for step in found
    )
    (engine,) = duckdb.execute("SELECT regexp_full_match(?, ?)", [text, pattern]).fetchone() or (None,)
    assert (re.fullmatch(expression, text) is not None) == engine


@pytest.mark.parametrize(
    "pattern",
    ["(a|b)", "a|b", "(ab)+", "\\w", "[[:alpha:]]", "a+?", "\\bx", "é", "[é]", "a^", "a$b", "^*", '"'],
)
def test_other_patterns_are_left_to_the_engine(pattern: str) -> None:
    assert steps(pattern) is None
