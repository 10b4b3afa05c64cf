"""What a model is worth on the test split, for whom, and which features it uses.

Every figure comes from the functions that the weekly checks call, so a card and a report can be compared.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.evaluation.bivariate import bivariate
from claimwatch.domain.evaluation.cohort import Cohort, Floats
from claimwatch.domain.evaluation.error_slices import Excesses, errors, excesses
from claimwatch.domain.evaluation.finding import Finding
from claimwatch.domain.evaluation.groups import SMALLEST, Groups, segments
from claimwatch.domain.evaluation.intervals import scaled
from claimwatch.domain.evaluation.performance import performance
from claimwatch.domain.evaluation.ranking import estimate, value_influence
from claimwatch.domain.evaluation.rates import rate
from claimwatch.domain.model.features import FeatureSpec, Matrix
from claimwatch.domain.model.profile import Profile
from claimwatch.domain.model.ranking_metrics import roc_auc
from training.fairness import Fairness
from training.scored_sample import ScoredSplit
from training.settings import Settings

MEASURES = (
    "roc_auc",
    "pr_auc",
    "lift_top_decile",
    "recall_at_capacity",
    "precision_at_capacity",
    "brier",
    "brier_skill",
    "observed_to_expected",
    "calibration_error",
    "value_at_capacity",
    "base_rate",
)
"""The metrics of a model version, in the order of the card."""

_REPEATS = 3
"""Shuffles of each feature."""

type Findings = Sequence[Finding]


@dataclass(frozen=True)
class Evaluation:
    """The findings about a model on the test split, ``bivariate`` and ``fraud_rates`` on the training split.

    ``fairness`` is about the validation and the test split together.
    ``book`` estimates the whole book from every known outcome, ``audited`` from the random audit alone;
    ``investigated`` counts each claim with an outcome once. With ``excesses``, the weekly check ``errors``
    compares the slices of a week. ``importance`` is the ROC-AUC that is lost when a feature is shuffled, the
    most first.
    """

    book: Findings
    audited: Findings
    investigated: Findings
    errors: Findings
    excesses: Excesses
    fairness: Fairness
    bivariate: Findings
    fraud_rates: Findings
    importance: Mapping[str, float]

    @property
    def lift(self) -> Findings:
        """The lift of each decile, the highest scores first."""
        return [finding for finding in self.book if finding.metric == "lift"]


def evaluate(
    test: ScoredSplit,
    train: ScoredSplit,
    fairness: Fairness,
    contract: Contract,
    spec: FeatureSpec,
    reference: Mapping[str, Profile],
    settings: Settings,
    score: Callable[[Matrix], Floats],
) -> Evaluation:
    """Measure a model on the test split; ``score`` returns the served probability of encoded claims."""
    sample = test.scored
    slices = segments(spec, reference, train.matrix, contract)
    tested = segments(spec, reference, test.matrix, contract)
    return Evaluation(
        book=measured(sample.book, sample.gain, settings),
        audited=measured(sample.audit, sample.gain, settings),
        investigated=measured(sample.investigated, sample.gain[~np.isnan(sample.outcome)], settings),
        errors=errors(sample.book, tested),
        excesses=excesses(sample.book, tested),
        fairness=fairness,
        bivariate=bivariate(
            train.matrix, spec.names, [feature.kind for feature in spec.features], train.scored.book, ()
        ),
        fraud_rates=fraud_rates(train.scored.book, slices),
        importance=permutation_importance(test, spec, score, settings.seed),
    )


def measured(cohort: Cohort, gain: Floats, settings: Settings) -> list[Finding]:
    """Return the findings of check ``performance``, and the value at capacity."""
    found = value_influence(cohort, gain, settings.capacity, settings.cost)
    n = len(cohort.used)
    if found is None:
        value = Finding("value_at_capacity", None, n, "not enough data")
    else:
        interval = estimate(cohort, found).interval
        value = Finding("value_at_capacity", interval.value, n, low=interval.low, high=interval.high)
    return [*performance(cohort, settings.capacity, {}, 0), value]


def metrics_of(found: Findings) -> dict[str, Finding]:
    """Return the findings that are metrics of a model version, by name."""
    named = {finding.metric: finding for finding in found if not finding.segment}
    return {name: named[name] for name in MEASURES}


def values_of(found: Findings) -> dict[str, float]:
    """Return the metrics of a model version by name; nan for a metric that is not known."""
    return {
        name: float("nan") if finding.value is None else finding.value
        for name, finding in metrics_of(found).items()
    }


def fraud_rates(cohort: Cohort, slices: Mapping[str, npt.NDArray[np.object_]]) -> list[Finding]:
    """Return ``base_rate`` and ``lift`` of every segment of every feature that is large enough.

    Missing values are a segment too.
    """
    whole = rate(cohort, np.ones(len(cohort.used)), cohort.fraud).value
    found = []
    for feature, values in slices.items():
        groups = Groups.of(values[cohort.used])
        for name, rows in groups.rows:
            if rows.sum() < SMALLEST:
                continue
            own = rate(cohort, rows.astype(np.float64), cohort.fraud)
            lift = scaled(own.interval, 1.0 / whole) if whole else scaled(own.interval, float("nan"))
            for metric, interval in (("base_rate", own.interval), ("lift", lift)):
                found.append(
                    Finding(metric, interval.value, own.n, "ok", feature, name, interval.low, interval.high)
                )
    return found


def permutation_importance(
    test: ScoredSplit, spec: FeatureSpec, score: Callable[[Matrix], Floats], seed: int
) -> dict[str, float]:
    """Return the ROC-AUC that is lost when a feature's values are shuffled, the most first."""
    cohort = test.scored.book
    matrix, weight = test.matrix[cohort.used], cohort.weight[cohort.used]
    whole = roc_auc(cohort.fraud, cohort.probability[cohort.used], weight)
    if np.isnan(whole):
        return {}
    draw = np.random.default_rng(seed)
    lost = {}
    for place, feature in enumerate(spec.features):
        areas = []
        for _ in range(_REPEATS):
            shuffled = matrix.copy()
            shuffled[:, place] = draw.permutation(shuffled[:, place])
            areas.append(roc_auc(cohort.fraud, score(shuffled), weight))
        lost[feature.name] = whole - float(np.mean(areas))
    return dict(sorted(lost.items(), key=lambda entry: -entry[1]))
