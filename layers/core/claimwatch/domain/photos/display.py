"""The display copy of a photo: decoding at its size, and colours in sRGB."""

from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from math import isfinite
from typing import cast

from PIL import Image
from PIL.Image import Resampling
from PIL.ImageFile import ImageFile

from claimwatch.domain.photos import colour
from claimwatch.errors import RefusedPhoto

type Size = tuple[int, int]
type Box = tuple[float, float, float, float]

DISPLAY, THUMBNAIL = 1024, 256
"""Longest side of the two copies in pixels; smaller originals are not enlarged."""
DISPLAY_QUALITY, THUMBNAIL_QUALITY = 85, 80

MAX_PIXELS = 100_000_000
"""Limit, checked in the header before anything is decoded. Phone cameras write 12 to 50 megapixels, and up to
200 only on demand."""
TOO_LARGE = f"the photo has more than {MAX_PIXELS // 1_000_000} megapixels; send a smaller copy of it"

_JPEG = {"JPEG", "MPO"}
_GRAY_WITH_ALPHA = {"LA", "La"}
_FILLED = {127, 128}
"""Values of the pixels that libjpeg adds: middle gray, in CMYK inverted."""
_STRIP = 1 << 22
"""Pixels converted at a time, so that a large picture is in memory only once."""
_LARGEST_PROFILE = 4 << 20
"""Largest colour profile that is applied, in bytes. Printer profiles reach two million bytes."""


def check_size(size: tuple[int, int]) -> None:
    """Refuse a photo with no or too many pixels."""
    width, height = size
    if width < 1 or height < 1:
        raise RefusedPhoto("the photo has no pixels; send it again")
    if width * height > MAX_PIXELS:
        raise RefusedPhoto(TOO_LARGE)


def load(image: Image.Image) -> tuple[Size, Box]:
    """Decode the first frame; return the size of its display copy, and the part of the pixels that is shown.

    The JPEG decoder can scale to a half, a quarter or an eighth in a fraction of the time.
    """
    drafted = None
    size = _fitted(image.size, DISPLAY)
    if image.format in _JPEG:
        _correct_ink(image)
        drafted = image.draft("YCbCr" if is_ycc(image) else None, size)
    image.load()
    check_size(image.size)
    if drafted:
        return size, drafted[1]
    return _fitted(image.size, DISPLAY), (0, 0, *image.size)  # some decoders learn the size while they decode


def ends_gray(image: Image.Image) -> bool:
    """Return whether a decoded JPEG ends as libjpeg fills the end of an incomplete one."""
    last = image.getpixel((image.width - 1, image.height - 1))
    values = set(last) if isinstance(last, tuple) else {last}
    return values <= _FILLED


def shrunk(image: Image.Image, size: Size, box: Box) -> Image.Image:
    """Return the decoded picture at its display size, as YCbCr, RGB, CMYK or L, on white."""
    if image.mode == "YCbCr" and image.size != size:
        return _shrunk_planes(image, size, box)
    shrunk = _shrunk_by_strips(image, size, box)
    if shrunk.mode != "RGBA":
        return shrunk
    white = Image.new("RGBA", size, "white")
    white.alpha_composite(shrunk)
    return white.convert("L" if image.mode in _GRAY_WITH_ALPHA else "RGB")


def thumbnail(shown: Image.Image) -> Image.Image:
    """Return the thumbnail of a display copy."""
    return shown.resize(_fitted(shown.size, THUMBNAIL), Resampling.BICUBIC, reducing_gap=1.0)


def encoded(image: Image.Image, quality: int) -> bytes:
    """Return the picture as a JPEG."""
    written = BytesIO()
    image.save(written, "JPEG", quality=quality, subsampling="4:2:0")
    return written.getvalue()


def _fitted(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """Return the size of a copy whose longest side is at most ``longest``."""
    scale = min(1.0, longest / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def is_ycc(image: Image.Image) -> bool:
    """Return whether libjpeg decodes the JPEG to luma and chroma; it cannot convert other colours to them."""
    layers = [layer[0] for layer in getattr(image, "layer", ())]
    return layers == [1, 2, 3] and image.info.get("adobe_transform", 1) == 1


def _correct_ink(image: Image.Image) -> None:
    """Have Pillow not invert CMYK: only Adobe's programs, which leave a mark, write it inverted."""
    if image.mode == "CMYK" and "adobe" not in image.info and isinstance(image, ImageFile):
        image.tile = [tile._replace(args=("CMYK", "")) for tile in image.tile]


def _shrunk_planes(image: Image.Image, size: Size, box: Box) -> Image.Image:
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


def _shrunk_by_strips(image: Image.Image, size: Size, box: Box) -> Image.Image:
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
    if mode == "LAB":
        return _lab_converter()
    if mode in {"P", "RGB", "RGBX", "YCbCr"}:
        return lambda part: part.convert("RGB")
    raise RefusedPhoto(f"the photo's colour mode {mode} is not supported; save it as a JPEG")


def _lab_converter() -> Callable[[Image.Image], Image.Image]:
    from PIL import ImageCms  # noqa: PLC0415 - few photos are in Lab

    transform = ImageCms.buildTransform(
        ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
    )
    return lambda part: cast("Image.Image", ImageCms.applyTransform(part, transform))


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


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return the picture in sRGB, as L or YCbCr, without metadata.

    The profile is applied at display size, where that is cheap. An unusable profile is ignored.
    """
    if profile and len(profile) <= _LARGEST_PROFILE and not colour.is_srgb(profile):
        with suppress(Exception):  # Pillow raises any exception for a damaged profile
            image = _with_profile_applied(image, profile)
    if image.mode != "L":
        # Pillow converts CMYK only to RGB.
        image = (image.convert("RGB") if image.mode == "CMYK" else image).convert("YCbCr")
    image.info = {}
    return image


def _with_profile_applied(image: Image.Image, profile: bytes) -> Image.Image:
    from PIL import ImageCms  # noqa: PLC0415 - most photos are in sRGB

    space = colour.space_of(profile)
    if image.mode != "CMYK" and space == "RGB":
        image = image.convert("RGB")  # gray in a profile for colours too
    converted = ImageCms.profileToProfile(
        image, ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    assert converted is not None
    return converted
