"""Public photos (exif-orientation-examples and Pillow's test images) are decoded or refused with a reason.

The files are not part of this repository; CLAIMWATCH_TESTDATA names their folder.
"""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from claimwatch.domain.photos.perceptual_hash import MATCH_DISTANCE, distance
from claimwatch.errors import RefusedPhoto
from claimwatch.photos.decoder import Decoder
from tests.testdata import NO_TESTDATA, TESTDATA

EXIF = sorted((TESTDATA / "pillow-exif").iterdir()) if TESTDATA else []
ORIENTED = TESTDATA / "exif-orientation-examples" if TESTDATA else Path()

pytestmark = pytest.mark.skipif(TESTDATA is None, reason=NO_TESTDATA)


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with closing(Decoder()) as running:
        yield running


@pytest.mark.parametrize(
    ("kind", "size", "shown"),
    [("Landscape", (1800, 1200), (1024, 683)), ("Portrait", (1200, 1800), (683, 1024))],
)
def test_every_orientation_of_a_photo_has_an_upright_copy_and_a_similar_hash(
    decoder: Decoder, kind: str, size: tuple[int, int], shown: tuple[int, int]
) -> None:
    photos = [decoder.examine((ORIENTED / f"{kind}_{number}.jpg").read_bytes()) for number in range(9)]
    assert {(photo.width, photo.height) for photo in photos} == {size}
    assert {Image.open(BytesIO(photo.display)).size for photo in photos} == {shown}
    assert all(photo.phash is not None for photo in photos)
    assert {distance(photos[0].phash or 0, photo.phash or 0) for photo in photos} <= {0, 1, 2}


def test_different_photos_do_not_match(decoder: Decoder) -> None:
    landscape, portrait = (
        decoder.examine((ORIENTED / name).read_bytes()).phash
        for name in ("Landscape_1.jpg", "Portrait_1.jpg")
    )
    assert landscape is not None
    assert portrait is not None
    assert distance(landscape, portrait) > MATCH_DISTANCE


@pytest.mark.parametrize("path", EXIF, ids=lambda path: path.name)
def test_every_photo_with_odd_exif_is_stored_or_refused_with_a_reason(decoder: Decoder, path: Path) -> None:
    try:
        photo = decoder.examine(path.read_bytes())
    except RefusedPhoto as refused:
        assert "; s" in str(refused)  # noqa: PT017 - storing it is as good
        return
    assert photo.format == {".avif": "AVIF", ".tiff": "TIFF"}.get(path.suffix, "JPEG")
    with Image.open(path) as original:
        assert {photo.width, photo.height} == set(original.size)


@pytest.mark.parametrize(
    ("name", "local"),
    [
        ("broken_exif_dpi.jpg", datetime.fromisoformat("2013-09-11T16:45:13")),
        ("empty_gps_ifd.jpg", datetime.fromisoformat("2020-07-27T14:46:48")),
        ("invalid-exif-without-x-resolution.jpg", datetime.fromisoformat("2016-12-03T11:17:43")),
        ("exif_gps.jpg", datetime.fromisoformat("2099-09-29T10:10:10")),
    ],
)
def test_the_valid_fields_of_odd_exif_are_kept(decoder: Decoder, name: str, local: datetime | None) -> None:
    assert TESTDATA is not None
    photo = decoder.examine((TESTDATA / "pillow-exif" / name).read_bytes())
    assert (photo.taken_at, photo.taken_at_local) == (None, local)  # none of them states a zone
    assert (photo.latitude, photo.longitude) == (None, None)


def test_a_photo_that_lost_its_carriage_returns_is_refused(decoder: Decoder) -> None:
    """Its picture is destroyed, although libjpeg and Pillow decode it."""
    assert TESTDATA is not None
    with pytest.raises(RefusedPhoto, match="changed as if it were text"):
        decoder.examine((TESTDATA / "pillow-exif" / "hopper_bad_exif.jpg").read_bytes())
