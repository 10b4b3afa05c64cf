"""Categories encoded in the order of their fraud rates, so that one split separates worse from better ones.

A tree sees a category's code as a number. With codes in the order of the mean outcome, the best division of
the categories in two is a split by that number (Fisher, 1958; Breiman et al., 1984). The order is fitted
with the model, on the same claims.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from claimwatch.domain.model.features import FeatureSpec, Matrix, encode
from training.snapshot import Snapshot

type Floats = npt.NDArray[np.float64]

PRIOR = 10.0
"""Claims with the base rate that are added to each category, so that rare categories are in the middle."""


@dataclass(frozen=True)
class Order:
    """The old codes in their new order, by the position of each categorical feature."""

    codes: Mapping[int, npt.NDArray[np.intp]]

    def spec(self, spec: FeatureSpec) -> FeatureSpec:
        """Return the same features with their categories in this order."""
        features = list(spec.features)
        for place, codes in self.codes.items():
            categories = features[place].categories
            features[place] = replace(features[place], categories=tuple(categories[code] for code in codes))
        return replace(spec, features=tuple(features))

    def recoded(self, matrix: Matrix) -> Matrix:
        """Return what ``encode`` returns for the same claims with the features of ``spec``."""
        recoded = matrix.copy()
        for place, codes in self.codes.items():
            present = ~np.isnan(matrix[:, place])
            new = np.argsort(codes).astype(np.float32)
            recoded[present, place] = new[matrix[present, place].astype(np.intp)]
        return recoded


def by_fraud_rate(spec: FeatureSpec, matrix: Matrix, outcome: Floats) -> Order:
    """Return each feature's categories in the order of their fraud rates, the lowest first."""
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


def ordered(spec: FeatureSpec, claims: Snapshot) -> FeatureSpec:
    """Return the features with their categories in the order of the fraud rates among these claims."""
    known = claims.of(claims.known)
    return by_fraud_rate(spec, encode(spec, known.columns), known.outcome).spec(spec)
