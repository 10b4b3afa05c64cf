"""Small test pictures, and functions that write and inspect them."""

import zlib
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw
from PIL.TiffImagePlugin import IFDRational
from pillow_heif import register_heif_opener

register_heif_opener(decode_threads=1)

RED, GREEN, BLUE, WHITE = (220, 30, 40), (40, 180, 60), (30, 60, 200), (255, 255, 255)
CORNERS = (RED, GREEN, BLUE, WHITE)
"""Upper left, upper right, lower left, lower right: any turn of the picture changes their order."""

_FAST: dict[str, dict[str, Any]] = {
    "PNG": {"compress_level": 1},
    "WEBP": {"method": 0},
    "AVIF": {"speed": 10},
    "HEIF": {"enc_params": {"preset": "ultrafast"}},
}
"""Options of the encoders that trade file size for speed."""


def picture(width: int = 96, height: int = 64, seed: int = 1) -> Image.Image:
    """Draw four corners of different colours around a middle of patches that the seed determines."""
    random = zlib.crc32(b"%d" % seed)
    canvas = Image.new("RGB", (12, 8))
    for patch in range(12 * 8):
        random = zlib.crc32(b"%d" % patch, random)
        canvas.putpixel((patch % 12, patch // 12), (random & 255, random >> 8 & 255, random >> 16 & 255))
    image = canvas.resize((width, height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    third, fourth = max(1, width // 4), max(1, height // 4)
    for colour, x, y in zip(
        CORNERS, (0, width - third, 0, width - third), (0, 0, height - fourth, height - fourth), strict=True
    ):
        draw.rectangle((x, y, x + third - 1, y + fourth - 1), fill=colour)
    return image


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    """Encode the picture; ``form`` is Pillow's name of the format."""
    if form == "GIF" and image.mode == "RGB":
        image = image.quantize(method=Image.Quantize.FASTOCTREE)  # 40 times faster than Pillow's default
    written = BytesIO()
    image.save(written, form, **_FAST.get(form, {}) | options)
    return written.getvalue()


def opened(jpeg: bytes) -> Image.Image:
    return Image.open(BytesIO(jpeg), formats=("JPEG",))


def corners(image: Image.Image) -> tuple[tuple[int, int, int], ...]:
    """Return which of the four colours each corner has, in the order of CORNERS."""
    rgb = image.convert("RGB")
    x, y = max(1, rgb.width // 12), max(1, rgb.height // 12)
    points = (
        (x, y),
        (rgb.width - 1 - x, y),
        (x, rgb.height - 1 - y),
        (rgb.width - 1 - x, rgb.height - 1 - y),
    )
    return tuple(min(CORNERS, key=lambda colour: _distance(colour, rgb.getpixel(point))) for point in points)


def _distance(one: tuple[int, ...], other: Any) -> int:
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
    """Return EXIF data as bytes: given an object, some of Pillow's writers use only its first directory."""
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
    """Return the four entries of the GPS directory from degrees, minutes and seconds."""
    return {
        1: north,
        2: tuple(map(IFDRational, latitude)),
        3: east,
        4: tuple(map(IFDRational, longitude)),
    }


def png_chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the type and the content of each chunk of a PNG."""
    at = 8
    while at + 12 <= len(png):
        length = int.from_bytes(png[at : at + 4])
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += 12 + length


def png_of(chunks: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return a PNG of these chunks, with the right checksums."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)
        for kind, content in chunks
    )


def animated_png(frames: int) -> bytes:
    """Return a PNG of one frame that declares this number of frames."""
    head, *rest = png_chunks(encoded(picture(48, 32), "PNG"))
    return png_of([head, (b"acTL", frames.to_bytes(4) + bytes(4)), *rest])
