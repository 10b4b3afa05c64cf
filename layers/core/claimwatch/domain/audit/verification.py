"""Verification: compares access events with their seals and names what was altered since.

Seals are kept where nobody can change them, so a difference means that the events changed. Nothing here is
trusted but the seals: neither the rows of the events nor the rows that describe the seals.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from claimwatch.domain.audit.raw_event import RawEvent, leaf
from claimwatch.domain.audit.seal import NO_SEAL, MalformedSeal, Seal, hash_of, parse_seal

type Kind = Literal[
    "event_altered",
    "event_deleted",
    "event_inserted",
    "event_moved",
    "seal_missing",
    "seal_changed",
    "seal_unchained",
    "seal_row",
    "restored",
]

MOST_FINDINGS = 100
"""Findings that are listed; all are counted."""

MOST_SUSPECTS = 300
"""Altered events that are compared with one another, to recognize those that changed places."""


@dataclass(frozen=True)
class Finding:
    """What differs from the seals: of an event (``seq``), or of a seal (``seal``)."""

    kind: Kind
    sentence: str
    seq: int | None = None
    seal: int | None = None


@dataclass(frozen=True)
class StoredSeal:
    """A seal in its store: its first version, and whether somebody deleted or overwrote it."""

    number: int
    content: bytes
    touched: bool = False


@dataclass(frozen=True)
class SealRow:
    """The row in the database that describes a seal."""

    number: int
    first_seq: int
    last_seq: int
    events: int
    root: bytes
    previous: bytes
    sha256: bytes

    @classmethod
    def of(cls, seal: Seal) -> "SealRow":
        """Return the row that a seal should have."""
        return cls(
            seal.number,
            seal.first_seq,
            seal.last_seq,
            seal.events,
            seal.root,
            seal.previous,
            hash_of(seal.content()),
        )


@dataclass(frozen=True)
class Anchor:
    """The seal that the first one to verify continues: its number, its last event and its hash."""

    number: int = 0
    last_seq: int = 0
    sha256: bytes | None = NO_SEAL


@dataclass
class Verification:
    """The result: how many events there are, how many of them agree with a seal, and what does not.

    ``unsealed`` events are newer than the newest seal, and ``unverified`` ones are in the range of a seal
    that cannot be read. ``head`` is the hash of the newest seal: whoever knows it can tell whether the chain
    that was verified is the same.
    """

    events: int = 0
    verified: int = 0
    unsealed: int = 0
    unverified: int = 0
    seals: int = 0
    head: bytes = NO_SEAL
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[Kind] = field(default_factory=Counter)

    @property
    def first(self) -> Finding | None:
        """The first event that differs, or without one the first finding about seals."""
        return self.findings[0] if self.findings else None


@dataclass(frozen=True)
class _Chained:
    """A seal without its leaves, as it is in the chain."""

    number: int
    first_seq: int
    last_seq: int
    replaces: int | None


def verify(
    numbers: Iterable[int],
    read: Callable[[int], StoredSeal],
    rows: Mapping[int, SealRow] | None,
    events: Iterable[RawEvent],
    after: Anchor = Anchor(),
) -> Verification:
    """Compare events, in the order of their numbers, with the seals.

    ``numbers`` are those of the stored seals and ``rows`` those of the database, or None in an export, which
    has none; ``read`` is called twice for each seal, so that the seals need not be in memory together. Only
    the seals ``after`` another one, and the events after its last one, are verified if it is given; without
    its hash, the first seal may continue any.
    """
    found = _Found()
    chain = _verify_chain(set(numbers), read, rows, found, after)
    _verify_events(chain, read, rows, events, found, after)
    return found.result()


class _Found:
    """Collects findings, and recognizes events that changed places."""

    def __init__(self) -> None:
        self.verification = Verification()
        self._of_seals: list[Finding] = []
        self._of_events: list[Finding] = []
        self._suspects: list[RawEvent] = []
        self._sealed: dict[int, bytes] = {}

    def seal(self, kind: Kind, number: int, sentence: str) -> None:
        """Add a finding about a seal."""
        self.verification.counts[kind] += 1
        if len(self._of_seals) < MOST_FINDINGS:
            self._of_seals.append(Finding(kind, sentence, seal=number))

    def event(self, kind: Kind, seq: int, event: RawEvent | None, sealed: bytes | None, number: int) -> None:
        """Add a finding about an event: what is there now, and the leaf that was sealed."""
        self.verification.counts[kind] += 1
        if len(self._of_events) < MOST_SUSPECTS:
            self._of_events.append(Finding(kind, "", seq=seq, seal=number))
            if event is not None:
                self._suspects.append(event)
            if sealed is not None:
                self._sealed[seq] = sealed

    def result(self) -> Verification:
        """Return the verification with all findings: events in their order, then seals."""
        moved = self._moved()
        events: list[Finding] = []
        for finding in self._of_events:
            seq = finding.seq or 0
            kind: Kind = "event_moved" if seq in moved and finding.kind != "event_deleted" else finding.kind
            if kind != finding.kind:
                self.verification.counts[finding.kind] -= 1
                self.verification.counts[kind] += 1
            events.append(Finding(kind, _sentence(kind, finding, moved.get(seq)), seq, finding.seal))
        self.verification.counts = +self.verification.counts
        self.verification.findings = events[:MOST_FINDINGS] + self._of_seals
        return self.verification

    def _moved(self) -> dict[int, int]:
        """Return for each number of an event that holds what was sealed with another number, that number."""
        return {
            event.seq: seq
            for event in self._suspects
            for seq, sealed in self._sealed.items()
            if seq != event.seq and leaf(event._replace(seq=seq)) == sealed
        }


def _sentence(kind: Kind, finding: Finding, was: int | None) -> str:
    seq, seal = finding.seq, finding.seal
    match kind:
        case "event_moved":
            return f"event {seq} was moved: it was sealed as event {was} (seal {seal})"
        case "event_deleted":
            return f"event {seq} was deleted: seal {seal} contains it"
        case "event_inserted":
            return f"event {seq} was inserted after its range had been sealed (seal {seal})"
        case _:
            return f"event {seq} was altered: it differs from what seal {seal} contains"


def _verify_chain(
    numbers: set[int],
    read: Callable[[int], StoredSeal],
    rows: Mapping[int, SealRow] | None,
    found: _Found,
    after: Anchor,
) -> list[_Chained]:
    """Verify the seals themselves; return those that count, without those that a restore replaced."""
    result = found.verification
    chain: list[_Chained] = []
    expected = after.sha256
    for number in range(after.number + 1, max([*numbers, *(rows or ())], default=0) + 1):
        if number not in numbers:
            found.seal("seal_missing", number, f"seal {number} is missing from the store of seals")
            expected = None
            continue
        stored = read(number)
        if stored.touched:
            sentence = f"seal {number} was deleted or overwritten; its first version still counts"
            found.seal("seal_changed", number, sentence)
        try:
            seal = parse_seal(stored.content)
        except MalformedSeal as malformed:
            found.seal("seal_changed", number, f"seal {number} was changed: {malformed}")
            expected = None
            continue
        if seal.number != number:
            found.seal("seal_unchained", number, f"seal {number} is seal {seal.number} in another place")
            expected = None
            continue
        if expected is not None and seal.previous != expected:
            sentence = f"seal {number} is out of the chain: it does not continue seal {number - 1}"
            found.seal("seal_unchained", number, sentence)
        expected = result.head = hash_of(stored.content)
        result.seals += 1
        if rows is not None:
            _verify_row(seal, rows, is_newest=number == max(numbers), found=found)
        if seal.replaces is not None:
            replaced = [link for link in chain if link.number >= seal.replaces]
            chain = [link for link in chain if link.number < seal.replaces]
            found.seal("restored", number, _restored(seal, replaced))
        chain.append(_Chained(number, seal.first_seq, seal.last_seq, seal.replaces))
    return chain


def _verify_row(seal: Seal, rows: Mapping[int, SealRow], *, is_newest: bool, found: _Found) -> None:
    row = rows.get(seal.number)
    if row is None and not is_newest:  # sealing may be between the object and the row
        found.seal("seal_row", seal.number, f"the database has no row of seal {seal.number}")
    elif row is not None and row != SealRow.of(seal):
        sentence = f"the database's row of seal {seal.number} differs from the seal"
        found.seal("seal_row", seal.number, sentence)


def _restored(seal: Seal, replaced: list[_Chained]) -> str:
    last = max((link.last_seq for link in replaced), default=seal.first_seq - 1)
    return (
        f"the database was restored before {seal.sealed_at:%Y-%m-%d %H:%M} UTC: seal {seal.number} replaces"
        f" seals {seal.replaces} to {seal.number - 1}, whose events {seal.first_seq} to {last} are gone or"
        " were numbered anew"
    )


def _verify_events(
    chain: list[_Chained],
    read: Callable[[int], StoredSeal],
    rows: Mapping[int, SealRow] | None,
    events: Iterable[RawEvent],
    found: _Found,
    after: Anchor,
) -> None:
    stream = _Stream(events)
    result = found.verification
    before = after.last_seq
    for link in chain:
        if link.first_seq > before + 1:  # a missing seal, or a changed one, is a finding already
            result.unverified += sum(1 for _ in stream.until(link.first_seq - 1))
        _compare(parse_seal(read(link.number).content), stream.until(link.last_seq), found)
        before = link.last_seq
    # Ranges of seals that cannot be read are known only from the rows of the database.
    newest = chain[-1].number if chain else 0
    lost = max((row.last_seq for number, row in (rows or {}).items() if number > newest), default=before)
    result.unverified += sum(1 for _ in stream.until(lost))
    result.unsealed = sum(1 for _ in stream.until(None))
    result.events = stream.count


class _Stream:
    """Events in their order, taken range by range and counted."""

    def __init__(self, events: Iterable[RawEvent]) -> None:
        self._events = iter(events)
        self._next = next(self._events, None)
        self.count = 0

    def until(self, last: int | None) -> Iterator[RawEvent]:
        """Yield the events up to a number, or all that are left."""
        while self._next is not None and (last is None or self._next.seq <= last):
            event, self._next = self._next, next(self._events, None)
            self.count += 1
            yield event


def _compare(seal: Seal, events: Iterable[RawEvent], found: _Found) -> None:
    present = list(events)
    leaves = [leaf(event) for event in present]
    if b"".join(leaves) == seal.leaves:  # leaves contain the numbers
        found.verification.verified += len(present)
        return
    sealed = dict(seal.sealed())
    differing: list[tuple[int, Kind, RawEvent | None, bytes | None]] = []
    for event, digest in zip(present, leaves, strict=True):
        wanted = sealed.pop(event.seq, None)
        if digest == wanted:
            found.verification.verified += 1
        else:
            kind: Kind = "event_inserted" if wanted is None else "event_altered"
            differing.append((event.seq, kind, event, wanted))
    differing += [(seq, "event_deleted", None, wanted) for seq, wanted in sealed.items()]
    for seq, differs, present_event, wanted in sorted(differing, key=lambda item: item[0]):
        found.event(differs, seq, present_event, wanted, seal.number)
