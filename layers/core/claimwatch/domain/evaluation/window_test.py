"""Test of a value against the same value in earlier windows."""

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr


def p_value(now: float, error: float, before: npt.NDArray[np.float64]) -> float:
    """Return the p-value of the distance between ``now`` and the mean of ``before``; nan without ``before``.

    ``error`` is the standard error of ``now``; the earlier values are assumed to vary at least as much. If
    they differ more than that among each other, weeks differ by nature: then their own spread counts, with a
    t distribution because there are few windows.
    """
    windows = len(before)
    if not windows:
        return float("nan")
    distance = abs(now - float(before.mean()))
    widening = np.sqrt(1.0 + 1.0 / windows)
    if error <= 0.0:
        by_chance = 1.0 if distance == 0.0 else 0.0
    else:
        by_chance = 2.0 * float(stdtr(1e9, -distance / (error * widening)))
    spread = float(before.std(ddof=1)) if windows > 1 else 0.0
    if spread <= error:
        return by_chance
    return max(by_chance, 2.0 * float(stdtr(windows - 1.0, -distance / (spread * widening))))
