"""A small artificial matrix with every case that a converter could get wrong."""

import numpy as np
import numpy.typing as npt

from claimwatch.domain.model.features import Feature, FeatureSpec

SPEC = FeatureSpec(
    (
        Feature("amount", "number", "amount"),
        Feature("age", "number", "age"),
        Feature("police", "flag", "police"),
        Feature("make", "category", "make", ("a", "b", "c", "d")),
        Feature("never_missing", "number", "never_missing"),
        Feature("mostly_missing", "number", "mostly_missing"),
    ),
    None,
)


def small_book(rows: int = 1_500, seed: int = 1) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """Return features and outcomes; fraud depends on the amount, on missing values and on the make."""
    draw = np.random.default_rng(seed)
    x = np.empty((rows, len(SPEC.features)), dtype=np.float32)
    x[:, 0] = np.exp(draw.normal(8.0, 1.0, rows))
    x[:, 1] = draw.integers(18, 90, rows)
    x[:, 2] = draw.integers(0, 2, rows)
    x[:, 3] = draw.integers(0, 4, rows)
    x[:, 4] = draw.normal(0.0, 1.0, rows)
    x[:, 5] = draw.integers(0, 9, rows)
    for place, share in ((0, 0.05), (2, 0.3), (3, 0.1), (5, 0.97)):
        x[draw.random(rows) < share, place] = np.nan
    odds = (
        -2.0 + 0.8 * np.nan_to_num(np.log(x[:, 0]) - 8.0) + np.isnan(x[:, 2]) + (x[:, 3] == 2) + 0.5 * x[:, 4]
    )
    return x, (draw.random(rows) < 1.0 / (1.0 + np.exp(-odds))).astype(np.float64)
