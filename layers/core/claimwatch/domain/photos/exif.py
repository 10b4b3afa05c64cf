"""Orientation, date and position from a photo's EXIF 2.32 metadata, any of which may be wrong."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from math import isfinite
from typing import Any

from PIL.ExifTags import GPS, IFD, Base
from PIL.Image import Exif, Transpose
from PIL.TiffImagePlugin import IFDRational

UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
"""The transposition that turns a picture upright, by EXIF orientation; orientation 1 is upright."""

SIDEWAYS = {5, 6, 7, 8}
"""Orientations in which width and height are exchanged."""

_CLOCK = r"(\d{4})[:/.-](\d\d)[:/.-](\d\d)[ T](\d\d):(\d\d):(\d\d)(?:[.,]\d*)?"
_ZONE = r"(Z|[+-]\d\d(?::?[0-5]\d)?)"
_DATE = re.compile(rf"{_CLOCK}\s*{_ZONE}?", re.ASCII)
_OFFSET = re.compile(_ZONE, re.ASCII)
_BLANK = " :\0"
"""Characters of a field that is not known (EXIF 2.32)."""
_WEST, _EAST, _STEP = timedelta(hours=-12), timedelta(hours=14), timedelta(minutes=15)
"""Time zones reach from 12 hours west to 14 hours east, in steps of a quarter of an hour."""

_FIRST_YEAR = 1900
_NEVER_SET = {datetime(year, 1, 1) for year in (1904, 1970, 1980, 2000)}  # noqa: DTZ001 - read without a zone
"""Times of clocks that were never set."""


@dataclass(frozen=True)
class TimeTaken:
    """The time of a photo: in UTC, only if the zone is known, and as the camera's clock showed it."""

    utc: datetime | None = None
    local: datetime | None = None


def orientation(exif: Exif) -> int | None:
    """Return the orientation, 1 to 8, written with any type of number; None if it is missing or invalid."""
    value = exif.get(Base.Orientation)
    if isinstance(value, tuple | bytes) and value:  # bytes are the EXIF type BYTE
        value = value[0]
    return next((number for number in range(1, 9) if value == number), None)


def time_taken(exif: Exif) -> TimeTaken:
    """Return DateTimeOriginal, to the second.

    The zone is that of OffsetTimeOriginal, or else that of another time that is the same as this one.
    Without a zone there is no time in UTC: that of the GPS receiver may be hours older than the photo.
    """
    camera = exif.get_ifd(IFD.Exif)
    text = _text(camera.get(Base.DateTimeOriginal))
    local, zone = _clock(text)
    if local is None:
        return TimeTaken()
    offsets = [zone, _text(camera.get(Base.OffsetTimeOriginal))]
    for date, offset in (
        (camera.get(Base.DateTimeDigitized), camera.get(Base.OffsetTimeDigitized)),
        (exif.get(Base.DateTime), camera.get(Base.OffsetTime)),
    ):
        if not offsets[1].strip(_BLANK) and _clock(_text(date))[0] == local:
            offsets.append(_text(offset))
    zones = {_offset(offset) for offset in offsets if offset.strip(_BLANK)}
    known = zones.pop() if len(zones) == 1 else None
    try:
        return TimeTaken(
            local.replace(tzinfo=timezone(known)).astimezone(UTC) if known is not None else None, local
        )
    except OverflowError:
        return TimeTaken(None, local)


def _clock(text: str) -> tuple[datetime | None, str]:
    """Return a date and time, if valid, and the zone that some programs write after it."""
    found = _DATE.fullmatch(text)
    if not found:
        return None, ""
    *numbers, zone = found.groups()
    try:
        clock = datetime(*map(int, numbers))  # type: ignore[arg-type]  # noqa: DTZ001 - its zone is elsewhere
    except ValueError:  # the year 0000, the 31st of February, 25 o'clock
        return None, ""
    return (None, "") if clock.year < _FIRST_YEAR or clock in _NEVER_SET else (clock, zone or "")


def _offset(text: str) -> timedelta | None:
    """Return a time zone's distance from UTC; None if there is no such zone."""
    found = _OFFSET.fullmatch(text)
    if not found:
        return None
    if text == "Z":
        return timedelta()
    digits = text[1:].replace(":", "")
    distance = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    distance = -distance if text[0] == "-" else distance
    return distance if _WEST <= distance <= _EAST and not distance % _STEP else None


def position(exif: Exif) -> tuple[float, float] | None:
    """Return latitude and longitude in degrees, north and east positive.

    None unless both are valid, and in WGS 84, which others differ from by hundreds of meters. Receivers
    without a fix write 0, 0, which is in the open sea, or say that their position is void.
    """
    gps = exif.get_ifd(IFD.GPSInfo)
    datum = re.sub(r"[^A-Z0-9]", "", _text(gps.get(GPS.GPSMapDatum)).upper())
    if _text(gps.get(GPS.GPSStatus)).upper() == "V" or not (not datum or datum.startswith("WGS84")):
        return None
    latitude = _angle(gps.get(GPS.GPSLatitude), _text(gps.get(GPS.GPSLatitudeRef)), "NS", 90)
    longitude = _angle(gps.get(GPS.GPSLongitude), _text(gps.get(GPS.GPSLongitudeRef)), "EW", 180)
    if latitude is None or longitude is None or (latitude, longitude) == (0, 0):
        return None
    return latitude, longitude


def _angle(value: Any, side: str, sides: str, limit: int) -> float | None:
    """Convert one to three rationals (degrees, minutes, seconds) to signed degrees; None if invalid."""
    given = value if isinstance(value, tuple) else (value,)
    if not 1 <= len(given) <= 3 or not all(isinstance(part, int | float | IFDRational) for part in given):
        return None
    parts = [float(part) for part in given]
    if not all(isfinite(part) and part >= 0 for part in parts) or any(part > 60 for part in parts[1:]):
        return None
    if any(not part.is_integer() and any(parts[place:]) for place, part in enumerate(parts, 1)):
        return None  # fractions of a degree and minutes: one of them is a repetition
    degrees = sum(part / unit for part, unit in zip(parts, (1, 60, 3600), strict=False))
    if len(side) != 1 or side.upper() not in sides or degrees > limit:
        return None
    return -degrees if side.upper() == sides[1] and degrees else degrees


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return value.strip("\0 ") if isinstance(value, str) else ""
