"""The rows that the database must contain, derived from the objects and deletions of a schedule.

Of the code under test only the decoder is used, once for each picture and without faults.
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
NO_EVENT = "the key contains no valid event id"

type Name = tuple[str, str]
"""Key and version id."""
type Pair = tuple[Name, Name, int]
"""Two photos, the smaller name first, and the number of bits in which their hashes differ."""

STORED = ""
"""The fate of a stored photo. Other fates are reasons for rejection, or prefixes of reasons."""


def name(entry: Entry) -> Name:
    """Return the key and version id of an entry."""
    return entry.key, entry.version_id


def fates(entries: Iterable[Entry], erasures: Iterable[Erasure]) -> dict[Name, frozenset[str]]:
    """Return the possible fates of each version; a version that is deleted meanwhile has two."""
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
    """Return the columns of a stored photo in the order of ``invariants.COLUMNS``."""
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
    """Return the current photos: the newest entry of each key that is not erased, if it is a photo."""
    stacks: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if name(entry) in (stored if entry.picture else marked) and name(entry) not in erased:
            stacks[entry.key].append(entry)
    return {name(stack[-1]) for stack in stacks.values() if stack[-1].picture}


def pairs(stored: Sequence[tuple[Name, str, int | None]]) -> set[Pair]:
    """Return the pairs of similar photos (name, event, hash) that have different events."""
    found: set[Pair] = set()
    ordered = sorted(stored, key=lambda photo: photo[0])
    for index, (one, event, phash) in enumerate(ordered):
        for other, other_event, other_phash in ordered[index + 1 :]:
            if event == other_event or phash is None or other_phash is None:
                continue
            bits = ((phash ^ other_phash) & (2**64 - 1)).bit_count()
            if bits <= MATCH_DISTANCE:
                found.add((one, other, bits))
    return found


def hashes(entries: Iterable[Entry]) -> Mapping[Name, int | None]:
    """Return the perceptual hash of each version that is a photo."""
    return {
        name(entry): entry.picture.becomes.phash
        for entry in entries
        if entry.picture and isinstance(entry.picture.becomes, Photo)
    }
