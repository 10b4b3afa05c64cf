"""The book that the demo tells: a motor insurer's first 34 weeks of 2025, and which of them come in when.

Its weeks are over whenever the demo is shown, for a week is checked after its Sunday.
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
"""Week of the book that comes in first, dirty."""
HISTORY = range(1, 26)
"""Weeks that come in as one file each of claims and outcomes, to be learnt from."""
NEXT = 26
"""The first week that is scored when it comes in."""
LATER = range(27, 34)
"""Weeks that come in after it, one by one."""
DRIFT_FROM = 31
"""The first of them in which claims are not what they were."""

CONFIG = BookConfig(
    seed=7,
    start=date(2025, 1, 6),
    weeks=LATER.stop,
    claims_per_week=2_000,
    drift=Drift(DRIFT_FROM, shift=0.5),
)

# One row in fifty is bad, some claims come twice, and the whole file is sent again.
DIRTY = Delivery(dirt=Dirt(0.02), duplicate_share=0.002, repeated_weeks=frozenset({FIRST}))
EVENTS, LONGEST = 8, 1_600
"""Claims of the first week that have photos, and pixels of the longer side of each."""


@dataclass(frozen=True)
class Truth:
    """What the generator knows of claims, and no insurer does, by claim id."""

    probability: dict[str, float]
    is_fraud: dict[str, bool]

    def of(self, claim_ids: Iterable[str]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """Of these claims, in their order."""
        known = list(claim_ids)
        return (
            np.array([self.probability[claim_id] for claim_id in known]),
            np.array([self.is_fraud[claim_id] for claim_id in known]),
        )


@dataclass(frozen=True)
class MotorBook:
    """The book's files, below one folder; their paths below it are their keys in the landing bucket."""

    folder: Path
    weekly: tuple[Delivered, ...]

    @classmethod
    def below(cls, folder: Path) -> "MotorBook":
        """Write the book."""
        return cls(folder, tuple(deliver(CONFIG, folder / "book")))

    def dirty_week(self) -> list[Path]:
        """The first week as it comes in: its claims, the same file again, its outcomes."""
        folder = self.folder / "week"
        sent = deliver(replace(CONFIG, weeks=1), folder, DIRTY, parts=("claims", "outcomes"))
        return [folder / file.key for file in sent]

    def photos(self) -> list[Path]:
        """Photos of some of the first week's claims, one of them used twice and one broken."""
        folder = self.folder / "photos"
        sent = deliver_photos(Book(CONFIG), folder, EVENTS, LONGEST)
        return [folder / photo.key for photo in sent]

    def history(self) -> list[Path]:
        """All weeks of the history as one file of claims and one of outcomes."""
        name = f"{self.name(HISTORY.start)}-to-{self.name(HISTORY.stop - 1)}.csv"
        return [
            _joined(
                [self._path(part, week) for week in HISTORY],
                self.folder / "history" / part / "motor" / name,
            )
            for part in ("claims", "outcomes")
        ]

    def week(self, week: int) -> list[Path]:
        """The claims of a week, and the outcomes that were decided in it."""
        return [self._path(part, week) for part in ("claims", "outcomes")]

    def truth(self) -> Truth:
        """The truth about all claims."""
        probability, is_fraud = {}, {}
        for file in self.weekly:
            if file.part == "truth":
                _, *lines = (self.folder / "book" / file.key).read_text("ascii").splitlines()
                for line in lines:
                    claim_id, stated, fraud = line.split(",")
                    probability[claim_id], is_fraud[claim_id] = float(stated), fraud == "true"
        return Truth(probability, is_fraud)

    def name(self, week: int) -> str:
        """Its ISO week, such as 2025-W02."""
        return Book(CONFIG).week_label(week)

    def _path(self, part: str, week: int) -> Path:
        return self.folder / "book" / part / "motor" / f"{self.name(week)}.csv"


def _joined(parts: list[Path], whole: Path) -> Path:
    """Files with the same header as one."""
    whole.parent.mkdir(parents=True, exist_ok=True)
    with whole.open("wb") as written:
        for number, part in enumerate(parts):
            content = part.read_bytes()
            written.write(content if number == 0 else content[content.index(b"\n") + 1 :])
    return whole
