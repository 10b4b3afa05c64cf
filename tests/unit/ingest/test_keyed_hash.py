"""Personal data is stored as HMAC-SHA-256, truncated to 128 bits, and the hash of a value never changes."""

import hmac
import json
import unicodedata
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.domain.validation.extra_values import ExtraHashes, is_hash
from claimwatch.domain.validation.keyed_hash import (
    DIGITS,
    LONGEST_REMEMBERED,
    SCHEME,
    KeyedHashes,
    canonical_number,
    canonical_text,
)

KEY = b"a key of some bytes"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


def test_hashes_that_are_stored_stay_valid() -> None:
    """A change of the scheme needs a new number: what is stored cannot be compared any more."""
    assert SCHEME == 3
    assert KeyedHashes(KEY, "name")["Ann Lee"] == "afe747f95a0be9a681b0617ec384ef47"
    assert KeyedHashes(KEY, "name")["Zo\u00eb  M\u00dcLLER"] == "199d5d86667bd9d53646edb59939eb40"
    assert ExtraHashes(KEY).of_text("name", "Ann Lee") == "hash:029c4a92f6313ae7cb8053ec3af020af"


@given(st.binary(max_size=100), st.text("abc_", max_size=9), st.lists(TEXTS))
def test_a_hash_is_half_of_hmac_sha_256(key: bytes, group: str, texts: list[str]) -> None:
    hashes = KeyedHashes(key, group)
    for text in [*texts, *texts]:  # cached ones, too
        message = f"{group}\0{canonical_text(text)}".encode()
        assert hashes[text] == hmac.digest(key, message, "sha256").hex()[:DIGITS]


def test_the_cache_is_bounded() -> None:
    hashes = KeyedHashes(KEY, "name", remembered=2)
    long = "x" * (LONGEST_REMEMBERED + 1)
    assert hashes[long] == KeyedHashes(KEY, "name")[long]
    assert [hashes[text] for text in "abcabc"] == [KeyedHashes(KEY, "name")[text] for text in "abcabc"]
    assert set(hashes) == {"a", "b"}


def test_hashes_of_different_groups_cannot_be_compared() -> None:
    extra = ExtraHashes(KEY)
    found = [
        KeyedHashes(KEY, "holder")["Ann Lee"],
        KeyedHashes(KEY, "driver")["Ann Lee"],
        extra.of_text("holder", "Ann Lee").removeprefix("hash:"),
        extra.of_text("driver", "Ann Lee").removeprefix("hash:"),
    ]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    "same",
    [
        ("Jane Roe", "Jane\u200b Roe", "\ufeffJane R\u00adoe", "jane roe\u200e", "Jane\u00a0\u2060Roe"),
        ("Jane Roe", " jane  ROE ", "Jane\u00a0Roe", "Jane\tRoe\n", "JANE\u202fROE"),
        ("M\u00fcller", "Mu\u0308ller", "M\u00dcLLER"),
        ("Stra\u00dfe", "STRASSE"),
        ("\u1f80", "\u1f00\u03b9", "\u1f88"),
    ],
)
def test_every_notation_of_a_text_has_the_same_hash(same: tuple[str, ...]) -> None:
    assert len({KeyedHashes(KEY, "name")[text] for text in same}) == 1


@given(TEXTS)
def test_the_canonical_text_has_no_further_canonical_form(text: str) -> None:
    canonical = canonical_text(text)
    assert canonical_text(canonical) == canonical
    for form in ("NFC", "NFD"):
        assert canonical_text(unicodedata.normalize(form, text)) == canonical


@pytest.mark.parametrize(
    "same", [("7", "+7", "007.00", "7e0", "0.7E1"), ("0", "-0", "0.00"), ("-1.5", "-01.50"), ("1e3", "1000")]
)
def test_every_notation_of_a_number_has_the_same_hash(same: tuple[str, ...]) -> None:
    assert len({canonical_number(text) for text in same}) == 1


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_the_canonical_number_is_exact(number: Decimal) -> None:
    assert Decimal(canonical_number(str(number))) == number


@pytest.mark.parametrize("text", ["1e999999999", "-1e-999999999", "x", "", "nan", "1e", "\ud800"])
def test_any_text_may_be_given_as_a_number(text: str) -> None:
    assert len(canonical_number(text)) <= len(text) + 10
    assert len(KeyedHashes(KEY, "n", canonical_number)[text]) == DIGITS


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXTS, JSON_VALUES, max_size=6))
def test_no_value_of_an_extra_column_is_stored_in_clear(members: dict[str, Any]) -> None:
    hashed = json.loads(ExtraHashes(KEY).of_object(json.dumps(members)))
    assert len(hashed) == len(members)
    assert all(name.isprintable() for name in hashed)
    for value, stored in zip(members.values(), hashed.values(), strict=True):
        assert stored is None if value is None else is_hash(stored)


UNUSUAL = ["[" * 50_000, "{", '"\\ud800"', '{"a": "\\ud800"}', '{"a": NaN, "b": [-Infinity]}', "[1]"]


@pytest.mark.parametrize("text", UNUSUAL, ids=range(len(UNUSUAL)))
def test_any_json_of_extra_columns_is_hashed(text: str) -> None:
    hashed = json.loads(ExtraHashes(KEY).of_object(text))
    assert hashed
    assert all(map(is_hash, hashed.values()))


def test_equal_json_values_have_equal_hashes() -> None:
    extra = ExtraHashes(KEY)
    for one, other in [
        ('{"a": 1.0}', '{"a": 1}'),
        ('{"a": 7}', '{"a": "7"}'),
        ('{"a": {"x": [1], "y": null}}', '{"a":{"y":null,"x":[1.0]}}'),
        ('{"a": "Ann Lee"}', '{"a": "ANN\u00a0LEE"}'),
    ]:
        assert extra.of_object(one) == extra.of_object(other)
