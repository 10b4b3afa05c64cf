"""Features that tell so much of the outcome that they may have been written when it was known.

A leak is rarely perfect: a flag that is set for most frauds, a payment that a fraud does not get, a date that
comes later for frauds. Such a column is not refused, because a few honest features are as strong. It is a
warning, and a person says whether its value is known when a claim is scored.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.special import logit
from scipy.stats import norm

from claimwatch.domain.model.features import Feature, FeatureSpec, Matrix
from claimwatch.domain.model.ranking_metrics import roc_auc
from training.warnings import TrainingWarning

type Floats = npt.NDArray[np.float64]
type Places = npt.NDArray[np.intp]

STRONG = 0.90
"""The ROC-AUC of a feature alone from which it is a warning."""
HONEST = 0.80
"""The ROC-AUC that the strongest honest feature of a book may have."""
CHANCE = 0.01
"""The chance that an honest feature of that strength is a warning."""
FOLDS = 5
BINS = 40
"""Parts of a number's range with as many claims each."""
PRIOR = 2.0
"""Claims with the base rate that are added to each bin."""
FEWEST = 20
"""The frauds, and the honest claims, below which no feature is judged."""


def strong_features(spec: FeatureSpec, matrix: Matrix, outcome: Floats) -> list[TrainingWarning]:
    """Return a warning for each feature that alone is too good to be honest, beyond chance.

    The claims have an outcome. Each is judged by the fraud rates of other claims.
    """
    if min(outcome.sum(), (1.0 - outcome).sum()) < FEWEST:
        return []
    found = []
    for place, feature in enumerate(spec.features):
        area = area_alone(bins_of(feature, matrix[:, place]), outcome)
        if area.value >= STRONG and area.p_value <= CHANCE:
            found.append(
                TrainingWarning(
                    "strong_feature",
                    feature.column,
                    f"alone it has a ROC-AUC of {area.value:.3f} for claims that it was not fitted on"
                    f" (warning from {STRONG:.2f}); make sure that its value is known when a claim is scored,"
                    " and not written with the outcome",
                )
            )
    return found


def bins_of(feature: Feature, values: npt.NDArray[np.float32]) -> Places:
    """Return the bin of each claim: a category, a part of a number's range, or missing, which is 0."""
    missing = np.isnan(values)
    if feature.kind == "category":
        return np.where(missing, 0, np.nan_to_num(values) + 1).astype(np.intp)
    present = values[~missing]
    if not len(present):
        return np.zeros(len(values), dtype=np.intp)
    edges = np.unique(np.quantile(present, np.arange(1, BINS) / BINS, method="inverted_cdf"))
    return np.where(missing, 0, np.searchsorted(edges, values, side="left") + 1)


class Area:
    """The ROC-AUC of scores, and the p-value of an area of at most ``HONEST``, from DeLong's variance."""

    def __init__(self, score: Floats, outcome: Floats) -> None:
        self.value = roc_auc(outcome, score)
        self.p_value = 1.0
        fraud, other = np.sort(score[outcome == 1.0]), np.sort(score[outcome == 0.0])
        if 0.0 < self.value < 1.0:
            spread = np.var(_share_below(fraud, other), ddof=1) / len(fraud)
            spread += np.var(_share_below(other, fraud), ddof=1) / len(other)
            # On the scale of the log-odds, on which the interval of an area near 1 is symmetric.
            error = np.sqrt(spread) / (self.value * (1.0 - self.value))
            self.p_value = float(norm.sf((logit(self.value) - logit(HONEST)) / error))
        elif self.value == 1.0:
            self.p_value = 0.0


def area_alone(bins: Places, outcome: Floats) -> Area:
    """Return the area of a feature alone: a claim is scored by the fraud rate of its bin in other folds."""
    return Area(
        _out_of_fold(len(outcome), lambda train, test: _rates(bins, outcome, train)[bins[test]]), outcome
    )


def _rates(bins: Places, outcome: Floats, train: npt.NDArray[np.bool_]) -> Floats:
    """Return the fraud rate of each bin among the training claims."""
    count = int(bins.max()) + 1
    claims = np.bincount(bins[train], minlength=count)
    frauds = np.bincount(bins[train], weights=outcome[train], minlength=count)
    rates: Floats = (frauds + PRIOR * outcome[train].mean()) / (claims + PRIOR)
    return rates


def _out_of_fold(
    claims: int, score: Callable[[npt.NDArray[np.bool_], npt.NDArray[np.bool_]], Floats]
) -> Floats:
    """Return the score of each claim by what was fitted on the other folds."""
    fold = np.arange(claims) % FOLDS
    scores = np.empty(claims)
    for own in range(FOLDS):
        scores[fold == own] = score(fold != own, fold == own)
    return scores


def _share_below(score: Floats, others: Floats) -> Floats:
    """Return the share of the sorted others that is below each score, counting ties by half."""
    low, high = np.searchsorted(others, score, "left"), np.searchsorted(others, score, "right")
    return (low + high) / (2.0 * len(others))
