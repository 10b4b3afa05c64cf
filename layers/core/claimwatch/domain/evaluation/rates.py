"""Rates over the book with intervals, from the counting claims of a cohort."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, gammaln

from claimwatch.domain.evaluation.cohort import Cohort, Floats
from claimwatch.domain.evaluation.intervals import NOTHING, Interval, Total, share_of_two

type Counts = npt.NDArray[np.intp]

ROUNDING = 1e-15
"""Variances up to this are rounding errors."""


@dataclass(frozen=True)
class Rate:
    """A share with its interval, the number of claims behind it, and their effective number."""

    interval: Interval
    n: int
    effective: float

    @property
    def value(self) -> float | None:
        """The share itself."""
        return self.interval.value


def rate(cohort: Cohort, of: Floats, chosen: Floats, cut: Floats | None = None) -> Rate:
    """Return the share of ``chosen`` in ``of``; both give for each counting claim a part from 0 to 1.

    For example, frauds and whether they were referred give recall, referrals and whether they are fraud the
    hit rate. If claims are chosen by a cut through the book, the cut depends on the drawn claims: ``cut`` is
    each claim's influence through it, minus the fraud rate at the cut for claims above.
    """
    weight = cohort.weight[cohort.used]
    whole = weight * of
    n = int((of > 0.0).sum())
    if not n:
        return Rate(NOTHING, 0, 0.0)
    part, rest = whole * chosen, whole * (1.0 - chosen)
    one, two = float(part.sum()), float(rest.sum())
    share = one / (one + two)
    counted = float((part**2).sum()) * (1.0 - share) ** 2 + float((rest**2).sum()) * share**2
    mean = cohort.mean(of)
    looked_at = of * (chosen - share) / mean
    variance = cohort.variance(looked_at if cut is None else looked_at - cut / mean, looked_at)
    # The ratio to the variance of independent counts: the design effect of how claims were selected.
    varies = variance > ROUNDING
    apart = counted / (one + two) ** 2 / variance if varies and counted > 0.0 else 1.0
    # If ``of`` selects only frauds (or only honest claims), the choice is known for every claim.
    by_choice = len(set(cohort.fraud[of > 0.0].tolist())) == 1
    totals = (
        _total(part, chosen if by_choice else of, weight, apart),
        _total(rest, 1.0 - chosen if by_choice else of, weight, apart),
    )
    # If the unseen claims would have had large weights, seeing none carries little information.
    unseen = (one + two) / (totals[0] if not one else totals[1]).heaviest
    return Rate(
        share_of_two(*totals), n, share * (1.0 - share) / variance if varies else min(unseen, float(n))
    )


def p_value(one: Rate, two: Rate) -> float:
    """Return the p-value of the difference of two independent rates; nan if one is not known.

    Fisher's exact test with the mid-p correction (Lancaster, 1961), on effective numbers of claims.
    """
    if one.value is None or two.value is None:
        return float("nan")
    of_one, of_two = max(round(one.effective), 1), max(round(two.effective), 1)
    hits_one = round(one.value * of_one)
    possible, likely = _given_all_hits(hits_one, of_one, round(two.value * of_two), of_two)
    seen = likely[possible == hits_one][0]
    # Outcomes as likely as the observed one, up to rounding, count half.
    rarer, as_rare = likely < seen * (1.0 - 1e-9), np.isclose(likely, seen, rtol=1e-9, atol=0.0)
    return float(min(likely[rarer].sum() + 0.5 * likely[as_rare].sum(), 1.0))


def p_at_most(one: Rate, two: Rate, times: float) -> float:
    """Return the p-value of the first rate being at most ``times`` the second; nan if one is not known.

    Given the hits of both, those of the first are binomial if rates are low (Przyborowski and Wilenski,
    1940): an exact test on effective numbers of claims. Shares vary less than such counts, so with higher
    rates it is conservative.
    """
    if one.value is None or two.value is None:
        return float("nan")
    hits_one, hits_two = one.value * one.effective, two.value * two.effective
    if not hits_one:
        return 1.0
    expected = times * one.effective
    return float(betainc(hits_one, hits_two + 1.0, expected / (expected + two.effective)))


def p_more(one: Rate, two: Rate) -> float:
    """Return the p-value of the first rate not being the higher one; nan if one is not known.

    Fisher's exact test to one side with the mid-p correction, on effective numbers of claims.
    """
    if one.value is None or two.value is None:
        return float("nan")
    of_one, of_two = max(round(one.effective), 1), max(round(two.effective), 1)
    hits_one = round(one.value * of_one)
    possible, likely = _given_all_hits(hits_one, of_one, round(two.value * of_two), of_two)
    return float(min(likely[possible > hits_one].sum() + 0.5 * likely[possible == hits_one][0], 1.0))


def _given_all_hits(hits_one: int, of_one: int, hits_two: int, of_two: int) -> tuple[Counts, Floats]:
    """Return the hits that the first of two samples can have if rates are equal, and their chances."""
    hits = hits_one + hits_two
    possible = np.arange(max(0, hits - of_two), min(hits, of_one) + 1)
    logs = _choose(of_one, possible) + _choose(of_two, hits - possible) - _choose(of_one + of_two, hits)
    return possible, np.exp(logs)


def _choose(of: int, taken: npt.ArrayLike) -> Floats:
    """Return the logarithms of binomial coefficients."""
    some = np.asarray(taken, dtype=np.float64)
    return np.asarray(gammaln(of + 1.0) - gammaln(some + 1.0) - gammaln(of - some + 1.0))


def _total(part: Floats, possible: Floats, weight: Floats, apart: float) -> Total:
    heaviest = np.max(weight[possible > 0.0], initial=0.0) or weight.max()
    return Total(float(part.sum()), float((part**2).sum()) / apart, float(heaviest) / apart)
