"""A photo's metadata is kept as evidence, but neither of its copies contains it."""

from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from claimwatch.domain.photos.exif import UPRIGHT
from claimwatch.domain.photos.photo import Photo, examine
from tests.unit.photos.pictures import CORNERS, corners, encoded, exif, opened, picture, position

WITH_EXIF = ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"]
SMALL = picture(24, 16)
BERN = position((46, 56, 52.8), "N", (7, 26, 51.0), "E")
INVERSE = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
"""Inverses of the transpositions in UPRIGHT; the other transpositions are their own inverses."""


def _stored(orientation: int, width: int = 96, height: int = 64) -> Image.Image:
    """Return the picture as a camera stores it with that orientation."""
    turn = INVERSE.get(orientation, UPRIGHT.get(orientation))
    return picture(width, height) if turn is None else picture(width, height).transpose(turn)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", [form for form in WITH_EXIF if form != "HEIF"])
@pytest.mark.parametrize("size", [(96, 64), (1080, 720)])
def test_every_orientation_comes_out_upright(form: str, orientation: int, size: tuple[int, int]) -> None:
    photo = examine(encoded(_stored(orientation, *size), form, exif=exif(orientation)))
    assert (photo.width, photo.height) == size
    assert corners(opened(photo.display)) == CORNERS
    assert corners(opened(photo.thumbnail)) == CORNERS
    assert opened(photo.display).width > opened(photo.display).height
    assert photo.phash is not None


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_heic_comes_out_upright(orientation: int) -> None:
    # The encoder, like cameras, writes the orientation from the EXIF into a property of the file.
    photo = examine(encoded(_stored(orientation), "HEIF", exif=exif(orientation)))
    assert (photo.width, photo.height) == (96, 64)
    assert corners(opened(photo.display)) == CORNERS


@pytest.mark.parametrize("orientation", [0, 9, 255, 65535])
def test_an_invalid_orientation_counts_as_upright(orientation: int) -> None:
    photo = examine(encoded(picture(), "JPEG", exif=exif(orientation)))
    assert corners(opened(photo.display)) == CORNERS


@pytest.mark.parametrize("form", WITH_EXIF)
def test_date_and_position_are_kept_from_every_format_with_exif(form: str) -> None:
    photo = examine(encoded(picture(), form, exif=exif(6, "2026:03:01 14:05:09", "+02:00", BERN)))
    assert photo.taken_at == datetime(2026, 3, 1, 12, 5, 9, tzinfo=UTC)
    assert photo.latitude == pytest.approx(46.948, abs=1e-9)
    assert photo.longitude == pytest.approx(7.4475, abs=1e-9)


def _taken(taken: str | None, offset: str | None = None) -> datetime | None:
    return examine(encoded(picture(), "JPEG", exif=exif(taken=taken, offset=offset))).taken_at


@pytest.mark.parametrize(
    ("taken", "offset", "taken_at"),
    [
        ("2026-03-01T14:05:09", "+00:00", datetime(2026, 3, 1, 14, 5, 9, tzinfo=UTC)),
        ("2026:03:01 14:05:09 \0", "Z", datetime(2026, 3, 1, 14, 5, 9, tzinfo=UTC)),
        ("2026:03:01 14:05:09", "-05:30", datetime(2026, 3, 1, 19, 35, 9, tzinfo=UTC)),
        ("2026:03:01 14:05:09", "+0545", datetime(2026, 3, 1, 8, 20, 9, tzinfo=UTC)),
        ("2026:03:01 14:05:09", "+02", datetime(2026, 3, 1, 12, 5, 9, tzinfo=UTC)),
        ("2026:03:01 14:05:09", "+02:00\0", datetime(2026, 3, 1, 12, 5, 9, tzinfo=UTC)),
        ("2026:03:01 14:05:09.78", "+02:00", datetime(2026, 3, 1, 12, 5, 9, tzinfo=UTC)),
        ("2026:03:01 14:05:09+02:00", None, datetime(2026, 3, 1, 12, 5, 9, tzinfo=UTC)),
        ("2026:03:01 14:05:09Z", "+00:00", datetime(2026, 3, 1, 14, 5, 9, tzinfo=UTC)),
        ("2026:03:01 14:05:09+02:00", "+03:00", None),
        ("2026:03:01 14:05:09", None, None),
        ("2026:03:01 14:05:09", "   :  ", None),
        ("2026:03:01 14:05:09", "nonsense", None),
        ("2026:03:01 14:05:09", "+25:00", None),
        ("2026:03:01 14:05:09", "+15:00", None),
        ("2026:03:01 14:05:09", "-13:00", None),
        ("2026:03:01 14:05:09", "+02:60", None),
        ("2026:03:01 14:05:09", "+02:07", None),
        ("2026:03:01 14:05:09", "02:00", None),
        ("0000:00:00 00:00:00", "+01:00", None),
        ("0000:01:01 00:00:00", "+01:00", None),
        ("2026:13:45 10:00:00", "+01:00", None),
        ("2026:02:30 10:00:00", "+01:00", None),
        ("2026:02:03 24:00:00", "+01:00", None),
        ("0001:01:01 00:00:00", "+05:00", None),
        ("1970:01:01 00:00:00", "+00:00", None),
        ("2000:01:01 00:00:00", "+00:00", None),
        ("    :  :     :  :  ", "+01:00", None),
        ("01.03.2026 14:05:09", "+01:00", None),
        ("2026:03:01", "+01:00", None),
        ("yesterday", "+01:00", None),
        (None, "+01:00", None),
    ],
)
def test_a_time_with_a_zone_is_converted_to_utc_and_any_other_is_none(
    taken: str | None, offset: str | None, taken_at: datetime | None
) -> None:
    assert _taken(taken, offset) == taken_at


@pytest.mark.parametrize(
    ("times", "zone"),
    [
        ({0x9004: "2026:03:01 14:05:09", 0x9012: "+02:00"}, "+02:00"),
        ({0x0132: "2026:03:01 14:05:09", 0x9010: "+02:00"}, "+02:00"),
        ({0x0132: "2026:03:04 09:00:00", 0x9010: "+02:00"}, None),
        ({0x9010: "+02:00"}, None),
        ({0x9004: "2026:03:01 14:05:09", 0x9012: "+02:00", 0x9011: "   :  "}, "+02:00"),
        ({0x9004: "2026:03:01 14:05:09", 0x9012: "+02:00", 0x9011: "+25:00"}, None),
        ({0x9004: "2026:03:01 14:05:09", 0x9012: "+02:00", 0x9011: "+03:00"}, "+03:00"),
        (
            {
                0x9004: "2026:03:01 14:05:09",
                0x9012: "+02:00",
                0x0132: "2026:03:01 14:05:09",
                0x9010: "+01:00",
            },
            None,
        ),
    ],
)
def test_the_zone_of_another_time_counts_only_if_both_times_are_the_same(
    times: dict[int, str], zone: str | None
) -> None:
    written = Image.Exif()
    if 0x0132 in times:
        written[0x0132] = times.pop(0x0132)
    written.get_ifd(0x8769).update({0x9003: "2026:03:01 14:05:09"} | times)
    photo = examine(encoded(picture(), "JPEG", exif=written.tobytes()))
    local = datetime.fromisoformat("2026-03-01T14:05:09")
    assert photo.taken_at_local == local
    expected = None if zone is None else datetime.fromisoformat(f"2026-03-01T14:05:09{zone}")
    assert photo.taken_at == expected


def test_the_time_of_the_gps_receiver_gives_no_zone() -> None:
    """It can be hours older than the photo."""
    gps = BERN | {7: tuple(map(IFDRational, (13, 5, 9))), 29: "2026:03:01"}
    photo = examine(encoded(picture(), "JPEG", exif=exif(taken="2026:03:01 14:05:09", gps=gps)))
    assert (photo.taken_at, photo.taken_at_local) == (None, datetime.fromisoformat("2026-03-01T14:05:09"))


@settings(max_examples=150)
@given(
    local=st.datetimes(
        datetime.fromisoformat("2001-01-01T00:00:00"), datetime.fromisoformat("2030-01-01T00:00:00")
    ).map(lambda time: time.replace(microsecond=0)),
    quarters=st.integers(-12 * 4, 14 * 4),
    form=st.sampled_from(["JPEG", "PNG", "WEBP"]),
    colon=st.booleans(),
    states_zone=st.booleans(),
)
def test_a_stored_time_is_the_true_instant(
    local: datetime, quarters: int, form: str, *, colon: bool, states_zone: bool
) -> None:
    zone = timezone(timedelta(minutes=15 * quarters))
    truth = local.replace(tzinfo=zone)
    offset = f"{truth:%:z}" if colon else f"{truth:%z}"
    block = exif(taken=f"{local:%Y:%m:%d %H:%M:%S}", offset=offset if states_zone else None)
    photo = examine(encoded(SMALL, form, exif=block))
    assert photo.taken_at_local == local
    assert photo.taken_at == (truth if states_zone else None)


def _position(gps: dict[int, Any]) -> tuple[float | None, float | None]:
    photo = examine(encoded(picture(), "JPEG", exif=exif(gps=gps)))
    return photo.latitude, photo.longitude


def test_south_and_west_are_negative() -> None:
    assert _position(position((33, 30, 0), "S", (70, 45, 0), "W")) == (-33.5, -70.75)
    assert _position(position((0, 0, 0), "S", (180, 0, 0), "W")) == (0, -180)
    assert _position(position((33.5,), "s", (70, 45), "w\0")) == (-33.5, -70.75)


@pytest.mark.parametrize(
    "gps",
    [
        position((0, 0, 0), "N", (0, 0, 0), "E"),
        position((91, 0, 0), "N", (7, 0, 0), "E"),
        position((90, 0, 1), "N", (7, 0, 0), "E"),
        position((46, 0, 0), "N", (180, 1, 0), "E"),
        position((46, 61, 0), "N", (7, 0, 0), "E"),
        position((46, 0, 0), "Q", (7, 0, 0), "E"),
        position((46, 0, 0), "E", (7, 0, 0), "N"),
        position((46, 0, 0), "", (7, 0, 0), "E"),
        position((46, 0, 0, 0), "N", (7, 0, 0), "E"),
        {tag: value for tag, value in BERN.items() if tag != 4},
        {tag: value for tag, value in BERN.items() if tag != 1},
        {1: "N"},
        BERN | {9: "V"},
        BERN | {18: "TOKYO"},
        position((46.948, 56, 52.8), "N", (7.4475, 26, 51), "E"),
        position((46, 56.88, 52.8), "N", (7, 26.85, 51), "E"),
    ],
)
def test_an_impossible_position_is_none(gps: dict[int, Any]) -> None:
    assert _position(gps) == (None, None)


@pytest.mark.parametrize(
    "gps",
    [
        BERN | {9: "A", 18: "WGS-84"},
        BERN | {18: "WGS84 \0"},
        position((46, 56.88, 0), "N", (7, 26.85), "E"),
        position((46.948,), "N", (7.4475, 0, 0), "E"),
    ],
)
def test_a_position_is_read_from_each_way_to_write_it(gps: dict[int, Any]) -> None:
    assert _position(gps) == pytest.approx((46.948, 7.4475), abs=1e-9)


def test_a_position_with_a_denominator_of_zero_is_none() -> None:
    whole = bytearray(encoded(picture(), "JPEG", exif=exif(gps=position((46, 1, 1), "N", (7, 0, 0), "E"))))
    rational = whole.index(b"\0\0\0\x2e\0\0\0\1")
    whole[rational + 4 : rational + 8] = bytes(4)
    photo = examine(bytes(whole))
    assert (photo.latitude, photo.longitude) == (None, None)
    assert corners(opened(photo.display)) == CORNERS


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    "broken",
    [b"", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\7" * 99],
)
def test_a_photo_with_broken_exif_is_stored_without_the_metadata(form: str, broken: bytes) -> None:
    photo = examine(encoded(picture(), form, exif=broken))
    assert (photo.taken_at, photo.latitude, photo.longitude) == (None, None, None)
    assert corners(opened(photo.display)) == CORNERS


def _with_metadata(form: str) -> bytes:
    """Return a photo with all metadata that the format can hold: a GIF only a comment, a BMP nothing."""
    secrets = {0x010F: "SECRET MAKER", 0x013B: "SECRET ARTIST"}
    metadata = exif(6, "2026:03:01 14:05:09", "+02:00", BERN, secrets)
    options: dict[str, Any] = {"comment": b"SECRET COMMENT"} if form in {"GIF", "JPEG"} else {}
    if form not in {"GIF", "BMP"}:
        options["exif"] = metadata
    if form in {"JPEG", "PNG", "WEBP", "AVIF", "HEIF", "TIFF"}:
        options["icc_profile"] = b"SECRET PROFILE" * 20
    if form in {"JPEG", "WEBP", "AVIF"}:
        options["xmp"] = b"<x:xmpmeta>SECRET XMP</x:xmpmeta>"
    return encoded(picture(1200, 800), form, **options)


@pytest.mark.parametrize("form", [*WITH_EXIF, "GIF", "BMP"])
def test_neither_copy_contains_metadata(form: str) -> None:
    data = _with_metadata(form)
    assert b"SECRET" in data or form == "BMP"
    photo = examine(data)
    for copy in _copies(photo):
        assert _segments(copy) <= {0xE0, 0xDB, 0xC0, 0xC4, 0xDA}
        assert b"SECRET" not in copy
        assert b"Exif" not in copy
        assert set(opened(copy).info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def _copies(photo: Photo) -> tuple[bytes, bytes]:
    return photo.display, photo.thumbnail


def _segments(jpeg: bytes) -> set[int]:
    """Return the JPEG markers up to the picture data."""
    stream = BytesIO(jpeg)
    assert stream.read(2) == b"\xff\xd8"
    found = set()
    while 0xDA not in found:
        found.add(stream.read(2)[1])
        stream.seek(int.from_bytes(stream.read(2)) - 2, 1)
    return found
