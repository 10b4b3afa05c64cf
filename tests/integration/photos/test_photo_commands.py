"""An investigator at the command line: which photos has this claim, and where else were they used?"""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.stack import Stack
from tests.integration.cli.conftest import Run, answer
from tests.integration.photos.environment import BUCKET, Studio, picture


class NoPipeline:
    """Photos start no execution."""

    def start(self, *_: object) -> None:
        raise AssertionError("an execution was started")


@pytest.fixture
def run(studio: Studio) -> Run:
    stack = Stack("the test's stack", studio.database, studio.objects, NoPipeline(), BUCKET, "artifacts")

    def invoke(*arguments: object) -> object:
        words = [str(argument) for argument in arguments]
        return CliRunner().invoke(app, words, obj=lambda _: stack, catch_exceptions=False)

    return invoke  # type: ignore[return-value]


def test_the_photos_of_an_event_are_shown_with_facts_matches_and_what_was_refused(
    run: Run, studio: Studio
) -> None:
    studio.stored("images/A/front.jpg", picture(-1, format="HEIF", latitude=48.1, longitude=11.5))
    studio.stored("images/B/other.jpg", picture(-2, frames=7))
    studio.receive(studio.drop("images/A/broken.jpg", b"broken"))
    told = answer(run("image", "A", "--json"))
    [photo] = told["photos"]
    assert (photo["key"], photo["state"], photo["format"]) == ("images/A/front.jpg", "current", "HEIF")
    assert photo["phash"] == "f" * 16
    [match] = photo["matches"]
    assert (match["event_id"], match["distance"]) == ("B", 1)
    assert [photo["reason"] for photo in told["refused"]] == ["it is no photo"]
    [other] = answer(run("image", "B", "--json"))["photos"]
    assert [match["event_id"] for match in other["matches"]] == ["A"]
    table = run("image", "A").stdout
    for words in ("HEIF 4000 x 3000", "48.10000, 11.50000", "B (1 bit apart)", "it is no photo"):
        assert words in table
    assert "7 frames" in run("image", "B").stdout


def test_replaced_and_deleted_photos_are_told_from_current_ones(run: Run, studio: Studio) -> None:
    for second in (1, 2):
        studio.stored("images/A/1.jpg", second=second)
    created = studio.drop("images/A/2.jpg")
    studio.receive(created)
    studio.withdraw(created.ref, permanent=True, second=3)
    photos = answer(run("image", "A", "--json"))["photos"]
    assert [(photo["key"], photo["version_id"], photo["state"]) for photo in photos] == [
        ("images/A/1.jpg", "2", "current"),
        ("images/A/2.jpg", "1", "deleted"),
        ("images/A/1.jpg", "1", "replaced"),
    ]


def test_display_copies_of_current_photos_are_saved(run: Run, studio: Studio, tmp_path: Path) -> None:
    studio.stored("images/A/front.heic", picture(1))
    studio.stored("images/A/front.heic", picture(2), second=1)
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
def test_no_name_of_a_photo_leads_out_of_the_folder(
    run: Run, studio: Studio, tmp_path: Path, name: str
) -> None:
    created = studio.drop("images/A/plain.jpg")
    studio.receive(created)
    studio.rows("UPDATE claim_image SET key = %s", f"images/A/{name}")
    inside = tmp_path / "inside"
    before = {path for path in tmp_path.rglob("*") if studio.folder not in path.parents}
    assert run("image", "A", "--save", inside).exit_code == 0
    after = {path for path in tmp_path.rglob("*") if studio.folder not in path.parents}
    [file] = inside.iterdir()
    assert after - before == {inside, file}
    assert file.name.startswith("1-")
    assert file.suffix == ".jpg"
    assert len(file.name) < 80


def test_no_file_is_written_over(run: Run, studio: Studio, tmp_path: Path) -> None:
    for name in ("a", "b"):
        studio.stored(f"images/A/{name}.jpg")
    (tmp_path / "2-b.jpg").write_text("mine")
    told = run("image", "A", "--save", tmp_path)
    assert told.exit_code == 1
    assert "2-b.jpg is there already" in told.stderr
    assert (tmp_path / "2-b.jpg").read_text() == "mine"
    assert not (tmp_path / "1-a.jpg").exists()


def test_an_event_without_photos_is_not_found_and_says_where_they_belong(run: Run) -> None:
    told = run("image", "nobody")
    assert told.exit_code == 1
    assert "images/nobody/<name>" in told.stderr


def test_all_photos_are_counted_with_reasons_and_the_newest_matches(run: Run, studio: Studio) -> None:
    for number in range(3):
        studio.stored(f"images/E{number}/1.jpg", picture(9))
    studio.stored("images/E0/1.jpg", picture(0x0F0F0F0F), second=1)
    for number in range(2):
        studio.receive(studio.drop(f"images/E/{number}.jpg", b"broken"))
    told = answer(run("images", "--json"))
    assert {name: told[name] for name in ("stored", "current", "refused", "reused_pairs")} == {
        "stored": 4,
        "current": 3,
        "refused": 2,
        "reused_pairs": 3,
    }
    assert told["refused_by_reason"] == [{"reason": "it is no photo", "photos": 2}]
    assert {(match["event_id"], match["other_event_id"]) for match in told["matches"]} == {
        ("E1", "E0"),
        ("E2", "E0"),
        ("E2", "E1"),
    }
    assert len(answer(run("images", "--limit", 1, "--json"))["matches"]) == 1
    table = run("images").stdout
    assert "4 versions of photos stored, 3 current; 2 refused; 3 pairs alike" in table
    assert "it is no photo" in table


def test_a_key_cannot_steer_the_terminal(run: Run, studio: Studio) -> None:
    studio.stored("images/A/\x1b[2J.jpg")
    assert "\x1b" not in run("image", "A").stdout
