"""Photos of damage: what was stored, refused and deleted, and which photos are alike."""

from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import combinations
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.storage.queries import queries

MOST_MATCHES = 100
"""Matches that a new photo is entered with, the nearest: n copies of a picture would else make n * n / 2."""

_SQL = queries("images")

_BAND_BITS = 16
_FLIPS = tuple(
    sum(1 << bit for bit in bits) for most in range(3) for bits in combinations(range(_BAND_BITS), most)
)
"""The 137 ways to change at most two bits of a band."""


@dataclass(frozen=True)
class Version:
    """One version of an object under images/.

    ``sequencer`` sorts as text; ``event_id`` is None if the key names none.
    """

    event_id: str | None
    bucket: str
    key: str
    version_id: str
    sequencer: str
    received_at: datetime


@dataclass(frozen=True)
class Known:
    """What is recorded of a version: its photo's number, or why it was refused.

    ``gone`` says that it was deleted for good.
    """

    image_id: int | None
    refused_because: str | None
    gone: bool


@dataclass(frozen=True)
class Copies:
    """What is kept of a photo: its facts, those of the original first, and the two copies.

    A ``phash`` of None is like nothing.
    """

    sha256: str
    size_bytes: int
    phash: int | None
    format: str
    width: int
    height: int
    frames: int
    taken_at: datetime | None
    latitude: float | None
    longitude: float | None
    display: bytes
    thumbnail: bytes


@dataclass(frozen=True)
class Deletion:
    """A version that was deleted for good, or, if not ``permanent``, a delete marker."""

    bucket: str
    key: str
    version_id: str
    sequencer: str
    deleted_at: datetime
    permanent: bool


def lock_photo(cursor: Cursor, version: Version) -> None:
    """Wait until no other transaction decides about the version, and keep others waiting."""
    cursor.execute(_SQL["lock_photo"], _name(version))


def find(cursor: Cursor, version: Version) -> Known:
    """What is recorded of the version."""
    cursor.execute(_SQL["find_version"], _name(version))
    row = cursor.fetchone()
    assert row is not None  # it has no FROM
    return Known(*row)


def add(cursor: Cursor, version: Version, copies: Copies) -> int:
    """Store a photo; its number. Call it once for a version; ``lock_photo`` and ``find`` ensure that."""
    cursor.execute(_SQL["add"], asdict(version) | asdict(copies))
    row = cursor.fetchone()
    if row is None:
        raise LookupError("the version is stored already")
    return int(row[0])


def reject(cursor: Cursor, version: Version, reason: str) -> None:
    """Record that the version is refused, and why."""
    cursor.execute(_SQL["reject"], asdict(version) | {"reason": reason})


def add_matches(cursor: Cursor, image_id: int, event_id: str, phash: int, most: int) -> int:
    """Record which photos of other events differ in at most ``most`` bits (11 or less); returns how many.

    From here to the end of the transaction nobody else searches, so call it after ``add`` and as the last.
    """
    if most >= 3 * 4:
        raise ValueError("the bands find photos that differ in at most 11 bits")
    cursor.execute(_SQL["search_alone"])
    cursor.execute(
        _SQL["add_matches"],
        {
            "image_id": image_id,
            "event_id": event_id,
            "phash": str(phash),  # as text, for -2**63 is no bigint to SQL's parser
            "most": most,
            "limit": MOST_MATCHES,
            **{f"band_{number}": values for number, values in enumerate(neighbours(phash), 1)},
        },
    )
    return cursor.rowcount


def neighbours(phash: int) -> list[list[int]]:
    """Of each of the four bands the values, as they are stored, that are at most two bits from the hash's."""
    bands = [phash >> shift & 0xFFFF for shift in range(0, 64, _BAND_BITS)]
    return [[(band ^ flip) - 0x8000 for flip in _FLIPS] for band in bands]


def add_deletion(cursor: Cursor, deletion: Deletion) -> None:
    """Record a deletion; the same one again changes nothing."""
    cursor.execute(_SQL["add_deletion"], asdict(deletion))


def photos_of_event(cursor: Cursor, event_id: str) -> list[dict[str, Any]]:
    """Every version of the event's photos with its ``state``: current, replaced or deleted."""
    return _rows(cursor, "photos_of_event", event_id=event_id)


def display_copy(cursor: Cursor, image_id: int) -> bytes:
    """The display copy; ``LookupError`` if there is no photo of that number."""
    cursor.execute(_SQL["display_copy"], {"image_id": image_id})
    row = cursor.fetchone()
    if row is None:
        raise LookupError(f"there is no photo {image_id}")
    return bytes(row[0])


def matches_of_event(cursor: Cursor, event_id: str) -> list[dict[str, Any]]:
    """Photos of other events that are like one of this event's."""
    return _rows(cursor, "matches_of_event", event_id=event_id)


def refused_of_event(cursor: Cursor, event_id: str) -> list[dict[str, Any]]:
    """What was refused of the event's photos."""
    return _rows(cursor, "refused_of_event", event_id=event_id)


def counts(cursor: Cursor) -> dict[str, int]:
    """How many are ``stored``, ``current``, ``refused``, and how many are ``reused_pairs``."""
    (row,) = _rows(cursor, "counts")
    return row


def refused_by_reason(cursor: Cursor, limit: int) -> list[dict[str, Any]]:
    """The most frequent reasons, each with its number of ``photos``."""
    return _rows(cursor, "refused_by_reason", limit=limit)


def recent_matches(cursor: Cursor, limit: int) -> list[dict[str, Any]]:
    """The matches that were found last."""
    return _rows(cursor, "recent_matches", limit=limit)


def _rows(cursor: Cursor, query: str, **parameters: object) -> list[dict[str, Any]]:
    cursor.execute(_SQL[query], parameters)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _name(version: Version) -> dict[str, str]:
    return {"bucket": version.bucket, "key": version.key, "version_id": version.version_id}
