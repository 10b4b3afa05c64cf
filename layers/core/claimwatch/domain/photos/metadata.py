"""EXIF, orientation and colour profile of a photo, from every place where cameras and programs write them."""

import re
from collections.abc import Iterator
from contextlib import suppress

from PIL import Image

from claimwatch.domain.photos import exif

_EXIF, _XMP_IN_JPEG = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_RAW_PROFILE = "raw profile type "
"""Beginning of the keywords of PNG texts in which ImageMagick and others write metadata."""
_RAW_CONTENT = re.compile(r"\s*[^\n]*\n\s*(\d+)\s+([0-9A-Fa-f\s]+)")
"""Name, length, and hexadecimal digits."""
_XMP_ORIENTATION = re.compile(rb"tiff:Orientation\s*(?:=\s*[\"']|>)\s*([1-8])\s*[\"'<]")
_TURNED_BY_BOXES = {"HEIF", "AVIF"}
"""Formats whose own boxes state the orientation; EXIF and XMP only repeat it there, or are wrong (MIAF)."""


def read_exif(image: Image.Image) -> list[Image.Exif]:
    """Return the readable EXIF blocks of a decoded image; at least one, which may be empty."""
    return list(_exif_blocks(image)) or [Image.Exif()]


def read_orientation(image: Image.Image, blocks: list[Image.Exif]) -> int:
    """Return how a decoded image has to be turned, 1 to 8.

    The first valid orientation in EXIF counts, or else that in XMP. pillow-heif has turned the picture
    already, and Pillow a TIFF; Pillow writes the orientation of an AVIF's boxes into its EXIF.
    """
    if image.format == "HEIF":
        return 1
    for block in blocks:
        with suppress(Exception):  # Pillow raises any exception on damaged metadata
            if (found := exif.orientation(block)) is not None:
                return found
    if image.format in _TURNED_BY_BOXES:
        return 1
    for xmp in _xmp_blocks(image):
        if orientation := _XMP_ORIENTATION.search(xmp):
            return int(orientation[1])
    return 1


def read_profile(image: Image.Image) -> bytes | None:
    """Return the colour profile."""
    embedded = image.info.get("icc_profile")
    return embedded or next(iter(_raw_profiles(image, "icc", "icm")), None)


def _exif_blocks(image: Image.Image) -> Iterator[Image.Exif]:
    if image.format == "TIFF":
        with suppress(Exception):
            yield image.getexif()
        return
    for block in _exif_bytes(image):
        parsed = Image.Exif()
        with suppress(Exception):
            parsed.load(block)
            if len(parsed):
                yield parsed


def _exif_bytes(image: Image.Image) -> Iterator[bytes]:
    whole = image.info.get("exif")  # of a JPEG, all segments together: one block may need several
    if isinstance(whole, bytes):
        yield whole
    segments = [content for _, content in getattr(image, "applist", ()) if content.startswith(_EXIF)]
    if len(segments) > 1:
        yield from segments
    yield from _raw_profiles(image, "exif")
    yield from (block for block in _raw_profiles(image, "app1") if block.startswith(_EXIF))


def _xmp_blocks(image: Image.Image) -> Iterator[bytes]:
    for key in ("xmp", "XML:com.adobe.xmp"):
        value = image.info.get(key)
        if value:
            yield value.encode("utf-8", "replace") if isinstance(value, str) else bytes(value)
    yield from _raw_profiles(image, "xmp")
    yield from (block for block in _raw_profiles(image, "app1") if block.startswith(_XMP_IN_JPEG))


def _raw_profiles(image: Image.Image, *kinds: str) -> Iterator[bytes]:
    """Yield the metadata that PNG texts hold."""
    if image.format != "PNG":
        return
    keywords = {_RAW_PROFILE + kind for kind in kinds}
    for key, text in image.info.items():
        if not (isinstance(key, str) and isinstance(text, str) and key.lower() in keywords):
            continue
        if found := _RAW_CONTENT.match(text):
            with suppress(ValueError):  # an odd number of digits
                yield bytes.fromhex(found[2])[: int(found[1])]
