"""A photo comes out upright wherever its orientation is written, and is never turned twice."""

import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from claimwatch.domain.photos.exif import UPRIGHT
from claimwatch.domain.photos.photo import examine
from tests.unit.photos.pictures import CORNERS, corners, encoded, exif, opened, picture, png_chunks, png_of

INVERSE = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
XMP = "http://ns.adobe.com/xap/1.0/\0"


def _stored(orientation: int) -> Image.Image:
    """Return the picture as a camera stores it with that orientation."""
    turn = INVERSE.get(orientation, UPRIGHT.get(orientation))
    return picture() if turn is None else picture().transpose(turn)


def _typed(orientation: int, kind: int, order: str = ">") -> bytes:
    """Return EXIF whose orientation has another type of number."""
    sizes = {1: "B3x", 3: "H2x", 4: "I", 6: "b3x", 8: "h2x", 9: "i"}
    head = b"MM\0*\0\0\0\x08" if order == ">" else b"II*\0\x08\0\0\0"
    entry = struct.pack(f"{order}HHHI{sizes[kind]}", 1, 0x0112, kind, 1, orientation)
    return b"Exif\0\0" + head + entry + bytes(4)


def _xmp(orientation: int, form: str = '<rdf:Description tiff:Orientation="%d"/>') -> bytes:
    return b"<x:xmpmeta><rdf:RDF>" + (form % orientation).encode() + b"</rdf:RDF></x:xmpmeta>"


def _png(orientation: int, kind: bytes, content: bytes, *, last: bool = False) -> bytes:
    head, *rest = png_chunks(encoded(_stored(orientation), "PNG"))
    return png_of([head, *rest[:-1], (kind, content), rest[-1]] if last else [head, (kind, content), *rest])


def _raw(name: str, content: bytes, *, title: str = "exif") -> tuple[bytes, bytes]:
    """Return keyword and text of a raw profile, as ImageMagick and ExifTool write it."""
    lines = [content.hex()[at : at + 72] for at in range(0, 2 * len(content), 72)]
    return f"Raw profile type {name}".encode(), f"\n{title}\n{len(content):8}\n{'\n'.join(lines)}\n".encode()


def _text(name: str, content: bytes, title: str = "exif") -> bytes:
    return b"\0".join(_raw(name, content, title=title))


def _packed(name: str, content: bytes, title: str = "exif") -> bytes:
    keyword, text = _raw(name, content, title=title)
    return keyword + b"\0\0" + zlib.compress(text)


def _international(name: str, content: bytes) -> bytes:
    keyword, text = _raw(name, content)
    return keyword + b"\0\1\0\0\0" + zlib.compress(text)


def _webp(orientation: int, block: bytes, **options: Any) -> bytes:
    return encoded(_stored(orientation), "WEBP", exif=block, **options)


def _jpeg(orientation: int, *segments: bytes) -> bytes:
    data = encoded(_stored(orientation), "JPEG")
    return data[:2] + b"".join(b"\xff\xe1" + (len(one) + 2).to_bytes(2) + one for one in segments) + data[2:]


def _mpo(orientation: int) -> bytes:
    return encoded(
        _stored(orientation), "MPO", save_all=True, append_images=[picture(seed=2)], exif=exif(orientation)
    )


PLACES: dict[str, Callable[[int], bytes]] = {
    "JPEG": lambda k: _jpeg(k, exif(k)),
    "JPEG, little-endian": lambda k: _jpeg(k, _typed(k, 3, "<")),
    "JPEG, as byte": lambda k: _jpeg(k, _typed(k, 1)),
    "JPEG, as long": lambda k: _jpeg(k, _typed(k, 4, "<")),
    "JPEG, as signed short": lambda k: _jpeg(k, _typed(k, 8)),
    "JPEG, as signed long": lambda k: _jpeg(k, _typed(k, 9)),
    "JPEG, behind an unreadable block": lambda k: _jpeg(k, b"Exif\0\0garbage", exif(k)),
    "JPEG, two blocks": lambda k: _jpeg(k, exif(k), exif(3)),
    "JPEG, XMP": lambda k: _jpeg(k, XMP.encode() + _xmp(k)),
    "JPEG, XMP in single quotes": lambda k: _jpeg(
        k, XMP.encode() + _xmp(k, "<rdf:Description tiff:Orientation = '%d'/>")
    ),
    "JPEG, XMP as an element": lambda k: _jpeg(
        k, XMP.encode() + _xmp(k, "<tiff:Orientation>%d</tiff:Orientation>")
    ),
    "JPEG, EXIF before XMP": lambda k: _jpeg(k, XMP.encode() + _xmp(8), exif(k)),
    "JPEG, EXIF without orientation": lambda k: _jpeg(
        k, exif(taken="2026:03:01 14:05:09"), XMP.encode() + _xmp(k)
    ),
    "MPO": _mpo,
    "PNG eXIf": lambda k: _png(k, b"eXIf", exif(k)[6:]),
    "PNG eXIf after the picture": lambda k: _png(k, b"eXIf", exif(k)[6:], last=True),
    "PNG eXIf with a prefix": lambda k: _png(k, b"eXIf", exif(k)),
    "PNG tEXt exif": lambda k: _png(k, b"tEXt", _text("exif", exif(k))),
    "PNG tEXt APP1": lambda k: _png(k, b"tEXt", _text("APP1", exif(k), "generic profile")),
    "PNG tEXt after the picture": lambda k: _png(k, b"tEXt", _text("exif", exif(k)), last=True),
    "PNG zTXt exif": lambda k: _png(k, b"zTXt", _packed("exif", exif(k))),
    "PNG zTXt APP1": lambda k: _png(k, b"zTXt", _packed("APP1", exif(k), "generic profile")),
    "PNG zTXt APP1 with XMP": lambda k: _png(k, b"zTXt", _packed("APP1", XMP.encode() + _xmp(k))),
    "PNG zTXt xmp": lambda k: _png(k, b"zTXt", _packed("xmp", _xmp(k), "xmp")),
    "PNG iTXt exif": lambda k: _png(k, b"iTXt", _international("exif", exif(k))),
    "PNG iTXt XMP": lambda k: _png(k, b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + _xmp(k)),
    "WebP": lambda k: _webp(k, exif(k)),
    "WebP without a prefix": lambda k: _webp(k, exif(k)[6:]),
    "WebP XMP": lambda k: _webp(k, b"", xmp=_xmp(k)),
    "TIFF": lambda k: encoded(_stored(k), "TIFF", exif=exif(k)),
    "TIFF, compressed": lambda k: encoded(_stored(k), "TIFF", exif=exif(k), compression="tiff_lzw"),
    "AVIF": lambda k: encoded(_stored(k), "AVIF", exif=exif(k)),
    "HEIF": lambda k: encoded(_stored(k), "HEIF", exif=exif(k)),
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("place", PLACES)
def test_a_photo_comes_out_upright(place: str, orientation: int) -> None:
    photo = examine(PLACES[place](orientation))
    assert (photo.width, photo.height) == (96, 64)
    assert corners(opened(photo.display)) == CORNERS
    assert corners(opened(photo.thumbnail)) == CORNERS


@pytest.mark.parametrize("form", ["AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_neither_exif_nor_xmp_turns_a_heic_or_avif_without_a_box_that_does(
    form: str, orientation: int
) -> None:
    # The encoders write the orientation of EXIF into a box: here, another entry becomes it afterwards.
    unit, turned = (struct.pack(">HHIH2x", tag, 3, 1, orientation) for tag in (0x0128, 0x0112))
    data = encoded(picture(), form, exif=_typed(orientation, 3).replace(turned, unit))
    assert data.count(unit) == 1
    data = data.replace(unit, turned)
    assert corners(opened(examine(data).display)) == CORNERS
    if form == "AVIF":
        assert corners(opened(examine(encoded(picture(), form, xmp=_xmp(orientation))).display)) == CORNERS


@pytest.mark.parametrize("form", ["AVIF", "HEIF"])
def test_unreadable_exif_does_not_hide_the_orientation_of_the_boxes(form: str) -> None:
    block = exif(6, "2026:03:01 14:05:09")
    data = encoded(_stored(6), form, exif=block)
    at = data.index(b"MM\0*")
    photo = examine(data[:at] + b"garbage!" + data[at + 8 :])
    assert (photo.width, photo.height) == (96, 64)
    assert corners(opened(photo.display)) == CORNERS
    assert photo.taken_at_local is None


@pytest.mark.parametrize("orientation", [0, 9, 255])
@pytest.mark.parametrize("kind", [1, 3, 4])
def test_an_orientation_that_does_not_exist_turns_nothing(orientation: int, kind: int) -> None:
    assert corners(opened(examine(_jpeg(1, _typed(orientation, kind))).display)) == CORNERS
