"""The photos that everybody shrinks, and what a perfect display copy of each would be."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image

from benchmarks.images_worker import fitted
from samples.photos import Facts, encoded, scene

WIDTH, HEIGHT = 4000, 3000
SEED, QUALITY = 7, 95  # of phones: 2 to 4 MB
_ORIENTATIONS = (1, 6, 1, 3, 1, 6, 1, 8)
"""As people hold their phones: half of the pictures need no turning."""


@dataclass(frozen=True)
class Input:
    """A JPEG, and the uncompressed scene at display size."""

    photo: Path
    reference: Path


def inputs(folder: Path, count: int) -> list[Input]:
    """So many photos of 12 megapixels; those that were drawn before are taken again."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_input(folder, number) for number in range(count)]


def _input(folder: Path, number: int) -> Input:
    made = Input(
        folder / f"{SEED}-{QUALITY}-{number}.jpg", folder / f"{SEED}-{QUALITY}-{number}.reference.png"
    )
    if not (made.photo.exists() and made.reference.exists()):
        image = scene(SEED, number, WIDTH, HEIGHT)
        moment = datetime(2026, 1, 5, 12, number, tzinfo=UTC)
        facts = Facts(_ORIENTATIONS[number % len(_ORIENTATIONS)], moment, 50.0, 8.0)
        image.resize(fitted(image.size), Image.Resampling.LANCZOS).save(made.reference)
        made.photo.write_bytes(encoded(image, "JPEG", facts, QUALITY))
    return made
