"""Delivery of a book to the insurer's bucket: weekly files in many shapes, some late and some repeated.

claims/motor/2026-W02.csv       the week's claims
outcomes/motor/2026-W02.csv     the week's decisions about claims of any week
truth/motor/2026-W02.csv        the true probability of the week's claims; never delivered
expected.json                   the files in the order of delivery, with the content of each
"""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from samples.book import Book, BookConfig
from samples.dirt import Dirt
from samples.layout import SHAPES, Shape
from samples.manifest import Manifest
from samples.outcomes import OUTCOME_NAMES, TRUTH_NAMES, Investigations, truth
from samples.writing import Corrections, write_table, write_week

type Part = Literal["claims", "outcomes", "truth"]

LINE = "motor"
WEEKS_LATE = 2
ALL_PARTS: tuple[Part, ...] = ("claims", "outcomes", "truth")


@dataclass(frozen=True)
class Delivery:
    """Faults of a delivery, none by default. Weeks of the book count from 0."""

    dirt: Dirt = field(default_factory=Dirt)
    duplicate_share: float = 0.0
    """Share of the claims of a file that are repeated in it."""
    correction_share: float = 0.0
    """Share of the claims of a week that are corrected in the next week's file."""
    late_weeks: frozenset[int] = frozenset()
    """Weeks whose claims are delivered WEEKS_LATE weeks later and not corrected."""
    repeated_weeks: frozenset[int] = frozenset()
    """Weeks whose files are delivered again a week later: the same bytes under another name."""
    shapes: tuple[str, ...] = ("csv",)
    """Names in layout.SHAPES, used in turn."""
    settling_weeks: int = 0
    """Number of weeks of outcomes after the last claims."""


@dataclass(frozen=True)
class Delivered:
    """One delivered file."""

    key: str
    """Path below the output folder, and key in the landing bucket."""
    part: Part
    delivered_in: int
    """Week of the book; for truth, which is not delivered, the week of its claims."""
    claims_week: int | None
    shape: str
    manifest: Manifest
    repeats: str | None = None
    """The key of the file with the same bytes, if this is a repetition."""

    def as_json(self) -> dict[str, Any]:
        """Return the entry of expected.json."""
        return {
            "key": self.key,
            "part": self.part,
            "delivered_in": self.delivered_in,
            "claims_week": self.claims_week,
            "shape": self.shape,
            "repeats": self.repeats,
            **self.manifest.as_json(),
        }


def deliver(
    config: BookConfig,
    out: Path,
    delivery: Delivery | None = None,
    parts: Sequence[Part] = ALL_PARTS,
    report: Callable[[Delivered], None] | None = None,
) -> list[Delivered]:
    """Write the files of a book and expected.json; return the files in the order of delivery.

    `report` is called for each file when it is written. Raises ValueError for a shape that is unknown or
    cannot hold the requested damage.
    """
    delivery = delivery or Delivery()
    unknown = set(delivery.shapes) - SHAPES.keys()
    if unknown or not delivery.shapes:
        raise ValueError(
            f"unknown shape: {', '.join(sorted(unknown)) or 'none given'}; choose from {', '.join(SHAPES)}"
        )
    for name in delivery.shapes:
        delivery.dirt.check(SHAPES[name])
    files: list[Delivered] = []
    for file in _written(_Writer(Book(config), out, delivery), config.weeks, delivery.settling_weeks, parts):
        files.append(file)
        if report:
            report(file)
    files.sort(key=lambda file: (file.delivered_in, ALL_PARTS.index(file.part), file.key))
    expected = {"config": asdict(config), "files": [file.as_json() for file in files]}
    (out / "expected.json").write_text(json.dumps(expected, default=str, indent=1) + "\n", encoding="utf-8")
    return files


def _written(
    writer: "_Writer", weeks: int, settling_weeks: int, parts: Sequence[Part]
) -> Iterator[Delivered]:
    for week in range(weeks + settling_weeks):
        if "claims" in parts and week < weeks:
            yield from writer.claims(week)
        if "truth" in parts and week < weeks:
            yield writer.truth(week)
        if "outcomes" in parts:
            yield writer.outcomes(week)


class _Writer:
    def __init__(self, book: Book, out: Path, delivery: Delivery) -> None:
        self._book, self._out, self._delivery = book, out, delivery
        self._investigations = Investigations(book)

    def claims(self, week: int) -> list[Delivered]:
        delivery = self._delivery
        name = delivery.shapes[week % len(delivery.shapes)]
        shape = SHAPES[name]
        key = self._key("claims", week, shape)
        manifest = write_week(
            self._out / key,
            self._book,
            week,
            shape=shape,
            dirt=delivery.dirt,
            duplicate_share=delivery.duplicate_share,
            corrections=self._corrections_in(week),
        )
        delivered_in = week + WEEKS_LATE * (week in delivery.late_weeks)
        first = Delivered(key, "claims", delivered_in, week, name, manifest)
        if week not in delivery.repeated_weeks:
            return [first]
        copy = self._key("claims", week, shape, "-again")
        shutil.copyfile(self._out / key, self._out / copy)
        return [first, Delivered(copy, "claims", delivered_in + 1, week, name, manifest, repeats=key)]

    def outcomes(self, week: int) -> Delivered:
        key = self._key("outcomes", week, Shape())
        seed = self._book.config.seed
        blocks = (decisions.columns(seed) for decisions in self._investigations.delivered_in(week))
        manifest = write_table(self._out / key, OUTCOME_NAMES, blocks)
        return Delivered(key, "outcomes", week, None, "csv", manifest)

    def truth(self, week: int) -> Delivered:
        key = self._key("truth", week, Shape())
        manifest = write_table(self._out / key, TRUTH_NAMES, truth(self._book, week))
        return Delivered(key, "truth", week, week, "csv", manifest)

    def _corrections_in(self, week: int) -> Corrections | None:
        share = self._delivery.correction_share
        if not share or week == 0 or week - 1 in self._delivery.late_weeks:
            return None
        return Corrections(week - 1, share)

    def _key(self, part: Part, week: int, shape: Shape, suffix: str = "") -> str:
        return f"{part}/{LINE}/{self._book.week_label(week)}{suffix}.{shape.suffix}"
