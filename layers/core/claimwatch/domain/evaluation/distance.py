"""Distances between two samples that are counted in the same bins.

Each function is exact for the counts. If a bin holds several values, the distance of the values may differ:
``kolmogorov_smirnov`` compares at the bin edges only and may be lower, by less than the share of the fullest
bin; ``wasserstein`` assumes that values are spread evenly within a bin. If every value has a bin of its own,
both are exact for the values too. Values in the gaps between such values are counted for each gap, and their
mean is known: ``wasserstein`` is off by less than the sum of each gap's share times its width.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from claimwatch.domain.model.profile import Profile, just_below

type Floats = npt.NDArray[np.float64]


class ChiSquare(NamedTuple):
    """Result of a chi-square test of two samples."""

    statistic: float
    freedom: int
    p_value: float


def psi(reference: npt.ArrayLike, current: npt.ArrayLike) -> float:
    """Return the population stability index: the sum of both Kullback-Leibler divergences, in nats.

    An empty cell counts as half a claim; otherwise a cell that only one sample has would make it infinite.
    """
    one, two = (_shares(np.where(counts == 0.0, 0.5, counts)) for counts in _used(reference, current))
    return float(((one - two) * np.log(one / two)).sum())


def psi_by_chance(cells: int, reference: float, current: float) -> float:
    """Return the expected ``psi`` of two samples of these sizes from one population.

    For small changes, PSI is the chi-square statistic multiplied by this sum of reciprocals.
    """
    return (cells - 1) * (1.0 / reference + 1.0 / current)


def jensen_shannon(reference: npt.ArrayLike, current: npt.ArrayLike) -> float:
    """Return the Jensen-Shannon distance to base 2, from 0 (equal) to 1 (nothing in common)."""
    one, two = map(_shares, _used(reference, current))
    middle = (one + two) / 2.0
    divergence = (_divergence(one, middle) + _divergence(two, middle)) / 2.0
    return float(np.sqrt(max(divergence, 0.0)))


def kolmogorov_smirnov(reference: npt.ArrayLike, current: npt.ArrayLike) -> float:
    """Return the largest difference of the cumulative shares of ordered bins."""
    one, two = (np.asarray(counts, dtype=np.float64) for counts in (reference, current))
    return float(np.abs(one.cumsum() / one.sum() - two.cumsum() / two.sum()).max())


def chi_square(reference: npt.ArrayLike, current: npt.ArrayLike) -> ChiSquare:
    """Return Pearson's test that two samples are from one population.

    Cells that are empty in both are dropped. The p-value is that of the chi-square distribution, which holds
    if each cell expects enough claims.
    """
    table = np.stack(_used(reference, current))
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    statistic = float((np.square(table - expected) / expected).sum())
    freedom = table.shape[1] - 1
    return ChiSquare(statistic, freedom, float(chdtrc(freedom, statistic)) if freedom else 1.0)


def wasserstein(reference: Profile, current: Profile) -> float | None:
    """Return the mean distance by which values have to move, in standard deviations of the reference.

    None if a sample has no numbers, or if all numbers of the reference are equal.
    """
    spread = standard_deviation(reference)
    if not spread or not current.present or not reference.edges:
        return None
    edges = np.array(reference.edges)
    own = edges[:-1] == just_below(edges[1:])
    least = abs(current.mean - reference.mean) / spread
    if not reference.counts[-1] and not own.any():  # older models: every value has an edge, gaps have no bins
        apart = np.abs(_cumulated(reference) - _cumulated(current))[:-1]
        assert current.minimum is not None
        assert current.maximum is not None
        beyond = current.below * max(edges[0] - current.minimum, 0.0)
        beyond += current.above * max(current.maximum - edges[-1], 0.0)
        found = float((apart[:-1] @ np.diff(edges) + beyond / 2.0 / current.present) / spread)
        return max(found, least)
    if np.array(reference.counts)[1:-1][own].sum() == reference.present and not current.outside:
        return max(_between(reference, current, edges, own) / spread, least)
    knots = np.unique([*edges, *reference.seen, *current.seen])
    apart = _line(reference, edges, knots) - _line(current, edges, knots)
    left, right, width = apart[:-1], apart[1:], np.diff(knots)
    height = _area(left, right)
    # The distribution within the longer tail is not known, but its area is, from the means.
    above = knots[-1] - edges[-1] > edges[0] - knots[0]
    known = knots[1:] <= edges[-1] if above else knots[:-1] >= edges[0]
    tail = current.mean - reference.mean - ((left + right) / 2.0 * width)[known].sum()
    return max(float(((height * width)[known].sum() + abs(tail)) / spread), least)


def _between(reference: Profile, current: Profile, edges: Floats, own: npt.NDArray[np.bool_]) -> float:
    """Return the mean distance if every value of the reference has a bin of its own.

    Values in a gap are spread evenly over a part of it that begins at one of its ends. The part is the same
    share of every gap, such that the mean is that of the values.
    """
    ends = np.append(np.where(own, edges[1:], edges[:-1]), edges[-1])
    low, high = ends[:-1], ends[1:]
    counts = np.array(current.counts[1:-1], dtype=np.float64)
    width, inside = high - low, np.where(own, 0.0, counts)
    exact = float(counts[own] @ high[own])
    room = float(inside @ width)
    share = min(max((current.total - exact - float(inside @ low)) / room, 0.0), 1.0) if room else 0.5
    near, far = (0.0, 2.0 * share) if share <= 0.5 else (2.0 * share - 1.0, 1.0)
    # Before the part, within it, and after it, the distribution of the current values is a straight line.
    before = (
        np.cumsum(reference.counts)[:-2] / reference.present
        - np.cumsum(current.counts)[:-2] / current.present
    )
    after = before - inside / current.present
    parts = ((near, before, before), (far - near, before, after), (1.0 - far, after, after))
    return float(sum(part * (width @ _area(left, right)) for part, left, right in parts))


def _area(left: Floats, right: Floats) -> Floats:
    """Return the mean height of lines between two heights; one that crosses zero encloses two triangles."""
    both = np.abs(left) + np.abs(right)
    return np.where(left * right < 0.0, (left**2 + right**2) / np.where(both, both, 1.0), both) / 2.0


def standard_deviation(profile: Profile) -> float:
    """Return the standard deviation of the present numbers; nan without any."""
    if not profile.present:
        return float("nan")
    return float(np.sqrt(max(profile.squares / profile.present - profile.mean**2, 0.0)))


def _cumulated(profile: Profile) -> Floats:
    return np.cumsum(profile.counts) / profile.present


def _line(profile: Profile, edges: Floats, knots: Floats) -> Floats:
    """Return the share of a profile's numbers up to each knot, assuming an even spread within bins."""
    low, high = profile.seen
    assert low is not None
    assert high is not None
    points, reached = edges, _cumulated(profile)[:-1]
    if low < edges[0]:
        points, reached = np.append(low, points), np.append(0.0, reached)
    if high > edges[-1]:
        points, reached = np.append(points, high), np.append(reached, 1.0)
    return np.interp(knots, points, reached, left=0.0, right=1.0)


def _used(reference: npt.ArrayLike, current: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return the counts without the cells that are empty in both samples."""
    one, two = (np.asarray(counts, dtype=np.float64) for counts in (reference, current))
    used = one + two > 0.0
    return one[used], two[used]


def _shares(counts: Floats) -> Floats:
    return counts / counts.sum()


def _divergence(shares: Floats, expected: Floats) -> float:
    present = shares > 0.0
    return float((shares[present] * np.log2(shares[present] / expected[present])).sum())
