"""The commands `image` and `images` show the photos of an event and where else they were used."""

from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.stack import Stack
from tests.integration.cli.conftest import Run, answer
from tests.integration.photos.environment import BUCKET, PhotoEnvironment, picture


class NoPipeline:
    """Fails if an execution is started: photos need none."""

    def start(self, *_: object) -> None:
        raise AssertionError("an execution was started")


@pytest.fixture
def run(photos: PhotoEnvironment) -> Run:
    stack = Stack(
        "the test stack", photos.database.as_task("read"), photos.objects, NoPipeline(), BUCKET, "artifacts"
    )

    def invoke(*arguments: object) -> object:
        words = [str(argument) for argument in arguments]
        return CliRunner().invoke(app, words, obj=lambda _: stack, catch_exceptions=False)

    return invoke  # type: ignore[return-value]


def test_the_photos_of_an_event_are_shown_with_properties_matches_and_refusals(
    run: Run, photos: PhotoEnvironment
) -> None:
    photos.store("images/A/front.jpg", picture(-1, format="HEIF", latitude=48.1, longitude=11.5))
    photos.store("images/B/other.jpg", picture(-2, frames=7))
    photos.receive(photos.drop("images/A/broken.jpg", b"broken"))
    shown = answer(run("image", "A", "--json"))
    [photo] = shown["photos"]
    assert (photo["key"], photo["state"], photo["format"]) == ("images/A/front.jpg", "current", "HEIF")
    assert photo["phash"] == "f" * 16
    [match] = photo["matches"]
    assert (match["event_id"], match["distance"]) == ("B", 1)
    assert [photo["reason"] for photo in shown["refused"]] == ["it is not a photo"]
    [other] = answer(run("image", "B", "--json"))["photos"]
    assert [match["event_id"] for match in other["matches"]] == ["A"]
    table = run("image", "A").stdout
    for text in ("HEIF 4000 x 3000", "48.10000, 11.50000", "B (1 differing bit)", "it is not a photo"):
        assert text in table
    assert "7 frames" in run("image", "B").stdout


def test_a_time_without_a_zone_is_shown_as_that_of_the_camera(run: Run, photos: PhotoEnvironment) -> None:
    photos.decoder.taken_at_local = datetime.fromisoformat("2026-01-03T13:05:09")
    photos.store("images/A/a.jpg")
    assert "2026-01-03 13:05 by its clock" in run("image", "A").stdout
    [photo] = answer(run("image", "A", "--json"))["photos"]
    assert photo["taken_at"] is None
    assert photo["taken_at_local"].startswith("2026-01-03T13:05:09")


def test_replaced_and_deleted_photos_are_marked(run: Run, photos: PhotoEnvironment) -> None:
    for second in (1, 2):
        photos.store("images/A/1.jpg", second=second)
    created = photos.drop("images/A/2.jpg")
    photos.receive(created)
    photos.withdraw(created.ref, permanent=True, second=3)
    shown = answer(run("image", "A", "--json"))["photos"]
    assert [(photo["key"], photo["version_id"], photo["state"]) for photo in shown] == [
        ("images/A/1.jpg", "2", "current"),
        ("images/A/2.jpg", "1", "deleted"),
        ("images/A/1.jpg", "1", "replaced"),
    ]


def test_display_copies_of_current_photos_are_saved(
    run: Run, photos: PhotoEnvironment, tmp_path: Path
) -> None:
    photos.store("images/A/front.heic", picture(1))
    photos.store("images/A/front.heic", picture(2), second=1)
    folder = tmp_path / "new" / "folder"
    [current, _] = answer(run("image", "A", "--save", folder, "--json"))["photos"]
    assert [path.name for path in folder.iterdir()] == ["1-front.jpg"]
    assert current["saved"] == str(folder / "1-front.jpg")
    assert (folder / "1-front.jpg").read_bytes() == b"display of " + picture(2)


@pytest.mark.parametrize(
    "name",
    [
        "../../../up.jpg",
        "..",
        "/etc/passwd",
        "a/../../b.jpg",
        ".hidden",
        "-rf.jpg",
        "$(touch x).jpg",
        "x" * 700,
    ],
)
def test_no_key_of_a_photo_writes_outside_the_folder(
    run: Run, photos: PhotoEnvironment, tmp_path: Path, name: str
) -> None:
    created = photos.drop("images/A/plain.jpg")
    photos.receive(created)
    photos.rows("UPDATE claim_image SET key = %s", f"images/A/{name}")
    inside = tmp_path / "inside"
    before = {path for path in tmp_path.rglob("*") if photos.folder not in path.parents}
    assert run("image", "A", "--save", inside).exit_code == 0
    after = {path for path in tmp_path.rglob("*") if photos.folder not in path.parents}
    [file] = inside.iterdir()
    assert after - before == {inside, file}
    assert file.name.startswith("1-")
    assert file.suffix == ".jpg"
    assert len(file.name) < 80


def test_existing_files_are_not_overwritten(run: Run, photos: PhotoEnvironment, tmp_path: Path) -> None:
    for name in ("a", "b"):
        photos.store(f"images/A/{name}.jpg")
    (tmp_path / "2-b.jpg").write_text("mine")
    result = run("image", "A", "--save", tmp_path)
    assert result.exit_code == 1
    assert "2-b.jpg already exists" in result.stderr
    assert (tmp_path / "2-b.jpg").read_text() == "mine"
    assert not (tmp_path / "1-a.jpg").exists()


def test_the_error_for_an_event_without_photos_explains_where_to_drop_them(run: Run) -> None:
    result = run("image", "unknown")
    assert result.exit_code == 1
    assert "images/unknown/<name>" in result.stderr


def test_photos_are_counted_and_listed_with_reasons_and_the_newest_matches(
    run: Run, photos: PhotoEnvironment
) -> None:
    for number in range(3):
        photos.store(f"images/E{number}/1.jpg", picture(9))
    photos.store("images/E0/1.jpg", picture(0x0F0F0F0F), second=1)
    for number in range(2):
        photos.receive(photos.drop(f"images/E/{number}.jpg", b"broken"))
    shown = answer(run("images", "--json"))
    assert {name: shown[name] for name in ("stored", "current", "refused", "reused_pairs")} == {
        "stored": 4,
        "current": 3,
        "refused": 2,
        "reused_pairs": 3,
    }
    assert shown["refused_by_reason"] == [{"reason": "it is not a photo", "photos": 2}]
    assert {(match["event_id"], match["other_event_id"]) for match in shown["matches"]} == {
        ("E1", "E0"),
        ("E2", "E0"),
        ("E2", "E1"),
    }
    assert len(answer(run("images", "--limit", 1, "--json"))["matches"]) == 1
    table = run("images").stdout
    assert "4 photo versions stored, 3 current, 2 refused; 3 pairs of similar photos" in table
    assert "it is not a photo" in table


def test_a_key_cannot_send_control_codes_to_the_terminal(run: Run, photos: PhotoEnvironment) -> None:
    photos.store("images/A/\x1b[2J.jpg")
    assert "\x1b" not in run("image", "A").stdout
