"""95 % intervals of shares, ratios and differences.

Each interval says how far a value could differ if other claims had been drawn from the same book. None means
that a value or bound is not known.
"""

from dataclasses import dataclass
from math import exp, log, sqrt

from scipy.special import betaincinv

TAIL = 0.025
"""The probability outside of the interval at each end."""

Z = 1.959963984540054
"""The normal distribution's 97.5 % quantile."""


@dataclass(frozen=True)
class Interval:
    """A value, its lower and its upper bound."""

    value: float | None
    low: float | None = None
    high: float | None = None


NOTHING = Interval(None)


def wilson(hits: float, of: float) -> Interval:
    """Return a share of independent claims with Wilson's score interval."""
    if of <= 0.0:
        return NOTHING
    share = hits / of
    middle = (share + Z**2 / (2.0 * of)) / (1.0 + Z**2 / of)
    half = Z * sqrt(share * (1.0 - share) / of + Z**2 / (4.0 * of**2)) / (1.0 + Z**2 / of)
    # At 0 and 1 the bound is exact; the computed one has a rounding error.
    return Interval(share, max(middle - half, 0.0) if hits else 0.0, middle + half if hits < of else 1.0)


@dataclass(frozen=True)
class Total:
    """The sum of the weights of counted claims, the sum of their squares, and the greatest possible weight.

    The greatest weight is that of any claim that could have been counted.
    """

    value: float
    squares: float
    heaviest: float

    @property
    def counted(self) -> tuple[float, float]:
        """The number of equally weighted claims with the same variance, half an unseen claim included.

        The second value is their weight. The half is Jeffreys', with the greatest weight. Fay and Feuer,
        "Confidence intervals for directly standardized rates", 1997.
        """
        value = self.value + self.heaviest / 2.0
        squares = self.squares + self.heaviest**2 / 2.0
        return value**2 / squares, squares / value


def jeffreys(share: float, of: float) -> Interval:
    """Return a share of ``of`` claims (or an effective number of claims) with Jeffreys' interval."""
    if of <= 0.0:
        return NOTHING
    hits, others = share * of, (1.0 - share) * of
    return share_of_two(Total(hits, hits, 1.0), Total(others, others, 1.0))


def share_of_two(one: Total, two: Total) -> Interval:
    """Return the share of one total in the sum of two that were counted independently.

    Given the number of claims counted in both, the number in the first is binomial: the interval is Jeffreys'
    for that share, with the weights applied to its bounds.
    """
    if one.value + two.value <= 0.0:
        return NOTHING
    (counted_one, weight_one), (counted_two, weight_two) = one.counted, two.counted
    bounds = [float(betaincinv(counted_one, counted_two, at)) for at in (TAIL, 1.0 - TAIL)]
    low, high = (weight_one * bound / (weight_one * bound + weight_two * (1.0 - bound)) for bound in bounds)
    share = one.value / (one.value + two.value)
    # With hardly any claim counted, the share may be outside of the interval.
    return Interval(share, min(low, share) if one.value else 0.0, max(high, share) if two.value else 1.0)


def scaled(found: Interval, factor: float) -> Interval:
    """Return the value and both bounds multiplied by a factor."""
    return Interval(
        *(None if bound is None else bound * factor for bound in (found.value, found.low, found.high))
    )


def complement(found: Interval) -> Interval:
    """Return 1 minus the value, with its bounds."""
    return Interval(
        *(None if bound is None else 1.0 - bound for bound in (found.value, found.high, found.low))
    )


def ratio(one: Interval, two: Interval) -> Interval:
    """Return one value over another, independent one, from the intervals of both.

    Variances are recovered from the bounds of the logarithms (Donner and Zou, "Closed-form confidence
    intervals for functions of the normal mean and standard deviation", 2012).
    """
    first, second = _bounds(one), _bounds(two)
    if first is None or second is None or not second[0]:
        return NOTHING
    (value, low, high), (by, by_low, by_high) = first, second
    if not value:
        return Interval(0.0, 0.0, high / by_low if by_low else None)
    below = _hypotenuse(_log_ratio(value, low), _log_ratio(by_high, by))
    above = _hypotenuse(_log_ratio(high, value), _log_ratio(by, by_low))
    return Interval(
        value / by,
        0.0 if below is None else value / by * exp(-below),
        None if above is None else value / by * exp(above),
    )


def difference(one: Interval, two: Interval) -> Interval:
    """Return one value minus another, independent one (Newcombe's hybrid interval, 1998)."""
    first, second = _bounds(one), _bounds(two)
    if first is None or second is None:
        return NOTHING
    (value, low, high), (by, by_low, by_high) = first, second
    return Interval(
        value - by,
        value - by - sqrt((value - low) ** 2 + (by_high - by) ** 2),
        value - by + sqrt((high - value) ** 2 + (by - by_low) ** 2),
    )


def _bounds(found: Interval) -> tuple[float, float, float] | None:
    if found.value is None or found.low is None or found.high is None:
        return None
    return found.value, found.low, found.high


def _log_ratio(upper: float, lower: float) -> float | None:
    return log(upper / lower) if lower > 0.0 else None


def _hypotenuse(one: float | None, two: float | None) -> float | None:
    return None if one is None or two is None else sqrt(one**2 + two**2)
