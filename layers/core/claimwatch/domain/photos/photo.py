"""Decodes a photo's bytes into the data that is kept of it.

Any input yields a ``Photo`` or raises ``RefusedPhoto``. Time and memory are limited by the caller: untrusted
bytes go through ``claimwatch.photos.decoder``.
"""

import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from PIL import Image

from claimwatch.domain.photos import boxes, colour, display, exif, metadata, png, webp
from claimwatch.domain.photos.exif import TimeTaken
from claimwatch.domain.photos.jpeg import completeness, multi_picture, repair
from claimwatch.domain.photos.perceptual_hash import gradients, perceptual_hash
from claimwatch.domain.photos.recognition import (
    FORMATS,
    MANGLED,
    check_line_ends,
    detect_format,
    has_replaced_bytes,
    without_leading_junk,
)
from claimwatch.errors import RefusedPhoto

MAX_FRAMES = 2**31 - 1
"""Largest number of frames that is reported: the column stores no more, and a PNG can declare any number."""

_NEW_SUBFILE_TYPE, _DNG_VERSION = 254, 50706
"""TIFF tags; Adobe defined the second."""
_UNCOMPRESSED = {"BMP", "TIFF"}
"""Formats in which any pair of bytes can be frequent."""
_STRIP = 1 << 22
"""Pixels of which a checksum is computed at a time."""

# Pillow raises an error at twice this limit, from the header, before it allocates any memory.
Image.MAX_IMAGE_PIXELS = display.MAX_PIXELS // 2


@dataclass(frozen=True)
class Photo:
    """Data kept of a photo.

    ``format`` is detected from the content: JPEG, PNG, WEBP, TIFF, GIF, BMP, AVIF or HEIF. ``width`` and
    ``height`` are the original's when upright. ``phash`` is None for a picture without structure (see
    ``perceptual_hash``); ``gradients`` order pictures with similar hashes. ``taken_at`` is in UTC, and None
    if the camera wrote no time zone; ``taken_at_local`` is what its clock showed. ``latitude`` and
    ``longitude`` are in degrees, both set or both None. ``display`` and ``thumbnail`` are upright JPEGs in
    sRGB, without metadata.
    """

    format: str
    width: int
    height: int
    frames: int
    phash: int | None
    gradients: int
    taken_at: datetime | None
    latitude: float | None
    longitude: float | None
    display: bytes
    thumbnail: bytes
    taken_at_local: datetime | None = None


def examine(data: bytes) -> Photo:
    """Decode a photo; the same bytes always give the same result. Raises ``RefusedPhoto``."""
    data = without_leading_junk(data)
    file_format = detect_format(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about damage that it can handle
        try:
            if file_format not in _UNCOMPRESSED:
                check_line_ends(data)
            return _examine(data, file_format)
        except RefusedPhoto:
            raise
        except Image.DecompressionBombError as error:
            raise RefusedPhoto(display.TOO_LARGE) from error
        except MemoryError as error:
            raise RefusedPhoto(
                "decoding it needs too much memory; send a smaller copy of the photo"
            ) from error
        except Exception as error:  # plug-ins raise any exception on damaged bytes
            raise RefusedPhoto(_refusal(data, file_format, error)) from error


def _examine(data: bytes, file_format: str) -> Photo:
    """Decode the photo, or else a copy of it in which damage that costs no pixel is repaired."""
    _load_plugin(file_format)
    copies = _copies(data, file_format)
    first = next(copies)
    try:
        return _decode(first, file_format)
    except Exception as error:
        if isinstance(error, _FINAL) or _is_text_limit(str(error)):
            raise
        for copy in copies:
            with suppress(Exception):
                return _decode(copy, file_format)
        raise


def _copies(data: bytes, file_format: str) -> Iterator[bytes]:
    """Yield the photo, with what its picture needs, and copies with a repaired header or without metadata."""
    match file_format:
        case "JPEG":
            yield completeness.completed(data, _checksum_of_pixels)
            for repaired in repair.repaired(data):
                yield completeness.completed(repaired, _checksum_of_pixels)
        case "PNG":
            yield png.checked(data)
            yield png.without_metadata(data)
        case "WEBP":
            yield data
            yield from webp.repaired(data)
        case "AVIF" | "HEIF":
            yield data
            yield boxes.without_exif(data)
        case _:
            yield data


def _decode(data: bytes, file_format: str) -> Photo:
    image, frames = _opened(data, file_format)
    display.check_size(image.size)
    width, height = image.size
    if file_format == "TIFF":
        _refuse_raw(image)
    if image.format == "MPO":
        frames = multi_picture.frames(data)
    size, box = display.load(image)
    if file_format == "JPEG" and display.ends_gray(image):
        completeness.check_end(data, _checksum_of_pixels)
    if file_format == "HEIF":
        width, height = image.size  # libheif learns the size while it decodes
    shown = display.to_srgb(display.shrunk(image, size, box), _profile(image, data))
    # Only after decoding: a PNG may have its EXIF after the pixels, and Pillow turns a TIFF upright on load.
    blocks = metadata.read_exif(image)
    orientation = metadata.read_orientation(image, blocks)
    if orientation in exif.UPRIGHT:
        shown = shown.transpose(exif.UPRIGHT[orientation])
    if orientation in exif.SIDEWAYS:
        width, height = height, width
    thumbnail = display.thumbnail(shown)
    taken = _attempt(lambda: exif.time_taken(blocks[0]), TimeTaken())
    latitude, longitude = _attempt(lambda: exif.position(blocks[0]), None) or (None, None)
    return Photo(
        format=file_format,
        width=width,
        height=height,
        frames=frames,
        phash=perceptual_hash(thumbnail.getchannel(0)),
        gradients=gradients(thumbnail.getchannel(0)),
        taken_at=taken.utc,
        taken_at_local=taken.local,
        latitude=latitude,
        longitude=longitude,
        display=display.encoded(shown, display.DISPLAY_QUALITY),
        thumbnail=display.encoded(thumbnail, display.THUMBNAIL_QUALITY),
    )


def _opened(data: bytes, file_format: str) -> tuple[Image.Image, int]:
    """Open the photo and count its frames; a later frame that is damaged is no reason to refuse the first."""
    image = Image.open(BytesIO(data), formats=(file_format,))
    try:
        return image, min(max(1, int(getattr(image, "n_frames", 1))), MAX_FRAMES)
    except Exception:  # noqa: BLE001 - plug-ins raise any exception on damaged bytes
        return Image.open(BytesIO(data), formats=(file_format,)), 1


def _profile(image: Image.Image, data: bytes) -> bytes | None:
    """Return the profile of the photo's colours; None if they are in sRGB.

    Code points are preferred to a profile in a PNG, and the reverse in HEIC and AVIF, as their standards say.
    """
    embedded = metadata.read_profile(image)
    match image.format:
        case "PNG":
            codes = png.colour_codes(data)
            if codes is None and not embedded and "srgb" not in image.info and "gamma" in image.info:
                return colour.profile_of_gamma(image.info["gamma"], image.info.get("chromaticity"))
            return colour.profile_of_codes(*codes) if codes else embedded
        case "AVIF" | "HEIF" if not embedded:
            codes = boxes.colour_codes(data)
            return colour.profile_of_codes(*codes) if codes else None
    return embedded


def _checksum_of_pixels(jpeg: bytes) -> int:
    """Decode a JPEG in full and return a checksum of its pixels."""
    image = Image.open(BytesIO(jpeg), formats=("JPEG",))
    display.check_size(image.size)
    if display.is_ycc(image):
        image.draft("YCbCr", None)  # RGB would clip some differences
    image.load()
    checksum, rows = 0, max(1, _STRIP // image.width)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        checksum = zlib.crc32(strip.tobytes(), checksum)
    return checksum


def _load_plugin(file_format: str) -> None:
    """Register the format's plug-in with Pillow, which loads only the most common ones by itself."""
    if file_format == "HEIF" and file_format not in Image.OPEN:
        from pillow_heif import register_heif_opener  # noqa: PLC0415 - 30 MB of libraries that few photos need

        register_heif_opener(decode_threads=1)
    elif file_format == "AVIF":
        from PIL import AvifImagePlugin  # noqa: PLC0415 - as above

        AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    elif file_format == "TIFF":
        from PIL import TiffImagePlugin  # noqa: F401, PLC0415 - as above
    elif file_format == "WEBP":
        from PIL import WebPImagePlugin  # noqa: F401, PLC0415 - as above


def load_decoders() -> None:
    """Load everything that any photo needs, so that decoding opens no file any more."""
    from PIL import ImageCms, MpoImagePlugin  # noqa: F401, PLC0415 - Pillow loads the second for some JPEGs

    Image.preinit()
    for file_format in FORMATS:
        _load_plugin(file_format)


# -- Refusals ------------------------------------------------------------------------------------------------

_FINAL = (RefusedPhoto, Image.DecompressionBombError, MemoryError, completeness.Incomplete, png.DamagedPixels)
"""Errors that no repaired copy avoids."""

_EARLY_ENDS = ("truncated", "Truncated", "Unexpected end of file", "outside of file bounds")
"""Messages of Pillow and its plug-ins about a file that ends too early."""


def _refuse_raw(image: Image.Image) -> None:
    """Refuse a camera's raw file: it is a TIFF whose first page is only a small preview of the photo."""
    tags = getattr(image, "tag_v2", {})
    if tags.get(_NEW_SUBFILE_TYPE) == 1 or _DNG_VERSION in tags:
        raise RefusedPhoto("the file is a camera's raw data; send the photo as JPEG")


def _refusal(data: bytes, file_format: str, error: Exception) -> str:
    """Return the reason for a refusal, with advice, from the error of Pillow or a plug-in."""
    message = str(error)
    if "out of memory" in message:
        return "decoding it needs too much memory; send a smaller copy of the photo"
    if _is_text_limit(message):
        return f"a text inside the {file_format} is too large when unpacked; save the photo without metadata"
    if has_replaced_bytes(data):
        return MANGLED % "UTF-8"
    if _ends_early(data, file_format, error):
        return f"the {file_format} ends before its picture is complete; send the whole file"
    return f"the {file_format} is damaged or uses a rare encoding and cannot be decoded; send it as a JPEG"


def _is_text_limit(message: str) -> bool:
    return "Decompressed data too large" in message or "Too much memory used in text chunks" in message


def _ends_early(data: bytes, file_format: str, error: Exception) -> bool:
    if isinstance(error, completeness.Incomplete | EOFError) or any(
        text in str(error) for text in _EARLY_ENDS
    ):
        return True
    return (file_format in {"AVIF", "HEIF"} and boxes.is_cut(data)) or (
        file_format == "WEBP" and webp.is_cut(data)
    )


def _attempt[Value](read: Callable[[], Value], default: Value) -> Value:
    """Return ``read()``, or the default if it fails: damaged metadata is no reason to refuse a photo."""
    try:
        return read()
    except Exception:  # noqa: BLE001 - Pillow raises any exception on damaged metadata
        return default
