"""Damage that costs no pixel is stored, and damage that does is refused, in the formats other than JPEG."""

import zlib
from random import Random
from typing import Any

import pytest
from PIL import Image

from claimwatch.domain.photos.photo import examine
from claimwatch.errors import RefusedPhoto
from tests.unit.photos.pictures import CORNERS, corners, encoded, exif, opened, picture, png_chunks, png_of

PNG = encoded(picture(400, 300), "PNG")
HEAD, *REST = png_chunks(PNG)


def _is_stored(data: bytes) -> bool:
    photo = examine(data)
    return (photo.width, photo.height) == (400, 300) and corners(opened(photo.display)) == CORNERS


def _chunk(kind: bytes, content: bytes, *, error: int = 0) -> bytes:
    checksum = zlib.crc32(kind + content) ^ error
    return len(content).to_bytes(4) + kind + content + checksum.to_bytes(4)


METADATA = [
    (b"tEXt", b"Comment\0hello"),
    (b"zTXt", b"Comment\0\0" + zlib.compress(b"hello")),
    (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x/>"),
    (b"eXIf", exif(6)[6:]),
    (b"iCCP", b"x\0\0" + zlib.compress(b"no profile")),
    (b"gAMA", (100_000).to_bytes(4)),
    (b"pHYs", bytes(9)),
    (b"tIME", bytes(7)),
    (b"acTL", bytes(8)),
    (b"prVt", b"private"),
]


@pytest.mark.parametrize(("kind", "content"), METADATA, ids=[kind.decode() for kind, _ in METADATA])
@pytest.mark.parametrize("last", [False, True], ids=["before the picture", "after the picture"])
def test_a_wrong_checksum_of_metadata_in_a_png_costs_no_pixel(
    kind: bytes, content: bytes, *, last: bool
) -> None:
    damaged = _chunk(kind, content, error=1)
    place = len(PNG) - 12 if last else 33
    assert _is_stored(PNG[:place] + damaged + PNG[place:])


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (b"iCCP", b"x\0"),
        (b"iCCP", b"x\0\1abc"),
        (b"zTXt", b"a\0\5xx"),
        (b"gAMA", b"\0"),
        (b"cHRM", b""),
        (b"sRGB", b""),
        (b"pHYs", b"\0"),
        (b"tRNS", b"\0"),
        (b"acTL", b"\0"),
        (b"fcTL", b"\0"),
        (b"fcTL", bytes(26)),
        (b"cICP", b"\1"),
        (b"eXIf", b""),
        (b"tEXt", b""),
        (b"iTXt", b"a"),
    ],
)
def test_metadata_of_a_png_that_makes_no_sense_costs_no_pixel(kind: bytes, content: bytes) -> None:
    assert _is_stored(png_of([HEAD, (kind, content), *REST]))


@pytest.mark.parametrize("lost", [0, 4, 8, 12, 16, 20])
def test_a_png_without_its_end_is_stored(lost: int) -> None:
    """The last 20 bytes are the end chunk, and the checksums of the picture."""
    assert _is_stored(PNG[: len(PNG) - lost])


@pytest.mark.parametrize("trailer", [b"\0" * 40, b"\r\n--X--\r\n", PNG[:500], b"IEND"])
def test_bytes_after_a_png_are_ignored(trailer: bytes) -> None:
    assert examine(PNG + trailer) == examine(PNG)


def test_a_wrong_checksum_of_the_picture_counts_only_if_its_data_is_damaged() -> None:
    wrong = bytearray(PNG)
    wrong[-14] ^= 1  # the checksum of the last part of the picture
    assert _is_stored(bytes(wrong))
    random = Random(3)
    for options in ({"compress_level": 0}, {"compress_level": 9}):
        data = encoded(picture(400, 300), "PNG", **options)
        for _ in range(20):
            damaged = bytearray(data)
            damaged[random.randrange(60, len(data) - 20)] ^= 1 << random.randrange(8)
            with pytest.raises(RefusedPhoto, match=r"the PNG (is damaged|ends before)"):
                examine(bytes(damaged))


@pytest.mark.parametrize("kind", [b"IHDR", b"PLTE"])
def test_a_wrong_checksum_of_the_size_or_the_colours_of_a_png_is_refused(kind: bytes) -> None:
    data = bytearray(encoded(picture(400, 300).quantize(64), "PNG"))
    at = data.index(kind)
    data[at + 4 + int.from_bytes(data[at - 4 : at])] ^= 1
    with pytest.raises(RefusedPhoto, match="the PNG is damaged"):
        examine(bytes(data))


@pytest.mark.parametrize("share", [0.2, 0.6, 0.9])
@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "HEIF"])
def test_a_photo_that_is_cut_off_is_refused_with_that_reason(form: str, share: float) -> None:
    data = encoded(picture(400, 300), form)
    with pytest.raises(RefusedPhoto, match=f"the {form} ends before its picture is complete; send the whole"):
        examine(data[: int(len(data) * share)])


@pytest.mark.parametrize("error", [-100, -2, -1, 1, 2, 1000, 1 << 20])
@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": exif(1), "icc_profile": b"x" * 200}])
def test_a_wrong_size_in_the_header_of_a_webp_costs_no_pixel(error: int, options: dict[str, Any]) -> None:
    data = encoded(picture(400, 300), "WEBP", **options)
    damaged = data[:4] + max(0, len(data) - 8 + error).to_bytes(4, "little") + data[8:]
    assert _is_stored(damaged)
    assert _is_stored(damaged + b"trailer")


def test_the_metadata_of_a_webp_may_be_cut_off() -> None:
    data = encoded(picture(400, 300), "WEBP", xmp=b"<x:xmpmeta>" * 50)
    assert _is_stored(data[:-60])


@pytest.mark.parametrize("end", [b"", b"\0", b"\0\0\0", b"trailer"])
def test_a_gif_without_its_trailer_is_stored(end: bytes) -> None:
    for moving in ({}, {"save_all": True, "append_images": [picture(400, 300, seed=2)]}):
        assert _is_stored(encoded(picture(400, 300), "GIF", **moving)[:-1] + end)


def test_a_damaged_later_frame_does_not_cost_the_first() -> None:
    for form in ("GIF", "PNG"):
        data = encoded(picture(400, 300), form, save_all=True, append_images=[picture(400, 300, seed=2)])
        assert _is_stored(data[: len(data) * 8 // 10])


@pytest.mark.parametrize("form", ["HEIF", "AVIF"])
@pytest.mark.parametrize("trailer", [b"\0\0\0\x10mpvd" + bytes(8), b"\0\0\0", b"SEFH" + bytes(40), bytes(64)])
def test_bytes_after_a_heic_or_avif_are_ignored(form: str, trailer: bytes) -> None:
    assert _is_stored(encoded(picture(400, 300), form) + trailer)


@pytest.mark.parametrize(
    "tags",
    [
        {269: "name", 305: "program", 34665: 12345},
        {33432: "©", 700: b"<x:xmpmeta/>", 34675: b"no profile"},
        {65000: b"private", 65001: 7, 65002: (1, 2, 3)},
        {282: 0.0, 283: 0.0, 296: 9},
    ],
)
def test_odd_tags_of_a_tiff_cost_no_pixel(tags: dict[int, Any]) -> None:
    assert _is_stored(encoded(picture(400, 300), "TIFF", tiffinfo=tags))


def test_the_primary_picture_of_a_heic_is_shown_wherever_it_is() -> None:
    others = [picture(400, 300, seed=2).transpose(Image.Transpose.ROTATE_180), picture(400, 300)]
    data = encoded(others[0], "HEIF", save_all=True, append_images=others[1:], primary_index=1)
    assert _is_stored(data)
    assert examine(data).frames == 2


def test_a_heic_of_tiles_is_shown_whole() -> None:
    data = encoded(picture(400, 300), "HEIF", tile_size=128)
    assert b"grid" in data
    assert _is_stored(data)
    assert examine(data).frames == 1


def test_a_gain_map_in_a_heic_is_not_a_frame() -> None:
    """The second picture becomes the auxiliary one of the first, as phones write it."""
    second = picture(200, 150).convert("L")
    data = encoded(picture(400, 300), "HEIF", save_all=True, append_images=[second], thumbnails=[64])
    assert examine(data).frames == 2
    changed = bytearray(data.replace(b"thmb\0\4\0\1\0\3", b"auxl\0\3\0\1\0\1"))
    thumbnail = changed.index(b"infe\2\0\0\0\0\4")
    changed[thumbnail + 4 : thumbnail + 8] = b"\2\0\0\1"  # hidden: the reference to its picture is gone
    # Its decoder's configuration, the last of eleven properties, becomes the type of the auxiliary picture.
    configuration = changed.rindex(b"hvcC")
    length = int.from_bytes(changed[configuration - 4 : configuration]) - 8
    kind = b"auxC" + bytes(4) + b"urn:com:apple:photo:2020:aux:hdrgainmap\0"
    changed[configuration : configuration + 4 + length] = kind.ljust(4 + length, b"\0")
    changed = changed.replace(b"\0\3\4\x88\2\x09\x0a", b"\0\3\4\x88\2\x09\x0b")
    photo = examine(bytes(changed))
    assert (photo.frames, photo.width, photo.height) == (1, 400, 300)
    assert corners(opened(photo.display)) == CORNERS
