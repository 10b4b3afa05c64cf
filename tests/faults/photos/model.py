"""The rows that the database must contain, derived from the objects and deletions of a schedule.

Of the code under test only the decoder and the comparison of pictures are used, without faults.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Any

from claimwatch.domain.photos.perceptual_hash import MATCH_DISTANCE
from claimwatch.domain.photos.photo import Photo
from claimwatch.domain.photos.same_picture import differing_blocks, is_same, picture_of_jpeg
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


def pairs(stored: Sequence[tuple[Name, str, Photo | None]]) -> set[Pair]:
    """Return the pairs of photos (name, event, result of decoding) that match and have different events."""
    found: set[Pair] = set()
    ordered = sorted(stored, key=lambda photo: photo[0])
    for index, (one, event, photo) in enumerate(ordered):
        for other, other_event, other_photo in ordered[index + 1 :]:
            if event == other_event or photo is None or other_photo is None:
                continue
            if photo.phash is None or other_photo.phash is None:
                continue
            bits = ((photo.phash ^ other_photo.phash) & (2**64 - 1)).bit_count()
            if bits <= MATCH_DISTANCE and _shows_the_same(*sorted((photo.thumbnail, other_photo.thumbnail))):
                found.add((one, other, bits))
    return found


@cache
def _shows_the_same(thumbnail: bytes, other: bytes) -> bool:
    pictures = picture_of_jpeg(thumbnail), picture_of_jpeg(other)
    assert pictures[0] is not None
    assert pictures[1] is not None
    return is_same(differing_blocks(pictures[0], pictures[1]))


def results(entries: Iterable[Entry]) -> Mapping[Name, Photo]:
    """Return the result of decoding each version that is a photo."""
    return {
        name(entry): entry.picture.becomes
        for entry in entries
        if entry.picture and isinstance(entry.picture.becomes, Photo)
    }
