"""Whether the splits of a training have enough outcomes to learn from and to measure with."""

from collections.abc import Sequence

import numpy as np

from training.evidence import FoldCount
from training.snapshot import RefusedTraining, Snapshot
from training.splits import Split

FEWEST_CLAIMS, FEWEST_FRAUDS = 100, 10
"""The least claims with an outcome, and of each outcome, in a split; with fewer, nothing can be measured."""


def count_of(claims: Snapshot, split: Split, fold: int) -> FoldCount:
    """Return the number of claims, outcomes and frauds of a split, and its first and last day."""
    own = claims.of(split.rows(fold))
    if not len(own):
        return FoldCount(0, 0, 0, "", "")
    first, last = own.event_time.min(), own.event_time.max()
    return FoldCount(len(own), int(own.known.sum()), int(np.nansum(own.outcome)), day_of(first), day_of(last))


def check(folds: Sequence[FoldCount], immature: int) -> None:
    """Raise ``RefusedTraining`` if a split has too few outcomes."""
    names = ("training", "validation", "test")
    frauds = ", ".join(f"{name} {count.frauds:,}" for name, count in zip(names, folds, strict=True))
    for name, count in zip(names, folds, strict=True):
        if count.known < FEWEST_CLAIMS or min(count.frauds, count.known - count.frauds) < FEWEST_FRAUDS:
            raise RefusedTraining(
                f"the {name} split has {count.known:,} claims with an outcome, {count.frauds:,} of them"
                f" frauds; it needs {FEWEST_CLAIMS}, and {FEWEST_FRAUDS} of each outcome. Frauds by split:"
                f" {frauds}. The outcomes of {immature:,} more recent claims are not due yet"
            )


def day_of(moment: np.datetime64) -> str:
    """Return the day of a moment."""
    return str(np.datetime64(moment, "D"))
