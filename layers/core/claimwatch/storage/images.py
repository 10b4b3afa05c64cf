"""Queries for photos of damage: stored, refused and deleted versions, and matches between photos."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import combinations
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.storage.queries import queries

MOST_CANDIDATES = 100
"""Earlier photos that a new one is compared with, the most likely copies first. Otherwise n copies of a photo
would make n * n / 2 matches, and n documents on one letterhead as many comparisons."""

_SQL = queries("images")

_BAND_BITS = 16
_BAND_MASKS = tuple(
    sum(1 << bit for bit in bits) for most in range(3) for bits in combinations(range(_BAND_BITS), most)
)
"""The 137 masks that flip at most two bits of a band."""


@dataclass(frozen=True)
class Version:
    """One version of an object under images/.

    ``sequencer`` sorts as text; ``event_id`` is None if the key contains no valid one.
    """

    event_id: str | None
    bucket: str
    key: str
    version_id: str
    sequencer: str
    received_at: datetime


@dataclass(frozen=True)
class VersionState:
    """The recorded state of a version: its photo's number or the reason for its refusal, if any.

    ``deleted`` is true if the version was permanently deleted.
    """

    image_id: int | None
    refusal: str | None
    deleted: bool

    @property
    def is_recorded(self) -> bool:
        """Whether the version is stored or refused."""
        return self.image_id is not None or self.refusal is not None


@dataclass(frozen=True)
class PhotoRecord:
    """Data stored of a photo: the properties of the original and the two copies.

    A photo whose ``phash`` is None matches no other. ``gradients`` are 1,024 bits.
    """

    sha256: str
    size_bytes: int
    phash: int | None
    gradients: int
    format: str
    width: int
    height: int
    frames: int
    taken_at: datetime | None
    latitude: float | None
    longitude: float | None
    display: bytes
    thumbnail: bytes
    taken_at_local: datetime | None = None


@dataclass(frozen=True)
class Candidate:
    """An earlier photo of another event with a similar perceptual hash; ``distance`` is in bits."""

    image_id: int
    event_id: str
    distance: int


@dataclass(frozen=True)
class Deletion:
    """The permanent deletion of a version, or, if not ``permanent``, the creation of a delete marker."""

    bucket: str
    key: str
    version_id: str
    sequencer: str
    deleted_at: datetime
    permanent: bool


def lock_photo(cursor: Cursor, version: Version) -> None:
    """Lock the version until the transaction ends, so that only one transaction records its outcome."""
    cursor.execute(_SQL["lock_photo"], _version_key(version))


def find(cursor: Cursor, version: Version) -> VersionState:
    """Return the recorded state of the version."""
    cursor.execute(_SQL["find_version"], _version_key(version))
    row = cursor.fetchone()
    assert row is not None  # the query has no FROM clause
    return VersionState(*row)


def add(cursor: Cursor, version: Version, photo: PhotoRecord) -> int:
    """Store a photo and return its number.

    Check with ``lock_photo`` and ``find`` first: raises ``LookupError`` if the version is stored already.
    """
    values = asdict(version) | asdict(photo) | {"gradients": _bits(photo.gradients)}
    cursor.execute(_SQL["add"], values)
    row = cursor.fetchone()
    if row is None:
        raise LookupError("the version is stored already")
    return int(row[0])


def reject(cursor: Cursor, version: Version, reason: str) -> None:
    """Record the reason why the version is refused."""
    cursor.execute(_SQL["reject"], asdict(version) | {"reason": reason})


def search_alone(cursor: Cursor) -> None:
    """Make other searches wait until the transaction ends.

    Call this after ``add`` and before ``candidates``: of two similar photos that arrive together, the second
    then finds the first.
    """
    cursor.execute(_SQL["search_alone"])


def candidates(cursor: Cursor, event_id: str, phash: int, gradients: int, most: int) -> list[Candidate]:
    """Return photos of other events within ``most`` bits (11 or fewer), the most likely copies first.

    At most ``MOST_CANDIDATES`` have gradients; as many were stored before photos had them.
    """
    if most >= 3 * 4:
        raise ValueError("the bands find photos that differ in at most 11 bits")
    cursor.execute(_SQL["candidates"], search_parameters(event_id, phash, gradients, most))
    return [Candidate(*row) for row in cursor.fetchall()]


def search_parameters(event_id: str, phash: int, gradients: int, most: int) -> dict[str, Any]:
    """Return the parameters of the query ``candidates``."""
    return {
        "event_id": event_id,
        "phash": str(phash),  # as text, because SQL's parser does not read -2**63 as a bigint
        "gradients": _bits(gradients),
        "most": most,
        "limit": MOST_CANDIDATES,
        **{f"band_{number}": values for number, values in enumerate(neighbours(phash), 1)},
    }


def thumbnails(cursor: Cursor, image_ids: Sequence[int]) -> dict[int, bytes]:
    """Return the thumbnails of photos by number."""
    if not image_ids:
        return {}
    cursor.execute(_SQL["thumbnails"], {"image_ids": list(image_ids)})
    return {image_id: bytes(thumbnail) for image_id, thumbnail in cursor.fetchall()}


def add_matches(
    cursor: Cursor, image_id: int, event_id: str, matches: Sequence[tuple[Candidate, int]]
) -> int:
    """Record earlier photos that show the same, each with its differing blocks; return their number."""
    if not matches:
        return 0
    cursor.execute(
        _SQL["add_matches"],
        {
            "image_id": image_id,
            "event_id": event_id,
            "others": [candidate.image_id for candidate, _ in matches],
            "other_events": [candidate.event_id for candidate, _ in matches],
            "distances": [candidate.distance for candidate, _ in matches],
            "blocks": [blocks for _, blocks in matches],
        },
    )
    return cursor.rowcount


def _bits(gradients: int) -> str:
    """Return the bits as PostgreSQL reads them."""
    return f"{gradients:01024b}"


def neighbours(phash: int) -> list[list[int]]:
    """Return for each of the four bands the stored values that differ from the hash's in at most two bits."""
    bands = [phash >> shift & 0xFFFF for shift in range(0, 64, _BAND_BITS)]
    return [[(band ^ mask) - 0x8000 for mask in _BAND_MASKS] for band in bands]


def add_deletion(cursor: Cursor, deletion: Deletion) -> None:
    """Record a deletion; recording it again changes nothing."""
    cursor.execute(_SQL["add_deletion"], asdict(deletion))


def photos_of_event(cursor: Cursor, event_id: str) -> list[dict[str, Any]]:
    """Return every version of the event's photos with its ``state``: current, replaced or deleted."""
    return _rows(cursor, "photos_of_event", event_id=event_id)


def display_copy(cursor: Cursor, image_id: int) -> bytes:
    """Return the display copy of a photo; raises ``LookupError`` if its number is unknown."""
    cursor.execute(_SQL["display_copy"], {"image_id": image_id})
    row = cursor.fetchone()
    if row is None:
        raise LookupError(f"photo {image_id} does not exist")
    return bytes(row[0])


def matches_of_event(cursor: Cursor, event_id: str) -> list[dict[str, Any]]:
    """Return the matches between this event's photos and those of other events."""
    return _rows(cursor, "matches_of_event", event_id=event_id)


def refused_of_event(cursor: Cursor, event_id: str) -> list[dict[str, Any]]:
    """Return the refused versions of the event's photos with their reasons."""
    return _rows(cursor, "refused_of_event", event_id=event_id)


def counts(cursor: Cursor) -> dict[str, int]:
    """Count the ``stored``, ``current`` and ``refused`` versions and the ``reused_pairs``."""
    (row,) = _rows(cursor, "counts")
    return row


def refused_by_reason(cursor: Cursor, limit: int) -> list[dict[str, Any]]:
    """Return the most frequent reasons for refusals, each with its number of ``photos``."""
    return _rows(cursor, "refused_by_reason", limit=limit)


def recent_matches(cursor: Cursor, limit: int) -> list[dict[str, Any]]:
    """Return the most recent matches."""
    return _rows(cursor, "recent_matches", limit=limit)


def _rows(cursor: Cursor, query: str, **parameters: object) -> list[dict[str, Any]]:
    cursor.execute(_SQL[query], parameters)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _version_key(version: Version) -> dict[str, str]:
    return {"bucket": version.bucket, "key": version.key, "version_id": version.version_id}
