"""Copies of a picture are the same picture; other documents on the same letterhead are not."""

from collections.abc import Callable
from functools import cache
from io import BytesIO
from itertools import combinations
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from benchmarks.images_matching import EDITS
from claimwatch.domain.photos.perceptual_hash import MATCH_DISTANCE, distance, gradients
from claimwatch.domain.photos.photo import Photo, examine
from claimwatch.domain.photos.same_picture import Picture, differing_blocks, is_same, picture_of_jpeg
from samples.documents import KINDS, Letterhead, document, photographed, scanned
from samples.photos import scene
from tests.unit.photos.pictures import encoded

DOCUMENTS = 4
WAYS: dict[str, Callable[[Image.Image, Random], Image.Image]] = {
    "drawn": lambda page, _: page,
    "small": lambda page, _: page.resize((520, 735)),
    "scanned": scanned,
    "photographed": photographed,
}


@cache
def page(kind: int, number: int, way: str) -> Image.Image:
    """Return a document of a kind, as it is sent."""
    return WAYS[way](document(Letterhead(5, kind), number), Random(kind * 100 + number)).convert("RGB")


@cache
def photo(kind: int, number: int, way: str) -> Photo:
    return examine(encoded(page(kind, number, way), "JPEG", quality=85))


def blocks(one: Photo, other: Photo) -> int:
    picture, other_picture = picture_of_jpeg(one.thumbnail), picture_of_jpeg(other.thumbnail)
    assert picture is not None
    assert other_picture is not None
    return differing_blocks(picture, other_picture)


def similar(one: Photo, other: Photo) -> bool:
    assert one.phash is not None
    assert other.phash is not None
    return distance(one.phash, other.phash) <= MATCH_DISTANCE


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", range(len(KINDS)), ids=KINDS)
def test_different_documents_on_one_letterhead_are_not_the_same_picture(kind: int, way: str) -> None:
    documents = [photo(kind, number, way) for number in range(DOCUMENTS)]
    for one, other in combinations(documents, 2):
        assert not is_same(blocks(one, other))


def test_the_hashes_of_documents_on_one_letterhead_are_similar() -> None:
    """Without this, the test above would prove nothing."""
    pairs = [
        similar(photo(kind, one, "drawn"), photo(kind, other, "drawn"))
        for kind in range(len(KINDS))
        for one, other in combinations(range(DOCUMENTS), 2)
    ]
    assert sum(pairs) > len(pairs) / 2


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_a_copy_of_a_document_is_the_same_picture(edit: object) -> None:
    rng = np.random.default_rng(4)
    for kind in range(len(KINDS)):
        original = photo(kind, 0, "drawn")
        copy = examine(edit(page(kind, 0, "drawn"), rng))  # type: ignore[operator]
        assert is_same(blocks(original, copy)) or not similar(original, copy), KINDS[kind]


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_a_copy_of_a_photo_is_the_same_picture(edit: object) -> None:
    rng = np.random.default_rng(5)
    for number in range(4):
        image = scene(seed=11, number=number, width=800, height=600)
        original = examine(encoded(image, "JPEG", quality=90))
        assert is_same(blocks(original, examine(edit(image, rng))))  # type: ignore[operator]


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(
    one=st.tuples(st.integers(0, 4), st.integers(0, 1), st.sampled_from(["drawn", "scanned"])),
    other=st.tuples(st.integers(0, 4), st.integers(0, 1), st.sampled_from(["drawn", "scanned"])),
)
def test_two_pictures_differ_equally_in_either_order(
    one: tuple[int, int, str], other: tuple[int, int, str]
) -> None:
    assert blocks(photo(*one), photo(*other)) == blocks(photo(*other), photo(*one))
    assert blocks(photo(*one), photo(*one)) == 0


def test_pictures_of_any_size_and_content_are_compared() -> None:
    noise = Image.effect_noise((40, 3), 60)
    for gray in (Image.new("L", (1, 1)), Image.new("L", (256, 2), 255), noise, Image.linear_gradient("L")):
        assert differing_blocks(Picture(gray), Picture(gray)) == 0
        assert differing_blocks(Picture(gray), Picture(Image.effect_noise((256, 256), 60))) > 100


@pytest.mark.parametrize("data", [b"", b"no picture", encoded(Image.new("L", (8, 8)), "PNG")])
def test_what_is_not_a_jpeg_cannot_be_compared(data: bytes) -> None:
    assert picture_of_jpeg(data) is None
    cut = encoded(scene(1, 1, 256, 192), "JPEG")
    assert picture_of_jpeg(cut[: len(cut) // 2]) is None


def test_the_gradients_of_a_copy_are_nearer_than_those_of_other_documents() -> None:
    letterhead, rng = Letterhead(5, 0), np.random.default_rng(6)
    stored = [examine(encoded(document(letterhead, number), "JPEG")).gradients for number in range(12)]
    for number in (0, 5, 11):
        for edit in ("recompressed", "resized", "brightness", "grey"):
            copy = examine(EDITS[edit](document(letterhead, number), rng)).gradients
            nearest = min(range(12), key=lambda other: (stored[other] ^ copy).bit_count())
            assert nearest == number, edit


def test_the_gradients_of_a_picture_never_change() -> None:
    # New gradients are compared with gradients stored years ago.
    assert gradients(Image.linear_gradient("L")) == 0
    assert gradients(Image.linear_gradient("L").rotate(90)) == (1 << 1024) - 1
    stripes = Image.frombytes("L", (33, 32), bytes([0, 2] * 16 + [2]) * 32)
    row = int("10" * 16, 2)
    assert gradients(stripes) == sum(row << 32 * down for down in range(32))


def test_a_stored_thumbnail_is_read_as_gray() -> None:
    data = photo(0, 0, "drawn").thumbnail
    read = picture_of_jpeg(data)
    assert read is not None
    assert (read.gray.mode, read.gray.size) == ("L", Image.open(BytesIO(data)).size)
