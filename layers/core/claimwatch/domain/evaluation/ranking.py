"""How well probabilities rank and tell frauds over the book, with intervals.

Values are those of ``claimwatch.domain.model.ranking_metrics`` with the cohort's weights. Variances come from
what each claim adds to the value (its influence function), so that they know who was looked at and why.
"""

import numpy as np
from scipy.special import ndtri, stdtrit

from claimwatch.domain.evaluation.cohort import Cohort, Floats
from claimwatch.domain.evaluation.intervals import NOTHING, TAIL, Interval, jeffreys, scaled
from claimwatch.domain.evaluation.rates import ROUNDING, Rate, rate
from claimwatch.domain.model import ranking_metrics

_NEAR = 0.25
"""The fraud rate at a cut is that of the claims whose rank is so near to it, in parts of its own."""

_UNSEEN = 0.25
"""How much of a fraud that was not seen is allowed for; with it, intervals cover as they say
(benchmarks/coverage.py)."""

_HALF_NORMAL = np.sqrt(2.0 / np.pi)
"""The mean size of a standard normal number."""
_NINE_IN_TEN = 1.6448536269514722
"""The normal distribution's 95 % quantile."""


def recall_at(cohort: Cohort, capacity: float) -> Rate:
    """The share of all frauds that reviewing the highest ``capacity`` of the book finds."""
    return _found_between(cohort, 0.0, capacity)


def precision_at(cohort: Cohort, capacity: float) -> Rate:
    """The share of frauds among the highest ``capacity`` of the book."""
    top = _top(cohort, capacity)
    here = rate(cohort, top, cohort.fraud)
    if here.value is None:
        return here
    return rate(cohort, top, cohort.fraud, (_rate_at(cohort, capacity) - here.value) * top)


def lift_by_decile(cohort: Cohort) -> list[Rate]:
    """Each decile's fraud rate over the base rate, that of the highest scores first."""
    found = [
        _found_between(cohort, place / ranking_metrics.DECILES, (place + 1) / ranking_metrics.DECILES)
        for place in range(ranking_metrics.DECILES)
    ]
    return [Rate(scaled(each.interval, ranking_metrics.DECILES), each.n, each.effective) for each in found]


def roc_auc(cohort: Cohort) -> Interval:
    """The probability that a fraud scores above another claim, ties counted by half."""
    score, fraud, weight = _seen(cohort)
    area = ranking_metrics.roc_auc(fraud, score, weight)
    if np.isnan(area):
        return NOTHING
    share = cohort.mean(fraud)
    others_below = _share_below(score, score, weight * (1.0 - fraud))
    frauds_above = 1.0 - _share_below(score, score, weight * fraud)
    by_frauds, by_others = (others_below - area) / share, (frauds_above - area) / (1.0 - share)
    return _by_variance(cohort, area, by_frauds, by_others, ranks=True)


def pr_auc(cohort: Cohort) -> Interval:
    """The area under the precision-recall curve, by steps."""
    score, fraud, weight = _seen(cohort)
    area = ranking_metrics.average_precision(fraud, score, weight)
    if np.isnan(area):
        return NOTHING
    levels, place = np.unique(score, return_inverse=True)
    share = cohort.mean(fraud)
    total = weight.sum()
    at = np.bincount(place, weights=weight, minlength=len(levels)) / total
    frauds_at = np.bincount(place, weights=weight * fraud, minlength=len(levels)) / total
    above, frauds_above = np.cumsum(at[::-1])[::-1], np.cumsum(frauds_at[::-1])[::-1]
    precision = frauds_above / above
    # One more claim counts in the precision of every fraud that scores no higher.
    gained, lost = np.cumsum(frauds_at / above), np.cumsum(frauds_at * precision / above)
    by_others = -lost[place] / share
    return _by_variance(
        cohort, area, (precision[place] + gained[place] - area) / share + by_others, by_others, ranks=True
    )


def brier(cohort: Cohort) -> Interval:
    """The mean squared difference of probability and outcome."""
    score, fraud, weight = _seen(cohort)
    if not len(score):
        return NOTHING
    value = ranking_metrics.brier(fraud, score, weight)
    return _by_variance(cohort, value, np.square(1.0 - score) - value, np.square(score) - value)


def calibration(cohort: Cohort) -> list[tuple[float, Rate]]:
    """Mean probability and share of frauds in parts of the book of about equal size, lowest first."""
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
    """The mean distance of the calibration curve from the diagonal.

    Chance alone puts every part off the diagonal. The interval allows for what it adds on average and nearly
    always, so it is on the safe side.
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
        # With a claim of each outcome more, a part without frauds is not one without chance.
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
    """The share of all frauds that is between two cuts through the book."""
    cut = np.zeros(len(cohort.used))
    chosen = np.zeros(len(cohort.used))
    for share, sign in ((end, 1.0), (start, -1.0)):
        top = sign * _top(cohort, share)
        chosen += top
        cut += top * _rate_at(cohort, share)
    return rate(cohort, cohort.fraud, np.clip(chosen, 0.0, 1.0), cut)


def _rate_at(cohort: Cohort, share: float) -> float:
    """The fraud rate of the claims near a cut; 0 where none of them counts, or where there is no cut."""
    if not 0.0 < share < 1.0:
        return 0.0
    near = _top(cohort, share * (1.0 + _NEAR)) - _top(cohort, share * (1.0 - _NEAR))
    of = float(cohort.weight[cohort.used] @ near)
    return float((cohort.weight[cohort.used] * near) @ cohort.fraud) / of if of > 0.0 else 0.0


def _share_below(score: Floats, among: Floats, weight: Floats) -> Floats:
    """The share of the weight that is below each score, ties by half."""
    order = np.argsort(among, kind="stable")
    reached = np.append(0.0, np.cumsum(weight[order]))
    ordered = among[order]
    below = reached[np.searchsorted(ordered, score, side="left")]
    up_to = reached[np.searchsorted(ordered, score, side="right")]
    return np.asarray((below + up_to) / (2.0 * reached[-1]))


def _by_variance(
    cohort: Cohort, value: float, by_frauds: Floats, by_others: Floats, ranks: bool = False
) -> Interval:
    """The interval of a value between 0 and 1 that varies as a share of so many claims would.

    Each claim adds to the value ``by_frauds`` if it is one and ``by_others`` if not. Where few frauds stand
    for many, the next could be anywhere: a part of one of the heaviest is allowed for. Of ``ranks`` the
    variance itself is known from the frauds alone, hence a t distribution.
    """
    if not cohort.frauds:
        return jeffreys(value, len(cohort.used))
    weight = cohort.weight[cohort.used]
    heaviest = weight >= weight.max()
    unseen = _UNSEEN * float(((weight * by_frauds)[heaviest] ** 2).mean()) / weight.sum() ** 2
    variance = cohort.variance(np.where(cohort.fraud > 0.5, by_frauds, by_others)) + unseen
    if ranks:
        variance *= float(stdtrit(max(cohort.frauds - 1.0, 1.0), 1.0 - TAIL) / -ndtri(TAIL)) ** 2
    told = 0.0 < value < 1.0 and variance > ROUNDING
    return jeffreys(value, value * (1.0 - value) / variance if told else cohort.frauds)
