"""The photo benchmark compares equal copies, and counts recall and false matches correctly."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import images_contestants, images_search
from benchmarks.images_contestants import SHARP, Missing, contestants
from benchmarks.images_matching import EDITS, MUST_BE_FOUND, Hashed, figures
from benchmarks.images_worker import CONTESTANTS, fitted
from samples.photos import Facts, encoded, scene


@pytest.fixture(scope="module")
def copies() -> dict[str, Image.Image]:
    data = encoded(scene(7, 4, 1600, 1200), "JPEG", Facts(orientation=6))
    return {name: Image.open(io.BytesIO(shrinks()(data))) for name, shrinks in CONTESTANTS.items()}


def test_all_contestants_make_the_same_copy(copies: dict[str, Image.Image]) -> None:
    first = np.asarray(copies["naive"].convert("L"), np.float32)
    for name, copy in copies.items():
        assert copy.size == (1024, 768), name
        assert np.abs(np.asarray(copy.convert("L"), np.float32) - first).mean() < 3, name


def test_all_contestants_use_the_same_compression(copies: dict[str, Image.Image]) -> None:
    tables = {name: copy.quantization for name, copy in copies.items()}  # type: ignore[attr-defined]
    assert tables["claimwatch"] == tables["naive"] == tables["draft"] == tables["pyvips"]
    assert {copy.info.get("exif") for copy in copies.values()} == {None}


def test_a_copy_is_never_larger_than_its_photo() -> None:
    assert fitted((4000, 3000)) == (1024, 768)
    assert fitted((300, 400)) == (300, 400)


def test_a_contestant_that_cannot_run_is_omitted_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages: list[str] = []
    monkeypatch.setattr("shutil.which", lambda _name: None)
    with contestants(["sharp"], tmp_path, messages.append) as running:
        assert not running
    assert messages == ["sharp is omitted: node and npm are not on PATH"]
    with pytest.raises(Missing):
        images_contestants.Contestant("sharp", tmp_path)


def test_sharp_is_pinned_by_hash_without_a_registry() -> None:
    lock = json.loads((SHARP / "package-lock.json").read_text("utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())
    assert not [name for name, entry in packages.items() if "resolved" in entry]
    version = json.loads((SHARP / "package.json").read_text("utf-8"))["dependencies"]["sharp"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert packages["node_modules/sharp"]["version"] == version


def photo(original: int | None, **edits: int | None) -> Hashed:
    return Hashed(original, dict.fromkeys(EDITS, original) | edits)


def test_recall_counts_edits_within_the_distance_and_edits_without_a_hash_as_missed() -> None:
    far = (1 << 62) - 1
    found = figures(
        [photo(0, recompressed=0b111, resized=0b1111, grey=None), photo(far, recompressed=far ^ 0b1)], most=3
    )
    assert found["recall"]["recompressed"] == 1.0
    assert found["recall"]["resized"] == 0.5
    assert found["recall"]["grey"] == 0.5
    assert found["match_recall"] == round((1 + 0.5 + 1) / len(MUST_BE_FOUND), 4)


def test_false_pairs_are_pairs_of_different_photos() -> None:
    hashed = [photo(0), photo(-1), photo(0b11), photo(None), photo(None)]
    found = figures(hashed, most=3)
    assert (found["pairs"], found["false_pairs"]) == (10, 1)
    assert found["false_pair_rate"] == 0.1
    assert found["pairs_with_edits"] == 5 * 4 * len(EDITS)
    assert found["false_pairs_with_edits"] == 2 * len(EDITS)
    assert found["without_hash"] == 2


@pytest.mark.parametrize("kind", EDITS)
def test_an_edit_changes_the_bytes_but_not_the_picture(kind: str) -> None:
    image = scene(7, 2, 320, 240)
    data = EDITS[kind](image, np.random.default_rng(1))
    edited = Image.open(io.BytesIO(data))
    assert data != encoded(image)
    small = [np.asarray(one.convert("L").resize((32, 24)), np.float32) for one in (image, edited)]
    assert np.corrcoef(small[0].ravel(), small[1].ravel())[0, 1] > 0.85


def test_random_hashes_have_the_bit_frequencies_of_photos() -> None:
    rng = np.random.default_rng(1)
    ones = np.linspace(0, 1, 64)
    hashes = images_search._hashes(rng, ones, 60_000)
    assert len(hashes) == len(set(hashes.tolist())) == 60_000
    assert np.abs(images_search._bits(hashes).mean(axis=0) - ones).max() < 0.02
