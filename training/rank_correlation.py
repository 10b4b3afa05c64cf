"""Rank correlation of two columns."""

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

FEWEST = 50
"""The claims with both numbers below which nothing is said."""


def rank_correlation(one: npt.NDArray[np.floating], other: npt.NDArray[np.floating]) -> float:
    """Return the rank correlation of the claims that have both numbers; 0 if it cannot be measured."""
    there = ~np.isnan(one) & ~np.isnan(other)
    if there.sum() < FEWEST or min(np.ptp(one[there]), np.ptp(other[there])) == 0.0:
        return 0.0
    return float(spearmanr(one[there], other[there]).statistic)
