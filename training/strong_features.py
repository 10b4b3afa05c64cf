"""Features that tell so much of the outcome that they may have been written when it was known.

A leak is rarely perfect: a flag that is set for most frauds, a payment that a fraud does not get, a date that
comes later for frauds. Such a column is not refused, because a few honest features are as strong. It is a
warning, and a person says whether its value is known when a claim is scored.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy.special import logit
from scipy.stats import nchypergeom_fisher, norm
from sklearn.tree import DecisionTreeClassifier

from claimwatch.domain.evaluation.groups import SMALLEST
from claimwatch.domain.model.features import Feature, FeatureSpec, Matrix
from claimwatch.domain.model.ranking_metrics import roc_auc
from training.warnings import TrainingWarning

type Floats = npt.NDArray[np.float64]
type Places = npt.NDArray[np.intp]
type Mask = npt.NDArray[np.bool_]

STRONG = 0.90
"""The ROC-AUC of a feature alone, within a standard error, or of two together, that is a warning."""
HONEST, HONEST_PAIR = 0.80, 0.88
"""The ROC-AUC that the strongest honest feature of a book may have, and that two of these have together."""
TELLING, HONEST_ODDS = 100.0, 20.0
"""The odds of fraud with a value over the odds without it from which the value is a warning, and what an
honest value may have: a flag that is right for 80 % of the claims has 16, and for 92 % 132."""
CHANCE = 0.01
"""The chance that an honest feature of that strength is a warning."""
MOST_OF_THE_GAIN, FEWEST_FEATURES = 2.0 / 3.0, 5
"""The share of the model's advantage over chance from which a feature dominates, and the features of a model
below which one of them has that share by arithmetic alone."""
FOLDS = 5
OWN_BINS, BINS = 60, 40
"""The values up to which each has a bin, and otherwise the parts of the range with as many claims each."""
FEWEST_BINS, CLAIMS_OF_A_BIN = 8, 25
"""The bins of a small book: with fewer claims each, their fraud rates are noise."""
PRIOR = 2.0
"""Claims with the base rate that are added to each bin."""
FEWEST = 20
"""The frauds, and the honest claims, below which no feature is judged, and the claims of a value."""
MOST_VALUES = 20
"""The values of a number, the most frequent, that are judged."""
PAIRED = 8
"""The features, the most important to the model, of which all pairs are judged."""

_ADVICE = "make sure that it is known when a claim is scored, and not written with the outcome"


def strong_features(
    spec: FeatureSpec,
    matrix: Matrix,
    outcome: Floats,
    importance: Mapping[str, float] | None = None,
    model_area: float = float("nan"),
) -> list[TrainingWarning]:
    """Return a warning for each feature that is too good to be honest, beyond chance.

    The claims have an outcome, and each is judged by the fraud rates of other claims. ``importance`` is the
    ROC-AUC that the model, whose own is ``model_area``, loses without a feature.
    """
    if min(outcome.sum(), (1.0 - outcome).sum()) < FEWEST:
        return []
    lost = importance or {}
    found = []
    for place, feature in enumerate(spec.features):
        values = matrix[:, place]
        area = area_alone(values, outcome)
        share = lost.get(feature.name, 0.0) / (model_area - 0.5) if model_area > 0.5 else 0.0
        telling = next(_telling(feature, values, outcome), None)
        if area.value + area.error >= STRONG and area.p_value <= CHANCE:
            found.append(
                TrainingWarning(
                    "strong_feature",
                    feature.column,
                    f"alone it has a ROC-AUC of {area.value:.3f} for claims that it was not fitted on"
                    f" (warning from {STRONG:.2f}); {_ADVICE}",
                )
            )
        elif telling is not None:
            found.append(TrainingWarning("telling_value", feature.column, telling))
        elif area.p_value <= CHANCE and share >= MOST_OF_THE_GAIN and len(spec.features) >= FEWEST_FEATURES:
            found.append(
                TrainingWarning(
                    "dominant_feature",
                    feature.column,
                    f"without it the model loses {share:.0%} of its advantage over chance, and alone it has a"
                    f" ROC-AUC of {area.value:.3f}; {_ADVICE}",
                )
            )
    if not found and model_area >= STRONG:
        found = _strong_pair(spec, matrix, outcome, list(lost)[:PAIRED])
    return found


def _telling(feature: Feature, values: npt.NDArray[np.float32], outcome: Floats) -> Iterator[str]:
    """Yield what is found about values with which nearly all claims are fraud, and without which hardly any.

    Only a value that most honest claims do not have counts: that windscreens are hardly ever fraud says
    nothing about the other claims.
    """
    fraud = outcome == 1.0
    for name, rows in _values(feature, values):
        for words, those in ((f"in which it is {name}", rows), (f"in which it is not {name}", ~rows)):
            with_value, frauds = int(those.sum()), int((those & fraud).sum())
            honest, other_frauds = with_value - frauds, int(fraud.sum()) - frauds
            other_honest = int((~fraud).sum()) - honest
            odds = (frauds + 0.5) * (other_honest + 0.5) / ((other_frauds + 0.5) * (honest + 0.5))
            if with_value < FEWEST or other_honest < honest or odds < TELLING:
                continue
            at_least = nchypergeom_fisher.sf(
                frauds - 1, len(outcome), int(fraud.sum()), with_value, HONEST_ODDS
            )
            if at_least <= CHANCE:
                others = other_frauds + other_honest
                yield f"{_shares(words, frauds, with_value, other_frauds, others)}; {_ADVICE}"


def _shares(words: str, frauds: int, claims: int, other_frauds: int, others: int) -> str:
    """Return how many claims with and without a value are frauds; no figure of fewer than a group needs."""
    if min(claims, others) < SMALLEST:
        return f"nearly all claims {words} are frauds, and hardly any of the others"
    with_value = f"{frauds:,} of the {claims:,} claims {words} are frauds"
    return f"{with_value}, and {other_frauds:,} of the {others:,} others"


def _values(feature: Feature, values: npt.NDArray[np.float32]) -> Iterator[tuple[str, Mask]]:
    """Yield values by name, with the claims that have them; a personal value is not named."""
    missing = np.isnan(values)
    yield "missing", missing
    distinct, counts = np.unique(values[~missing], return_counts=True)
    often = np.argsort(-counts, kind="stable")[:MOST_VALUES]
    for value in distinct[often[counts[often] >= FEWEST / 2]].tolist():
        shown = feature.categories[int(value)] if feature.kind == "category" else f"{value:g}"
        yield "one of its values" if feature.personal else shown, values == value


def _strong_pair(
    spec: FeatureSpec, matrix: Matrix, outcome: Floats, names: list[str]
) -> list[TrainingWarning]:
    """Return a warning for each feature of the strongest pair, if it is too good to be honest."""
    places = [spec.names.index(name) for name in names]
    judged = []
    for one, other in combinations(places, 2):
        x = np.column_stack([matrix[:, one], matrix[:, other], matrix[:, one] - matrix[:, other]])
        judged.append((Area(_by_tree(x, outcome), outcome, HONEST_PAIR), one, other))
    area, one, other = max(judged, key=lambda each: each[0].value, default=(None, 0, 0))
    if area is None or area.value < STRONG or area.p_value > CHANCE:
        return []
    first, second = spec.features[one], spec.features[other]
    return [
        TrainingWarning(
            "strong_pair",
            feature.column,
            f"together with {partner.column} it has a ROC-AUC of {area.value:.3f} for claims that they were"
            f" not fitted on (warning from {STRONG:.2f}); {_ADVICE}",
        )
        for feature, partner in ((first, second), (second, first))
    ]


def _by_tree(x: Matrix, outcome: Floats) -> Floats:
    def score(train: Mask, test: Mask) -> Floats:
        tree = DecisionTreeClassifier(max_depth=6, min_samples_leaf=10, random_state=0)
        probability: Floats = tree.fit(x[train], outcome[train]).predict_proba(x[test])[:, -1]
        return probability

    return _out_of_fold(len(outcome), score)


def bins_of(values: npt.NDArray[np.float32]) -> Places:
    """Return the bin of each claim: a value, or a part of the range if there are many; missing is 0."""
    missing = np.isnan(values)
    distinct = np.unique(values[~missing])
    if len(distinct) > OWN_BINS:
        parts = int(np.clip(len(values) // CLAIMS_OF_A_BIN, FEWEST_BINS, BINS))
        cuts = np.arange(1, parts) / parts
        distinct = np.unique(np.quantile(values[~missing], cuts, method="inverted_cdf"))
    return np.where(missing, 0, np.searchsorted(distinct, values, side="left") + 1)


class Area:
    """The ROC-AUC of scores, and the p-value of an area of at most ``honest``, from DeLong's variance."""

    def __init__(self, score: Floats, outcome: Floats, honest: float = HONEST) -> None:
        self.value = roc_auc(outcome, score)
        self.p_value, self.error = 1.0, 0.0
        fraud, other = np.sort(score[outcome == 1.0]), np.sort(score[outcome == 0.0])
        if 0.0 < self.value < 1.0:
            spread = np.var(_share_below(fraud, other), ddof=1) / len(fraud)
            spread += np.var(_share_below(other, fraud), ddof=1) / len(other)
            self.error = float(np.sqrt(spread))
            # On the scale of the log-odds, on which the interval of an area near 1 is symmetric.
            error = self.error / (self.value * (1.0 - self.value))
            self.p_value = float(norm.sf((logit(self.value) - logit(honest)) / error))
        elif self.value == 1.0:
            self.p_value = 0.0


def area_alone(values: npt.NDArray[np.float32], outcome: Floats) -> Area:
    """Return the area of a feature alone: a claim is scored by the fraud rate of its bin in other folds."""
    bins = bins_of(values)
    return Area(
        _out_of_fold(len(outcome), lambda train, test: _rates(bins, outcome, train)[bins[test]]), outcome
    )


def _rates(bins: Places, outcome: Floats, train: Mask) -> Floats:
    """Return the fraud rate of each bin among the training claims."""
    count = int(bins.max()) + 1
    claims = np.bincount(bins[train], minlength=count)
    frauds = np.bincount(bins[train], weights=outcome[train], minlength=count)
    rates: Floats = (frauds + PRIOR * outcome[train].mean()) / (claims + PRIOR)
    return rates


def _out_of_fold(claims: int, score: Callable[[Mask, Mask], Floats]) -> Floats:
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
