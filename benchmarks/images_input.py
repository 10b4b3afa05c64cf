"""The photos that all contestants shrink, and an ideal display copy of each."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image

from benchmarks.images_worker import fitted
from samples.photos import Facts, encoded, scene

WIDTH, HEIGHT = 4000, 3000
SEED, QUALITY = 7, 95  # the quality of phones: 2 to 4 MB
_ORIENTATIONS = (1, 6, 1, 3, 1, 6, 1, 8)
"""Orientations as people hold their phones: half of the pictures are upright."""


@dataclass(frozen=True)
class Input:
    """A JPEG and the uncompressed scene at display size."""

    photo: Path
    reference: Path


def inputs(folder: Path, count: int) -> list[Input]:
    """Return photos of 12 megapixels, drawing those that are not in the folder yet."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_input(folder, number) for number in range(count)]


def _input(folder: Path, number: int) -> Input:
    files = Input(
        folder / f"{SEED}-{QUALITY}-{number}.jpg", folder / f"{SEED}-{QUALITY}-{number}.reference.png"
    )
    if not (files.photo.exists() and files.reference.exists()):
        image = scene(SEED, number, WIDTH, HEIGHT)
        taken_at = datetime(2026, 1, 5, 12, number, tzinfo=UTC)
        facts = Facts(_ORIENTATIONS[number % len(_ORIENTATIONS)], taken_at, 50.0, 8.0)
        image.resize(fitted(image.size), Image.Resampling.LANCZOS).save(files.reference)
        files.photo.write_bytes(encoded(image, "JPEG", facts, QUALITY))
    return files
