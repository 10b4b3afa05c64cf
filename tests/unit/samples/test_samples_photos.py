"""Photos of the sample book show different scenes, depend only on the seed, and match photos.json."""

import hashlib
import io
import json
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps
from typer.testing import CliRunner

from samples import BookConfig
from samples.__main__ import app
from samples.book import Book
from samples.photos import Facts, SentPhoto, deliver_photos, encoded, scene
from tests.unit.samples.motor_checks import records

EVENTS, LONGEST = 8, 320


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("photos")


@pytest.fixture(scope="module")
def photos(out: Path) -> list[SentPhoto]:
    return deliver_photos(Book(BookConfig(claims_per_week=EVENTS)), out, EVENTS, LONGEST)


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return the mean difference in levels at a size at which noise averages out."""
    return float(np.abs(small(one) - small(other)).mean())


def small(image: Image.Image) -> NDArray[np.float32]:
    return np.asarray(image.convert("RGB").resize((64, 48)), np.float32)


def upright(data: bytes) -> Image.Image:
    return ImageOps.exif_transpose(Image.open(io.BytesIO(data)))


# --- Scenes ------------------------------------------------------------------------------------------------


def test_a_scene_is_the_same_for_the_same_seed_and_number() -> None:
    assert scene(7, 3, 200, 150).tobytes() == scene(7, 3, 200, 150).tobytes()


def test_every_scene_is_different() -> None:
    scenes = [small(scene(seed, number, 200, 150)) for seed in (7, 8) for number in range(10)]
    assert min(np.abs(one - other).mean() for one, other in combinations(scenes, 2)) > 8


@pytest.mark.parametrize("size", [(1, 1), (17, 9), (640, 480), (301, 777)])
def test_a_scene_has_the_requested_size(size: tuple[int, int]) -> None:
    assert scene(7, 0, *size).size == size


def test_scenes_are_as_hard_to_compress_as_photographs() -> None:
    bits = [8 * len(encoded(scene(7, number, 1200, 900))) / (1200 * 900) for number in range(6)]
    assert min(bits) > 0.7
    assert max(bits) < 5


# --- Files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
def test_applying_the_orientation_makes_a_photo_upright(orientation: int) -> None:
    image = scene(7, 1, 320, 200)
    data = encoded(image, "JPEG", Facts(orientation), quality=95)
    assert Image.open(io.BytesIO(data)).getexif()[ExifTags.Base.Orientation] == orientation
    assert upright(data).size == image.size
    assert difference(upright(data), image) < 3


def test_photos_json_describes_every_file(out: Path, photos: list[SentPhoto]) -> None:
    entries = json.loads((out / "photos.json").read_text("utf-8"))["photos"]
    assert [entry["key"] for entry in entries] == [photo.key for photo in photos]
    on_disk = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert on_disk == {photo.key for photo in photos} | {"photos.json"}
    for photo in photos:
        data = (out / photo.key).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (photo.bytes, photo.sha256)
        assert Image.open(io.BytesIO(data)).format == photo.format
        assert upright(data).size == (photo.width, photo.height) if not photo.broken else True


def test_all_orientations_and_formats_occur(photos: list[SentPhoto]) -> None:
    assert {photo.facts.orientation for photo in photos} == set(range(1, 9))
    assert {photo.format for photo in photos} == {"JPEG", "PNG", "WEBP", "HEIF", "TIFF"}


def test_the_exif_facts_are_in_the_files(out: Path, photos: list[SentPhoto]) -> None:
    zoned = located = 0
    for photo in photos:
        if photo.broken or photo.reuses:
            continue
        exif = Image.open(io.BytesIO((out / photo.key).read_bytes())).getexif()
        detail, gps = exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)
        offset = detail.get(ExifTags.Base.OffsetTimeOriginal, "+00:00")
        written = f"{detail[ExifTags.Base.DateTimeOriginal]}{offset}"
        assert datetime.strptime(written, "%Y:%m:%d %H:%M:%S%z") == photo.facts.taken_at
        zoned += ExifTags.Base.OffsetTimeOriginal in detail
        if photo.facts.latitude is not None:
            degrees, minutes, seconds = (float(part) for part in gps[ExifTags.GPS.GPSLatitude])
            sign = -1 if gps[ExifTags.GPS.GPSLatitudeRef] == "S" else 1
            assert sign * (degrees + minutes / 60 + seconds / 3600) == pytest.approx(photo.facts.latitude)
            located += 1
        else:
            assert not gps
    assert 0 < zoned < len(photos)
    assert 0 < located < len(photos)


def test_one_photo_is_reused_under_another_claim(out: Path, photos: list[SentPhoto]) -> None:
    (copy,) = [photo for photo in photos if photo.reuses]
    (first,) = [photo for photo in photos if photo.key == copy.reuses]
    assert copy.event_id != first.event_id
    assert copy.width < first.width
    assert difference(upright((out / copy.key).read_bytes()), upright((out / first.key).read_bytes())) < 3


def test_one_photo_is_truncated(out: Path, photos: list[SentPhoto]) -> None:
    (broken,) = [photo for photo in photos if photo.broken]
    data = io.BytesIO((out / broken.key).read_bytes())
    with pytest.raises(OSError, match="truncated"):
        Image.open(data).load()


def test_photos_belong_to_claims_of_the_book_and_were_taken_before_the_report(
    tmp_path: Path, photos: list[SentPhoto]
) -> None:
    result = CliRunner().invoke(app, ["claims", "--out", str(tmp_path), "--rows", str(EVENTS)])
    assert result.exit_code == 0, result.output
    (path,) = tmp_path.glob("claims/motor/*.csv")
    rows = records(path)
    header = path.read_text().splitlines()[0].split(",")
    reported = {row[0]: row[header.index("reported_at")] for row in rows}
    assert {photo.event_id for photo in photos} == reported.keys()
    for photo in photos:
        if photo.facts.taken_at:
            moment = datetime.fromisoformat(str(reported[photo.event_id]))
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            assert timedelta() < moment - photo.facts.taken_at <= timedelta(days=2)


@pytest.mark.slow
def test_the_command_line_writes_the_same_files_as_the_function(
    tmp_path: Path, out: Path, photos: list[SentPhoto]
) -> None:
    options = ["--events", str(EVENTS), "--longest", str(LONGEST)]
    result = CliRunner().invoke(app, ["photos", "--out", str(tmp_path), *options])
    assert result.exit_code == 0, result.output
    for path in out.rglob("*"):
        if path.is_file():
            assert (tmp_path / path.relative_to(out)).read_bytes() == path.read_bytes()
    assert "a copy of images/" in result.output
    assert "broken" in result.output
