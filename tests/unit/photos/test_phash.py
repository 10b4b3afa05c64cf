"""Similar pictures have similar hashes, different pictures do not, and blank pictures have no hash."""

from collections.abc import Callable
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps

from claimwatch.domain.photos.perceptual_hash import MATCH_DISTANCE, distance, perceptual_hash
from claimwatch.domain.photos.photo import examine
from samples.photos import scene
from tests.unit.photos.pictures import encoded, opened, picture

HASHES = st.integers(-(1 << 63), (1 << 63) - 1)


@pytest.fixture(scope="module")
def scenes() -> list[Image.Image]:
    return [scene(seed=11, number=number, width=640, height=480) for number in range(8)]


@pytest.fixture(scope="module")
def hashes(scenes: list[Image.Image]) -> list[int]:
    return [_hash(image) for image in scenes]


def _hash(image: Image.Image, **options: int) -> int:
    phash = examine(encoded(image, "JPEG", **({"quality": 90} | options))).phash
    assert phash is not None
    return phash


EDITS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "compressed": lambda image: opened(encoded(image, "JPEG", quality=20)),
    "halved": lambda image: image.reduce(2),
    "enlarged": lambda image: image.resize((1100, 825)),
    "squeezed": lambda image: image.resize((640, 470)),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.25),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
    "with more contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.25),
    "without colour": ImageOps.grayscale,
    "cropped": lambda image: image.crop((6, 5, 634, 475)),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_a_copy_matches_its_original(
    scenes: list[Image.Image], hashes: list[int], edit: Callable[[Image.Image], Image.Image]
) -> None:
    for image, original in zip(scenes, hashes, strict=True):
        assert distance(original, _hash(edit(image))) <= MATCH_DISTANCE


def test_pictures_of_different_scenes_do_not_match(hashes: list[int]) -> None:
    distances = [distance(one, other) for one, other in combinations(hashes, 2)]
    assert min(distances) > MATCH_DISTANCE
    assert 24 < sum(distances) / len(distances) < 40


@pytest.mark.parametrize("level", [0, 1, 128, 255])
def test_a_plain_picture_has_no_hash(level: int) -> None:
    assert perceptual_hash(Image.new("L", (256, 192), level)) is None


def test_a_gradient_and_a_line_have_no_hash() -> None:
    assert perceptual_hash(Image.linear_gradient("L")) is None
    assert perceptual_hash(Image.linear_gradient("L").rotate(90)) is None
    halves = Image.new("L", (256, 256), 200)
    halves.paste(40, (0, 0, 128, 256))
    assert perceptual_hash(halves) is None


def test_the_noise_of_a_lens_cap_has_no_hash() -> None:
    for sigma in (1, 3):
        dark = Image.effect_noise((2000, 1500), sigma).point(lambda value: value // 8)
        assert examine(encoded(dark, "JPEG", quality=90)).phash is None


def test_the_hash_of_a_picture_never_changes() -> None:
    # New hashes are compared with hashes stored years ago.
    assert perceptual_hash(picture().convert("L")) == 3545889353988634499


@given(HASHES, HASHES)
def test_a_distance_counts_the_bits_that_differ(one: int, other: int) -> None:
    assert distance(one, other) == distance(other, one) == bin((one ^ other) & (1 << 64) - 1).count("1")
    assert distance(one, one) == 0
    assert distance(one, ~one) == 64


def test_hashes_are_bigints_of_either_sign(hashes: list[int]) -> None:
    assert all(-(1 << 63) <= one < 1 << 63 for one in hashes)
    assert {one < 0 for one in hashes} == {False, True}


def test_the_match_distance_is_within_the_reach_of_the_index() -> None:
    assert MATCH_DISTANCE <= 11
