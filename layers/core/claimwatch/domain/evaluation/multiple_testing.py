"""Multiple testing: limits how many tests are significant only by chance."""

import numpy as np
import numpy.typing as npt


def q_values(p_values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return p-values adjusted by Benjamini and Hochberg (1995).

    Among the tests with a q-value of at most q, the expected share of false discoveries is at most q, if the
    tests are independent or positively dependent. A test that could not be made has nan, is left out of the
    adjustment, and stays nan.
    """
    given = np.asarray(p_values, dtype=np.float64)
    found = np.full(given.shape, np.nan)
    made = np.flatnonzero(~np.isnan(given))
    descending = made[np.argsort(-given[made], kind="stable")]
    ranks = np.arange(len(made), 0, -1)
    found[descending] = np.minimum.accumulate(np.minimum(given[descending] * len(made) / ranks, 1.0))
    return found


def holm(p_values: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> npt.NDArray[np.float64]:
    """Return p-values adjusted by Holm (1979).

    The chance that any true hypothesis has an adjusted p-value of at most p is at most p, however the tests
    depend on each other. With ``weights``, which must not depend on the p-values, a test receives its share
    of that chance. A test that could not be made has nan, is left out of the adjustment, and stays nan.
    """
    given = np.asarray(p_values, dtype=np.float64)
    weight = np.ones(given.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    found = np.full(given.shape, np.nan)
    made = np.flatnonzero(~np.isnan(given))
    ascending = made[np.argsort(given[made] / weight[made], kind="stable")]
    left = np.cumsum(weight[ascending][::-1])[::-1]
    adjusted = np.minimum(given[ascending] / weight[ascending] * left, 1.0)
    found[ascending] = np.maximum.accumulate(adjusted)
    return found
