"""Whether a figure of this window is another than in the windows before."""

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr


def p_value(now: float, error: float, before: npt.NDArray[np.float64]) -> float:
    """How likely the figure is so far from the mean of those before by chance; nan without any before.

    ``error`` is its standard error. Each figure before varies at least as much, and more where they differ
    by more among each other: then weeks differ, and that is no change. The larger of the two spreads
    counts, the latter with a t distribution for the few windows that it was learnt from.
    """
    windows = len(before)
    if not windows:
        return float("nan")
    away = abs(now - float(before.mean()))
    apart = np.sqrt(1.0 + 1.0 / windows)
    if error <= 0.0:
        by_chance = 1.0 if away == 0.0 else 0.0
    else:
        by_chance = 2.0 * float(stdtr(1e9, -away / (error * apart)))
    spread = float(before.std(ddof=1)) if windows > 1 else 0.0
    if spread <= error:
        return by_chance
    return max(by_chance, 2.0 * float(stdtr(windows - 1.0, -away / (spread * apart))))
