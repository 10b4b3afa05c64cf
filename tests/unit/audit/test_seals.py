"""The canonical form of events, the Merkle tree and the content of seals."""

import hashlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.domain.audit.merkle import merkle_root
from claimwatch.domain.audit.raw_event import RawEvent, canonical, leaf, microseconds, moment
from claimwatch.domain.audit.seal import MalformedSeal, parse_seal
from tests.unit.audit.books import Book, event

TEXT = st.one_of(st.none(), st.text(max_size=4))
EVENTS = st.builds(RawEvent, st.integers(0, 9), st.one_of(st.none(), st.integers(-9, 9)), *[TEXT] * 10)


@given(EVENTS, EVENTS)
def test_different_events_have_different_canonical_forms(one: RawEvent, two: RawEvent) -> None:
    assert (canonical(one) == canonical(two)) == (one == two)


def test_a_text_that_moves_to_the_next_column_changes_the_form() -> None:
    assert canonical(event(1, line="ab", object="c")) != canonical(event(1, line="a", object="bc"))
    assert canonical(event(1, line=None, object="a")) != canonical(event(1, line="a", object=None))
    assert canonical(event(1, reason=None)) != canonical(event(1, reason=""))


def test_the_canonical_form_is_the_documented_one() -> None:
    """Others verify exports by it, so it never changes."""
    made = RawEvent(1, -1, "é", *[None] * 9)
    expected = "00000008000000000000000100000008ffffffffffffffff00000002c3a9" + "ffffffff" * 9
    assert canonical(made).hex() == expected
    assert leaf(made) == hashlib.sha256(b"\x00" + bytes.fromhex(expected)).digest()


def test_times_are_microseconds_since_2000_in_utc_and_infinity_is_no_error() -> None:
    at = datetime(2026, 3, 1, 12, 30, 0, 123456, tzinfo=UTC)
    assert moment(microseconds(at)) == at
    assert microseconds(datetime(2000, 1, 1, 0, 0, 1, tzinfo=UTC)) == 1_000_000
    assert moment(2**63 - 1) is None
    assert moment(-(2**63)) is None


def reference(leaves: list[bytes]) -> bytes:
    """The definition of RFC 6962, section 2.1."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + reference(leaves[:split]) + reference(leaves[split:])).digest()


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=70))
def test_the_root_is_that_of_rfc_6962(leaves: list[bytes]) -> None:
    assert merkle_root(leaves) == reference(leaves)


def test_the_root_of_no_leaves_is_the_hash_of_nothing() -> None:
    assert merkle_root([]) == hashlib.sha256(b"").digest()


@given(st.sets(st.integers(1, 200), min_size=1, max_size=60), st.integers(1, 30))
def test_a_seal_is_read_as_it_was_written(numbers: set[int], size: int) -> None:
    book = Book([event(seq) for seq in sorted(numbers)], size)
    for content in book.contents.values():
        assert parse_seal(content).content() == content
        assert b"\n" not in content
    sealed = [seq for content in book.contents.values() for seq, _ in parse_seal(content).sealed()]
    assert sealed == sorted(numbers)


def test_the_hash_in_the_next_seal_is_that_of_the_object() -> None:
    """So `sha256sum` suffices to follow the chain."""
    book = Book.of(20, 10)
    assert parse_seal(book.contents[2]).previous == hashlib.sha256(book.contents[1]).digest()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"v":1', b'"v":2'),
        (b'"reason":"regular"', b'"reason":"restored"'),
        (b'"replaces":null', b'"replaces":1'),
        (b'"seqs":"1-5"', b'"seqs":"1-4"'),
        (b'"seqs":"1-5"', b'"seqs":"2-6"'),
        (b'"seqs":"1-5"', b'"seqs":"1-999999999999999999999999999999"'),
        (b'"events":5', b'"events":6'),
        (b'"leaves":[', b'"leaves":["00",'),
        (b'"leaves"', b'"branches"'),
        (b"{", b"["),
        (b"{", b"{ "),
    ],
)
def test_a_seal_that_contradicts_itself_is_refused(old: bytes, new: bytes) -> None:
    content = Book.of(5, 5).contents[1]
    assert old in content
    with pytest.raises(MalformedSeal):
        parse_seal(content.replace(old, new, 1))
