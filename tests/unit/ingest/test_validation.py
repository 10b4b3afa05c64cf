"""Every cell is validated, every reason is reported, and accepted rows are written for COPY."""

import csv
import hashlib
import hmac
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from traceback import format_exception
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from claimwatch.domain.contract.column_names import MOST_SPELLINGS
from claimwatch.domain.contract.contract import (
    MAX_COLUMNS,
    Column,
    Contract,
    ExtraValues,
    LogicalType,
    Role,
)
from claimwatch.domain.files.header import ndjson_layout
from claimwatch.domain.files.layout import Layout, copy_columns
from claimwatch.domain.files.records import Batch, Problem, RecordCutter
from claimwatch.domain.validation.extra_values import ExtraHashes
from claimwatch.domain.validation.row_rules import MOST_REASONS, SHOWN, shape_of
from claimwatch.errors import EngineFault
from claimwatch.ingest.draft_trial import _TrialValidator
from claimwatch.ingest.validation import BLOCK, ValidationResult, Validator
from claimwatch.storage.quarantine import RefusedRow

KEY = b"a key of some bytes"
COLUMNS = (
    Column("claim", LogicalType.STRING, Role.IDENTIFIER, required=True, unique=True, pattern="^C[0-9]+$"),
    Column("age", LogicalType.INTEGER, Role.FEATURE, minimum=Decimal(16), maximum=Decimal(100)),
    Column("amount", LogicalType.NUMBER, Role.FEATURE, required=True, exclusive_minimum=Decimal(0)),
    Column(
        "kind",
        LogicalType.STRING,
        Role.FEATURE,
        valid_values=("fire", "theft, burglary"),
        missing_values=("?",),
    ),
    Column("day", LogicalType.DATE, Role.EVENT_TIME, maximum=date(2026, 12, 31), date_formats=("%m/%d/%Y",)),
    Column("seen", LogicalType.TIMESTAMP, Role.FEATURE),
    Column("police", LogicalType.BOOLEAN, Role.FEATURE),
    Column("name", LogicalType.STRING, Role.IGNORED, personal=True, hashed=True, max_length=20),
    Column("story", LogicalType.STRING, Role.TEXT, min_length=2),
)
CONTRACT = Contract("motor", "1.0.0", "claim_motor", COLUMNS)
FIELDS = tuple(column.name for column in COLUMNS)
LAYOUT = Layout(CONTRACT, fields=FIELDS, delimiter=",")
GOOD = {
    "claim": "C1",
    "age": "44",
    "amount": "12.50",
    "kind": "fire",
    "day": "2026-03-01",
    "seen": "2026-03-01T10:00:00Z",
    "police": "yes",
    "name": "Ann Lee",
    "story": 'He said "stop", then',
}


@pytest.fixture(scope="module")
def validator() -> Iterator[Validator]:
    with Validator(LAYOUT, KEY) as made:
        yield made


def checked(validator: Validator, *rows: dict[str, str]) -> ValidationResult:
    text = io.StringIO()
    csv.DictWriter(text, FIELDS, lineterminator="\n").writerows(rows)
    return validator.check([RecordCutter(b",", len(FIELDS)).feed(text.getvalue().encode())], 1)


def loaded(result: ValidationResult) -> list[dict[str, str]]:
    rows = csv.reader(io.StringIO(result.copy_text.decode(), newline=""))
    return [dict(zip(copy_columns(CONTRACT), row, strict=True)) for row in rows]


def test_an_accepted_row_is_canonical_and_has_hashes_of_personal_data(validator: Validator) -> None:
    [row] = loaded(checked(validator, GOOD | {"age": " 44.0"}))
    name = hmac.new(KEY, b"name\0ann lee", hashlib.sha256).hexdigest()[:32]
    assert row == GOOD | {
        "row_number": "1",
        "age": "44",
        "seen": "2026-03-01 10:00:00+00",
        "police": "true",
        "name": name,
        "extra": "",
    }


@pytest.mark.parametrize(
    ("change", "stored"),
    [
        ({"age": "44.0"}, {"age": "44"}),
        ({"age": "+44"}, {"age": "44"}),
        ({"age": ""}, {"age": ""}),
        ({"amount": "1e3"}, {"amount": "1e3"}),
        ({"amount": "12.3456789012345678901"}, {"amount": "12.3456789012345678901"}),
        ({"kind": "?"}, {"kind": ""}),
        ({"kind": "theft, burglary"}, {"kind": "theft, burglary"}),
        ({"day": "3/1/2026"}, {"day": "2026-03-01"}),
        ({"seen": "2026-03-01 10:00:00+02:00"}, {"seen": "2026-03-01 08:00:00+00"}),
        ({"police": " N"}, {"police": "false"}),
        ({"story": "line\nbreak"}, {"story": "line\nbreak"}),
    ],
)
def test_every_notation_of_a_value_is_stored_as_what_it_means(
    validator: Validator, change: dict[str, str], stored: dict[str, str]
) -> None:
    [row] = loaded(checked(validator, GOOD | change))
    assert row | stored == row


@pytest.mark.parametrize(
    ("change", "rule", "message"),
    [
        ({"claim": ""}, "required", "the value is missing"),
        (
            {"claim": "D1"},
            "pattern",
            "a value like 'A9' does not match the pattern ^C[0-9]+$",
        ),
        ({"age": "12.5"}, "type", "a value like '99.9' is not a whole number: it has a fraction"),
        ({"age": "0x1F"}, "type", "a value like '9a9A' is not a whole number: it is not decimal"),
        ({"age": "15"}, "minimum", "a value like '99' is below the minimum 16"),
        ({"age": "101"}, "maximum", "a value like '999' is above the maximum 100"),
        (
            {"amount": "nan"},
            "type",
            (
                "a value like 'aaa' is not a number: "
                "if it means that there is no value, name it in missingValues"
            ),
        ),
        ({"amount": "inf"}, "type", "a value like 'aaa' is not a number: infinity is not stored"),
        (
            {"amount": "1.2.3"},
            "type",
            "a value like '9.9.9' is not a number: it has more than one decimal separator",
        ),
        ({"amount": "0"}, "exclusiveMinimum", "a value like '9' is not above 0"),
        (
            {"kind": "flood"},
            "validValues",
            "a value like 'aaaaa' is not one of fire, theft, burglary",
        ),
        (
            {"day": "2026-02-30"},
            "type",
            "a value like '9999-99-99' is not a date (YYYY-MM-DD): there is no such day or time",
        ),
        (
            {"day": "infinity"},
            "type",
            (
                "a value like 'aaaaaaaa' is not a date (YYYY-MM-DD): "
                "it matches neither ISO 8601 nor a dateFormat of the contract"
            ),
        ),
        (
            {"day": "2027-01-01"},
            "maximum",
            "a value like '9999-99-99' is above the maximum 2026-12-31",
        ),
        (
            {"seen": "25:00"},
            "type",
            (
                "a value like '99:99' is not a date and time (YYYY-MM-DDTHH:MM:SSZ): "
                "if it is one, name its format in dateFormat"
            ),
        ),
        (
            {"police": "maybe"},
            "type",
            "a value like 'aaaaa' is not true or false: name other words in trueValues and falseValues",
        ),
        ({"story": "x"}, "minLength", "a value like 'a' is shorter than 2 characters"),
        ({"name": "N" * 21}, "maxLength", "the value is longer than 20 characters"),
    ],
)
def test_a_bad_cell_is_refused_with_its_reason(
    validator: Validator, change: dict[str, str], rule: str, message: str
) -> None:
    result = checked(validator, GOOD | change)
    problem = Problem(next(iter(change)), rule, message)
    assert (result.loaded, [row.problems for row in result.refused]) == (0, [(problem,)])


def test_a_refused_row_has_all_its_reasons_and_its_neighbours_are_loaded(validator: Validator) -> None:
    bad = GOOD | {"claim": "C2", "age": "old", "amount": "", "kind": "flood"}
    result = checked(validator, GOOD, bad, GOOD | {"claim": "C3"})
    assert [row["row_number"] for row in loaded(result)] == ["1", "3"]
    [refused] = result.refused
    assert (refused.number, refused.raw.startswith("C2,")) == (2, True)
    assert [(problem.column, problem.rule) for problem in refused.problems] == [
        ("age", "type"),
        ("amount", "required"),
        ("kind", "validValues"),
    ]


def test_a_long_value_is_shortened_in_its_reason(validator: Validator) -> None:
    [row] = checked(validator, GOOD | {"age": "9" * 500}).refused
    [problem] = row.problems
    assert f"'{'9' * SHOWN}...'" in problem.message


@given(st.text(min_size=1, max_size=100))
def test_a_reason_shows_the_shape_of_a_value_and_nothing_else(text: str) -> None:
    shape = re.sub("<U\\+[0-9A-F]{4}>", "?", shape_of(text))
    assert set(re.findall(r"[^\W_]", shape)) <= {"A", "a", "9"}
    assert shape.isprintable()
    assert len(shape) <= SHOWN + 3


def test_a_shape_spells_no_hidden_text() -> None:
    assert shape_of("a\u200b\U000e0041\U000e0061") == "a<U+200B>??"


def test_a_shifted_row_shows_no_personal_value_in_its_reasons(validator: Validator) -> None:
    cells = [*GOOD.values()]
    shifted = dict(zip(FIELDS, [cells[0], "Jane Roe, born 1980-02-03", *cells[1:]], strict=False))
    [row] = checked(validator, shifted).refused
    assert len(row.problems) > 2
    assert row.problems[0].message == "a value like 'Aaaa Aaa, aaaa 9999-99-99' is not a whole number"
    for problem in row.problems:
        quoted = re.search("'(.*)'", problem.message)
        assert quoted is None or not set(re.findall(r"[^\W_]", quoted[1])) - {"A", "a", "9"}


WEATHER = ExtraHashes(KEY).of_text("weather", "rain")


@pytest.mark.parametrize(
    ("extra", "stored"),
    [
        (ExtraValues.HASH, {"weather": WEATHER, "note": None}),
        (ExtraValues.PLAIN, {"weather": "rain", "note": None}),
        (ExtraValues.DROP, None),
    ],
)
def test_extra_columns_are_stored_as_the_contract_says(extra: ExtraValues, stored: Any) -> None:
    layout = Layout(replace(CONTRACT, extra=extra), fields=(*FIELDS, "weather", "note"), delimiter=",")
    line = ",".join(['"' + GOOD[name].replace('"', '""') + '"' for name in FIELDS]) + ",rain,\n"
    with Validator(layout, KEY) as validator:
        result = validator.check([RecordCutter(b",", len(FIELDS) + 2).feed(line.encode())], 1)
    assert json.loads(loaded(result)[0]["extra"] or "null") == stored
    assert result.extra == ("weather", "note")


@pytest.mark.parametrize(
    ("extra", "stored"),
    [
        (
            ExtraValues.HASH,
            {"weather": WEATHER, "note": None, "more": ExtraHashes(KEY).of_text("more", '["1"]')},
        ),
        (ExtraValues.PLAIN, {"weather": "rain", "note": None, "more": [1.0]}),
        (ExtraValues.DROP, None),
    ],
)
def test_extra_keys_are_stored_as_the_contract_says(extra: ExtraValues, stored: Any) -> None:
    row = json.dumps(GOOD | {"weather": "rain", "note": None, "more": [1.0]})
    with Validator(Layout(replace(CONTRACT, extra=extra)), KEY) as validator:
        result = validator.check([RecordCutter(None, 0).feed(f"{row}\n".encode())], 1)
    assert json.loads(loaded(result)[0]["extra"] or "null") == stored
    assert set(result.extra) == {"weather", "note", "more"}


HASHED = {
    LogicalType.DATE: ("1980-02-03", "1980-02-03T00:00:00Z", "03.02.1980", "3.2.1980"),
    LogicalType.TIMESTAMP: ("2026-03-01T10:00:00Z", "2026-03-01 12:00:00+02:00"),
    LogicalType.INTEGER: ("7", "+7", " 007.0 "),
    LogicalType.NUMBER: ("7,50", "+7,5", "07,5"),
    LogicalType.BOOLEAN: ("yes", " TRUE", "1"),
}


@pytest.mark.parametrize("kind", HASHED)
def test_every_notation_of_a_value_has_the_same_hash(kind: LogicalType) -> None:
    column = Column(
        "personal",
        kind,
        Role.IGNORED,
        hashed=True,
        date_formats=("%d.%m.%Y",) if kind is LogicalType.DATE else (),
        decimal_separator="," if kind is LogicalType.NUMBER else ".",
    )
    contract = replace(SPELT, columns=(SPELT.columns[0], column))
    lines = "".join(f'{number},"{text}"\n' for number, text in enumerate(HASHED[kind]))
    with Validator(Layout(contract, fields=("claim", "personal"), delimiter=","), KEY) as validator:
        result = validator.check([RecordCutter(b",", 2).feed(lines.encode())], 1)
    assert result.loaded == len(HASHED[kind])
    assert len({line.split(",")[2] for line in result.copy_text.decode().splitlines()}) == 1


def test_columns_of_one_link_group_have_the_same_hashes() -> None:
    columns = [
        Column("driver", LogicalType.STRING, Role.IGNORED, hashed=True, link_group="person"),
        Column("holder", LogicalType.STRING, Role.IGNORED, hashed=True, link_group="person"),
        Column("witness", LogicalType.STRING, Role.IGNORED, hashed=True),
    ]
    contract = replace(SPELT, columns=(SPELT.columns[0], *columns))
    layout = Layout(contract, fields=tuple(column.name for column in contract.columns), delimiter=",")
    with Validator(layout, KEY) as validator:
        result = validator.check([RecordCutter(b",", 4).feed(b"C1,Jane Roe,JANE ROE,Jane Roe\n")], 1)
    _, _, driver, holder, witness, _ = result.copy_text.decode().split(",")
    assert driver == holder != witness


def test_json_lines_are_read_by_key_and_invalid_ones_are_refused() -> None:
    layout = Layout(CONTRACT, keys=tuple((name, name.upper()) for name in FIELDS))
    good = {name.upper(): value for name, value in GOOD.items()} | {
        "AGE": 44,
        "POLICE": True,
        "Weather": "rain",
    }
    lines = [json.dumps(good), "{not json", "[1]", json.dumps(good | {"AGE": 7}), '{"a": "\x00"}']
    with Validator(layout, KEY) as validator:
        result = validator.check([RecordCutter(None, 0).feed("\n".join([*lines, ""]).encode())], 1)
        refused = list(result.refused)
    [row] = loaded(result)
    assert (row["age"], row["police"], json.loads(row["extra"])) == (
        "44",
        "true",
        {"Weather": ExtraHashes(KEY).of_text("Weather", "rain")},
    )
    assert {row.number: [problem.rule for problem in row.problems] for row in refused} == {
        2: ["json"],
        3: ["json"],
        4: ["minimum"],
        5: ["nul"],
    }


def test_records_are_read_alike_in_chunks_with_and_without_invalid_json() -> None:
    """A chunk of valid JSON is read without the check for it, and the next chunk may have invalid JSON."""
    lines = [
        json.dumps(GOOD),
        "[1]",
        "null",
        " " + json.dumps(GOOD | {"weather": 1.50}),
        json.dumps(GOOD | {"age": 7}),
    ]
    outcomes = []
    with Validator(Layout(CONTRACT), KEY) as validator:
        for last in ("[2]", "{not json", "[2]"):
            text = "\n".join([*lines, last, ""]).encode()
            result = validator.check([RecordCutter(None, 0).feed(text)], 1)
            refused = {row.number: [problem.rule for problem in row.problems] for row in result.refused}
            outcomes.append((result.copy_text, result.extra, refused))
    assert len(loaded(result)) == 2
    assert outcomes[0][2] == {2: ["json"], 3: ["json"], 5: ["minimum"], 6: ["json"]}
    assert outcomes[0] == outcomes[1] == outcomes[2]


SPELLINGS = {
    "claim": ("claim", "Claim", " claim "),
    "name": ("name", "NAME", "Name", "Versicherter", "versicherter"),
    "kind": ("kind", "Kind"),
}
SPELT = Contract(
    "motor",
    "1.0.0",
    "claim_motor",
    (
        Column("claim", LogicalType.STRING, Role.IDENTIFIER, required=True, unique=True),
        Column("name", LogicalType.STRING, Role.IGNORED, personal=True, synonyms=("Versicherter",)),
        Column("kind", LogicalType.STRING, Role.FEATURE),
    ),
)
MEMBERS = st.lists(
    st.tuples(
        st.sampled_from([*(key for keys in SPELLINGS.values() for key in keys), "note", "~/a", "n"]),
        st.sampled_from(["Jane Roe", "x", 'a "quoted" word', 7, None]),
    ),
    max_size=5,
)


@pytest.fixture(scope="module")
def spelt() -> Iterator[Validator]:
    with Validator(ndjson_layout(SPELT, ["claim"]), KEY) as made:
        yield made


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(rows=st.lists(MEMBERS, min_size=1, max_size=8))
@example(rows=[[], [("name", "Jane Roe"), ("Versicherter", "Ann Lee")], [("note", "Jane Roe")]])
@example(rows=[[("claim", "D")]])
def test_every_key_of_every_object_is_matched_with_its_column(
    spelt: Validator, rows: list[list[tuple[str, Any]]]
) -> None:
    """A key that only a late object has, in any spelling, fills its column and is never left in extra."""
    column_of = {key: column for column, keys in SPELLINGS.items() for key in keys}
    objects = [[("claim", f"C{number}"), *members] for number, members in enumerate(rows)]
    lines = [
        "{" + ",".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in members) + "}\n"
        for members in objects
    ]
    result = spelt.check([RecordCutter(None, 0).feed("".join(lines).encode())], 0)
    refused = list(result.refused)
    found = {int(row[0]): row[1:] for row in csv.reader(io.StringIO(result.copy_text.decode(), newline=""))}
    for number, members in enumerate(objects):
        columns = [column_of[key] for key, _ in members if key in column_of]
        if len(set(columns)) < len(columns):
            assert number not in found
            continue
        cells = {column_of[key]: value for key, value in members if key in column_of}
        extra = {key: value for key, value in members if key not in column_of}
        *stored, stored_extra = found[number]
        assert stored == ["" if cells.get(name) is None else str(cells[name]) for name in SPELLINGS]
        assert json.loads(stored_extra or "{}") == ExtraHashes(KEY).of_members(
            {key: str(value) if value == 7 else value for key, value in extra.items()}
        )
    twice = "more than once: send it once"
    assert all(twice in problem.message for row in refused for problem in row.problems)
    assert len(found) + len(refused) == len(rows)
    assert set(result.extra) == {key for members in objects for key, _ in members if key not in column_of}


def test_a_key_in_one_spelling_too_many_is_refused_and_not_kept_as_extra() -> None:
    spellings = ["name" + "_" * number + "x" for number in range(MOST_SPELLINGS + 5)]
    column = Column("name_x", LogicalType.STRING, Role.IGNORED, personal=True)
    contract = replace(SPELT, columns=(SPELT.columns[0], column))
    lines = [json.dumps({"claim": f"C{n}", key: "Jane Roe"}) for n, key in enumerate(spellings[1:])]
    with Validator(ndjson_layout(contract, ["claim"]), KEY) as validator:
        result = validator.check([RecordCutter(None, 0).feed("\n".join([*lines, ""]).encode())], 0)
        refused = list(result.refused)
    assert result.loaded == MOST_SPELLINGS
    assert {problem.message.partition(" the name of")[0] for row in refused for problem in row.problems} == {
        "the file spells"
    }
    assert result.loaded + len(refused) == len(lines)
    assert '"{' not in result.copy_text.decode()  # no extra


@pytest.mark.slow
def test_a_chunk_of_ndjson_with_many_columns_fits_in_memory() -> None:
    columns = (SPELT.columns[0], *(Column(f"c{n}", LogicalType.STRING, Role.FEATURE) for n in range(40)))
    contract = replace(SPELT, columns=columns)
    line = json.dumps({"claim": "%d"} | {f"c{n}": "some value" for n in range(40)}) + "\n"
    content = "".join(line % number for number in range((BLOCK - (2 << 20)) // len(line))).encode()
    cutter = RecordCutter(None, 0)
    with Validator(ndjson_layout(contract, ["claim"]), KEY) as validator:
        batches = (cutter.feed(content[at : at + (1 << 20)]) for at in range(0, len(content), 1 << 20))
        loaded = 0
        while (result := validator.check(batches, loaded)).read:
            loaded += result.loaded
    assert loaded == content.count(b"\n")


@pytest.mark.slow
def test_a_table_with_the_most_columns_fits_in_memory() -> None:
    others = tuple(
        Column(f"n{number}", LogicalType.NUMBER, Role.FEATURE, minimum=Decimal(0), thousands_separator=",")
        for number in range(MAX_COLUMNS - 1)
    )
    contract = Contract("wide", "1.0.0", "claim_wide", (COLUMNS[0], *others))
    layout = Layout(contract, fields=tuple(column.name for column in contract.columns), delimiter=",")
    with Validator(layout, KEY) as validator:
        batch = RecordCutter(b",", MAX_COLUMNS).feed(b"C1" + b",7" * (MAX_COLUMNS - 1) + b"\n")
        assert validator.check([batch], 1).loaded == 1


@pytest.mark.slow
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=30))
@settings(max_examples=150)
def test_any_text_is_stored_unchanged(validator: Validator, story: str) -> None:
    result = checked(validator, GOOD | {"story": f"ok{story}"})
    assert loaded(result)[0]["story"] == f"ok{story}"


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from(FIELDS), st.text(st.characters(exclude_characters="\r"), max_size=8)))
@settings(max_examples=150)
def test_any_row_is_loaded_or_refused(validator: Validator, change: dict[str, str]) -> None:
    row = {name: value.encode("utf-8", "replace").decode() for name, value in (GOOD | change).items()}
    result = checked(validator, GOOD, row)
    refused = list(result.refused)
    assert result.loaded + len(refused) == 2
    assert all(row.problems for row in refused), "a refused row has reasons"
    assert len(result.claim_hashes) == result.loaded


@pytest.mark.parametrize(("limit", "most"), [("BLOCK", 2_000), ("MOST_RECORDS", 10)])
def test_validation_in_blocks_gives_the_same_result_as_all_at_once(
    validator: Validator, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    kinds = [GOOD, GOOD | {"age": "old"}, GOOD | {"story": 'a "b"'}]
    rows = [kinds[number % 3] | {"claim": f"C{number}"} for number in range(100)]
    text = io.StringIO()
    csv.DictWriter(text, FIELDS, lineterminator="\n").writerows(rows)
    data = text.getvalue().encode() + b"C100,too,short\n"

    def cut() -> Iterator[Batch]:
        return RecordCutter(b",", len(FIELDS)).cut(data[at : at + 700] for at in range(0, len(data), 700))

    whole = validator.check(cut(), 1)
    all_refused = list(whole.refused)
    monkeypatch.setattr(f"claimwatch.ingest.validation.{limit}", most)
    left, parts, refused = cut(), list[ValidationResult](), list[RefusedRow]()
    while (result := validator.check(left, 1 + sum(part.read for part in parts))).read:
        parts.append(result)
        refused += result.refused

    assert len(parts) > 3
    assert (whole.read, whole.loaded, len(all_refused)) == (101, 67, 34)
    assert sorted(row["row_number"] for part in parts for row in loaded(part)) == sorted(
        row["row_number"] for row in loaded(whole)
    )
    assert refused == all_refused
    assert [row.raw.partition(",")[0] for row in refused] == [f"C{row.number - 1}" for row in refused]


def test_rows_among_mostly_unreadable_ones_keep_their_numbers_and_values(validator: Validator) -> None:
    text = io.StringIO()
    kinds = (GOOD | {"story": "two\nlines, ü"}, GOOD | {"age": "old"}, GOOD)
    for number, kind in enumerate(kinds):
        text.write("x\n" * 5)
        csv.DictWriter(text, FIELDS, lineterminator="\n").writerow(kind | {"claim": f"C{number}"})
    result = validator.check([RecordCutter(b",", len(FIELDS)).feed(text.getvalue().encode())], 101)
    refused = list(result.refused)
    assert [(row["row_number"], row["claim"]) for row in loaded(result)] == [("106", "C0"), ("118", "C2")]
    assert loaded(result)[0] | {"story": "two\nlines, ü"} == loaded(result)[0]
    assert (result.read, result.loaded, len(refused)) == (18, 2, 16)
    assert [row.number for row in refused] == [
        number for number in range(101, 119) if number not in (106, 118)
    ]
    assert {row.number: row.raw[:2] for row in refused if row.problems[0].rule != "fields"} == {112: "C1"}
    assert len(result.claim_hashes) == 2


def test_repetitions_of_a_bad_row_have_the_same_reasons(
    validator: Validator, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = ({"story": "told"}, {"age": "old"}, {"story": "t"}, {"claim": "C1", "story": "x" * 300})
    rows = [bad[number % 4] for number in range(20)]
    explained = [[row.problems for row in checked(validator, *rows).refused]]
    for most in (0, 2):
        monkeypatch.setattr("claimwatch.ingest.validation.MOST_EXPLAINED", most)
        explained.append([row.problems for row in checked(validator, *rows).refused])
    assert explained[0] == explained[1] == explained[2]
    assert len(set(explained[0])) == 4


def test_a_row_without_any_value_has_one_reason(validator: Validator) -> None:
    result = checked(validator, GOOD, dict.fromkeys(FIELDS, ""), {"kind": "?"}, {"story": "told"})
    rules = [[problem.rule for problem in row.problems] for row in result.refused]
    assert rules == [["blank"], ["blank"], ["required", "required"]]
    assert result.loaded == 1


def test_a_row_keeps_a_limited_number_of_reasons_and_the_number_of_others() -> None:
    others = tuple(
        Column(f"n{number}", LogicalType.NUMBER, Role.FEATURE, required=True) for number in range(30)
    )
    contract = Contract("wide", "1.0.0", "claim_wide", (COLUMNS[0], *others))
    layout = Layout(contract, fields=tuple(column.name for column in contract.columns), delimiter=",")
    with Validator(layout, KEY) as validator:
        data = b"C1" + b",x" * 30 + b"\n"
        [row] = validator.check([RecordCutter(b",", 31).feed(data)], 1).refused
    assert len(row.problems) == MOST_REASONS + 1
    assert row.problems[-1] == Problem(None, "more", f"the row breaks {30 - MOST_REASONS} more rules")


def test_an_error_of_duckdb_quotes_no_claim(validator: Validator) -> None:
    name = GOOD["name"]
    data = f"C1,{name}\n".encode()  # a record with too few fields, which the cutter would have marked
    batch = Batch(data, np.array([0]), np.array([len(data) - 1]))
    with pytest.raises(EngineFault, match="could not check 1 records") as raised:
        validator.check([batch], 1)
    assert name not in "".join(format_exception(raised.value))
    assert checked(validator, GOOD).loaded == 1, "the validator can be used again"


def test_an_error_of_duckdb_about_extreme_values_quotes_no_claim() -> None:
    name = GOOD["name"]
    data = f"C1,{name}\n".encode()
    batch = Batch(data, np.array([0]), np.array([len(data) - 1]))
    with (
        _TrialValidator(LAYOUT) as trial,
        pytest.raises(EngineFault, match="could not find extreme values") as raised,
    ):
        list(trial.extremes([batch]))
    assert name not in "".join(format_exception(raised.value))


def test_lines_are_ordered_by_claim_id_and_no_claim_stays_on_disk(validator: Validator) -> None:
    result = checked(validator, *(GOOD | {"claim": f"C{number}"} for number in (3, 1, 2)))
    assert [row["row_number"] for row in loaded(result)] == ["2", "3", "1"]
    assert not [path for path in Path(validator._folder.name).rglob("*") if path.is_file()]
