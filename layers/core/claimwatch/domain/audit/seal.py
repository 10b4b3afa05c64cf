"""Seals: each covers a range of access events and contains the hash of the seal before it."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Literal

from claimwatch.domain.audit.merkle import merkle_root
from claimwatch.domain.audit.raw_event import RawEvent, leaf

type SealReason = Literal["regular", "restored"]

REASONS: tuple[SealReason, ...] = ("regular", "restored")

MOST_EVENTS = 50_000
"""Events of one seal; its object has 67 bytes for each."""

NO_SEAL = bytes(32)
"""In place of the hash of an earlier seal: the first seal has none."""

_VERSION = 1
_HASH_BYTES = 32


class MalformedSeal(Exception):
    """The content of a seal contradicts itself or is not one; the message says in what."""


@dataclass(frozen=True)
class Seal:
    """A digest of the events from ``first_seq`` to ``last_seq``; its hash is that of ``content``.

    Numbers of events may be missing in the range: ``seqs`` are those that have an event. A seal with the
    reason ``restored`` continues after a restore of the database to a state before the seal ``replaces``:
    the events of that seal and of all between are gone, or others have their numbers.
    """

    number: int
    first_seq: int
    last_seq: int
    root: bytes
    previous: bytes
    sealed_at: datetime
    seqs: tuple[range, ...]
    leaves: bytes
    reason: SealReason = "regular"
    replaces: int | None = None

    @property
    def events(self) -> int:
        """The number of events."""
        return len(self.leaves) // _HASH_BYTES

    def sealed(self) -> Iterator[tuple[int, bytes]]:
        """Yield number and leaf of each event."""
        numbers = (seq for part in self.seqs for seq in part)
        for place, seq in enumerate(numbers):
            yield seq, self.leaves[place * _HASH_BYTES : (place + 1) * _HASH_BYTES]

    def content(self) -> bytes:
        """Return the seal as one line of JSON."""
        fields = {
            "v": _VERSION,
            "number": self.number,
            "first_seq": self.first_seq,
            "last_seq": self.last_seq,
            "events": self.events,
            "root": self.root.hex(),
            "previous": self.previous.hex(),
            "sealed_at": self.sealed_at.isoformat(timespec="microseconds"),
            "reason": self.reason,
            "replaces": self.replaces,
            "seqs": ",".join(f"{part[0]}-{part[-1]}" for part in self.seqs),
            "leaves": [digest.hex() for _, digest in self.sealed()],
        }
        return json.dumps(fields, separators=(",", ":")).encode()


def hash_of(content: bytes) -> bytes:
    """Return the hash of a seal: SHA-256 of its object, which the next seal contains."""
    return hashlib.sha256(content).digest()


def seal_events(
    events: Sequence[RawEvent],
    *,
    number: int,
    after: int,
    previous: bytes,
    at: datetime,
    replaces: int | None = None,
) -> Seal:
    """Return the seal of events that follow each other, all that there are beyond the number ``after``."""
    leaves = [leaf(event) for event in events]
    return Seal(
        number=number,
        first_seq=after + 1,
        last_seq=events[-1].seq,
        root=merkle_root(leaves),
        previous=previous,
        sealed_at=at.astimezone(UTC),
        seqs=_ranges([event.seq for event in events]),
        leaves=b"".join(leaves),
        reason="regular" if replaces is None else "restored",
        replaces=replaces,
    )


def parse_seal(content: bytes) -> Seal:
    """Return the seal in an object; raises ``MalformedSeal`` if it is not one or contradicts itself."""
    try:
        fields = json.loads(content)
        seal = _seal_of(fields)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise MalformedSeal(f"it is not a seal of version {_VERSION}") from error
    if seal.content() != content:
        raise MalformedSeal("it is not written as seals are")
    leaves = [digest for _, digest in seal.sealed()]
    if fields["events"] != len(leaves) or merkle_root(leaves) != seal.root:
        raise MalformedSeal("its root is not that of its events")
    ascending = all(left[-1] < right[0] for left, right in pairwise(seal.seqs))
    if not (ascending and seal.first_seq <= seal.seqs[0][0] and seal.seqs[-1][-1] == seal.last_seq):
        raise MalformedSeal("the numbers of its events are not in its range")
    return seal


def _seal_of(fields: dict[str, Any]) -> Seal:
    if fields["v"] != _VERSION:
        raise ValueError("another version")
    parts = [part.split("-") for part in fields["seqs"].split(",")]
    seqs = tuple(range(int(first), int(last) + 1) for first, last in parts)
    leaves = [bytes.fromhex(digest) for digest in fields["leaves"]]
    hashes = [bytes.fromhex(fields["root"]), bytes.fromhex(fields["previous"]), *leaves]
    if {len(digest) for digest in hashes} != {_HASH_BYTES} or sum(map(len, seqs)) != len(leaves):
        raise ValueError("hashes and numbers do not agree")
    reason: SealReason = REASONS[REASONS.index(fields["reason"])]
    if (reason == "restored") != isinstance(fields["replaces"], int) or not all(seqs):
        raise ValueError("a restored seal replaces others, and only such a seal does")
    return Seal(
        number=int(fields["number"]),
        first_seq=int(fields["first_seq"]),
        last_seq=int(fields["last_seq"]),
        root=hashes[0],
        previous=hashes[1],
        sealed_at=datetime.fromisoformat(fields["sealed_at"]),
        seqs=seqs,
        leaves=b"".join(leaves),
        reason=reason,
        replaces=fields["replaces"],
    )


def _ranges(seqs: Sequence[int]) -> tuple[range, ...]:
    """Return ascending numbers as ranges without gaps."""
    starts = [0, *(place for place in range(1, len(seqs)) if seqs[place] != seqs[place - 1] + 1)]
    ends = [*starts[1:], len(seqs)]
    return tuple(range(seqs[start], seqs[end - 1] + 1) for start, end in zip(starts, ends, strict=True))
