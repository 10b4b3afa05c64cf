"""Whatever happens to a sealed event, or to a seal, verification names it."""

import dataclasses
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.domain.audit.raw_event import RawEvent
from claimwatch.domain.audit.seal import Seal, parse_seal
from claimwatch.domain.audit.verification import MOST_FINDINGS, Verification
from tests.unit.audit.books import Book, event

COUNT, SIZE, UNSEALED = 60, 7, 4
COLUMNS = [name for name in RawEvent._fields if name != "seq"]
SEALED = COUNT - UNSEALED


def one(result: Verification) -> tuple[str, int | None]:
    [finding] = result.findings
    assert sum(result.counts.values()) == 1
    return finding.kind, finding.seq if finding.seq is not None else finding.seal


def test_untouched_events_agree_with_their_seals_and_the_unsealed_ones_are_counted() -> None:
    result = Book.of(COUNT, SIZE, UNSEALED).verify()
    assert (result.events, result.verified, result.unsealed) == (COUNT, SEALED, UNSEALED)
    assert (result.seals, result.unverified, result.findings) == (SEALED // SIZE, 0, [])


def test_numbers_that_a_rolled_back_transaction_used_are_no_finding() -> None:
    events = [event(seq) for seq in range(1, 200) if seq % 5 and not 60 <= seq <= 90]
    assert Book(events, SIZE, UNSEALED).verify().findings == []


@given(
    st.integers(1, SEALED),
    st.sampled_from(COLUMNS),
    st.one_of(st.none(), st.text(max_size=3), st.integers(-(2**63), 2**63 - 1)),
)
def test_an_event_of_which_any_column_was_altered_is_named(seq: int, column: str, value: Any) -> None:
    book = Book.of(COUNT, SIZE, UNSEALED)
    if column == "at":
        value = None if not isinstance(value, int) else value
    elif isinstance(value, int):
        value = str(value)
    altered = [*book.events]
    altered[seq - 1] = altered[seq - 1]._replace(**{column: value})
    if altered[seq - 1] != book.events[seq - 1]:
        assert one(book.verify(altered)) == ("event_altered", seq)


@given(st.integers(1, SEALED))
def test_a_deleted_event_is_named(seq: int) -> None:
    book = Book.of(COUNT, SIZE, UNSEALED)
    assert one(book.verify([e for e in book.events if e.seq != seq])) == ("event_deleted", seq)


@given(st.integers(-3, SEALED))
def test_an_event_that_was_inserted_into_a_gap_or_twice_is_named(seq: int) -> None:
    book = Book([event(number) for number in range(2, 2 * COUNT + 1, 2)], SIZE, UNSEALED)
    inserted = [*book.events, event(seq, actor="intruder")]
    result = book.verify(sorted(inserted, key=lambda e: e.seq))
    kind, named = result.findings[0].kind, result.findings[0].seq
    assert named == seq
    assert kind in ("event_inserted", "event_altered")


@given(st.integers(1, SEALED), st.integers(1, SEALED))
def test_events_that_changed_places_are_named_with_the_places_that_they_had(one: int, two: int) -> None:
    book = Book.of(COUNT, SIZE, UNSEALED)
    moved = {e.seq: e for e in book.events}
    moved[one], moved[two] = (
        book.events[two - 1]._replace(seq=one),
        book.events[one - 1]._replace(seq=two),
    )
    result = book.verify(moved.values())
    if one == two:
        assert result.findings == []
        return
    assert {(f.kind, f.seq) for f in result.findings} == {("event_moved", one), ("event_moved", two)}
    assert f"event {one} was moved: it was sealed as event {two} " in " ".join(
        f.sentence for f in result.findings
    )


@given(st.integers(1, SEALED), st.integers(COUNT + 1, 2**62))
def test_an_event_that_was_moved_out_of_its_range_is_missing_there(seq: int, to: int) -> None:
    book = Book.of(COUNT, SIZE, UNSEALED)
    moved = [e._replace(seq=to) if e.seq == seq else e for e in book.events]
    assert one(book.verify(sorted(moved, key=lambda e: e.seq))) == ("event_deleted", seq)


@given(st.data())
def test_the_first_of_several_mutations_is_named_first(data: st.DataObject) -> None:
    book = Book.of(COUNT, SIZE, UNSEALED)
    chosen = data.draw(st.sets(st.integers(1, SEALED), min_size=1, max_size=SEALED))
    events = []
    for e in book.events:
        if e.seq not in chosen:
            events.append(e)
        elif data.draw(st.booleans()):
            events.append(e._replace(actor="somebody else"))
    result = book.verify(events)
    assert result.first is not None
    assert result.first.seq == min(chosen)
    assert sum(result.counts.values()) == len(chosen)
    assert result.verified == SEALED - len(chosen)


def test_of_very_many_differences_the_first_are_listed_and_all_are_counted() -> None:
    book = Book.of(1000, 300)
    result = book.verify([e._replace(purpose="testing") for e in book.events])
    assert [finding.seq for finding in result.findings] == list(range(1, MOST_FINDINGS + 1))
    assert result.counts["event_altered"] == 1000


@pytest.mark.slow
def test_every_event_of_a_large_book_is_covered() -> None:
    book = Book.of(20_000, 6_000)
    for seq in random.Random(16).sample(range(1, 20_001), 6):
        altered = [*book.events]
        altered[seq - 1] = altered[seq - 1]._replace(outcome="refused")
        assert one(book.verify(altered)) == ("event_altered", seq)
        assert one(book.verify(book.events[: seq - 1] + book.events[seq:])) == ("event_deleted", seq)


def test_an_unsealed_event_can_be_changed_unnoticed_until_it_is_sealed() -> None:
    """The limit of every seal: what nobody has written down elsewhere can be rewritten."""
    book = Book.of(COUNT, SIZE, UNSEALED)
    result = book.verify([*book.events[:-1], book.events[-1]._replace(actor="intruder")])
    assert (result.findings, result.unsealed) == ([], UNSEALED)


# -- Seals ---------------------------------------------------------------------------------------------------


@given(st.integers(1, SEALED // SIZE))
def test_a_missing_seal_is_named_and_its_events_count_as_unverified(number: int) -> None:
    book = Book.of(COUNT, SIZE, UNSEALED)
    result = book.verify(contents={n: c for n, c in book.contents.items() if n != number})
    assert one(result) == ("seal_missing", number)
    assert (result.unverified, result.verified, result.unsealed) == (SIZE, SEALED - SIZE, UNSEALED)


@given(st.integers(1, SEALED // SIZE), st.data())
def test_a_seal_of_which_any_byte_was_changed_is_named(number: int, data: st.DataObject) -> None:
    book = Book.of(COUNT, SIZE, UNSEALED)
    content = bytearray(book.contents[number])
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    result = book.verify(contents={**book.contents, number: bytes(content)})
    # The newest seal has no successor that contains its hash: its row in the database does.
    named = {f.seal for f in result.findings}
    assert named <= {number, number + 1}
    assert {"seal_changed", "seal_unchained", "seal_row"} & {f.kind for f in result.findings}


def forged(seal: Seal, events: Sequence[RawEvent], book: Book) -> bytes:
    other = Book(events, 1000).contents[1]
    return dataclasses.replace(
        parse_seal(other), number=seal.number, first_seq=seal.first_seq, previous=seal.previous
    ).content()


@given(st.integers(1, SEALED // SIZE - 1))
def test_a_seal_that_was_made_anew_for_altered_events_breaks_the_chain(number: int) -> None:
    book = Book.of(COUNT, SIZE, UNSEALED)
    seal = parse_seal(book.contents[number])
    altered = [e._replace(actor="x") if e.seq == seal.last_seq else e for e in book.events]
    content = forged(seal, altered[seal.first_seq - 1 : seal.last_seq], book)
    result = book.verify(altered, contents={**book.contents, number: content})
    assert ("seal_unchained", number + 1) in {(f.kind, f.seal) for f in result.findings}


def test_seals_that_changed_places_are_named() -> None:
    book = Book.of(COUNT, SIZE, UNSEALED)
    swapped = {**book.contents, 2: book.contents[3], 3: book.contents[2]}
    result = book.verify(contents=swapped)
    assert {("seal_unchained", 2), ("seal_unchained", 3)} <= {(f.kind, f.seal) for f in result.findings}


def test_a_seal_that_somebody_deleted_or_overwrote_is_named_although_its_first_version_counts() -> None:
    result = Book.of(COUNT, SIZE, UNSEALED).verify(touched=[2])
    assert one(result) == ("seal_changed", 2)
    assert result.verified == SEALED


@pytest.mark.parametrize("column", ["first_seq", "last_seq", "events", "root", "previous", "sha256"])
def test_a_row_that_differs_from_its_seal_is_named(column: str) -> None:
    book = Book.of(COUNT, SIZE, UNSEALED)
    value: Any = 0 if column in ("first_seq", "last_seq", "events") else bytes(32)
    rows = {**book.rows, 3: dataclasses.replace(book.rows[3], **{column: value})}
    assert one(book.verify(rows=rows)) == ("seal_row", 3)


def test_a_missing_row_is_named_except_that_of_the_newest_seal_which_may_be_on_its_way() -> None:
    book = Book.of(COUNT, SIZE, UNSEALED)
    newest = max(book.rows)
    assert one(book.verify(rows={n: r for n, r in book.rows.items() if n != 2})) == ("seal_row", 2)
    assert book.verify(rows={n: r for n, r in book.rows.items() if n != newest}).findings == []


# -- Restores ------------------------------------------------------------------------------------------------


def test_a_restore_is_reported_as_a_gap_and_what_came_after_it_is_verified() -> None:
    book = Book.of(COUNT, SIZE)
    before = [e for e in book.events if e.seq <= 2 * SIZE + 3]  # in the middle of seal 3
    anew = [event(seq, actor="after the restore") for seq in range(2 * SIZE + 4, 40)]
    book.events = before + anew
    book.seal(book.events[2 * SIZE :], replaces=3)
    number = max(book.contents)
    result = book.verify()
    assert one(result) == ("restored", number)
    assert (result.verified, result.unsealed) == (39, 0)
    assert f"seal {number} replaces seals 3 to {number - 1}" in result.findings[0].sentence
    altered = [e._replace(actor="x") if e.seq == 39 else e for e in book.events]
    assert book.verify(altered).counts == {"restored": 1, "event_altered": 1}


def test_a_restore_after_a_restore_is_reported_too() -> None:
    book = Book.of(COUNT, SIZE)
    book.events = book.events[: 2 * SIZE]
    for replaces in (3, 2):
        book.events = [*book.events[: (replaces - 1) * SIZE], event(100 + replaces)]
        book.seal(book.events[(replaces - 1) * SIZE :], replaces=replaces)
    result = book.verify()
    assert [f.kind for f in result.findings] == ["restored", "restored"]
    assert result.verified == SIZE + 1
