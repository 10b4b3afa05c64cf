"""A value is read as its contract says, or refused with a reason that says what to do."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import pytest

from claimwatch.domain.contract.contract import Column, Contract, LogicalType, NegativeNumbers, Role
from claimwatch.domain.files.layout import Layout
from claimwatch.domain.files.records import RecordCutter
from claimwatch.ingest.validation import Validator

GERMAN = {"decimal_separator": ",", "thousands_separator": "."}
ENGLISH = {"thousands_separator": ","}
COMMA = {"decimal_separator": ","}
BLANKS = {"decimal_separator": ",", "thousands_separator": " "}
SWISS = {"thousands_separator": "'"}
EURO = GERMAN | {"units": ("€", "EUR"), "negatives": (NegativeNumbers.TRAILING,)}
ACCOUNTS = ENGLISH | {"units": ("$",), "negatives": (NegativeNumbers.BRACKETS,)}


def read(kind: LogicalType, text: str, properties: dict[str, Any]) -> tuple[str | None, str]:
    """Return how a cell is stored, as text, or None with the reason why it is refused."""
    [found] = read_all(kind, [text], properties)
    return found


def read_all(
    kind: LogicalType, texts: Sequence[str], properties: dict[str, Any]
) -> list[tuple[str | None, str]]:
    """Return how each cell is stored, as text, or None with the reason why it is refused."""
    claim = Column("claim", LogicalType.STRING, Role.IDENTIFIER, required=True, unique=True)
    contract = Contract("any", "1.0.0", "claim_any", (claim, Column("x", kind, Role.FEATURE, **properties)))
    lines = io.StringIO(newline="")
    csv.writer(lines, lineterminator="\n").writerows(
        (f"C{place:04}", text) for place, text in enumerate(texts)
    )
    with Validator(Layout(contract, fields=("claim", "x"), delimiter=","), b"a key") as validator:
        result = validator.check([RecordCutter(b",", 2).feed(lines.getvalue().encode())], 0)
        refused = {row.number: row.problems for row in result.refused}
    stored = {int(row[0]): row[2] for row in csv.reader(io.StringIO(result.copy_text.decode(), newline=""))}
    return [
        (stored[place], "") if place in stored else (None, refused[place][0].message)
        for place in range(len(texts))
    ]


@pytest.mark.parametrize(
    ("properties", "text", "stored"),
    [
        ({}, "-12.50", "-12.50"),
        ({}, "1.", "1."),
        ({}, ".5", ".5"),
        ({}, "1E+05", "1E+05"),
        ({}, "007", "007"),
        (GERMAN, "1.234.567,89", "1234567.89"),
        (GERMAN, "1234567,89", "1234567.89"),
        (ENGLISH, "-1,234.5", "-1234.5"),
        (BLANKS, "1 234 567,89", "1234567.89"),
        (BLANKS, "1\u00a0234,5", "1234.5"),
        (BLANKS, "1\u202f234,5", "1234.5"),
        (BLANKS, "1\u2009234,5", "1234.5"),
        (SWISS, "1'234.50", "1234.50"),
        (SWISS, "1\u2019234.50", "1234.50"),
        ({"thousands_separator": "_"}, "1_234.5", "1234.5"),
        (EURO, "1.234,50 €", "1234.50"),
        (EURO, "1,5E+05EUR", "1.5E+05"),
        ({"units": ("Fr", "Fr.", "US $")}, "Fr.5", "5"),
        ({"units": ("Fr", "Fr.", "US $")}, "US $ -5.25", "-5.25"),
        (EURO, "€ -1.234,50", "-1234.50"),
        (EURO, "-€5", "-5"),
        (EURO, "1.234,50-", "-1234.50"),
        (EURO, "5,00- EUR", "-5.00"),
        (EURO, "\u22125,00\u00a0€", "-5.00"),
        (EURO, "5", "5"),
        (ACCOUNTS, "($1,234.00)", "-1234.00"),
        (ACCOUNTS, "$ (5)", "-5"),
    ],
)
def test_a_number_is_read_in_the_notation_of_its_contract(
    properties: dict[str, Any], text: str, stored: str
) -> None:
    assert read(LogicalType.NUMBER, text, properties) == (stored, "")


@pytest.mark.parametrize(
    ("properties", "text", "reason"),
    [
        (GERMAN, "1.2.3", "a thousands separator stands at the wrong place"),
        (GERMAN, "12.34.567", "a thousands separator stands at the wrong place"),
        (GERMAN, "0.123", "a thousands separator stands at the wrong place"),
        (GERMAN, "1234.50", "a thousands separator stands at the wrong place"),
        (GERMAN, "1.234.5", "a thousands separator stands at the wrong place"),
        (GERMAN, "1,234.50", "a thousands separator stands at the wrong place"),
        (ENGLISH, "12,34,567", "a thousands separator stands at the wrong place"),
        (ENGLISH, "1.23,4", "a thousands separator stands at the wrong place"),
        (SWISS, "1''234", "a thousands separator stands at the wrong place"),
        ({}, "1,234", "',' is not a separator of the contract"),
        ({}, "1 234", "a blank is not a separator of the contract"),
        (COMMA, "1.234", "'.' is not a separator of the contract"),
        ({}, "1_000", "'_' is not a separator of the contract"),
        ({}, "1.2.3", "it has more than one decimal separator"),
        ({}, "150.00-", "add 'negativeNumbers: trailing'"),
        ({}, "(150.00)", "add 'negativeNumbers: brackets'"),
        ({}, "150 €", "name that in numberUnit"),
        ({}, "USD 150", "name that in numberUnit"),
        ({}, "12 %", "name that in numberUnit"),
        (EURO, "150 $", "another unit than those in numberUnit"),
        ({}, "\u2212150", "its minus is not the usual '-' (U+002D)"),
        ({}, "\uff11\uff12", "digits other than 0 to 9"),
        ({}, "\u0661\u0662", "digits other than 0 to 9"),
        ({}, "+-5", "it has two signs"),
        ({}, "0x1F", "it is not decimal"),
        ({}, "inf", "infinity is not stored"),
        ({}, "1e400", "beyond the range of a double"),
        ({}, "NaN", "name it in missingValues"),
        ({}, "#N/A", "name it in missingValues"),
        ({}, "#DIV/0!", "an error of a spreadsheet"),
        ({}, "\u00a012", "a no-break or thin space is not a separator of the contract"),
        ({}, "12\u200b", "the invisible character U+200B"),
    ],
)
def test_a_number_in_another_notation_is_refused_with_what_to_do(
    properties: dict[str, Any], text: str, reason: str
) -> None:
    stored, message = read(LogicalType.NUMBER, text, properties)
    assert stored is None
    assert message.endswith(reason) or reason in message


@pytest.mark.parametrize(
    ("properties", "text", "stored"),
    [
        ({}, "12.0", "12"),
        ({}, "+7", "7"),
        ({}, "-9223372036854775808", "-9223372036854775808"),
        (GERMAN, "1.234,00", "1234"),
        (ENGLISH, "1,234,567", "1234567"),
        ({"units": ("km",)}, "120 km", "120"),
    ],
)
def test_a_whole_number_is_read_in_the_notation_of_its_contract(
    properties: dict[str, Any], text: str, stored: str
) -> None:
    assert read(LogicalType.INTEGER, text, properties) == (stored, "")


@pytest.mark.parametrize(
    ("properties", "text", "reason"),
    [
        ({}, "12.5", "it has a fraction"),
        ({}, "1E+05", "its last digits may be lost"),
        ({}, "9223372036854775808", "beyond the range of bigint"),
        (COMMA, "1.000", "'.' is not a separator of the contract"),
        (GERMAN, "1.2.3", "a thousands separator stands at the wrong place"),
    ],
)
def test_what_is_not_a_whole_number_is_refused_with_what_to_do(
    properties: dict[str, Any], text: str, reason: str
) -> None:
    stored, message = read(LogicalType.INTEGER, text, properties)
    assert stored is None
    assert reason in message


BRITISH = {"date_formats": ("%d/%m/%Y",)}
BOTH = {"date_formats": ("%d/%m/%Y", "%m/%d/%Y")}


@pytest.mark.parametrize(
    ("properties", "text", "stored"),
    [
        ({}, "0001-01-01", "0001-01-01"),
        ({}, "9999-12-31", "9999-12-31"),
        ({}, "2026-02-03 00:00:00", "2026-02-03"),
        ({}, "2026-02-03T00:00:00.000Z", "2026-02-03"),
        (BRITISH, "3/2/2026", "2026-02-03"),
        (BRITISH, "31/12/9999", "9999-12-31"),
        (BRITISH, "01/01/0001", "0001-01-01"),
        (BOTH, "13/02/2026", "2026-02-13"),
        (BOTH, "2/13/2026", "2026-02-13"),
        (BOTH, "02/02/2026", "2026-02-02"),
        ({"date_formats": ("%d/%m/%y",)}, "3/2/68", "2068-02-03"),
        ({"date_formats": ("%d/%m/%y",)}, "3/2/69", "1969-02-03"),
        ({"date_formats": ("%a %d %b %Y",)}, "Tue 3 Feb 2026", "2026-02-03"),
    ],
)
def test_a_date_is_read_by_iso_8601_or_the_formats_of_its_contract(
    properties: dict[str, Any], text: str, stored: str
) -> None:
    assert read(LogicalType.DATE, text, properties) == (stored, "")


@pytest.mark.parametrize(
    ("properties", "text", "reason"),
    [
        (BRITISH, "3/2/26", "its year has two digits, and no dateFormat has %y"),
        ({}, "26-02-03", "its year has two digits, and no dateFormat has %y"),
        (BRITISH, "2/13/2026", "there is no such day"),
        (BRITISH, "31/02/2026", "there is no such day"),
        (BRITISH, "46066", "serial number of a day in a spreadsheet"),
        (BOTH, "03/02/2026", "two formats read it as different dates"),
        ({"date_formats": ("%Y-%d-%m",)}, "2026-02-03", "two formats read it as different dates"),
        ({"date_formats": ("%a %d %b %Y",)}, "Mon 3 Feb 2026", "there is no such day"),
        ({"date_formats": ("%Y.%j",)}, "2026.366", "there is no such day"),
        ({"date_formats": ("%Y%m%d",)}, "2026023", "neither ISO 8601 nor a dateFormat"),
        ({}, "0000-00-00", "name it in missingValues"),
        (BRITISH, "00/00/0000", "name it in missingValues"),
        ({}, "9999-99-99", "name it in missingValues"),
        ({}, "2026-02-03T23:30:00-05:00", "in another time zone it could be another day"),
        ({}, "2026-2-9", "name its format in dateFormat"),
        ({}, "2026 2 9", "name its format in dateFormat"),
        ({}, "20260203", "name its format in dateFormat"),
        ({}, "epoch", "name its format in dateFormat"),
        ({}, "1770076800", "time since 1970"),
    ],
)
def test_what_is_not_a_date_is_refused_with_what_to_do(
    properties: dict[str, Any], text: str, reason: str
) -> None:
    stored, message = read(LogicalType.DATE, text, properties)
    assert stored is None
    assert reason in message


ORACLE = {"date_formats": ("%d-%b-%y %I.%M.%S.%f %p",)}


@pytest.mark.parametrize(
    ("properties", "text", "stored"),
    [
        ({}, "9999-12-31T23:59:59.999999Z", "9999-12-31 23:59:59.999999+00"),
        ({}, "0001-01-01T00:00:00", "0001-01-01T00:00:00+00"),
        ({}, "2026-02-03", "2026-02-03 00:00:00+00"),
        ({}, "2026-02-03 10:00", "2026-02-03 10:00:00+00"),
        ({}, "2026-02-03t10:00:00z", "2026-02-03 10:00:00+00"),
        ({}, "2026-02-03 10:00:00 UTC", "2026-02-03 10:00:00+00"),
        ({}, "2026-02-03T10:00:00+0530", "2026-02-03 04:30:00+00"),
        ({}, "2026-02-03T10:00:00 -05", "2026-02-03 15:00:00+00"),
        ({}, "2026-02-03T10:00:00,5", "2026-02-03 10:00:00.5+00"),
        ({}, "2026-02-03T10:00:00.123456789Z", "2026-02-03 10:00:00.123456+00"),
        ({}, "2026-02-03 24:00", "2026-02-04 00:00:00+00"),
        (ORACLE, "14-MAR-26 09.15.32.000000000 AM", "2026-03-14 09:15:32+00"),
        (ORACLE, "14-Mar-26 09.15.32.5 PM", "2026-03-14 21:15:32.5+00"),
    ],
)
def test_a_time_is_read_by_iso_8601_or_the_formats_of_its_contract(
    properties: dict[str, Any], text: str, stored: str
) -> None:
    assert read(LogicalType.TIMESTAMP, text, properties) == (stored, "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2026-02-03T08: 5:00", "what follows the day is not a time"),
        ("2026-02-03T08:1 :00", "what follows the day is not a time"),
        ("2026-02-03T23:59:60", "there is no such day or time"),
        ("2026-02-03T10:00:00+99:99", "there is no such day or time"),
        ("2026-02-03 10:00:00 CEST", "the offset of the time zone"),
        ("2026-02-03 10:00:00 Europe/Berlin", "the offset of the time zone"),
        ("2026-02-03T10:00:00+01:00[Europe/Berlin]", "the offset of the time zone"),
        ("9999-12-31T23:30:00-02:00", "there is no such day or time"),
        ("46083.34375", "serial number of a day in a spreadsheet"),
        ("2026-02-03T10:00:00Z[UTC]", "the offset of the time zone"),
        ("2026-02-03 10:00:00 GMT+1", "the offset of the time zone"),
        ("2026-02-03 10.00.00", "what follows the day is not a time"),
        ("2026-02-03 10:00:00 PM", "what follows the day is not a time"),
        ("10:00", "name its format in dateFormat"),
    ],
)
def test_what_is_not_a_time_is_refused_with_what_to_do(text: str, reason: str) -> None:
    stored, message = read(LogicalType.TIMESTAMP, text, {})
    assert stored is None
    assert reason in message


def test_words_for_true_and_false_are_those_of_the_documentation_and_the_contract() -> None:
    words = ["True", "y", "1.0", "NO", " f ", "0", "ja", "Nein", "x", "on", "2"]
    stored = [found for found, _ in read_all(LogicalType.BOOLEAN, words, {})]
    assert stored == [*["true"] * 3, *["false"] * 3, *[None] * 5]
    named = {"true_words": ("ja", "n"), "false_words": ("nein", "x")}
    found = read_all(LogicalType.BOOLEAN, [*words, "N"], named)
    assert [stored for stored, _ in found[6:9]] == ["true", "false", "false"]
    assert found[-1][0] == "true", "the contract's own words come first"
    assert found[-2] == (
        None,
        "a value like '9' is not true or false: name other words in trueValues and falseValues",
    )


@pytest.mark.parametrize("kind", [kind for kind in LogicalType if kind is not LogicalType.STRING])
def test_blanks_are_a_missing_value_except_in_a_text(kind: LogicalType) -> None:
    blanks = ["", " ", "\t ", "\u00a0"]
    assert read_all(kind, blanks, {}) == [("", "")] * 4
    assert read_all(kind, blanks, {"required": True}) == [(None, "the value is missing")] * 4
    assert read_all(LogicalType.STRING, blanks, {}) == [(blank, "") for blank in blanks]


@pytest.mark.parametrize("kind", [kind for kind in LogicalType if kind is not LogicalType.STRING])
def test_a_token_is_a_missing_value_only_if_the_contract_names_it(kind: LogicalType) -> None:
    tokens = ["NULL", "None", "nan", "NaN", "#N/A", "NA", "-", "0000-00-00", "null", "<NA>"]
    assert {stored for stored, _ in read_all(kind, tokens, {})} == {None}
    assert read_all(kind, tokens, {"missing_values": tuple(tokens)}) == [("", "")] * len(tokens)


def test_a_reason_about_personal_data_explains_the_fault_and_shows_no_shape() -> None:
    stored, message = read(LogicalType.NUMBER, "1,234", {"personal": True})
    assert stored is None
    assert message == "the value is not a number: ',' is not a separator of the contract"
