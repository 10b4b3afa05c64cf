"""Orientation, date and position from a photo's EXIF 2.32 metadata, any of which may be wrong."""

import re
from datetime import UTC, datetime, timedelta, timezone
from math import isfinite
from typing import Any

from PIL.ExifTags import GPS, IFD, Base
from PIL.Image import Exif, Transpose

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

_DATE = re.compile(r"(\d{4})[:/.-](\d\d)[:/.-](\d\d)[ T](\d\d):(\d\d):(\d\d)", re.ASCII)
_OFFSET = re.compile(r"([+-])(\d\d):?([0-5]\d)", re.ASCII)


def orientation(exif: Exif) -> int:
    """Return the orientation, 1 to 8; 1 if it is missing or invalid."""
    value = exif.get(Base.Orientation)
    return value if value in UPRIGHT else 1


def taken_at(exif: Exif) -> datetime | None:
    """Return DateTimeOriginal in UTC; a date without an offset is assumed to be UTC already."""
    camera = exif.get_ifd(IFD.Exif)
    date = _DATE.fullmatch(_text(camera.get(Base.DateTimeOriginal)))
    if not date:
        return None
    offset = _OFFSET.fullmatch(_text(camera.get(Base.OffsetTimeOriginal)))
    try:
        year, month, day, hour, minute, second = map(int, date.groups())
        zone = timezone(_offset(*offset.groups())) if offset else UTC
        return datetime(year, month, day, hour, minute, second, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):  # the year 0000, the 31st of February, 25 o'clock
        return None


def position(exif: Exif) -> tuple[float, float] | None:
    """Return latitude and longitude in degrees, north and east positive.

    None unless both are valid. Receivers without a fix write 0, 0, which is in the open sea.
    """
    gps = exif.get_ifd(IFD.GPSInfo)
    latitude = _angle(gps.get(GPS.GPSLatitude), _text(gps.get(GPS.GPSLatitudeRef)), "NS", 90)
    longitude = _angle(gps.get(GPS.GPSLongitude), _text(gps.get(GPS.GPSLongitudeRef)), "EW", 180)
    if latitude is None or longitude is None or (latitude, longitude) == (0, 0):
        return None
    return latitude, longitude


def _angle(value: Any, side: str, sides: str, limit: int) -> float | None:
    """Convert one to three rationals (degrees, minutes, seconds) to signed degrees; None if invalid."""
    parts = [float(part) for part in (value if isinstance(value, tuple) else (value,)) if part is not None]
    if not 1 <= len(parts) <= 3 or not all(isfinite(part) and part >= 0 for part in parts):
        return None
    if len(side) != 1 or side.upper() not in sides or any(part > 60 for part in parts[1:]):
        return None
    degrees = sum(part / unit for part, unit in zip(parts, (1, 60, 3600), strict=False))
    if degrees > limit:
        return None
    return -degrees if side.upper() == sides[1] and degrees else degrees


def _offset(sign: str, hours: str, minutes: str) -> timedelta:
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return -offset if sign == "-" else offset


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return value.strip("\0 ") if isinstance(value, str) else ""
