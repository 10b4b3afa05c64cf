"""Personal data is stored as HMAC-SHA-256, truncated to 128 bits, and the hash of a text never changes."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.domain.validation.keyed_hash import DIGITS, LONGEST_REMEMBERED, KeyedHashes


@pytest.mark.parametrize(
    ("key", "text", "digest"),
    [
        # RFC 4231, test cases 1, 2 and 6: the first half of the digest.
        (b"\x0b" * 20, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b"),
        (b"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c7"),
        (
            b"\xaa" * 131,
            "Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f",
        ),
        (b"a key of some bytes", "ann lee", "9df1e8590145ad0d8a5a1ed626b9346d"),
        (b"a key of some bytes", "zo\u00eb m\u00fcller", "2634d6ee306bd5ab2835ea8efa4eb7b4"),
    ],
)
def test_hashes_that_are_stored_stay_valid(key: bytes, text: str, digest: str) -> None:
    assert KeyedHashes(key)[text] == digest


@given(st.binary(max_size=100), st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=200)))
def test_a_hash_is_half_of_hmac_sha_256(key: bytes, texts: list[str]) -> None:
    hashes = KeyedHashes(key)
    for text in [*texts, *texts]:  # cached ones, too
        assert hashes[text] == hmac.digest(key, text.encode(), "sha256").hex()[:DIGITS]


def test_the_cache_is_bounded() -> None:
    hashes = KeyedHashes(b"key", remembered=2)
    long = "x" * (LONGEST_REMEMBERED + 1)
    assert hashes[long] == KeyedHashes(b"key")[long]
    assert [hashes[text] for text in "abcabc"] == [KeyedHashes(b"key")[text] for text in "abcabc"]
    assert set(hashes) == {"a", "b"}
