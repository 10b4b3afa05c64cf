"""Photos of a book's claims, as customers send them: in many formats, one reused, one truncated.

images/<claim id>/<name>    one to three photos of each of the first claims of the first week
photos.json                 a description of each photo
"""

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pillow_heif
from numpy.random import Generator
from PIL import ExifTags, Image

from samples.book import Book, claim_ids
from samples.photos.scene import scene

pillow_heif.register_heif_opener()

FORMATS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "HEIF": "heic", "TIFF": "tif"}
"""File name extension of each format."""

_FORMAT_CYCLE = ("JPEG", "JPEG", "PNG", "JPEG", "HEIF", "JPEG", "WEBP", "JPEG", "TIFF", "JPEG")
_NAMES = (
    "IMG_{stamp}.{end}",
    "IMG-{stamp}-{number:04}.{end}",
    "Foto {number} (links).{end}",
    "DSC{number:05}.{end}",
    "Beschädigung+100%.{end}",  # keys are not escaped in events
)
_ASPECTS = ((4, 3), (4, 3), (3, 4), (16, 9), (9, 16), (1, 1))
_TRANSPOSED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""The transposition of upright pixels to the stored ones, by EXIF orientation."""


@dataclass(frozen=True)
class Facts:
    """EXIF metadata of a photo."""

    orientation: int = 1
    taken_at: datetime | None = None
    """Time with a zone; UTC is written without an offset, as older cameras do."""
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True)
class SentPhoto:
    """One object with its expected content."""

    key: str
    event_id: str
    format: str
    width: int
    """Width of the upright picture; likewise the height."""
    height: int
    facts: Facts
    bytes: int
    sha256: str
    reuses: str | None = None
    """The key of the original, if this photo is a smaller copy."""
    broken: bool = False
    """Whether the file is truncated and must be refused."""


def encoded(image: Image.Image, format: str = "JPEG", facts: Facts | None = None, quality: int = 92) -> bytes:
    """Encode an upright picture; without facts, the file has no EXIF."""
    options: dict[str, object] = {"quality": quality} if format in ("JPEG", "WEBP", "HEIF") else {}
    if facts:
        if facts.orientation in _TRANSPOSED:
            image = image.transpose(_TRANSPOSED[facts.orientation])
        options["exif"] = _exif(facts)
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def deliver_photos(
    book: Book,
    out: Path,
    events: int,
    longest: int = 2_000,
    report: Callable[[SentPhoto], None] | None = None,
) -> list[SentPhoto]:
    """Write the photos of the first ``events`` claims, at most ``longest`` pixels a side, and photos.json."""
    photos = []
    for photo, data in _photos(book, events, longest):
        path = out / photo.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        photos.append(photo)
        if report:
            report(photo)
    description = {"seed": book.config.seed, "photos": [asdict(photo) for photo in photos]}
    text = json.dumps(description, default=str, indent=1, ensure_ascii=False)
    (out / "photos.json").write_text(text + "\n", encoding="utf-8")
    return photos


def _photos(book: Book, events: int, longest: int) -> Iterator[tuple[SentPhoto, bytes]]:
    seed = book.config.seed % (1 << 32)
    numbers = np.arange(events, dtype=np.uint64)
    serials = claim_ids(book.config.seed, 0, numbers)
    reported = book.claims(0, numbers).reported_at
    number = 0
    first: tuple[str, Image.Image] | None = None
    for event, (serial, second) in enumerate(zip(serials.values.tolist(), reported.tolist(), strict=True)):
        event_id = f"{serials.prefix}{serial:0{serials.digits}X}"
        rng = np.random.default_rng([seed, event, 1])
        for _ in range(int(rng.integers(1, 4))):
            image = scene(seed, number, *_size(rng, longest))
            taken_at = _time_taken(rng, datetime.fromtimestamp(second, UTC))
            facts = Facts(_orientation(number), taken_at, *_position(rng))
            file_format = _FORMAT_CYCLE[number % len(_FORMAT_CYCLE)]
            photo, data = _photo(event_id, _name(number, taken_at, file_format), image, file_format, facts)
            yield photo, data
            first = first or (photo.key, image)
            number += 1
        if event == events // 2:
            photo, data = _photo(event_id, "upload interrupted.jpg", image, "JPEG", Facts())
            yield _truncated(photo, data)
        if first and event and event == events - 1:
            key, original = first
            smaller = original.resize((original.width * 3 // 5, original.height * 3 // 5))
            yield _photo(event_id, "received.jpg", smaller, "JPEG", None, quality=60, reuses=key)


def _photo(
    event_id: str,
    name: str,
    image: Image.Image,
    format: str,
    facts: Facts | None,
    quality: int = 92,
    reuses: str | None = None,
) -> tuple[SentPhoto, bytes]:
    data = encoded(image, format, facts, quality)
    photo = SentPhoto(
        key=f"images/{event_id}/{name}",
        event_id=event_id,
        format=format,
        width=image.width,
        height=image.height,
        facts=facts or Facts(),
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        reuses=reuses,
    )
    return photo, data


def _truncated(photo: SentPhoto, data: bytes) -> tuple[SentPhoto, bytes]:
    data = data[: len(data) * 3 // 5]
    digest = hashlib.sha256(data).hexdigest()
    return replace(photo, bytes=len(data), sha256=digest, broken=True), data


def _orientation(number: int) -> int:
    """Return each orientation in turn for JPEGs; other formats are stored upright."""
    if _FORMAT_CYCLE[number % len(_FORMAT_CYCLE)] != "JPEG":
        return 1
    rounds, position = divmod(number, len(_FORMAT_CYCLE))
    earlier = rounds * _FORMAT_CYCLE.count("JPEG") + _FORMAT_CYCLE[:position].count("JPEG")
    return earlier % 8 + 1


def _size(rng: Generator, longest: int) -> tuple[int, int]:
    wide, high = _ASPECTS[rng.integers(len(_ASPECTS))]
    share = longest / max(wide, high)
    return max(round(wide * share), 1), max(round(high * share), 1)


def _time_taken(rng: Generator, reported_at: datetime) -> datetime:
    """Return a time in the two days before the report; most photos have a zone."""
    taken_at = reported_at - timedelta(seconds=int(rng.integers(60, 2 * 24 * 3600)))
    return taken_at.astimezone(timezone(timedelta(hours=1))) if rng.random() < 0.7 else taken_at


def _position(rng: Generator) -> tuple[float | None, float | None]:
    """Return latitude and longitude as a camera writes them; some photos have none."""
    latitude, longitude = rng.uniform(-35.0, 58.0), rng.uniform(-9.0, 25.0)
    if rng.random() < 0.25:
        return None, None
    return _degrees(*_sexagesimal(latitude)), _degrees(*_sexagesimal(longitude))


def _name(number: int, taken_at: datetime, format: str) -> str:
    return _NAMES[number % len(_NAMES)].format(
        stamp=f"{taken_at:%Y%m%d_%H%M%S}", number=number + 1, end=FORMATS[format]
    )


def _exif(facts: Facts) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = facts.orientation
    if facts.taken_at:
        detail = exif.get_ifd(ExifTags.IFD.Exif)
        detail[ExifTags.Base.DateTimeOriginal] = f"{facts.taken_at:%Y:%m:%d %H:%M:%S}"
        if facts.taken_at.utcoffset():
            detail[ExifTags.Base.OffsetTimeOriginal] = f"{facts.taken_at:%:z}"
        exif[ExifTags.IFD.Exif] = detail
    if facts.latitude is not None and facts.longitude is not None:
        gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
        gps[ExifTags.GPS.GPSLatitudeRef] = "S" if facts.latitude < 0 else "N"
        gps[ExifTags.GPS.GPSLatitude] = _sexagesimal(facts.latitude)[1:]
        gps[ExifTags.GPS.GPSLongitudeRef] = "W" if facts.longitude < 0 else "E"
        gps[ExifTags.GPS.GPSLongitude] = _sexagesimal(facts.longitude)[1:]
        exif[ExifTags.IFD.GPSInfo] = gps
    return exif


def _sexagesimal(degrees: float) -> tuple[int, float, float, float]:
    """Return sign, degrees, minutes and seconds, rounded to 0.01 seconds (30 cm)."""
    hundredths = round(abs(degrees) * 360_000)
    minutes, rest = divmod(hundredths, 6_000)
    return (-1 if degrees < 0 else 1), float(minutes // 60), float(minutes % 60), rest / 100


def _degrees(sign: int, degrees: float, minutes: float, seconds: float) -> float:
    return round(sign * (degrees + minutes / 60 + seconds / 3600), 7)
