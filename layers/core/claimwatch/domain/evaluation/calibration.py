"""Calibration in the large: the observed frauds over those that the probabilities predict."""

from collections.abc import Callable

import numpy as np
from scipy.special import gammainc, ndtri

from claimwatch.domain.evaluation.cohort import Cohort, Floats
from claimwatch.domain.evaluation.intervals import NOTHING, TAIL, Interval

_FURTHEST = 40.0
"""The furthest distance at which a bound is searched, in log-odds."""

_EXACT = 1e-6
"""Log-odds to which a bound is computed."""

_SYMMETRIC = 1e-4
"""Skewness up to which a distribution counts as normal."""

_CERTAIN = 1e-12
"""Variance up to which a number of frauds is certain, for probabilities of 0 and 1."""


def observed_to_expected(cohort: Cohort, tail: float = TAIL) -> Interval:
    """Return observed over predicted frauds, with an interval that leaves ``tail`` outside at each end.

    Both are summed over the claims that count, by their weights. The bounds are the ratios at which the
    observation would be just as improbable as ``tail`` if the odds of every claim were multiplied by one
    factor: what the intercept of a recalibration changes. Given the probabilities, the number of frauds is a
    weighted sum of independent outcomes, so its mean, variance and skewness are known, and a gamma
    distribution with these three (Pearson's type III) stands for it.
    """
    probability = cohort.probability[cohort.used]
    weight = cohort.weight[cohort.used]
    expected, observed = float(weight @ probability), float(weight @ cohort.fraud)
    if expected <= 0.0:
        return NOTHING
    value = observed / expected
    if float(weight**2 @ (probability * (1.0 - probability))) <= _CERTAIN * expected:
        return Interval(value)

    def ratio(shift: float) -> float:
        return float(weight @ _shifted(probability, shift)) / expected

    def below(shift: float) -> float:
        """Return the normal score of the observation, which falls with the shift."""
        return _score(observed, weight, _shifted(probability, shift))

    bound = float(ndtri(tail))
    low = 0.0 if observed <= 0.0 else ratio(_root(lambda shift: below(shift) + bound))
    high = ratio(_root(lambda shift: below(shift) - bound))
    return Interval(value, min(low, value), max(high, value))


def expected_frauds(cohort: Cohort) -> float:
    """Return the number of equally weighted frauds that carry as much information as those predicted."""
    weighted = cohort.weight[cohort.used] * cohort.probability[cohort.used]
    squares = float(cohort.weight[cohort.used] @ weighted)
    return float(weighted.sum()) ** 2 / squares if squares else 0.0


def _shifted(probability: Floats, shift: float) -> Floats:
    """Return the probabilities with their log-odds moved by ``shift``."""
    odds = np.exp(shift) * probability
    return np.asarray(odds / (1.0 - probability + odds))


def _score(observed: float, weight: Floats, probability: Floats) -> float:
    """Return the normal score of a weighted number of frauds, given the probability of each claim."""
    spread = weight**2 * probability * (1.0 - probability)
    error = float(np.sqrt(spread.sum()))
    if error <= 0.0:
        return float(np.sign(observed - float(weight @ probability))) * _FURTHEST
    distance = (observed - float(weight @ probability)) / error
    skewness = float((weight * spread) @ (1.0 - 2.0 * probability)) / error**3
    if abs(skewness) <= _SYMMETRIC:
        return distance
    shape, side = 4.0 / skewness**2, float(np.sign(skewness))
    at = shape + side * np.sqrt(shape) * distance
    reached = float(gammainc(shape, at)) if at > 0.0 else 0.0
    # Beyond the precision of the distribution the distance itself is as good.
    if not 1e-12 < reached < 1.0 - 1e-12:
        return distance
    return side * float(ndtri(reached))


def _root(falling: Callable[[float], float]) -> float:
    """Return where a falling function is zero; an end of the range if it is nowhere.

    By bisection: the layers have no scipy.optimize.
    """
    low, high = -_FURTHEST, _FURTHEST
    while high - low > _EXACT:
        middle = (low + high) / 2.0
        if falling(middle) > 0.0:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0
