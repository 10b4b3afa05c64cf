"""Intervals of 95 %, for shares, ratios and differences.

Each says from where to where a value would be if other claims had been drawn from the same book. None is what
cannot be told.
"""

from dataclasses import dataclass
from math import exp, log, sqrt

from scipy.special import betaincinv

TAIL = 0.025
"""What is left out at either end."""

_Z = 1.959963984540054
"""The normal distribution's 97.5 % quantile."""


@dataclass(frozen=True)
class Interval:
    """A value, its lower and its upper bound."""

    value: float | None
    low: float | None = None
    high: float | None = None


NOTHING = Interval(None)


def wilson(hits: float, of: float) -> Interval:
    """A share of independent claims, with Wilson's score interval."""
    if of <= 0.0:
        return NOTHING
    share = hits / of
    middle = (share + _Z**2 / (2.0 * of)) / (1.0 + _Z**2 / of)
    half = _Z * sqrt(share * (1.0 - share) / of + _Z**2 / (4.0 * of**2)) / (1.0 + _Z**2 / of)
    # At the ends the bound is the end; what is computed is off by a rounding.
    return Interval(share, max(middle - half, 0.0) if hits else 0.0, middle + half if hits < of else 1.0)


@dataclass(frozen=True)
class Total:
    """A sum of the weights of claims that were counted, the sum of their squares, and the greatest there is.

    The last is of any claim that could have been counted.
    """

    value: float
    squares: float
    heaviest: float

    @property
    def counted(self) -> tuple[float, float]:
        """How many claims of equal weight vary alike, half a one that was not seen included; their weight.

        The half is Jeffreys', of the heaviest. Fay and Feuer, "Confidence intervals for directly
        standardized rates", 1997.
        """
        value = self.value + self.heaviest / 2.0
        squares = self.squares + self.heaviest**2 / 2.0
        return value**2 / squares, squares / value


def jeffreys(share: float, of: float) -> Interval:
    """A share of so many claims, which may be the number that would tell as much; Jeffreys' interval."""
    if of <= 0.0:
        return NOTHING
    hits, others = share * of, (1.0 - share) * of
    return share_of_two(Total(hits, hits, 1.0), Total(others, others, 1.0))


def share_of_two(one: Total, two: Total) -> Interval:
    """The share of one total in the sum of two that were counted independently.

    Given how many claims were counted in all, those of the first are binomial; Jeffreys' interval of that
    share, with the weights put back.
    """
    if one.value + two.value <= 0.0:
        return NOTHING
    (counted_one, weight_one), (counted_two, weight_two) = one.counted, two.counted
    bounds = [float(betaincinv(counted_one, counted_two, at)) for at in (TAIL, 1.0 - TAIL)]
    low, high = (weight_one * bound / (weight_one * bound + weight_two * (1.0 - bound)) for bound in bounds)
    share = one.value / (one.value + two.value)
    # With next to nothing counted, the interval's middle is not the share.
    return Interval(share, min(low, share) if one.value else 0.0, max(high, share) if two.value else 1.0)


def scaled(found: Interval, factor: float) -> Interval:
    """All three, so many times."""
    return Interval(
        *(None if bound is None else bound * factor for bound in (found.value, found.low, found.high))
    )


def complement(found: Interval) -> Interval:
    """What is left to 1."""
    return Interval(
        *(None if bound is None else 1.0 - bound for bound in (found.value, found.high, found.low))
    )


def ratio(one: Interval, two: Interval) -> Interval:
    """One value over another that was found independently, from the intervals of both.

    By variance estimates recovered from the bounds of the logarithms (Donner and Zou, "Closed-form confidence
    intervals for functions of the normal mean and standard deviation", 2012).
    """
    first, second = _told(one), _told(two)
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
    """One value less another that was found independently (Newcombe's hybrid interval, 1998)."""
    first, second = _told(one), _told(two)
    if first is None or second is None:
        return NOTHING
    (value, low, high), (by, by_low, by_high) = first, second
    return Interval(
        value - by,
        value - by - sqrt((value - low) ** 2 + (by_high - by) ** 2),
        value - by + sqrt((high - value) ** 2 + (by - by_low) ** 2),
    )


def _told(found: Interval) -> tuple[float, float, float] | None:
    if found.value is None or found.low is None or found.high is None:
        return None
    return found.value, found.low, found.high


def _log_ratio(upper: float, lower: float) -> float | None:
    return log(upper / lower) if lower > 0.0 else None


def _hypotenuse(one: float | None, two: float | None) -> float | None:
    return None if one is None or two is None else sqrt(one**2 + two**2)
