"""Ranking and calibration measures over the book, with intervals.

Values are those of ``claimwatch.domain.model.ranking_metrics`` with the cohort's weights. Variances come from
each claim's influence function, so they account for which outcomes are known and why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import ndtri, stdtr, stdtrit

from claimwatch.domain.evaluation.cohort import Cohort, Floats
from claimwatch.domain.evaluation.intervals import NOTHING, TAIL, Interval, jeffreys, scaled
from claimwatch.domain.evaluation.rates import ROUNDING, Rate, rate
from claimwatch.domain.model import ranking_metrics

PER_CLAIMS = 1_000.0
"""The number of claims that value is given for."""

_NEAR = 0.25
"""The relative distance in rank within which claims determine the fraud rate at a cut."""

_UNSEEN = 0.25
"""The part of an unseen fraud that intervals allow for; with it they reach their nominal coverage
(benchmarks/coverage.py)."""

_HALF_NORMAL = np.sqrt(2.0 / np.pi)
"""The mean absolute value of a standard normal number."""
_NINE_IN_TEN = 1.6448536269514722
"""The normal distribution's 95 % quantile."""


def recall_at(cohort: Cohort, capacity: float) -> Rate:
    """Return the share of all frauds that reviewing the highest ``capacity`` of the book finds."""
    return _found_between(cohort, 0.0, capacity)


def precision_at(cohort: Cohort, capacity: float) -> Rate:
    """Return the share of frauds among the highest ``capacity`` of the book."""
    top = _top(cohort, capacity)
    here = rate(cohort, top, cohort.fraud)
    if here.value is None:
        return here
    return rate(cohort, top, cohort.fraud, (_rate_at(cohort, capacity) - here.value) * top)


def lift_by_decile(cohort: Cohort) -> list[Rate]:
    """Return each decile's fraud rate over the base rate, the highest scores first."""
    found = [
        _found_between(cohort, place / ranking_metrics.DECILES, (place + 1) / ranking_metrics.DECILES)
        for place in range(ranking_metrics.DECILES)
    ]
    return [Rate(scaled(each.interval, ranking_metrics.DECILES), each.n, each.effective) for each in found]


def roc_auc(cohort: Cohort) -> Interval:
    """Return the probability that a fraud scores above another claim, counting ties by half."""
    return _of_ranks(cohort, roc_auc_influence(cohort))


def pr_auc(cohort: Cohort) -> Interval:
    """Return the area under the precision-recall curve, computed by steps."""
    return _of_ranks(cohort, pr_auc_influence(cohort))


def _of_ranks(cohort: Cohort, found: "Influence | None") -> Interval:
    if found is None:
        return NOTHING
    return _by_variance(cohort, found.value, found.if_fraud, found.if_honest, ranks=True)


@dataclass(frozen=True)
class Influence:
    """A measure, and how much each counting claim changes it if it is a fraud and if it is honest.

    ``cut`` is the further change from moving the cut at capacity, which is known for every claim of the book.
    Measures of two models on the same claims can be subtracted, and so compared claim by claim.
    """

    value: float
    if_fraud: Floats
    if_honest: Floats
    cut: Floats | float = 0.0

    def __sub__(self, other: Self) -> Self:
        return type(self)(
            self.value - other.value,
            self.if_fraud - other.if_fraud,
            self.if_honest - other.if_honest,
            self.cut - other.cut,
        )


@dataclass(frozen=True)
class Estimate:
    """A measure that can take any value, its standard error, and the frauds (of equal weight) behind it."""

    value: float
    error: float
    frauds: float

    @property
    def interval(self) -> Interval:
        """The 95 % interval, by a t distribution with the degrees of freedom of the frauds."""
        reach = float(stdtrit(max(self.frauds - 1.0, 1.0), 1.0 - TAIL)) * self.error
        return Interval(self.value, self.value - reach, self.value + reach)

    def p_above(self, bound: float) -> float:
        """Return the one-sided p-value of a measure that is at most ``bound``, by the same distribution."""
        if not self.error > 0.0:
            return 0.0 if self.value > bound else 1.0
        return float(stdtr(max(self.frauds - 1.0, 1.0), (bound - self.value) / self.error))


def estimate(cohort: Cohort, found: Influence) -> Estimate:
    """Return a measure, or a difference of two, with its standard error."""
    seen = np.where(cohort.fraud > 0.5, found.if_fraud, found.if_honest)
    variance = cohort.variance(seen + found.cut, seen) + _unseen(cohort, found.if_fraud)
    return Estimate(found.value, float(np.sqrt(variance)), cohort.frauds)


def mean_estimate(estimates: Sequence[Estimate], shares: Sequence[float]) -> Estimate:
    """Return the mean of independent estimates, each with its share."""
    share = np.asarray(shares, dtype=np.float64) / sum(shares)
    return Estimate(
        float(share @ [each.value for each in estimates]),
        float(np.sqrt(share**2 @ [each.error**2 for each in estimates])),
        sum(each.frauds for each in estimates),
    )


def roc_auc_influence(cohort: Cohort) -> Influence | None:
    """Return the ROC-AUC with each claim's influence; None without frauds or without honest claims."""
    score, fraud, weight = _seen(cohort)
    area = ranking_metrics.roc_auc(fraud, score, weight)
    if np.isnan(area):
        return None
    share = cohort.mean(fraud)
    others_below = _share_below(score, score, weight * (1.0 - fraud))
    frauds_above = 1.0 - _share_below(score, score, weight * fraud)
    return Influence(area, (others_below - area) / share, (frauds_above - area) / (1.0 - share))


def pr_auc_influence(cohort: Cohort) -> Influence | None:
    """Return the PR-AUC with each claim's influence; None without frauds."""
    score, fraud, weight = _seen(cohort)
    area = ranking_metrics.average_precision(fraud, score, weight)
    if np.isnan(area):
        return None
    levels, place = np.unique(score, return_inverse=True)
    share = cohort.mean(fraud)
    total = weight.sum()
    at = np.bincount(place, weights=weight, minlength=len(levels)) / total
    frauds_at = np.bincount(place, weights=weight * fraud, minlength=len(levels)) / total
    above, frauds_above = np.cumsum(at[::-1])[::-1], np.cumsum(frauds_at[::-1])[::-1]
    precision = frauds_above / above
    # One more claim counts in the precision of every fraud that scores no higher.
    gained, lost = np.cumsum(frauds_at / above), np.cumsum(frauds_at * precision / above)
    if_honest = -lost[place] / share
    return Influence(area, (precision[place] + gained[place] - area) / share + if_honest, if_honest)


def value_influence(cohort: Cohort, gain: Floats, capacity: float, cost: float) -> Influence | None:
    """Return the net value of reviewing the highest ``capacity``, per thousand claims of the book.

    A review costs ``cost``, and finding a fraud brings the claim's ``gain`` [claims]. None without outcomes.
    """
    _, fraud, weight = _seen(cohort)
    if not len(fraud):
        return None
    top, brought = _top(cohort, capacity), gain[cohort.used]
    if_fraud, if_honest = PER_CLAIMS * top * (brought - cost), -PER_CLAIMS * top * cost
    value = cohort.mean(np.where(fraud > 0.5, if_fraud, if_honest))
    near = weight * _near(cohort, capacity)
    at_cut = PER_CLAIMS * float(near @ (fraud * brought - cost)) / near.sum() if near.any() else 0.0
    return Influence(value, if_fraud - value, if_honest - value, -top * at_cut)


def brier(cohort: Cohort) -> Interval:
    """Return the mean squared difference of probability and outcome."""
    score, fraud, weight = _seen(cohort)
    if not len(score):
        return NOTHING
    value = ranking_metrics.brier(fraud, score, weight)
    return _by_variance(cohort, value, np.square(1.0 - score) - value, np.square(score) - value)


def brier_skill(cohort: Cohort, rate: float | None = None) -> Interval:
    """Return the part of the Brier score of a constant probability that the model's probabilities avoid.

    0 is the skill of a model that gives every claim the fraud rate, 1 that of a model that is always right.
    With ``rate``, frauds and honest claims are weighted as in a book with this fraud rate: the Brier score
    and its skill rise and fall with the fraud rate of the book, also if the model ranks as well as before.
    """
    score, fraud, weight = _seen(cohort)
    share = cohort.mean(fraud)
    if not 0.0 < share < 1.0:
        return NOTHING
    if_fraud, if_honest = np.square(1.0 - score), np.square(score)
    missed = float(np.average(if_fraud, weights=weight * fraud))
    raised = float(np.average(if_honest, weights=weight * (1.0 - fraud)))
    own = rate is None or not 0.0 < rate < 1.0
    among = share if own else rate or share
    # Of the skill 1 - missed / (1 - rate) - raised / rate: the share itself counts if it is the rate.
    by_share = missed / (1.0 - share) ** 2 - raised / share**2 if own else 0.0
    found = estimate(
        cohort,
        Influence(
            1.0 - missed / (1.0 - among) - raised / among,
            (missed - if_fraud) / (share * (1.0 - among)) - by_share * (1.0 - share),
            (raised - if_honest) / ((1.0 - share) * among) + by_share * share,
        ),
    ).interval
    assert found.value is not None
    return Interval(found.value, found.low, max(min(found.high or 1.0, 1.0), found.value))


def calibration(cohort: Cohort) -> list[tuple[float, Rate]]:
    """Return mean probability and share of frauds in parts of the book of about equal size, lowest first."""
    score, fraud, weight = _seen(cohort)
    if not len(score):
        return []
    place, count = ranking_metrics.calibration_parts(score, book=cohort.probability)
    parts = [(place == part).astype(np.float64) for part in range(count)]
    return [
        (float(np.average(score, weights=weight * part)), rate(cohort, part, fraud))
        for part in parts
        if part.any()
    ]


def calibration_error(cohort: Cohort) -> Interval:
    """Return the mean distance of the calibration curve from the diagonal.

    Chance alone moves every part off the diagonal. The interval allows for the mean of that effect and for
    its upper range, so it is conservative.
    """
    score, fraud, weight = _seen(cohort)
    if not len(score):
        return NOTHING
    error = ranking_metrics.calibration_error(fraud, score, weight=weight, book=cohort.probability)
    place, _ = ranking_metrics.calibration_parts(score, book=cohort.probability)
    shares = np.bincount(place, weights=weight)
    chance = 0.0
    spread = 0.0
    for share, (_, seen) in zip(shares[shares > 0.0] / weight.sum(), calibration(cohort), strict=True):
        # One more claim of each outcome: a part without frauds is still subject to chance.
        near = ((seen.value or 0.0) * seen.effective + 1.0) / (seen.effective + 2.0)
        off = float(share * np.sqrt(near * (1.0 - near) / max(seen.effective, 1.0)))
        chance += off * _HALF_NORMAL
        spread += off**2 * (1.0 - _HALF_NORMAL**2)
    reach = float(chance + _NINE_IN_TEN * np.sqrt(spread))
    return Interval(error, max(0.0, error - reach), min(1.0, error + reach))


def _seen(cohort: Cohort) -> tuple[Floats, Floats, Floats]:
    used = cohort.used
    return cohort.probability[used], cohort.fraud, cohort.weight[used]


def _top(cohort: Cohort, share: float) -> Floats:
    return ranking_metrics.in_top(cohort.probability[cohort.used], cohort.probability, share)


def _found_between(cohort: Cohort, start: float, end: float) -> Rate:
    """Return the share of all frauds between two cuts through the book."""
    cut = np.zeros(len(cohort.used))
    chosen = np.zeros(len(cohort.used))
    for share, sign in ((end, 1.0), (start, -1.0)):
        top = sign * _top(cohort, share)
        chosen += top
        cut += top * _rate_at(cohort, share)
    return rate(cohort, cohort.fraud, np.clip(chosen, 0.0, 1.0), cut)


def _rate_at(cohort: Cohort, share: float) -> float:
    """Return the fraud rate near a cut; 0 if no claim near it counts, or if there is no cut."""
    near = cohort.weight[cohort.used] * _near(cohort, share)
    return float(near @ cohort.fraud) / float(near.sum()) if near.any() else 0.0


def _near(cohort: Cohort, share: float) -> Floats:
    """Return how much of each counting claim is near a cut; nothing if the cut is at an end."""
    if not 0.0 < share < 1.0:
        return np.zeros(len(cohort.used))
    return _top(cohort, share * (1.0 + _NEAR)) - _top(cohort, share * (1.0 - _NEAR))


def _share_below(score: Floats, among: Floats, weight: Floats) -> Floats:
    """Return the share of the weight below each score, counting ties by half."""
    order = np.argsort(among, kind="stable")
    reached = np.append(0.0, np.cumsum(weight[order]))
    ordered = among[order]
    below = reached[np.searchsorted(ordered, score, side="left")]
    up_to = reached[np.searchsorted(ordered, score, side="right")]
    return np.asarray((below + up_to) / (2.0 * reached[-1]))


def _by_variance(
    cohort: Cohort, value: float, if_fraud: Floats, if_honest: Floats, ranks: bool = False
) -> Interval:
    """Return the interval of a value between 0 and 1, from the share that would vary as much.

    Each claim adds ``if_fraud`` or ``if_honest`` to the value. With ``ranks``, the variance itself is
    estimated from the frauds alone, hence a t distribution.
    """
    if not cohort.frauds:
        return jeffreys(value, len(cohort.used))
    seen = np.where(cohort.fraud > 0.5, if_fraud, if_honest)
    variance = cohort.variance(seen) + _unseen(cohort, if_fraud)
    if ranks:
        variance *= float(stdtrit(max(cohort.frauds - 1.0, 1.0), 1.0 - TAIL) / -ndtri(TAIL)) ** 2
    varies = 0.0 < value < 1.0 and variance > ROUNDING
    return jeffreys(value, value * (1.0 - value) / variance if varies else cohort.frauds)


def _unseen(cohort: Cohort, if_fraud: Floats) -> float:
    """Return the variance for a part of a fraud that was not seen.

    If few frauds represent many, the next one could be anywhere: a part of one of the heaviest is added.
    """
    weight = cohort.weight[cohort.used]
    heaviest = weight >= weight.max()
    return _UNSEEN * float(((weight * if_fraud)[heaviest] ** 2).mean()) / float(weight.sum()) ** 2
