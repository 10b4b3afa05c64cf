"""How far two samples are apart, from counts in the same bins.

Each function is exact for the counts that it is given. Where bins hold numbers of several values, what the
counts say is not all: ``kolmogorov_smirnov`` sees the distance at the edges only, so it may be lower than
that of the values, by less than what the fullest bin holds; ``wasserstein`` spreads the numbers of a bin
evenly. Where every value has a bin of its own, both are those of the values.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from claimwatch.domain.model.profile import Profile

type Floats = npt.NDArray[np.float64]


class ChiSquare(NamedTuple):
    """The statistic of two samples, its degrees of freedom, and how likely one as high is without change."""

    statistic: float
    freedom: int
    p_value: float


def psi(reference: npt.ArrayLike, current: npt.ArrayLike) -> float:
    """The population stability index: the Kullback-Leibler divergences of both directions, in nats.

    A cell that only one of them has would make it infinite, so an empty cell counts as half a claim.
    """
    one, two = (_shares(np.where(counts == 0.0, 0.5, counts)) for counts in _used(reference, current))
    return float(((one - two) * np.log(one / two)).sum())


def psi_by_chance(cells: int, reference: float, current: float) -> float:
    """What ``psi`` comes to on average for two samples of so many claims from one population.

    Near to no change it is the chi-square statistic times this sum of reciprocals.
    """
    return (cells - 1) * (1.0 / reference + 1.0 / current)


def jensen_shannon(reference: npt.ArrayLike, current: npt.ArrayLike) -> float:
    """The Jensen-Shannon distance to base 2, from 0 (the same) to 1 (nothing in common)."""
    one, two = map(_shares, _used(reference, current))
    middle = (one + two) / 2.0
    divergence = (_surprise(one, middle) + _surprise(two, middle)) / 2.0
    return float(np.sqrt(max(divergence, 0.0)))


def kolmogorov_smirnov(reference: npt.ArrayLike, current: npt.ArrayLike) -> float:
    """The greatest distance of the cumulated shares of ordered bins."""
    one, two = (np.asarray(counts, dtype=np.float64) for counts in (reference, current))
    return float(np.abs(one.cumsum() / one.sum() - two.cumsum() / two.sum()).max())


def chi_square(reference: npt.ArrayLike, current: npt.ArrayLike) -> ChiSquare:
    """Pearson's test that two samples are of one population; cells that both lack do not count.

    The p-value is that of the chi-square distribution, right where few claims are expected in no cell.
    """
    table = np.stack(_used(reference, current))
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    statistic = float((np.square(table - expected) / expected).sum())
    freedom = table.shape[1] - 1
    return ChiSquare(statistic, freedom, float(chdtrc(freedom, statistic)) if freedom else 1.0)


def wasserstein(reference: Profile, current: Profile) -> float | None:
    """How far a value has to be moved on average, in standard deviations of the reference.

    None where one of them has no numbers, or all numbers of the reference are the same.
    """
    spread = standard_deviation(reference)
    if not spread or not current.present or not reference.edges:
        return None
    edges = np.array(reference.edges)
    if not reference.counts[-1]:  # every value has an edge of its own
        apart = np.abs(_cumulated(reference) - _cumulated(current))[:-1]
        assert current.minimum is not None
        assert current.maximum is not None
        beyond = current.below * max(edges[0] - current.minimum, 0.0)
        beyond += current.above * max(current.maximum - edges[-1], 0.0)
        return float((apart[:-1] @ np.diff(edges) + beyond / 2.0 / current.present) / spread)
    knots = np.unique([*edges, *reference.seen, *current.seen])
    apart = _line(reference, edges, knots) - _line(current, edges, knots)
    left, right, width = apart[:-1], apart[1:], np.diff(knots)
    # A line from one sign to the other encloses two triangles.
    both = np.abs(left) + np.abs(right)
    crossing = left * right < 0.0
    height = np.where(crossing, (left**2 + right**2) / np.where(crossing, both, 1.0), both) / 2.0
    # How the numbers of the longer tail are spread is not known, but what they come to is, by the means.
    above = knots[-1] - edges[-1] > edges[0] - knots[0]
    known = knots[1:] <= edges[-1] if above else knots[:-1] >= edges[0]
    tail = current.mean - reference.mean - ((left + right) / 2.0 * width)[known].sum()
    return float(((height * width)[known].sum() + abs(tail)) / spread)


def standard_deviation(profile: Profile) -> float:
    """Of the present numbers; nan without any."""
    if not profile.present:
        return float("nan")
    return float(np.sqrt(max(profile.squares / profile.present - profile.mean**2, 0.0)))


def _cumulated(profile: Profile) -> Floats:
    return np.cumsum(profile.counts) / profile.present


def _line(profile: Profile, edges: Floats, knots: Floats) -> Floats:
    """The share of a profile's numbers up to each knot, as if those of a bin were spread evenly."""
    low, high = profile.seen
    assert low is not None
    assert high is not None
    at, reached = edges, _cumulated(profile)[:-1]
    if low < edges[0]:
        at, reached = np.append(low, at), np.append(0.0, reached)
    if high > edges[-1]:
        at, reached = np.append(at, high), np.append(reached, 1.0)
    return np.interp(knots, at, reached, left=0.0, right=1.0)


def _used(reference: npt.ArrayLike, current: npt.ArrayLike) -> tuple[Floats, Floats]:
    """The cells that at least one of them has."""
    one, two = (np.asarray(counts, dtype=np.float64) for counts in (reference, current))
    used = one + two > 0.0
    return one[used], two[used]


def _shares(counts: Floats) -> Floats:
    return counts / counts.sum()


def _surprise(shares: Floats, expected: Floats) -> float:
    present = shares > 0.0
    return float((shares[present] * np.log2(shares[present] / expected[present])).sum())
