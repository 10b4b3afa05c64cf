"""Recall and false matches of reused photos: each is edited in ten ways and compared with all others."""

import io
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from claimwatch.domain.photos.perceptual_hash import MATCH_DISTANCE
from claimwatch.domain.photos.photo import examine
from claimwatch.domain.photos.same_picture import differing_blocks, is_same, picture_of_jpeg
from samples.photos import encoded, scene

PHOTOS, SEED = 300, 11
SIZES = ((1024, 768), (768, 1024), (1024, 576))
MUST_BE_FOUND = ("recompressed", "resized", "brightness")
"""The kinds of edits that ``match_recall`` covers."""

type Edit = Callable[[Image.Image, Generator], bytes]
type Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class Hashed:
    """Hashes of one photo and of its edits by kind; None for pictures without structure."""

    original: int | None
    edits: Mapping[str, int | None]
    blocks: Mapping[str, int] = field(default_factory=dict)
    """Blocks in which each edit differs from the original; 0 if it is missing."""


def measure(photos: int = PHOTOS, seed: int = SEED) -> tuple[dict[str, Any], list[Hashed]]:
    """Return the figures of recall and false matches, and the hashes."""
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as workers:
        found = list(workers.map(_photo, [seed] * photos, range(photos), chunksize=8))
    return figures(found), found


def figures(photos: Sequence[Hashed], most: int = MATCH_DISTANCE) -> dict[str, Any]:
    """Return recall by kind and rates of false pairs of different photos, without and with edits."""
    originals = _hashes([photo.original for photo in photos])
    different = _distances(originals, originals)[np.triu_indices(len(photos), 1)]
    own_edits: dict[str, NDArray[np.uint8]] = {}
    other_edits: list[NDArray[np.uint8]] = []
    for kind in photos[0].edits:
        distances = _distances(originals, _hashes([photo.edits[kind] for photo in photos]))
        own_edits[kind] = np.diag(distances)
        other_edits.append(distances[~np.eye(len(photos), dtype=bool)])
    edited = np.concatenate(other_edits)

    same = {kind: np.array([is_same(photo.blocks.get(kind, 0)) for photo in photos]) for kind in own_edits}

    def recall(kinds: Sequence[str], limit: int, *, by_hash: bool = False) -> float:
        found = [(own_edits[kind] <= limit) & (same[kind] | by_hash) for kind in kinds]
        return round(float(np.mean(found)), 4)

    return {
        "match_recall": recall(MUST_BE_FOUND, most),
        "false_pair_rate": _rate(different, most),
        "distance": most,
        "photos": len(photos),
        "without_hash": sum(photo.original is None for photo in photos),
        "pairs": int(different.size),
        "false_pairs": int((different <= most).sum()),
        "pairs_with_edits": int(edited.size),
        "false_pairs_with_edits": int((edited <= most).sum()),
        "false_pair_rate_with_edits": _rate(edited, most),
        "recall": {kind: recall([kind], most) for kind in own_edits},
        "recall_by_hash": {kind: recall([kind], most, by_hash=True) for kind in own_edits},
        "by_distance": {
            str(limit): {
                "match_recall": recall(MUST_BE_FOUND, limit),
                "false_pair_rate": _rate(different, limit),
            }
            for limit in range(0, 17, 2)
        },
    }


def _rate(distances: NDArray[np.uint8], most: int) -> float:
    return round(float((distances <= most).mean()), 7)


_NO_HASH = 255


def _hashes(hashes: Sequence[int | None]) -> tuple[Hashes, NDArray[np.bool_]]:
    known = np.array([value is not None for value in hashes])
    return np.array([(value or 0) & ((1 << 64) - 1) for value in hashes], np.uint64), known


def _distances(
    one: tuple[Hashes, NDArray[np.bool_]], other: tuple[Hashes, NDArray[np.bool_]]
) -> NDArray[np.uint8]:
    """Return the distance of each pair; pictures without a hash are far from all others."""
    distances = np.bitwise_count(one[0][:, None] ^ other[0][None, :])
    return np.where(one[1][:, None] & other[1][None, :], distances, np.uint8(_NO_HASH))


def _photo(seed: int, number: int) -> Hashed:
    rng = np.random.default_rng([seed, number, 2])
    data = encoded(scene(seed, number, *SIZES[number % len(SIZES)]))
    image = Image.open(io.BytesIO(data)).convert("RGB")  # edits start from the compressed photo
    return hashed(data, {kind: edit(image, rng) for kind, edit in EDITS.items()})


def hashed(data: bytes, edits: Mapping[str, bytes]) -> Hashed:
    """Return the hashes of a picture and its edits, and the blocks in which they differ."""
    original = examine(data)
    copies = {kind: examine(edit) for kind, edit in edits.items()}
    return Hashed(
        original.phash,
        {kind: copy.phash for kind, copy in copies.items()},
        {kind: blocks(original.thumbnail, copy.thumbnail) for kind, copy in copies.items()},
    )


def blocks(thumbnail: bytes, other: bytes) -> int:
    """Return the number of blocks in which two stored thumbnails differ."""
    one, two = picture_of_jpeg(thumbnail), picture_of_jpeg(other)
    assert one is not None
    assert two is not None
    return differing_blocks(one, two)


# -- Edits of a photo before it is sent again --


def _recompressed(image: Image.Image, rng: Generator) -> bytes:
    return encoded(image, quality=int(rng.choice([60, 40])))


def _resized(image: Image.Image, rng: Generator) -> bytes:
    share = rng.choice([0.5, 0.25])
    return encoded(image.resize((int(image.width * share), int(image.height * share))), quality=85)


def _brightness(image: Image.Image, rng: Generator) -> bytes:
    return encoded(ImageEnhance.Brightness(image).enhance(float(rng.choice([0.85, 1.15]))), quality=85)


def _contrast(image: Image.Image, rng: Generator) -> bytes:
    return encoded(ImageEnhance.Contrast(image).enhance(float(rng.choice([0.8, 1.2]))), quality=85)


def _cropped(image: Image.Image, rng: Generator) -> bytes:
    """Crop 2 to 5 % of each side's length, at either end."""
    wide, high = (int(side * (1 - rng.uniform(0.02, 0.05))) for side in image.size)
    left, top = int(rng.integers(0, image.width - wide + 1)), int(rng.integers(0, image.height - high + 1))
    return encoded(image.crop((left, top, left + wide, top + high)), quality=85)


def _grey(image: Image.Image, rng: Generator) -> bytes:  # noqa: ARG001 - there is only one way
    return encoded(image.convert("L"), quality=85)


def _blurred(image: Image.Image, rng: Generator) -> bytes:
    return encoded(image.filter(ImageFilter.GaussianBlur(rng.uniform(1, 3))), quality=85)


def _rotated(image: Image.Image, rng: Generator) -> bytes:
    """Rotate by 1 or 2 degrees and crop the empty corners."""
    angle = float(rng.choice([-2, -1, 1, 2]))
    turned = image.rotate(angle, Image.Resampling.BICUBIC)
    cut = int(np.ceil(np.sin(np.radians(abs(angle))) * max(image.size) / 2))
    return encoded(turned.crop((cut, cut, image.width - cut, image.height - cut)), quality=85)


def _converted(image: Image.Image, rng: Generator) -> bytes:
    return encoded(image, str(rng.choice(["WEBP", "PNG"])), quality=80)


def _captioned(image: Image.Image, rng: Generator) -> bytes:
    """Add a line of text on a bar at the bottom, or a logo in a corner."""
    marked = image.copy()
    draw = ImageDraw.Draw(marked)
    wide, high = image.size
    if rng.random() < 0.5:
        draw.rectangle((0, high * 0.95, wide, high), fill="black")
        draw.text((wide * 0.02, high * 0.955), "DAMAGE 2026-01-07 14:05", fill="white", font_size=high * 0.03)
    else:
        draw.ellipse((wide * 0.88, high * 0.03, wide * 0.97, high * 0.03 + wide * 0.09), fill="orange")
    return encoded(marked, quality=85)


EDITS: Mapping[str, Edit] = {
    "recompressed": _recompressed,
    "resized": _resized,
    "brightness": _brightness,
    "contrast": _contrast,
    "cropped": _cropped,
    "grey": _grey,
    "blurred": _blurred,
    "rotated": _rotated,
    "converted": _converted,
    "captioned": _captioned,
}
