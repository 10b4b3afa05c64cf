"""Decodes a photo's bytes into the data that is kept of it.

Any input yields a ``Photo`` or raises ``RefusedPhoto``. Time and memory are limited by the caller: untrusted
bytes go through ``claimwatch.photos.decoder``.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from math import isfinite
from typing import cast

from PIL import Image
from PIL.Image import Resampling

from claimwatch.domain.photos import exif
from claimwatch.domain.photos.perceptual_hash import perceptual_hash
from claimwatch.errors import RefusedPhoto

DISPLAY, THUMBNAIL = 1024, 256
"""Longest side of the two copies in pixels; smaller originals are not enlarged."""

MAX_PIXELS = 100_000_000
"""Limit, checked in the header before anything is decoded. Phone cameras write 12 to 50 megapixels, and up to
200 only on demand."""

MAX_FRAMES = 2**31 - 1
"""Largest number of frames that is reported: the column stores no more, and a PNG can declare any number."""

_DISPLAY_QUALITY, _THUMBNAIL_QUALITY = 85, 80
_STRIP = 1 << 22
"""Pixels converted at a time, so that a large picture is in memory only once."""
_LARGEST_PROFILE = 4 << 20
"""Largest colour profile that is applied, in bytes. Printer profiles reach two million bytes."""

_SRGB_IN_UTF_16 = "sRGB".encode("utf-16-be")

_TOO_LARGE = f"the photo has more than {MAX_PIXELS // 1_000_000} megapixels; send a smaller copy of it"
_SEND = "send the photo as JPEG, PNG, WebP, TIFF, GIF, BMP, AVIF or HEIC"
_OTHERS = {
    b"%PDF": "a PDF",
    b"8BPS": "a Photoshop document",
    b"PK\x03\x04": "a ZIP archive",
    b"\x00\x00\x00\x0cjP  ": "JPEG 2000",
    b"\x00\x00\x00\x0cJXL ": "JPEG XL",
    b"\xff\x0a": "JPEG XL",
}
_SIGNATURES = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
}
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}

_NEW_SUBFILE_TYPE, _DNG_VERSION = 254, 50706
"""TIFF tags; Adobe defined the second."""

# Pillow raises an error at twice this limit, from the header, before it allocates any memory.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2


@dataclass(frozen=True)
class Photo:
    """Data kept of a photo.

    ``format`` is detected from the content: JPEG, PNG, WEBP, TIFF, GIF, BMP, AVIF or HEIF. ``width`` and
    ``height`` are the original's when upright. ``phash`` is None for a picture without structure (see
    ``perceptual_hash``). ``taken_at`` is in UTC; ``latitude`` and ``longitude`` are in degrees, both set or
    both None. ``display`` and ``thumbnail`` are upright JPEGs in sRGB, without metadata.
    """

    format: str
    width: int
    height: int
    frames: int
    phash: int | None
    taken_at: datetime | None
    latitude: float | None
    longitude: float | None
    display: bytes
    thumbnail: bytes


def examine(data: bytes) -> Photo:
    """Decode a photo; the same bytes always give the same result. Raises ``RefusedPhoto``."""
    file_format = _detect_format(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about damage that it can handle
        try:
            return _examine(data, file_format)
        except RefusedPhoto:
            raise
        except Image.DecompressionBombError as error:
            raise RefusedPhoto(_TOO_LARGE) from error
        except MemoryError as error:
            raise RefusedPhoto(
                "decoding it needs too much memory; send a smaller copy of the photo"
            ) from error
        except Exception as error:  # plug-ins raise any exception on damaged bytes
            raise RefusedPhoto(_refusal(file_format, error)) from error


def _examine(data: bytes, file_format: str) -> Photo:
    _load_plugin(file_format)
    image = Image.open(BytesIO(data), formats=(file_format,))
    _check_size(image.size)
    width, height = image.size
    if file_format == "TIFF":
        _refuse_raw(image)
    frames = min(max(1, int(getattr(image, "n_frames", 1))), MAX_FRAMES)
    display = _to_srgb(_shrunk(image), image.info.get("icc_profile"))
    # Only after decoding: a PNG may have its EXIF after the pixels, and Pillow turns a TIFF upright on load.
    metadata = _attempt(image.getexif, Image.Exif())
    turn = exif.UPRIGHT.get(_attempt(lambda: exif.orientation(metadata), 1))
    if turn is not None:
        display = display.transpose(turn)
        if turn in {exif.UPRIGHT[orientation] for orientation in (5, 6, 7, 8)}:
            width, height = height, width
    thumbnail = display.resize(_fitted(display.size, THUMBNAIL), Resampling.BICUBIC, reducing_gap=1.0)
    latitude, longitude = _attempt(lambda: exif.position(metadata), None) or (None, None)
    return Photo(
        format=file_format,
        width=width,
        height=height,
        frames=frames,
        phash=perceptual_hash(thumbnail.getchannel(0)),
        taken_at=_attempt(lambda: exif.taken_at(metadata), None),
        latitude=latitude,
        longitude=longitude,
        display=_jpeg(display, _DISPLAY_QUALITY),
        thumbnail=_jpeg(thumbnail, _THUMBNAIL_QUALITY),
    )


# -- Format and refusals -------------------------------------------------------------------------------------


def _detect_format(data: bytes) -> str:
    """Detect the format from the first bytes; only that format's plug-in reads the rest."""
    if not data:
        raise RefusedPhoto("the file is empty; send it again")
    for signature, file_format in _SIGNATURES.items():
        if data.startswith(signature):
            return file_format
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    other = next((name for signature, name in _OTHERS.items() if data.startswith(signature)), None)
    if data[4:8] == b"ftyp":
        brands = {data[place : place + 4] for place in (8, *range(16, min(_box_end(data), 256), 4))}
        if brands & _AVIF_BRANDS:
            return "AVIF"
        if brands & _HEIF_BRANDS:
            return "HEIF"
        other = "a video"
    if other:
        raise RefusedPhoto(f"the file is {other}; {_SEND}")
    raise RefusedPhoto(f"the file is not a photo, or its beginning is damaged; {_SEND}")


def _box_end(data: bytes) -> int:
    return int.from_bytes(data[:4])


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
    for file_format in (*_SIGNATURES.values(), "WEBP", "AVIF", "HEIF"):
        _load_plugin(file_format)


def _check_size(size: tuple[int, int]) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise RefusedPhoto("the photo has no pixels; send it again")
    if width * height > MAX_PIXELS:
        raise RefusedPhoto(_TOO_LARGE)


def _refuse_raw(image: Image.Image) -> None:
    """Refuse a camera's raw file: it is a TIFF whose first page is only a small preview of the photo."""
    tags = getattr(image, "tag_v2", {})
    if tags.get(_NEW_SUBFILE_TYPE) == 1 or _DNG_VERSION in tags:
        raise RefusedPhoto("the file is a camera's raw data; send the photo as JPEG")


def _refusal(file_format: str, error: Exception) -> str:
    """Return the reason for a refusal, with advice, from the error of Pillow or a plug-in."""
    message = str(error)
    if "out of memory" in message:
        return "decoding it needs too much memory; send a smaller copy of the photo"
    if "Decompressed data too large" in message or "Too much memory used in text chunks" in message:
        return f"a text inside the {file_format} is too large when unpacked; save the photo without metadata"
    if "truncated" in message or "Truncated" in message:
        return f"the {file_format} is cut off before the end of its picture; send the whole file"
    return f"the {file_format} is damaged or uses a rare encoding and cannot be decoded; send it as a JPEG"


def _attempt[Value](read: Callable[[], Value], default: Value) -> Value:
    """Return ``read()``, or the default if it fails: damaged metadata is no reason to refuse a photo."""
    try:
        return read()
    except Exception:  # noqa: BLE001 - Pillow raises any exception on damaged metadata
        return default


# -- The display copy ----------------------------------------------------------------------------------------


def _fitted(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """Return the size of a copy whose longest side is at most ``longest``."""
    scale = min(1.0, longest / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _shrunk(image: Image.Image) -> Image.Image:
    """Return the first frame at its display size, as YCbCr, RGB, CMYK or L."""
    size = _fitted(image.size, DISPLAY)
    box: tuple[float, float, float, float] = (0, 0, *image.size)
    if image.format in {"JPEG", "MPO"}:
        # The JPEG decoder can scale to a half, a quarter or an eighth in a fraction of the time.
        drafted = image.draft("YCbCr" if _is_ycc(image) else None, size)
        if drafted:
            box = drafted[1]
    image.load()
    _check_size(image.size)
    if image.mode == "YCbCr" and image.size != size:
        return _shrunk_planes(image, size, box)
    shrunk = _shrunk_by_strips(image, size, box)
    if shrunk.mode != "RGBA":
        return shrunk
    white = Image.new("RGBA", size, "white")
    white.alpha_composite(shrunk)
    return white.convert("RGB")


def _is_ycc(image: Image.Image) -> bool:
    """Return whether libjpeg decodes the JPEG to luma and chroma; it cannot convert other colours to them."""
    layers = [layer[0] for layer in getattr(image, "layer", ())]
    return layers == [1, 2, 3] and image.info.get("adobe_transform", 1) == 1


def _shrunk_planes(
    image: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float]
) -> Image.Image:
    """Resize luma with the best filter, and chroma only to the half size that a 4:2:0 JPEG keeps."""
    half = (size[0] + 1) // 2, (size[1] + 1) // 2
    luma = image.getchannel(0).resize(size, Resampling.LANCZOS, box=box)
    chroma = [
        image.getchannel(plane)
        .resize(half, Resampling.BOX, box=box, reducing_gap=1.0)
        .resize(size, Resampling.NEAREST, box=(0, 0, size[0] / 2, size[1] / 2))
        for plane in (1, 2)
    ]
    return Image.merge("YCbCr", (luma, *chroma))


def _shrunk_by_strips(
    image: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float]
) -> Image.Image:
    """Convert strips to 8 bits a channel, reduce each by an integer factor, and resize the result."""
    to_eight_bits = _eight_bit_converter(image)
    # Each side has its own factor: a picture of a million by one is legal, and so wide a filter is too slow.
    across, down = (max(1, int(whole / part / 2)) for whole, part in zip(image.size, size, strict=True))
    rows = down * max(1, _STRIP // (image.width * down))
    reduced: Image.Image | None = None
    for top in range(0, image.height, rows):
        strip = to_eight_bits(image.crop((0, top, image.width, min(top + rows, image.height))))
        strip = strip.reduce((across, down)) if (across, down) != (1, 1) else strip
        if reduced is None:
            reduced = Image.new(strip.mode, (strip.width, -(-image.height // down)))
        reduced.paste(strip, (0, top // down))
    assert reduced is not None
    inner = (box[0] / across, box[1] / down, box[2] / across, box[3] / down)
    return reduced if reduced.size == size else reduced.resize(size, Resampling.LANCZOS, box=inner)


def _eight_bit_converter(image: Image.Image) -> Callable[[Image.Image], Image.Image]:
    """Return a function that converts a part of the image to L, RGB, RGBA or CMYK."""
    mode = image.mode
    if mode in {"I", "F"} or mode.startswith("I;16"):
        low, high = _range(image)
        scale = 255 / (high - low)
        offset = 0.5 - low * scale  # the conversion to L truncates
        # Pillow's own conversion would clip at 255.
        return lambda part: _floats(part).point(lambda value: value * scale + offset).convert("L")
    if image.has_transparency_data:
        return lambda part: part.convert("RGBA")
    if mode in {"1", "L"}:
        return lambda part: part.convert("L")
    if mode == "CMYK":
        return lambda part: part
    if mode in {"P", "RGB", "RGBX", "YCbCr"}:
        return lambda part: part.convert("RGB")
    raise RefusedPhoto(f"the photo's colour mode {mode} is not supported; save it as a JPEG")


def _range(image: Image.Image) -> tuple[float, float]:
    """Return the values of black and white in an image of more than 8 bits.

    They are 0 and 65,535 for 16-bit modes. For other modes they are the narrowest usual range that holds
    every pixel, or, if no usual range does, the darkest and the lightest pixel.
    """
    if image.mode.startswith("I;16"):
        return 0, 65535
    low, high = cast("tuple[float, float]", image.getextrema())
    if not (isfinite(low) and isfinite(high)):
        raise RefusedPhoto("the photo has pixels whose brightness is not a number; save it as a JPEG")
    usual = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
    if low >= 0 and high <= usual[-1]:
        return 0, next(most for most in usual if high <= most)
    return (low, high) if high > low else (low - 1, low + 1)


def _floats(part: Image.Image) -> Image.Image:
    return part if part.mode == "F" else part.convert("I").convert("F")


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return the image in sRGB, as L or YCbCr, without metadata.

    The profile is applied at display size, where that is cheap. An unusable profile is ignored.
    """
    if profile and not _is_srgb(profile) and len(profile) <= _LARGEST_PROFILE:
        image = _attempt(lambda: _with_profile_applied(image, profile), image)
    if image.mode != "L":
        # Pillow converts CMYK only to RGB.
        image = (image.convert("RGB") if image.mode == "CMYK" else image).convert("YCbCr")
    image.info = {}
    return image


def _is_srgb(profile: bytes) -> bool:
    """Check the profile's description, which is ASCII in ICC version 2 and UTF-16 in version 4."""
    return b"sRGB" in profile or _SRGB_IN_UTF_16 in profile


def _with_profile_applied(image: Image.Image, profile: bytes) -> Image.Image:
    from PIL import ImageCms  # noqa: PLC0415 - most photos are in sRGB

    rgb = image.convert("RGB") if image.mode == "YCbCr" else image
    converted = ImageCms.profileToProfile(
        rgb, ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    assert converted is not None
    return converted


def _jpeg(image: Image.Image, quality: int) -> bytes:
    written = BytesIO()
    image.save(written, "JPEG", quality=quality, subsampling="4:2:0")
    return written.getvalue()
