"""The hash that stands in for personal data is HMAC-SHA-256, whatever was hashed before."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.domain.validation import keyed_hash
from claimwatch.domain.validation.keyed_hash import DIGITS, KeyedHashes


@given(st.binary(max_size=64), st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=200)))
def test_a_hash_is_half_of_hmac_sha_256(key: bytes, texts: list[str]) -> None:
    hashes = KeyedHashes(key)
    for text in [*texts, *texts]:  # remembered ones, too
        assert hashes[text] == hmac.new(key, text.encode(), "sha256").hexdigest()[:DIGITS]


def test_what_is_remembered_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyed_hash, "REMEMBERED", 2)
    hashes = KeyedHashes(b"key")
    assert [hashes[text] for text in "abcabc"] == [KeyedHashes(b"key")[text] for text in "abcabc"]
    assert set(hashes) == {"a", "b"}


def test_a_key_that_is_longer_than_a_block_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than a block"):
        KeyedHashes(bytes(65))
