"""Small pictures for schedules, each with the result of decoding it without faults."""

import io
import struct
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from PIL import Image, ImageEnhance

from claimwatch.domain.photos.photo import Photo, examine
from claimwatch.errors import RefusedPhoto
from samples.photos import Facts, encoded, scene

SCENES = 5
_SIZE = (320, 240)


@dataclass(frozen=True)
class Picture:
    """The bytes of an object, and the resulting photo or reason for rejection."""

    data: bytes
    becomes: Photo | str


@dataclass(frozen=True)
class Album:
    """Pictures of a few scenes in several similar copies, blank pictures and broken pictures."""

    alike: tuple[tuple[Picture, ...], ...]
    blank: tuple[Picture, ...]
    broken: tuple[Picture, ...]


@cache
def album() -> Album:
    """Return the album, which all schedules share; each picture is decoded once."""
    return Album(
        alike=tuple(tuple(map(_examined, _copies(number))) for number in range(SCENES)),
        blank=tuple(_examined(encoded(Image.new("RGB", _SIZE, gray))) for gray in ("white", "#203040")),
        broken=tuple(map(_examined, _broken())),
    )


def _copies(number: int) -> list[bytes]:
    """Return the original of a scene, and copies: compressed, smaller, brighter, cropped."""
    image = scene(3, number, *_SIZE)
    taken = Facts(
        orientation=(1, 6, 3, 8)[number % 4],
        taken_at=datetime(2026, 1, 5, 9, number, tzinfo=UTC),
        latitude=46.5 + number,
        longitude=7.25,
    )
    return [
        encoded(image, "JPEG", taken),
        encoded(image, "JPEG", quality=55),
        encoded(image.resize((240, 180)), "WEBP"),
        encoded(ImageEnhance.Brightness(image.resize((120, 90))).enhance(1.1), "PNG"),
        encoded(image.crop((6, 6, 314, 236))),
    ]


def _broken() -> list[bytes]:
    whole = encoded(scene(3, SCENES, *_SIZE))
    return [
        b"",
        b"We will send the photo tomorrow.",
        whole[: len(whole) // 2],
        encoded(Image.new("RGB", (4, 4)), "GIF")[:-9],
        _enormous(),
    ]


def _enormous() -> bytes:
    """Return a PNG of a few bytes whose header states 50,000 x 50,000 pixels."""
    file = io.BytesIO()
    Image.new("1", (1, 1)).save(file, "PNG")
    data = file.getvalue()
    header = b"IHDR" + struct.pack(">II", 50_000, 50_000) + data[24:29]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


def _examined(data: bytes) -> Picture:
    try:
        return Picture(data, examine(data))
    except RefusedPhoto as refused:
        return Picture(data, str(refused))
