"""What is odd about a photo of a claim, from what is known of both."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

type Evidence = Literal[
    "no_time",
    "no_place",
    "taken_after_claim",
    "taken_long_before",
    "small",
    "no_camera_format",
    "used_elsewhere",
]
"""Codes of what is worth a look; none of them proves anything.

``no_time``, ``no_place``: the camera wrote none, or the file lost it. ``taken_after_claim``: the photo was
taken after the claim had been received. ``taken_long_before``: it was taken long before the event.
``small``: it has fewer pixels than cameras write, so it was scaled, cropped or sent by a messenger.
``no_camera_format``: cameras do not write this format; screenshots have it. ``used_elsewhere``: another event
has the same or nearly the same photo.
"""

LONG_BEFORE = timedelta(days=30)
"""How long before the event a photo must have been taken to be odd."""

SMALLEST_CAMERA = 2_000_000
"""Pixels that cameras have written for many years; messengers send fewer."""

CAMERA_FORMATS = frozenset({"JPEG", "HEIF", "AVIF", "TIFF"})
"""Formats that cameras write."""

_WEST, _EAST = timedelta(hours=12), timedelta(hours=14)
"""Time zones reach from 12 hours west to 14 hours east of UTC."""


@dataclass(frozen=True)
class PhotoFacts:
    """What is stored of a photo, and how many ``matches`` it has; ``format`` is as ``Photo`` has it.

    ``taken_at_local`` is the time of the camera's clock, without a zone.
    """

    format: str
    width: int
    height: int
    taken_at: datetime | None
    taken_at_local: datetime | None
    has_place: bool
    matches: int


@dataclass(frozen=True)
class ClaimTimes:
    """When the event of a claim was, if that is known, and when the claim was received; both with a zone."""

    happened: datetime | None
    received_at: datetime | None


def evidence_of(photo: PhotoFacts, claim: ClaimTimes) -> list[Evidence]:
    """Return what is odd about a photo, in a fixed order."""
    return list(_evidence_of(photo, claim))


def _evidence_of(photo: PhotoFacts, claim: ClaimTimes) -> Iterator[Evidence]:
    taken = _taken(photo)
    if taken is None:
        yield "no_time"
    if not photo.has_place:
        yield "no_place"
    if taken is not None:
        earliest, latest = taken
        if claim.received_at is not None and earliest > claim.received_at:
            yield "taken_after_claim"
        if claim.happened is not None and latest < claim.happened - LONG_BEFORE:
            yield "taken_long_before"
    if photo.width * photo.height < SMALLEST_CAMERA:
        yield "small"
    if photo.format not in CAMERA_FORMATS:
        yield "no_camera_format"
    if photo.matches:
        yield "used_elsewhere"


def _taken(photo: PhotoFacts) -> tuple[datetime, datetime] | None:
    """Return the first and the last moment at which a photo can have been taken; None if not known."""
    if photo.taken_at is not None:
        return photo.taken_at, photo.taken_at
    if photo.taken_at_local is None:
        return None
    clock = photo.taken_at_local.replace(tzinfo=UTC)
    return clock - _EAST, clock + _WEST
