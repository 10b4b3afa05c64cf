"""What must be in the database, worked out from what was dropped and deleted, as S3 keeps it.

Nothing of the code under test is used but the decoder, once for each picture and with nothing going wrong.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from claimwatch.domain.photos.perceptual_hash import MATCH_DISTANCE
from claimwatch.domain.photos.photo import Photo
from tests.faults.photos.schedule import Entry, Erasure

GONE = "the object was deleted before it was read"
NO_EVENT = "the key names no event"

type Name = tuple[str, str]
"""Key and version id."""
type Pair = tuple[Name, Name, int]
"""Two photos, the one with the smaller name first, and how many bits of their hashes differ."""

STORED = ""
"""A fate: there is a photo. The other fates are reasons, or their beginnings."""


def name(entry: Entry) -> Name:
    """What rows call it."""
    return entry.key, entry.version_id


def fates(entries: Iterable[Entry], erasures: Iterable[Erasure]) -> dict[Name, frozenset[str]]:
    """What may become of each version; of one that is deleted meanwhile, one of two things."""
    moments = {name(erasure.of): erasure.moment for erasure in erasures}
    return {
        name(entry): _fates(entry, moments.get(name(entry))) for entry in entries if entry.picture is not None
    }


def _fates(entry: Entry, erased: str | None) -> frozenset[str]:
    assert entry.picture is not None
    if entry.event_id is None:
        return frozenset([NO_EVENT])
    own = STORED if isinstance(entry.picture.becomes, Photo) else entry.picture.becomes
    if erased == "before":
        return frozenset([GONE])
    return frozenset([own, GONE] if erased else [own])


def row(entry: Entry) -> tuple[Any, ...]:
    """The columns of a photo that is stored, in the order of ``judge.COLUMNS``."""
    assert entry.picture is not None
    data, photo = entry.picture.data, entry.picture.becomes
    assert isinstance(photo, Photo)
    return (
        *(entry.event_id, entry.key, entry.version_id, entry.sequencer.zfill(32), entry.at),
        *(hashlib.sha256(data).hexdigest(), len(data), photo.phash, photo.format, photo.width, photo.height),
        *(photo.frames, photo.taken_at, photo.latitude, photo.longitude),
        *(hashlib.sha256(copy).hexdigest() for copy in (photo.display, photo.thumbnail)),
    )


def current(
    entries: Iterable[Entry], stored: AbstractSet[Name], marked: AbstractSet[Name], erased: AbstractSet[Name]
) -> set[Name]:
    """What is shown: of each key the uppermost of what is stored, marked and not erased, if it is a photo."""
    stacks: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if name(entry) in (stored if entry.picture else marked) and name(entry) not in erased:
            stacks[entry.key].append(entry)
    return {name(stack[-1]) for stack in stacks.values() if stack[-1].picture}


def pairs(stored: Sequence[tuple[Name, str, int | None]]) -> set[Pair]:
    """Which photos (name, event, hash) are alike and of different events."""
    found: set[Pair] = set()
    ordered = sorted(stored, key=lambda photo: photo[0])
    for place, (one, event, phash) in enumerate(ordered):
        for other, other_event, other_phash in ordered[place + 1 :]:
            if event == other_event or phash is None or other_phash is None:
                continue
            bits = ((phash ^ other_phash) & (2**64 - 1)).bit_count()
            if bits <= MATCH_DISTANCE:
                found.add((one, other, bits))
    return found


def hashes(entries: Iterable[Entry]) -> Mapping[Name, int | None]:
    """Of each version that is a photo, its perceptual hash."""
    return {
        name(entry): entry.picture.becomes.phash
        for entry in entries
        if entry.picture and isinstance(entry.picture.becomes, Photo)
    }
