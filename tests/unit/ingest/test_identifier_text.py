"""The same claim has the same id, and different claims keep different ids."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.domain.validation.identifier_text import (
    CLEAN_PATTERN,
    EXACT,
    JSON_NUMBER,
    clean_identifier,
    number_as_text,
)

UNSEEN = (
    "\ufeff\u200b\u200c\u200d\u2060\u00ad\u200e\u200f\u202a\u202e\u2066\u2069\ufe0f\U000e0041\u034f\u3164"
)
IDS = st.text(st.characters(categories=["L", "N", "Pd", "Po", "M"], exclude_characters=",.+"), min_size=1)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("U1\u200b", "U1"),
        ("\ufeffU1", "U1"),
        ("U\u00ad1", "U1"),
        ("\u202aU1\u202c", "U1"),
        ("\u00a0U1\u3000\t", "U1"),
        ("\u200b U1", "U1"),
        ("U\u00a01", "U 1"),
        ("Mu\u0308ller", "M\u00fcller"),
        ("M\u00adu\u200b\u0308ller", "M\u00fcller"),
        ("1000.0", "1000"),
        ("1000.00", "1000"),
        ("1000,0", "1000"),
        ("1234.000", "1234"),
        ("12.0000", "12"),
        ('="000123"', "000123"),
        ('="1000.0"', "1000"),
        ("-5.0", "-5"),
        ("1234567890123456.0", "1234567890123456"),
        ("9007199254740991.0", "9007199254740991"),
        ("1.234567890123456E15", "1234567890123456"),
    ],
)
def test_what_tools_do_to_an_id_makes_no_second_claim(written: str, meant: str) -> None:
    assert clean_identifier(written) == meant


@pytest.mark.parametrize(
    "text",
    ["000123", "c1", "C1", "12E4", "1E10", "1e5", "1E-5", "1234.1", "1234.10", "000123.0", "1.0.0", "9" * 20,
     "C-1", "C\n1", "C\t1", "C\u20101", "C 1", "1,5", "+5", "A.0", "\u0968", "\u00b2", "nan"],
)  # fmt: skip
def test_ids_that_people_can_tell_apart_stay_as_they_are(text: str) -> None:
    assert clean_identifier(text) == text


@pytest.mark.parametrize(
    "text",
    ["9007199254740992.0", "9999999999999999.0", "1.23457E+15", "1,23457E+15", "1.23E10", "1E+15",
     "1e+16", "1.2345678901234568e+16", "1.5E-3", "\u200b", " \u00a0", "C\ufffd1", "C\x001", "C\x0b1",
     "C\u20281", "C\x1b[2J", "12.000", "1,000", "-1.000", "=\"\""],
)  # fmt: skip
def test_an_id_whose_digits_or_characters_are_lost_cannot_be_told(text: str) -> None:
    assert clean_identifier(text) is None


@given(IDS, st.data())
def test_texts_that_look_the_same_are_the_same_id(text: str, data: st.DataObject) -> None:
    meant = clean_identifier(text)
    letters = list(unicodedata.normalize(data.draw(st.sampled_from(["NFC", "NFD"])), text))
    for character in data.draw(st.text(UNSEEN, max_size=4)):
        letters.insert(data.draw(st.integers(0, len(letters))), character)
    blanks = st.text(" \u00a0\u2003\t", max_size=2)
    assert clean_identifier(data.draw(blanks) + "".join(letters) + data.draw(blanks)) == meant


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_clean_id_has_no_further_form(text: str) -> None:
    cleaned = clean_identifier(text)
    assert cleaned is None or clean_identifier(cleaned) == cleaned


@given(st.from_regex(re.compile(CLEAN_PATTERN), fullmatch=True))
def test_ids_that_are_not_cleaned_need_no_cleaning(text: str) -> None:
    assert clean_identifier(text) == text


@given(st.integers(-EXACT - 5, EXACT + 5))
def test_a_whole_number_is_told_from_a_double_if_it_was_not_rounded(number: int) -> None:
    exact = str(number) if abs(number) < EXACT else None
    assert clean_identifier(f"{number}.0") == exact
    assert clean_identifier(f"{JSON_NUMBER}{number}.0") == exact
    assert number_as_text(f"{JSON_NUMBER}{number}.0") == exact


@pytest.mark.parametrize(
    ("number", "as_id", "as_text"),
    [
        ("1E5", "100000", "100000"),
        ("1.0e2", "100", "100"),
        ("-0", "0", "0"),
        ("100.10", None, "100.10"),
        ("1e-7", None, "1e-7"),
        ("1e+20", None, None),
        ("1e400", None, None),
        ("1e999999999999", None, None),
        ("NaN", None, None),
    ],
)
def test_a_number_of_json_is_an_id_only_if_it_is_whole(
    number: str, as_id: str | None, as_text: str | None
) -> None:
    assert clean_identifier(JSON_NUMBER + number) == as_id
    assert number_as_text(JSON_NUMBER + number) == as_text
