"""What nobody sees makes no second column, and messages show it by code point."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.domain.contract.contract import Contract, folded_name
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.contract.unseen_values import unseen_problems
from claimwatch.domain.files.header import csv_layout, ndjson_layout
from claimwatch.errors import RefusedContract, RefusedFile, sentence
from claimwatch.invisible import INVISIBLE, show_invisible, without_invisible
from cli.screen import show, show_table
from tests.integration.ingest.glass import GLASS

CONTRACT = parse_contract(GLASS, "glass")
VISIBLE_FORMAT = ("ARABIC", "SYRIAC", "KAITHI", "EGYPTIAN")
"""Scripts with characters of category Cf that have a shape."""


def test_every_format_character_without_a_shape_is_invisible() -> None:
    missed = [
        f"U+{code:04X}"
        for code in range(0x110000)
        if unicodedata.category(chr(code)) == "Cf"
        and not INVISIBLE.match(chr(code))
        and not unicodedata.name(chr(code), "").startswith(VISIBLE_FORMAT)
    ]
    assert missed == []


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_letter_that_people_see_is_lost(text: str) -> None:
    seen = [letter for letter in unicodedata.normalize("NFC", text) if not INVISIBLE.match(letter)]
    assert without_invisible(text) == unicodedata.normalize("NFC", "".join(seen))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("claim\u200b_id", "claim<U+200B>_id"),
        ("\ufeffid", "<U+FEFF>id"),
        ("amo\u00adunt", "amo<U+00AD>unt"),
        ("a\x1b[2J\0", "a<U+001B>[2J<U+0000>"),
        ("\u202eid\U000e0041", "<U+202E>id<U+E0041>"),
        ("two\n lines\u00a0here", "two lines here"),
        ("M\u00fcller \u30ac \U0001f600", "M\u00fcller \u30ac \U0001f600"),
    ],
)
def test_a_message_shows_what_nobody_sees_by_code_point(text: str, shown: str) -> None:
    assert show_invisible(text) == shown
    assert str(RefusedFile(text)) == sentence(text) == RefusedContract([text]).problems[0] == shown


NAMES = ["claim_id", "broken_on", "amount"]


@pytest.mark.parametrize(
    "header",
    [
        ["\u200bclaim_id", "broken\u00a0on", "am\u00adount"],
        ["\ufeffClaim\u2003ID", "BROKEN\u2060_ON", "amount\u200e"],
        ["claim\u200b_\u200bid", "\u202abroken_on\u202c", "\ufe0famount"],
    ],
)
def test_a_column_is_found_whatever_its_name_contains_unseen(header: list[str]) -> None:
    assert csv_layout(CONTRACT, header, ",").fields == tuple(NAMES)
    assert dict(ndjson_layout(CONTRACT, header).keys) == dict(zip(NAMES, header, strict=True))


def test_a_name_in_two_forms_of_unicode_is_one_name() -> None:
    assert (
        folded_name("Gro\u0308\u00dfe") == folded_name("GR\u00d6SSE") == folded_name("Gr\u00f6\u00ad\u00dfe")
    )


def test_unknown_names_that_look_the_same_are_stored_as_one() -> None:
    header = [*NAMES, "colour\u200b", "Gro\u0308\u00dfe"]
    assert csv_layout(CONTRACT, header, ",").extra == ("colour", "Gr\u00f6\u00dfe")


def test_a_column_twice_is_refused_with_both_names_told_apart() -> None:
    with pytest.raises(RefusedFile, match=r"'amount' twice, as 'amount' and as 'am<U\+00AD>ount'"):
        csv_layout(CONTRACT, [*NAMES, "am\u00adount"], ",")


@pytest.mark.parametrize("value", ["north\u200b", "north\u00ad", "Mu\u0308nchen"])
def test_a_contract_with_a_value_that_no_file_has_is_refused(value: str) -> None:
    [problem] = unseen_problems(_with_value(value))
    assert problem.startswith(f"column 'region': '{value}' in validValues")


@pytest.mark.parametrize("value", ["north", "M\u00fcnchen", "\u0645\u06cc\u200c\u062e", "a, b"])
def test_values_that_files_have_are_allowed_in_a_contract(value: str) -> None:
    assert list(unseen_problems(_with_value(value))) == []


def _with_value(value: str) -> Contract:
    region = f"""\
      - name: region
        logicalType: string
        quality:
          - type: library
            metric: invalidValues
            arguments: {{validValues: ["{value}", south]}}
            mustBe: 0
        customProperties: [{{property: role, value: feature}}]
"""
    return parse_contract(GLASS + region, "glass")


def test_the_command_line_shows_what_nobody_sees_by_code_point(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(("key",), [("claims/mo\u200btor/a\u202e.csv",)])
    show("event E\ufeff1")
    assert capsys.readouterr().out.split("\n")[1:3] == [
        "claims/mo<U+200B>tor/a<U+202E>.csv",
        "event E<U+FEFF>1",
    ]
