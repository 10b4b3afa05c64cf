"""Splits by event time: a model is trained on the oldest claims, chosen on later ones, tested on the latest.

No claimant has outcomes in two splits: the claimant's later claims are left out, because only the earlier
ones would have been known.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

type Mask = npt.NDArray[np.bool_]
type Moments = npt.NDArray[np.datetime64]
type Fold = npt.NDArray[np.int8]

TRAIN, VALIDATION, TEST, LEFT_OUT = 0, 1, 2, -1
NAMES = ("train", "validation", "test")
SHARES = (0.6, 0.2)


@dataclass(frozen=True)
class Split:
    """The fold of each claim, and the boundaries between folds: a claim at a boundary is after it."""

    fold: Fold
    boundaries: tuple[np.datetime64, np.datetime64]
    left_out: int
    """Claims of claimants who have outcomes in an earlier fold."""

    def rows(self, *folds: int) -> Mask:
        """Return which claims are in these folds."""
        return np.isin(self.fold, folds)


def by_time(
    event_time: Moments, claimant: npt.NDArray[np.object_] | None = None, known: Mask | None = None
) -> Split:
    """Split claims 60 : 20 : 20 by time; claims of the same moment stay together.

    ``known`` are the claims with an outcome, by default all. Claims without one carry no outcome from one
    fold into another, so they are never left out because of their claimant. Claims without a time are left
    out.
    """
    timed = ~np.isnat(event_time)
    ordered = np.sort(event_time[timed])
    if not len(ordered):
        raise ValueError("no claim has an event time")
    ends = np.cumsum(SHARES)
    boundaries = tuple(ordered[min(int(end * len(ordered)), len(ordered) - 1)] for end in ends)
    fold = np.searchsorted(np.array(boundaries), event_time, side="right").astype(np.int8)
    fold[~timed] = LEFT_OUT
    before = int((fold == LEFT_OUT).sum())
    if claimant is not None:
        counted = np.ones(len(fold), dtype=np.bool_) if known is None else known
        fold[_again(fold, claimant, counted & timed)] = LEFT_OUT
    return Split(fold, (boundaries[0], boundaries[1]), int((fold == LEFT_OUT).sum()) - before)


def forward(
    event_time: Moments, claimant: npt.NDArray[np.object_] | None, parts: int = 3
) -> list[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Return pairs of positions to train on and to test on, each later than the last (forward chaining)."""
    order = np.argsort(event_time, kind="stable")
    pairs = []
    for part in range(1, parts + 1):
        start, end = (len(order) * cut // (parts + 1) for cut in (part, part + 1))
        train, test = order[:start], order[start:end]
        if claimant is not None:
            test = test[~_among(claimant[test], claimant[train])]
        pairs.append((train, test))
    return pairs


def _again(fold: Fold, claimant: npt.NDArray[np.object_], counted: Mask) -> Mask:
    """Return the claims whose claimant is in an earlier fold."""
    again = np.zeros(len(fold), dtype=np.bool_)
    for later in (VALIDATION, TEST):
        here = np.flatnonzero(counted & (fold == later))
        earlier = claimant[counted & (fold < later) & (fold >= TRAIN)]
        again[here[_among(claimant[here], earlier)]] = True
    return again


def _among(names: npt.NDArray[np.object_], others: npt.NDArray[np.object_]) -> Mask:
    """Return whether each name is among the others; a missing name is not."""
    met = {name for name in others if name is not None}
    return np.fromiter((name in met for name in names), np.bool_, len(names))
