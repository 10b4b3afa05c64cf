"""A photo: its bytes in, what is kept of it out.

Whatever the bytes are, there comes a ``Photo`` or a ``RefusedPhoto``. How long that takes and in how much
memory is bounded by the caller: bytes from outside go through ``claimwatch.photos.decoder``.
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
"""Pixels of the longest side of the two copies; a smaller original is not enlarged."""

MAX_PIXELS = 100_000_000
"""As the header tells them, before anything is decoded. The largest cameras of phones have 200 million, which
they write on demand only; what is dropped is 12 to 50."""

_DISPLAY_QUALITY, _THUMBNAIL_QUALITY = 85, 80
_STRIP = 1 << 22
"""Pixels that are converted at a time, so that a large picture is in memory once."""
_LARGEST_PROFILE = 4 << 20
"""Bytes. A colour profile of a printer may have two million."""

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
"""Tags of TIFF; the second is Adobe's."""

# Pillow refuses twice what this says, by the header, before it allocates anything.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2


@dataclass(frozen=True)
class Photo:
    """What is kept of a photo.

    ``format`` is what the bytes are: JPEG, PNG, WEBP, TIFF, GIF, BMP, AVIF or HEIF. ``width`` and ``height``
    are the original's, upright. ``phash`` is None for a picture without structure (see ``perceptual_hash``).
    ``taken_at`` is in UTC; latitude and longitude are in degrees, both or neither. ``display`` and
    ``thumbnail`` are JPEG, upright, in sRGB, without metadata.
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
    """The photo that the bytes are; raises ``RefusedPhoto``. The same bytes give the same photo."""
    kind = _kind(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of damage that it gets over
        try:
            return _examine(data, kind)
        except RefusedPhoto:
            raise
        except Image.DecompressionBombError as error:
            raise RefusedPhoto(_TOO_LARGE) from error
        except MemoryError as error:
            raise RefusedPhoto(
                "decoding it needs too much memory; send a smaller copy of the photo"
            ) from error
        except Exception as error:  # a damaged byte makes a plug-in raise anything
            raise RefusedPhoto(_why(kind, error)) from error


def _examine(data: bytes, kind: str) -> Photo:
    _register(kind)
    image = Image.open(BytesIO(data), formats=(kind,))
    width, height = _checked(image.size)
    if kind == "TIFF":
        _refuse_raw(image)
    frames = int(getattr(image, "n_frames", 1))
    display = _colours(_shrunk(image), image.info.get("icc_profile"))
    # PNG may have its EXIF behind its pixels, and TIFF is turned upright by reading it.
    facts = _attempt(image.getexif, Image.Exif())
    turn = exif.UPRIGHT.get(_attempt(lambda: exif.orientation(facts), 1))
    if turn is not None:
        display = display.transpose(turn)
        if turn in {exif.UPRIGHT[orientation] for orientation in (5, 6, 7, 8)}:
            width, height = height, width
    thumbnail = display.resize(_fitted(display.size, THUMBNAIL), Resampling.BICUBIC, reducing_gap=1.0)
    latitude, longitude = _attempt(lambda: exif.place(facts), None) or (None, None)
    return Photo(
        format=kind,
        width=width,
        height=height,
        frames=frames,
        phash=perceptual_hash(thumbnail.getchannel(0)),
        taken_at=_attempt(lambda: exif.taken_at(facts), None),
        latitude=latitude,
        longitude=longitude,
        display=_jpeg(display, _DISPLAY_QUALITY),
        thumbnail=_jpeg(thumbnail, _THUMBNAIL_QUALITY),
    )


# -- What it is ----------------------------------------------------------------------------------------------


def _kind(data: bytes) -> str:
    """The format, by the first bytes; nothing but its own plug-in reads the rest."""
    if not data:
        raise RefusedPhoto("the file is empty; send it again")
    for signature, kind in _SIGNATURES.items():
        if data.startswith(signature):
            return kind
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    what = next((name for signature, name in _OTHERS.items() if data.startswith(signature)), None)
    if data[4:8] == b"ftyp":
        brands = {data[place : place + 4] for place in (8, *range(16, min(_box_end(data), 256), 4))}
        if brands & _AVIF_BRANDS:
            return "AVIF"
        if brands & _HEIF_BRANDS:
            return "HEIF"
        what = "a video"
    if what:
        raise RefusedPhoto(f"the file is {what}; {_SEND}")
    raise RefusedPhoto(f"the file is no photo, or its beginning is damaged; {_SEND}")


def _box_end(data: bytes) -> int:
    return int.from_bytes(data[:4])


def _register(kind: str) -> None:
    """Have Pillow know the format's plug-in; the usual ones it knows."""
    if kind == "HEIF" and kind not in Image.OPEN:
        from pillow_heif import register_heif_opener  # noqa: PLC0415 - 30 MB of libraries that few photos need

        register_heif_opener(decode_threads=1)
    elif kind == "AVIF":
        from PIL import AvifImagePlugin  # noqa: PLC0415 - as above

        AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    elif kind == "TIFF":
        from PIL import TiffImagePlugin  # noqa: F401, PLC0415 - as above
    elif kind == "WEBP":
        from PIL import WebPImagePlugin  # noqa: F401, PLC0415 - as above


def _checked(size: tuple[int, int]) -> tuple[int, int]:
    width, height = size
    if width < 1 or height < 1:
        raise RefusedPhoto("the photo has no pixels; send it again")
    if width * height > MAX_PIXELS:
        raise RefusedPhoto(_TOO_LARGE)
    return size


def _refuse_raw(image: Image.Image) -> None:
    """A camera's raw file is a TIFF whose first page is a small preview: it must not pass for the photo."""
    tags = getattr(image, "tag_v2", {})
    if tags.get(_NEW_SUBFILE_TYPE) == 1 or _DNG_VERSION in tags:
        raise RefusedPhoto("the file is a camera's raw data; send the photo as JPEG")


def _why(kind: str, error: Exception) -> str:
    said = str(error)
    if "out of memory" in said:
        return "decoding it needs too much memory; send a smaller copy of the photo"
    if "Decompressed data too large" in said or "Too much memory used in text chunks" in said:
        return (
            f"a text inside of the {kind} unpacks to more than is read; save the photo without its metadata"
        )
    if "truncated" in said or "Truncated" in said:
        return f"the {kind} ends before its picture does; send the whole file"
    return f"the {kind} is damaged or of a rare kind and cannot be decoded; save it as a JPEG and send that"


def _attempt[Found](read: Callable[[], Found], otherwise: Found) -> Found:
    """What a photo says of itself is worth less than the photo: metadata that cannot be read is not there."""
    try:
        return read()
    except Exception:  # noqa: BLE001 - damaged EXIF makes Pillow raise anything
        return otherwise


# -- Its display copy ----------------------------------------------------------------------------------------


def _fitted(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """The size of a copy whose longest side is at most ``longest``."""
    scale = min(1.0, longest / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _shrunk(image: Image.Image) -> Image.Image:
    """The first frame at its display size, as YCbCr, RGB, CMYK or L."""
    size = _fitted(image.size, DISPLAY)
    box: tuple[float, float, float, float] = (0, 0, *image.size)
    if image.format in {"JPEG", "MPO"}:
        # The decoder itself can give a half, a quarter or an eighth, in a fraction of the time.
        drafted = image.draft("YCbCr" if _is_ycc(image) else None, size)
        if drafted:
            box = drafted[1]
    image.load()
    _checked(image.size)
    if image.mode == "YCbCr" and image.size != size:
        return _shrunk_planes(image, size, box)
    shrunk = _shrunk_by_strips(image, size, box)
    if shrunk.mode != "RGBA":
        return shrunk
    white = Image.new("RGBA", size, "white")
    white.alpha_composite(shrunk)
    return white.convert("RGB")


def _is_ycc(image: Image.Image) -> bool:
    """Whether a JPEG is kept as luma and chroma, as libjpeg tells it; it makes nothing else into them."""
    layers = [layer[0] for layer in getattr(image, "layer", ())]
    return layers == [1, 2, 3] and image.info.get("adobe_transform", 1) == 1


def _shrunk_planes(
    image: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float]
) -> Image.Image:
    """Luma by the best filter; chroma at the half of it that a JPEG of the display copy keeps (4:2:0)."""
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
    """Each strip is brought to 8 bits a channel and reduced by a whole number; then all is resized."""
    plain = _to_eight_bits(image)
    # By each side's own: a picture of a million by one is legal, and a filter that wide is not affordable.
    across, down = (max(1, int(whole / part / 2)) for whole, part in zip(image.size, size, strict=True))
    rows = down * max(1, _STRIP // (image.width * down))
    reduced: Image.Image | None = None
    for top in range(0, image.height, rows):
        strip = plain(image.crop((0, top, image.width, min(top + rows, image.height))))
        strip = strip.reduce((across, down)) if (across, down) != (1, 1) else strip
        if reduced is None:
            reduced = Image.new(strip.mode, (strip.width, -(-image.height // down)))
        reduced.paste(strip, (0, top // down))
    assert reduced is not None
    inner = (box[0] / across, box[1] / down, box[2] / across, box[3] / down)
    return reduced if reduced.size == size else reduced.resize(size, Resampling.LANCZOS, box=inner)


def _to_eight_bits(image: Image.Image) -> Callable[[Image.Image], Image.Image]:
    """What makes L, RGB, RGBA or CMYK of a part of the image."""
    mode = image.mode
    if mode in {"I", "F"} or mode.startswith("I;16"):
        low, high = _range(image)
        scale = 255 / (high - low)
        offset = 0.5 - low * scale  # the conversion to L cuts the fraction off
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
    raise RefusedPhoto(f"the photo keeps its colours as {mode}, which is not read; save it as a JPEG")


def _range(image: Image.Image) -> tuple[float, float]:
    """What is black and what is white in an image of more than 8 bits.

    16 bits as such; otherwise the narrowest usual range that holds all, or else the darkest and the lightest
    that there are.
    """
    if image.mode.startswith("I;16"):
        return 0, 65535
    low, high = cast("tuple[float, float]", image.getextrema())
    if not (isfinite(low) and isfinite(high)):
        raise RefusedPhoto("the photo has brightnesses that are no numbers; save it as a JPEG and send that")
    usual = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
    if low >= 0 and high <= usual[-1]:
        return 0, next(most for most in usual if high <= most)
    return (low, high) if high > low else (low - 1, low + 1)


def _floats(part: Image.Image) -> Image.Image:
    return part if part.mode == "F" else part.convert("I").convert("F")


def _colours(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The image in sRGB as L or YCbCr, with nothing else attached to it.

    The profile is applied at the display size, where that is cheap; one that cannot be used is left out.
    """
    if profile and not _is_srgb(profile) and len(profile) <= _LARGEST_PROFILE:
        image = _attempt(lambda: _by_profile(image, profile), image)
    if image.mode != "L":
        # From CMYK there is a way to RGB only.
        image = (image.convert("RGB") if image.mode == "CMYK" else image).convert("YCbCr")
    image.info = {}
    return image


def _is_srgb(profile: bytes) -> bool:
    """By its description, ASCII (ICC version 2) or UTF-16 (4)."""
    return b"sRGB" in profile or "sRGB".encode("utf-16-be") in profile


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image:
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
