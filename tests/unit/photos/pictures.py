"""Small pictures, and what the tests ask of them."""

import zlib
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw
from PIL.TiffImagePlugin import IFDRational
from pillow_heif import register_heif_opener

register_heif_opener(decode_threads=1)

RED, GREEN, BLUE, WHITE = (220, 30, 40), (40, 180, 60), (30, 60, 200), (255, 255, 255)
CORNERS = (RED, GREEN, BLUE, WHITE)
"""Upper left, upper right, lower left, lower right: however the picture is turned, they move."""


def picture(width: int = 96, height: int = 64, seed: int = 1) -> Image.Image:
    """Four corners, each of its colour, round a middle of patches that are other ones for each seed."""
    draws = zlib.crc32(b"%d" % seed)
    canvas = Image.new("RGB", (12, 8))
    for place in range(12 * 8):
        draws = zlib.crc32(b"%d" % place, draws)
        canvas.putpixel((place % 12, place // 12), (draws & 255, draws >> 8 & 255, draws >> 16 & 255))
    image = canvas.resize((width, height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    third, fourth = max(1, width // 4), max(1, height // 4)
    for colour, x, y in zip(
        CORNERS, (0, width - third, 0, width - third), (0, 0, height - fourth, height - fourth), strict=True
    ):
        draw.rectangle((x, y, x + third - 1, y + fourth - 1), fill=colour)
    return image


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    """The picture as a file; the format is Pillow's name of it."""
    written = BytesIO()
    image.save(written, form, **options)
    return written.getvalue()


def opened(jpeg: bytes) -> Image.Image:
    return Image.open(BytesIO(jpeg), formats=("JPEG",))


def corners(image: Image.Image) -> tuple[tuple[int, int, int], ...]:
    """Which of the four colours each corner has, from upper left to lower right."""
    rgb = image.convert("RGB")
    x, y = max(1, rgb.width // 12), max(1, rgb.height // 12)
    places = (
        (x, y),
        (rgb.width - 1 - x, y),
        (x, rgb.height - 1 - y),
        (rgb.width - 1 - x, rgb.height - 1 - y),
    )
    return tuple(min(CORNERS, key=lambda colour: _apart(colour, rgb.getpixel(at))) for at in places)


def _apart(one: tuple[int, ...], other: Any) -> int:
    return sum(abs(first - second) for first, second in zip(one, other, strict=True))


def gray_at(image: Image.Image, x: int, y: int) -> int:
    return int(image.convert("L").tobytes()[y * image.width + x])


def exif(
    orientation: int | None = None,
    taken: str | None = None,
    offset: str | None = None,
    gps: dict[int, Any] | None = None,
    texts: dict[int, str] | None = None,
) -> bytes:
    """As bytes: of an object some of Pillow's writers take the first directory alone."""
    written = Image.Exif()
    if orientation is not None:
        written[0x0112] = orientation
    for tag, text in (texts or {}).items():
        written[tag] = text
    camera = {0x9003: taken, 0x9011: offset}
    if taken or offset:
        written.get_ifd(0x8769).update({tag: text for tag, text in camera.items() if text is not None})
    if gps:
        written.get_ifd(0x8825).update(gps)
    return written.tobytes()


def position(latitude: tuple[Any, ...], north: str, longitude: tuple[Any, ...], east: str) -> dict[int, Any]:
    """The GPS directory's four entries; degrees, minutes and seconds."""
    return {
        1: north,
        2: tuple(map(IFDRational, latitude)),
        3: east,
        4: tuple(map(IFDRational, longitude)),
    }
