"""Photos of a book's claims, as customers send them: in many formats, one used twice, one broken.

images/<claim id>/<name>    one to three of each of the first week's first claims
photos.json                 what each of them is
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
"""Formats and the ends of their names."""

_TURN = ("JPEG", "JPEG", "PNG", "JPEG", "HEIF", "JPEG", "WEBP", "JPEG", "TIFF", "JPEG")
_NAMES = (
    "IMG_{stamp}.{end}",
    "IMG-{stamp}-{number:04}.{end}",
    "Foto {number} (links).{end}",
    "DSC{number:05}.{end}",
    "Beschädigung+100%.{end}",  # keys are not escaped on their way
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
"""How upright pixels are stored under each EXIF orientation."""


@dataclass(frozen=True)
class Facts:
    """What a camera writes beside the pixels."""

    orientation: int = 1
    taken_at: datetime | None = None
    """With a zone; UTC is written without one, as older cameras do."""
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True)
class SentPhoto:
    """One object, and what a reader has to find in it."""

    key: str
    event_id: str
    format: str
    width: int
    """Of the picture held upright, as the height is."""
    height: int
    facts: Facts
    bytes: int
    sha256: str
    reuses: str | None = None
    """The key of the photo that this one is a smaller copy of."""
    broken: bool = False
    """Cut off: to be refused."""


def encoded(image: Image.Image, format: str = "JPEG", facts: Facts | None = None, quality: int = 92) -> bytes:
    """An upright picture as a file; without facts, it has no EXIF."""
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
    """Write the photos of so many claims, of ``longest`` pixels on their longer side, and photos.json."""
    photos = []
    for photo, data in _photos(book, events, longest):
        path = out / photo.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        photos.append(photo)
        if report:
            report(photo)
    told = {"seed": book.config.seed, "photos": [asdict(photo) for photo in photos]}
    text = json.dumps(told, default=str, indent=1, ensure_ascii=False)
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
            moment = _moment(rng, datetime.fromtimestamp(second, UTC))
            facts = Facts(_orientation(number), moment, *_place(rng))
            kind = _TURN[number % len(_TURN)]
            photo, data = _sent(event_id, _name(number, moment, kind), image, kind, facts)
            yield photo, data
            first = first or (photo.key, image)
            number += 1
        if event == events // 2:
            photo, data = _sent(event_id, "upload interrupted.jpg", image, "JPEG", Facts())
            yield _cut(photo, data)
        if first and event and event == events - 1:
            key, original = first
            smaller = original.resize((original.width * 3 // 5, original.height * 3 // 5))
            yield _sent(event_id, "received.jpg", smaller, "JPEG", None, quality=60, reuses=key)


def _sent(
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


def _cut(photo: SentPhoto, data: bytes) -> tuple[SentPhoto, bytes]:
    data = data[: len(data) * 3 // 5]
    digest = hashlib.sha256(data).hexdigest()
    return replace(photo, bytes=len(data), sha256=digest, broken=True), data


def _orientation(number: int) -> int:
    """Each of the eight in turn, for JPEGs; the others are upright already."""
    if _TURN[number % len(_TURN)] != "JPEG":
        return 1
    rounds, place = divmod(number, len(_TURN))
    earlier = rounds * _TURN.count("JPEG") + _TURN[:place].count("JPEG")
    return earlier % 8 + 1


def _size(rng: Generator, longest: int) -> tuple[int, int]:
    wide, high = _ASPECTS[rng.integers(len(_ASPECTS))]
    share = longest / max(wide, high)
    return max(round(wide * share), 1), max(round(high * share), 1)


def _moment(rng: Generator, reported_at: datetime) -> datetime:
    """In the two days before the report; most phones know their zone."""
    moment = reported_at - timedelta(seconds=int(rng.integers(60, 2 * 24 * 3600)))
    return moment.astimezone(timezone(timedelta(hours=1))) if rng.random() < 0.7 else moment


def _place(rng: Generator) -> tuple[float | None, float | None]:
    """Latitude and longitude as a camera writes them; some phones keep them to themselves."""
    latitude, longitude = rng.uniform(-35.0, 58.0), rng.uniform(-9.0, 25.0)
    if rng.random() < 0.25:
        return None, None
    return _degrees(*_sexagesimal(latitude)), _degrees(*_sexagesimal(longitude))


def _name(number: int, moment: datetime, format: str) -> str:
    return _NAMES[number % len(_NAMES)].format(
        stamp=f"{moment:%Y%m%d_%H%M%S}", number=number + 1, end=FORMATS[format]
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
        place = exif.get_ifd(ExifTags.IFD.GPSInfo)
        place[ExifTags.GPS.GPSLatitudeRef] = "S" if facts.latitude < 0 else "N"
        place[ExifTags.GPS.GPSLatitude] = _sexagesimal(facts.latitude)[1:]
        place[ExifTags.GPS.GPSLongitudeRef] = "W" if facts.longitude < 0 else "E"
        place[ExifTags.GPS.GPSLongitude] = _sexagesimal(facts.longitude)[1:]
        exif[ExifTags.IFD.GPSInfo] = place
    return exif


def _sexagesimal(degrees: float) -> tuple[int, float, float, float]:
    """Sign, degrees, minutes and seconds, to a hundredth of one: thirty centimetres."""
    hundredths = round(abs(degrees) * 360_000)
    minutes, rest = divmod(hundredths, 6_000)
    return (-1 if degrees < 0 else 1), float(minutes // 60), float(minutes % 60), rest / 100


def _degrees(sign: int, degrees: float, minutes: float, seconds: float) -> float:
    return round(sign * (degrees + minutes / 60 + seconds / 3600), 7)
