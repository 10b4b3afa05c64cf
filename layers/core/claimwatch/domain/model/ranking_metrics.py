"""Ranking metrics: how well scores find fraud, as functions of outcomes (1 is fraud) and scores.

Claims with equal scores have no order, so if a cut goes through them each counts with its share. A claim with
a ``weight`` represents that many claims. A metric is nan if frauds or honest claims are missing.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

type Floats = npt.NDArray[np.float64]

DECILES = 10


class _Steps(NamedTuple):
    """Claims and frauds at or above each distinct score, highest first, after a leading zero."""

    claims: Floats
    frauds: Floats


def _steps(outcome: npt.ArrayLike, score: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> _Steps:
    fraud, scores = np.asarray(outcome, dtype=np.float64), np.asarray(score, dtype=np.float64)
    each = np.ones(scores.shape) if weight is None else np.asarray(weight, dtype=np.float64)
    if not fraud.shape == scores.shape == each.shape or fraud.ndim != 1:
        raise ValueError("one outcome for each score")
    counted = each > 0.0
    fraud, scores, each = fraud[counted], scores[counted], each[counted]
    order = np.argsort(-scores, kind="stable")
    descending = scores[order]
    last = np.append(np.flatnonzero(np.diff(descending)), len(scores) - 1)[: len(scores)]
    return _Steps(
        np.append(0.0, np.cumsum(each[order])[last]), np.append(0.0, np.cumsum((each * fraud)[order])[last])
    )


def frauds_found(
    outcome: npt.ArrayLike,
    score: npt.ArrayLike,
    share: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
) -> Floats:
    """Return the frauds among the highest ``share`` of the claims, each share from 0 to 1."""
    steps = _steps(outcome, score, weight)
    reviewed = np.asarray(share, dtype=np.float64) * steps.claims[-1]
    return np.asarray(np.interp(reviewed, steps.claims, steps.frauds))


def in_top(score: npt.ArrayLike, book: npt.ArrayLike, share: float) -> Floats:
    """Return how much of each claim is in the highest ``share`` of the book: 1, 0, or its part of a tie.

    ``book`` are the scores of all claims, with and without an outcome.
    """
    own, everything = np.asarray(score, dtype=np.float64), np.asarray(book, dtype=np.float64)
    if share >= 1.0:
        return np.ones(len(own))
    reviewed = share * len(everything)
    if reviewed <= 0.0:
        return np.zeros(len(own))
    place = len(everything) - min(int(np.ceil(reviewed)), len(everything))
    cut = np.partition(everything, place)[place]
    above, at = float((everything > cut).sum()), float((everything == cut).sum())
    return np.where(own > cut, 1.0, np.where(own == cut, (reviewed - above) / at, 0.0))


def lift_by_decile(
    outcome: npt.ArrayLike,
    score: npt.ArrayLike,
    parts: int = DECILES,
    weight: npt.ArrayLike | None = None,
) -> Floats:
    """Return each decile's fraud rate over the base rate, the highest scores first."""
    found = frauds_found(outcome, score, np.arange(parts + 1) / parts, weight)
    return np.diff(found) * parts / found[-1] if found[-1] else np.full(parts, np.nan)


def top_decile_lift(
    outcome: npt.ArrayLike, score: npt.ArrayLike, weight: npt.ArrayLike | None = None
) -> float:
    """Return the fraud rate of the highest tenth over the base rate."""
    return float(lift_by_decile(outcome, score, weight=weight)[0])


def recall_at_capacity(
    outcome: npt.ArrayLike,
    score: npt.ArrayLike,
    capacity: float,
    weight: npt.ArrayLike | None = None,
) -> float:
    """Return the share of all frauds that reviewing the highest ``capacity`` (a share) of claims finds."""
    found, all_of_them = frauds_found(outcome, score, [capacity, 1.0], weight).tolist()
    return found / all_of_them if all_of_them else float("nan")


def precision_at_capacity(
    outcome: npt.ArrayLike,
    score: npt.ArrayLike,
    capacity: float,
    weight: npt.ArrayLike | None = None,
) -> float:
    """Return the share of frauds among the highest ``capacity`` (a share) of the claims."""
    claims = float(np.asarray(score).size if weight is None else np.asarray(weight).sum())
    reviewed = capacity * claims
    return float(frauds_found(outcome, score, capacity, weight)) / reviewed if reviewed else float("nan")


def capacity_threshold(score: npt.ArrayLike, capacity: float) -> float:
    """Return the lowest threshold that refers no more than ``capacity``; a claim at it is referred.

    If more claims than that share the highest score, it is just above that score.
    """
    values, counts = np.unique(np.asarray(score, dtype=np.float64), return_counts=True)
    referred = np.cumsum(counts[::-1])[::-1]
    # A capacity of 0.07 of 100 claims is 7, although the product of the floats is slightly different.
    allowed = np.flatnonzero(referred <= capacity * referred[0] * (1.0 + 1e-12))
    return float(values[allowed[0]]) if len(allowed) else float(np.nextafter(values[-1], np.inf))


def average_precision(
    outcome: npt.ArrayLike, score: npt.ArrayLike, weight: npt.ArrayLike | None = None
) -> float:
    """Return the area under the precision-recall curve, as scikit-learn's ``average_precision_score``."""
    steps = _steps(outcome, score, weight)
    if not steps.frauds[-1]:
        return float("nan")
    precision = steps.frauds[1:] / steps.claims[1:]
    return float((np.diff(steps.frauds) * precision).sum() / steps.frauds[-1])


def roc_auc(outcome: npt.ArrayLike, score: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Return the probability that a fraud scores above another claim, counting ties by half."""
    steps = _steps(outcome, score, weight)
    others = steps.claims - steps.frauds
    if not steps.frauds[-1] or not others[-1]:
        return float("nan")
    return float(np.trapezoid(steps.frauds, others) / (steps.frauds[-1] * others[-1]))


def brier(outcome: npt.ArrayLike, probability: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Return the mean squared difference of probability and outcome; nan without claims."""
    squares = np.square(np.asarray(probability, dtype=np.float64) - np.asarray(outcome))
    each = np.ones(len(squares)) if weight is None else np.asarray(weight, dtype=np.float64)
    return float(np.average(squares, weights=each)) if each.sum() else float("nan")


def calibration_curve(
    outcome: npt.ArrayLike,
    probability: npt.ArrayLike,
    parts: int = DECILES,
    weight: npt.ArrayLike | None = None,
    book: npt.ArrayLike | None = None,
) -> tuple[Floats, Floats, Floats]:
    """Return mean probability, share of frauds and total weight of parts of the claims, lowest first.

    The parts have about equal numbers of the ``book``'s claims, by default of these claims. Equal
    probabilities are in the same part, so there can be fewer than ``parts``.
    """
    fraud, given = np.asarray(outcome, dtype=np.float64), np.asarray(probability, dtype=np.float64)
    each = np.ones(given.shape) if weight is None else np.asarray(weight, dtype=np.float64)
    if not len(given):
        return np.empty(0), np.empty(0), np.empty(0)
    place, count = calibration_parts(given, parts, book)
    total = np.bincount(place, weights=each, minlength=count)
    kept = total > 0.0
    mean = np.bincount(place, weights=each * given, minlength=count)[kept] / total[kept]
    true = np.bincount(place, weights=each * fraud, minlength=count)[kept] / total[kept]
    return mean, true, total[kept]


def calibration_parts(
    probability: Floats, parts: int = DECILES, book: npt.ArrayLike | None = None
) -> tuple[npt.NDArray[np.int64], int]:
    """Return the part of the calibration curve of each claim, from 0, and the number of parts."""
    everything = probability if book is None else np.asarray(book, dtype=np.float64)
    edges = np.unique(np.quantile(everything, np.arange(1, parts) / parts, method="inverted_cdf"))
    return np.searchsorted(edges, probability, side="left"), len(edges) + 1


def calibration_error(
    outcome: npt.ArrayLike,
    probability: npt.ArrayLike,
    parts: int = DECILES,
    weight: npt.ArrayLike | None = None,
    book: npt.ArrayLike | None = None,
) -> float:
    """Return the mean distance of the calibration curve from the diagonal, weighted; nan without claims."""
    given, true, counts = calibration_curve(outcome, probability, parts, weight, book)
    return float(np.average(np.abs(given - true), weights=counts)) if len(counts) else float("nan")
