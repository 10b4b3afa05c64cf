"""Measures of a model over the book, from claims that stand for others by their weights.

Ranks and areas are those of ``claimwatch.domain.model.ranking_metrics``; cuts go by all claims of the book.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
import numpy.typing as npt

from claimwatch.domain.model import ranking_metrics
from claimwatch.domain.model.ranking_metrics import DECILES, in_top

type Floats = npt.NDArray[np.float64]
type Measures = dict[str, float]


@dataclass(frozen=True)
class ScoredSample:
    """A model's probabilities of claims with an outcome; ``book`` are those of all claims of the split.

    ``gain`` is what finding the claim saves if it is a fraud.
    """

    outcome: Floats
    probability: Floats
    weight: Floats
    gain: Floats
    book: Floats

    def of(self, rows: npt.NDArray[np.bool_]) -> Self:
        """Some of the claims, in the same book."""
        return type(self)(
            self.outcome[rows], self.probability[rows], self.weight[rows], self.gain[rows], self.book
        )

    def weighed(self, factor: Floats) -> Self:
        """The same, each claim counting so many times more: a resample."""
        return type(self)(self.outcome, self.probability, self.weight * factor, self.gain, self.book)


@dataclass(frozen=True)
class Interval:
    """An estimate, and where it would be if other claims had been drawn."""

    value: float
    low: float
    high: float


def _rate(part: Floats, tried: ScoredSample) -> float:
    claims = float(part @ tried.weight)
    return float(part @ (tried.weight * tried.outcome)) / claims if claims else float("nan")


def base_rate(tried: ScoredSample) -> float:
    """The share of frauds."""
    return _rate(np.ones(len(tried.outcome)), tried)


def lift_by_decile(tried: ScoredSample, parts: int = DECILES) -> list[float]:
    """Each decile's fraud rate over the base rate, that of the highest scores first."""
    tops = [in_top(tried.probability, tried.book, cut / parts) for cut in range(parts + 1)]
    base = base_rate(tried)
    if not base > 0.0:
        return [float("nan")] * parts
    return [_rate(upper - lower, tried) / base for lower, upper in pairwise(tops)]


def value_at(tried: ScoredSample, capacity: float, cost: float) -> float:
    """What reviewing the highest ``capacity`` brings, less its cost, for each thousand claims of the book."""
    part = in_top(tried.probability, tried.book, capacity)
    brought = part * tried.weight * (tried.outcome * tried.gain - cost)
    return float(brought.sum() / tried.weight.sum() * 1_000.0)


def weighted_calibration(tried: ScoredSample, parts: int = DECILES) -> tuple[Floats, Floats, Floats]:
    """Mean probability, share of frauds and weight in parts of the book of about equal size, lowest first."""
    return ranking_metrics.calibration_curve(
        tried.outcome, tried.probability, parts, tried.weight, tried.book
    )


def measures(tried: ScoredSample, capacity: float, cost: float) -> Measures:
    """All measures of a model; nan where there are no claims of both outcomes."""
    both = 0.0 < base_rate(tried) < 1.0
    top = in_top(tried.probability, tried.book, capacity)
    frauds = tried.weight * tried.outcome
    given = (tried.outcome, tried.probability)
    nothing = float("nan")
    return {
        "roc_auc": ranking_metrics.roc_auc(*given, tried.weight) if both else nothing,
        "pr_auc": ranking_metrics.average_precision(*given, tried.weight) if both else nothing,
        "lift_top_decile": lift_by_decile(tried)[0],
        "recall_at_capacity": float(top @ frauds / frauds.sum()) if frauds.sum() else nothing,
        "precision_at_capacity": _rate(top, tried),
        "brier": ranking_metrics.brier(*given, tried.weight),
        "calibration_error": ranking_metrics.calibration_error(*given, weight=tried.weight, book=tried.book),
        "value_at_capacity": value_at(tried, capacity, cost),
        "base_rate": base_rate(tried),
    }


def resamples(claims: int, count: int, seed: int) -> npt.NDArray[np.float64]:
    """How often each claim is drawn in each resample [count, claims] (bootstrap, with replacement)."""
    draw = np.random.default_rng(seed)
    return np.stack(
        [np.bincount(draw.integers(0, claims, claims), minlength=claims) for _ in range(count)]
    ).astype(np.float64)


def interval(value: float, drawn: npt.ArrayLike, confidence: float) -> Interval:
    """The estimate with the percentiles of its resamples; nan where there are none."""
    there = np.asarray(drawn, dtype=np.float64)
    there = there[~np.isnan(there)]
    if not len(there):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(there, [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0])
    return Interval(value, float(low), float(high))


def intervals(
    tried: ScoredSample,
    measure: Callable[[ScoredSample], Measures],
    drawn: npt.NDArray[np.float64],
    confidence: float,
) -> dict[str, Interval]:
    """Every measure with its interval."""
    values = measure(tried)
    each = [measure(tried.weighed(factor)) for factor in drawn]
    return {
        name: interval(value, [measured[name] for measured in each], confidence)
        for name, value in values.items()
    }
