"""How well scores find fraud, as plain functions of outcomes (1 is fraud) and scores.

Claims with equal scores have no order, so where a cut goes through them each counts with its share. What
cannot be told, for want of frauds or of others, is nan.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

type Floats = npt.NDArray[np.float64]

DECILES = 10


class _Steps(NamedTuple):
    """Claims and frauds at or above each distinct score, highest first, after a zero each."""

    claims: Floats
    frauds: Floats


def _steps(outcome: npt.ArrayLike, score: npt.ArrayLike) -> _Steps:
    fraud, scores = np.asarray(outcome, dtype=np.float64), np.asarray(score, dtype=np.float64)
    if fraud.shape != scores.shape or fraud.ndim != 1:
        raise ValueError("one outcome for each score")
    order = np.argsort(-scores, kind="stable")
    descending = scores[order]
    last = np.append(np.flatnonzero(np.diff(descending)), len(scores) - 1)[: len(scores)]
    return _Steps(np.append(0.0, last + 1.0), np.append(0.0, np.cumsum(fraud[order])[last]))


def frauds_found(outcome: npt.ArrayLike, score: npt.ArrayLike, share: npt.ArrayLike) -> Floats:
    """Frauds among the highest ``share`` of the claims, each share from 0 to 1."""
    steps = _steps(outcome, score)
    reviewed = np.asarray(share, dtype=np.float64) * steps.claims[-1]
    return np.asarray(np.interp(reviewed, steps.claims, steps.frauds))


def lift_by_decile(outcome: npt.ArrayLike, score: npt.ArrayLike, parts: int = DECILES) -> Floats:
    """Each decile's fraud rate over the base rate, that of the highest scores first."""
    found = frauds_found(outcome, score, np.arange(parts + 1) / parts)
    return np.diff(found) * parts / found[-1] if found[-1] else np.full(parts, np.nan)


def top_decile_lift(outcome: npt.ArrayLike, score: npt.ArrayLike) -> float:
    """The fraud rate of the highest tenth over the base rate."""
    return float(lift_by_decile(outcome, score)[0])


def recall_at_capacity(outcome: npt.ArrayLike, score: npt.ArrayLike, capacity: float) -> float:
    """The share of all frauds that reviewing the highest ``capacity`` (a share) of the claims finds."""
    found, all_of_them = frauds_found(outcome, score, [capacity, 1.0]).tolist()
    return found / all_of_them if all_of_them else float("nan")


def precision_at_capacity(outcome: npt.ArrayLike, score: npt.ArrayLike, capacity: float) -> float:
    """The share of frauds among the highest ``capacity`` (a share) of the claims."""
    reviewed = capacity * np.asarray(score).size
    return float(frauds_found(outcome, score, capacity)) / reviewed if reviewed else float("nan")


def capacity_threshold(score: npt.ArrayLike, capacity: float) -> float:
    """The lowest threshold that refers no more than ``capacity``; what is at the threshold is referred.

    Where more claims than that share the highest score, it is just above that score.
    """
    values, counts = np.unique(np.asarray(score, dtype=np.float64), return_counts=True)
    referred = np.cumsum(counts[::-1])[::-1]
    # A capacity of 0.07 of 100 claims is 7 of them, though their product as floats is a little more.
    allowed = np.flatnonzero(referred <= capacity * referred[0] * (1.0 + 1e-12))
    return float(values[allowed[0]]) if len(allowed) else float(np.nextafter(values[-1], np.inf))


def average_precision(outcome: npt.ArrayLike, score: npt.ArrayLike) -> float:
    """The area under the precision-recall curve, by steps, as scikit-learn's ``average_precision_score``."""
    steps = _steps(outcome, score)
    if not steps.frauds[-1]:
        return float("nan")
    precision = steps.frauds[1:] / steps.claims[1:]
    return float((np.diff(steps.frauds) * precision).sum() / steps.frauds[-1])


def roc_auc(outcome: npt.ArrayLike, score: npt.ArrayLike) -> float:
    """The probability that a fraud scores above another claim, ties counted by half."""
    steps = _steps(outcome, score)
    others = steps.claims - steps.frauds
    if not steps.frauds[-1] or not others[-1]:
        return float("nan")
    return float(np.trapezoid(steps.frauds, others) / (steps.frauds[-1] * others[-1]))


def brier(outcome: npt.ArrayLike, probability: npt.ArrayLike) -> float:
    """The mean squared difference of probability and outcome."""
    return float(np.mean(np.square(np.asarray(probability, dtype=np.float64) - np.asarray(outcome))))


def calibration_curve(
    outcome: npt.ArrayLike, probability: npt.ArrayLike, parts: int = DECILES
) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    """Mean probability, share of frauds and number of claims in parts of about equal size, lowest first.

    Equal probabilities are in the same part, so there may be fewer parts than asked for.
    """
    fraud, given = np.asarray(outcome, dtype=np.float64), np.asarray(probability, dtype=np.float64)
    edges = np.unique(np.quantile(given, np.arange(1, parts) / parts, method="inverted_cdf"))
    place = np.searchsorted(edges, given, side="left")
    counts = np.bincount(place, minlength=len(edges) + 1)
    kept = counts > 0
    told = np.bincount(place, weights=given, minlength=len(counts))[kept] / counts[kept]
    true = np.bincount(place, weights=fraud, minlength=len(counts))[kept] / counts[kept]
    return told, true, counts[kept].astype(np.int64)


def calibration_error(outcome: npt.ArrayLike, probability: npt.ArrayLike, parts: int = DECILES) -> float:
    """The mean distance of the calibration curve from the diagonal, each part by its number of claims."""
    told, true, counts = calibration_curve(outcome, probability, parts)
    return float(np.average(np.abs(told - true), weights=counts))
