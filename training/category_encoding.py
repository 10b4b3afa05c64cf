"""Categories in the order of their fraud rates, so that one split parts the worse from the better.

A tree sees a category's code as a number. With codes in the order of the outcome's mean, the best split of
the categories in two is one of that number's (Fisher, 1958; Breiman et al., 1984). The order is learnt with
the model, from the same claims.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from claimwatch.domain.model.features import FeatureSpec, Matrix

type Floats = npt.NDArray[np.float64]

PRIOR = 10.0
"""Claims of the base rate that each category is given, so that rare ones are in the middle."""


@dataclass(frozen=True)
class Order:
    """For each categorical feature's place, the old codes in their new order."""

    codes: Mapping[int, npt.NDArray[np.intp]]

    def spec(self, spec: FeatureSpec) -> FeatureSpec:
        """The same features, their categories in this order."""
        features = list(spec.features)
        for place, codes in self.codes.items():
            categories = features[place].categories
            features[place] = replace(features[place], categories=tuple(categories[code] for code in codes))
        return replace(spec, features=tuple(features))

    def recoded(self, matrix: Matrix) -> Matrix:
        """What ``encode`` makes of the same claims with the features of ``spec``."""
        recoded = matrix.copy()
        for place, codes in self.codes.items():
            present = ~np.isnan(matrix[:, place])
            new = np.argsort(codes).astype(np.float32)
            recoded[present, place] = new[matrix[present, place].astype(np.intp)]
        return recoded


def by_fraud_rate(spec: FeatureSpec, matrix: Matrix, outcome: Floats) -> Order:
    """The order in which these claims' outcomes put each feature's categories, the fewest frauds first."""
    base = float(outcome.mean()) if len(outcome) else 0.0
    codes = {}
    for place, feature in enumerate(spec.features):
        if feature.kind != "category":
            continue
        present = ~np.isnan(matrix[:, place])
        own = matrix[present, place].astype(np.intp)
        frauds = np.bincount(own, weights=outcome[present], minlength=len(feature.categories))
        claims = np.bincount(own, minlength=len(feature.categories))
        codes[place] = np.argsort((frauds + PRIOR * base) / (claims + PRIOR), kind="stable")
    return Order(codes)
