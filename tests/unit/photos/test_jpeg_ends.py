"""A JPEG is stored exactly if all of its pixels are in the file, whatever its end looks like."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from PIL import Image

from claimwatch.domain.photos.photo import examine
from claimwatch.errors import RefusedPhoto
from tests.unit.photos.pictures import CORNERS, corners, encoded, exif, opened, picture

ENDS_BEFORE = "the JPEG ends before its picture is complete; send the whole file"
KINDS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "progressive": {"progressive": True},
    "optimized": {"optimize": True},
    "restart markers": {"restart_marker_blocks": 7},
    "progressive with restart markers": {"progressive": True, "restart_marker_rows": 1},
    "full chroma": {"subsampling": 0},
    "best quality": {"quality": 100, "subsampling": 0},
    "gray": {"mode": "L"},
    "CMYK": {"mode": "CMYK"},
}


def _jpeg(kind: str, width: int = 163, height: int = 117) -> bytes:
    options = dict(KINDS[kind])
    mode = options.pop("mode", "RGB")
    return encoded(picture(width, height).convert(mode), "JPEG", **options)


def _pixels(data: bytes) -> bytes:
    return opened(examine(data).display).tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_a_jpeg_without_its_end_marker_is_stored(kind: str) -> None:
    whole = _jpeg(kind)
    shown = _pixels(whole)
    ends = [b"", b"\xff", b"\0\0", b"\xff\0"]
    if whole[-3]:
        ends.append(bytes(500))
    for end in ends:
        assert _pixels(whole[:-2] + end) == shown, end


@pytest.mark.parametrize("kind", KINDS)
def test_a_jpeg_that_lacks_any_of_its_picture_is_refused(kind: str) -> None:
    whole = _jpeg(kind)
    start = whole.index(b"\xff\xda") + 14
    random = Random(kind)
    for length in sorted(
        {len(whole) * 6 // 10, *(random.randrange(start, len(whole) - 12) for _ in range(12))}
    ):
        for end in (b"", bytes(len(whole) - length)):
            with pytest.raises(RefusedPhoto, match=ENDS_BEFORE):
                examine(whole[:length] + end)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", KINDS)
def test_a_jpeg_that_lacks_a_few_bytes_is_refused_or_shows_the_same_pixels(kind: str, seed: int) -> None:
    whole = _jpeg(kind, 60 + seed, 40 + 3 * seed)
    shown = _pixels(whole)
    refused = 0
    for missing in range(1, 12):
        for end in (b"", b"\0\0"):
            try:
                assert _pixels(whole[: -2 - missing] + end) == shown
            except RefusedPhoto:
                refused += 1
    assert refused > 11


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "progressive" not in kind])
def test_a_jpeg_that_was_cut_and_then_ended_is_refused(kind: str) -> None:
    whole = _jpeg(kind)
    with pytest.raises(RefusedPhoto, match=ENDS_BEFORE):
        examine(whole[: len(whole) * 6 // 10] + b"\xff\xd9")


def test_a_jpeg_cut_off_between_two_restart_markers_is_refused() -> None:
    whole = _jpeg("restart markers")
    markers = [at for at in range(len(whole)) if whole[at] == 0xFF and 0xD0 <= whole[at + 1] <= 0xD7]
    for at in (markers[0], markers[len(markers) // 2], markers[-1]):
        for cut in (whole[:at], whole[:at] + b"\xff\xd9", whole[: at + 2]):
            with pytest.raises(RefusedPhoto, match=ENDS_BEFORE):
                examine(cut)


def test_a_progressive_jpeg_that_lacks_whole_scans_is_refused() -> None:
    whole = _jpeg("progressive")
    scans = [at for at in range(len(whole) - 1) if whole[at : at + 2] == b"\xff\xda"]
    assert len(scans) > 5
    for at in scans[1:]:
        with pytest.raises(RefusedPhoto, match=ENDS_BEFORE):
            examine(whole[:at])


def test_a_picture_that_is_gray_at_its_end_is_stored() -> None:
    """libjpeg fills missing pixels with the same gray."""
    gray = picture(320, 240)
    gray.paste((128, 128, 128), (0, 120, 320, 240))
    for options in ({}, {"progressive": True}, {"restart_marker_rows": 1}):
        assert examine(encoded(gray, "JPEG", quality=95, **options)).width == 320


@pytest.mark.parametrize(
    "trailer",
    [
        b"MotionPhoto_Data\0\0\0\x18ftypmp42" + bytes(range(256)) * 20,
        b"\0\0\x01\x0a\x0e\0\0\0Image_UTC_Data1700000000000SEFHe\0\0\0SEFT",
        b"\r\n--boundary--\r\n",
        b"\xff\xd8\xff\xe0",
    ],
    ids=["motion photo", "Samsung", "form upload", "half a second picture"],
)
@pytest.mark.parametrize("kind", ["baseline", "progressive"])
def test_bytes_after_a_jpeg_are_ignored(kind: str, trailer: bytes) -> None:
    whole = _jpeg(kind)
    photo = examine(whole + trailer)
    assert photo == examine(whole)
    assert photo.frames == 1


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the offset and the length of each segment up to the scan."""
    at = 2
    while data[at + 1] != 0xDA:
        length = int.from_bytes(data[at + 2 : at + 4])
        yield at, length
        at += 2 + length


@pytest.mark.parametrize("error", [1, 2, 7, 100, 700, 20_000])
@pytest.mark.parametrize("kind", ["baseline", "progressive"])
def test_a_wrong_length_of_an_application_segment_costs_neither_pixels_nor_orientation(
    kind: str, error: int
) -> None:
    thumbnail = encoded(picture(32, 24, seed=9), "JPEG")
    upright = picture(160, 120)
    turned = upright.transpose(Image.Transpose.ROTATE_90)
    whole = encoded(turned, "JPEG", exif=exif(6) + thumbnail, **KINDS[kind])
    at, length = next(
        (at, length) for at, length in _segments(whole) if whole[at + 4 :].startswith(b"Exif\0\0")
    )
    damaged = whole[: at + 2] + (length + error).to_bytes(2) + whole[at + 4 :]
    photo = examine(damaged)
    assert (photo.width, photo.height) == (160, 120)
    assert corners(opened(photo.display)) == CORNERS


def _with_segment(data: bytes, marker: int, content: bytes) -> bytes:
    return data[:2] + bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2) + content + data[2:]


@pytest.mark.parametrize(
    ("marker", "content"),
    [
        (0xE2, b"ICC_PROFILE\0"),
        (0xE2, b"ICC_PROFILE\0\1"),
        (0xE2, b"ICC_PROFILE\0\1\3half"),
        (0xE2, b"MPF\0II*\0\x08\0\0\0" + bytes(8)),
        (0xE2, b"MPF\0" + b"\xff" * 40),
        (0xE2, b"MPF\0MM\0*\0\0\0\x08\0\1\xb0\1\0\4\0\0\0\1\0\0\0\x09\0\0\0\0"),
        (0xED, b"Photoshop 3.0\x008BIM\xff"),
        (0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff"),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta"),
        (0xE0, b"JFIF"),
        (0xEE, b"Adobe"),
        (0xFE, b""),
    ],
)
def test_a_broken_segment_of_metadata_costs_no_pixel(marker: int, content: bytes) -> None:
    photo = examine(_with_segment(_jpeg("baseline"), marker, content))
    assert corners(opened(photo.display)) == CORNERS
    assert photo.frames == 1


@pytest.mark.parametrize("junk", [b"\n", b"\r\n\r\n", b"\xef\xbb\xbf", bytes(100), b"   \n"])
def test_blanks_before_a_photo_are_ignored(junk: bytes) -> None:
    for form in ("JPEG", "PNG", "GIF"):
        data = encoded(picture(), form)
        assert examine(junk + data) == examine(data)


# -- Other pictures in the file ------------------------------------------------------------------------------


def _with_second(second: bytes, kind: int, first: bytes | None = None) -> bytes:
    """Return a JPEG with a directory of two pictures, the second of this kind."""
    first = _jpeg("baseline") if first is None else first
    length = 2 + 4 + 8 + 2 + 3 * 12 + 4 + 32
    offset = 2 + 2 + length + len(first) - 2
    base = 2 + 2 + 2 + 4
    entries = b"".join(
        number.to_bytes(4) for number in (0x20030000, offset, 0, 0, kind, len(second), offset - base, 0)
    )
    directory = (
        b"MM\0*\0\0\0\x08\0\3"
        b"\xb0\0\0\7\0\0\0\x040100"
        b"\xb0\1\0\4\0\0\0\1\0\0\0\2"
        b"\xb0\2\0\7\0\0\0\x20\0\0\0\x32\0\0\0\0" + entries
    )
    return first[:2] + b"\xff\xe2" + length.to_bytes(2) + b"MPF\0" + directory + first[2:] + second


GAIN_MAP = encoded(picture(40, 29).convert("L"), "JPEG")
SAME_SIZE = _jpeg("gray")
XMP = b"http://ns.adobe.com/xap/1.0/\0<rdf:Description "


@pytest.mark.parametrize(
    ("second", "kind"),
    [
        (GAIN_MAP, 0),
        (_with_segment(SAME_SIZE, 0xE1, XMP + b'hdrgm:Version="1.0"/>'), 0),
        (_with_segment(SAME_SIZE, 0xE1, XMP + b"><hdrgm:Version>1.0</hdrgm:Version>"), 0),
        (_with_segment(SAME_SIZE, 0xE1, XMP + b'HDRGainMap:HDRGainMapVersion="65536"/>'), 0),
        (_with_segment(SAME_SIZE, 0xE1, XMP + b'apdi:AuxiliaryImageType="urn:com:apple:photo"/>'), 0),
        (_with_segment(SAME_SIZE, 0xE2, b"urn:iso:std:iso:ts:21496:-1\0\0\0\0\0"), 0),
        (encoded(picture(64, 48), "JPEG"), 0x010001),
        (encoded(picture(163, 117), "JPEG"), 0x010002),
    ],
)
def test_a_gain_map_or_a_preview_is_not_a_frame(second: bytes, kind: int) -> None:
    data = _with_second(second, kind)
    assert opened(data).format in {"MPO", "JPEG"}
    photo = examine(data)
    assert photo.frames == 1
    assert corners(opened(photo.display)) == CORNERS


@pytest.mark.parametrize("kind", [0, 0x020001, 0x020002, 0x020003])
def test_the_pictures_of_a_stereo_pair_or_a_panorama_are_frames(kind: int) -> None:
    data = _with_second(encoded(picture(163, 117, seed=2), "JPEG"), kind)
    assert opened(data).format == "MPO"
    assert examine(data).frames == 2
