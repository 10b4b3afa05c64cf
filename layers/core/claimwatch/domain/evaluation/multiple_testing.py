"""False discoveries: of many tests some are significant by chance, and this keeps their share down."""

import numpy as np
import numpy.typing as npt


def q_values(p_values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The p-values after Benjamini and Hochberg (1995): of those at most q, a share of q is false.

    It holds for tests that are independent or that rise and fall together. A test that could not be made has
    nan for both, and does not count.
    """
    given = np.asarray(p_values, dtype=np.float64)
    found = np.full(given.shape, np.nan)
    made = np.flatnonzero(~np.isnan(given))
    descending = made[np.argsort(-given[made], kind="stable")]
    ranks = np.arange(len(made), 0, -1)
    found[descending] = np.minimum.accumulate(np.minimum(given[descending] * len(made) / ranks, 1.0))
    return found
