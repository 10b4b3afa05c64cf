"""The sample data of the demo: a motor insurer's first 34 weeks of 2025, and the order in which they arrive.

All weeks are in the past, because a week can only be checked after its Sunday.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt

from samples import Book, BookConfig, Dirt, Drift
from samples.delivery import Delivered, Delivery, deliver
from samples.photos import deliver_photos

FIRST = 0
"""The week of the book that arrives first, with bad rows."""
HISTORY = range(1, 26)
"""Weeks that arrive as one file of claims and one of outcomes, for training."""
NEXT = 26
"""The first week that is scored on arrival."""
PULLED = 27
"""The week whose claims are pulled from another database."""
LATER = range(28, 34)
"""Later weeks, each in its own file."""
DRIFT_FROM = 31
"""The first week with drift."""

STREAMED = 300
"""Claims of the first of the later weeks that are also sent one by one, before their file."""

CONFIG = BookConfig(
    seed=7,
    start=date(2025, 1, 6),
    weeks=LATER.stop,
    claims_per_week=2_000,
    drift=Drift(DRIFT_FROM, shift=0.5),
)

# One row in fifty is bad, some claims are duplicated, and the whole file is sent again.
DIRTY = Delivery(dirt=Dirt(0.02), duplicate_share=0.002, repeated_weeks=frozenset({FIRST}))
EVENTS, LONGEST = 8, 1_600
"""Number of claims of the first week with photos, and the longer side of each photo in pixels."""


@dataclass(frozen=True)
class Truth:
    """The true probability and outcome of each claim id, which only the generator knows."""

    probability: dict[str, float]
    is_fraud: dict[str, bool]

    def of(self, claim_ids: Iterable[str]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """Return probabilities and outcomes of these claims, in their order."""
        known = list(claim_ids)
        return (
            np.array([self.probability[claim_id] for claim_id in known]),
            np.array([self.is_fraud[claim_id] for claim_id in known]),
        )


@dataclass(frozen=True)
class MotorBook:
    """The files of the book below one folder; the end of each path is its key in the landing bucket."""

    folder: Path
    weekly: tuple[Delivered, ...]

    @classmethod
    def below(cls, folder: Path) -> "MotorBook":
        """Write the book below a folder."""
        return cls(folder, tuple(deliver(CONFIG, folder / "book")))

    def dirty_week(self) -> list[Path]:
        """Write the first week: its claims, the same file again, and its outcomes."""
        folder = self.folder / "week"
        sent = deliver(replace(CONFIG, weeks=1), folder, DIRTY, parts=("claims", "outcomes"))
        return [folder / file.key for file in sent]

    def photos(self) -> list[Path]:
        """Write photos of some claims of the first week, one of them used twice and one broken."""
        folder = self.folder / "photos"
        sent = deliver_photos(Book(CONFIG), folder, EVENTS, LONGEST)
        return [folder / photo.key for photo in sent]

    def history(self) -> list[Path]:
        """Write all weeks of the history as one file of claims and one of outcomes."""
        name = f"{self.name(HISTORY.start)}-to-{self.name(HISTORY.stop - 1)}.csv"
        return [
            _joined(
                [self._path(part, week) for week in HISTORY],
                self.folder / "history" / part / "motor" / name,
            )
            for part in ("claims", "outcomes")
        ]

    def week(self, week: int) -> list[Path]:
        """Return the file of a week's claims and the file of outcomes that were decided in it."""
        return [self._path(part, week) for part in ("claims", "outcomes")]

    def truth(self) -> Truth:
        """Return the truth about all claims."""
        probability, is_fraud = {}, {}
        for file in self.weekly:
            if file.part == "truth":
                _, *lines = (self.folder / "book" / file.key).read_text("ascii").splitlines()
                for line in lines:
                    claim_id, stated, fraud = line.split(",")
                    probability[claim_id], is_fraud[claim_id] = float(stated), fraud == "true"
        return Truth(probability, is_fraud)

    def name(self, week: int) -> str:
        """Return the ISO week, such as 2025-W02."""
        return Book(CONFIG).week_label(week)

    def _path(self, part: str, week: int) -> Path:
        return self.folder / "book" / part / "motor" / f"{self.name(week)}.csv"


def _joined(parts: list[Path], whole: Path) -> Path:
    """Join files that have the same header."""
    whole.parent.mkdir(parents=True, exist_ok=True)
    with whole.open("wb") as written:
        for number, part in enumerate(parts):
            content = part.read_bytes()
            written.write(content if number == 0 else content[content.index(b"\n") + 1 :])
    return whole
