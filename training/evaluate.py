"""What a model is worth on the test split, for whom, and what it looks at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from claimwatch.domain.contract.contract import Contract, Role
from claimwatch.domain.model.features import Feature, FeatureSpec, Matrix
from claimwatch.domain.model.profile import number_edges
from training.estimates import (
    Floats,
    Interval,
    Measures,
    ScoredSample,
    interval,
    intervals,
    lift_by_decile,
    measures,
    resamples,
)
from training.settings import Settings
from training.snapshot import Snapshot

type Mask = npt.NDArray[np.bool_]

_BINS = 5
_REPEATS = 3


@dataclass(frozen=True)
class Trial:
    """The claims of a split and a model's probabilities of them."""

    claims: Snapshot
    matrix: Matrix
    probability: Floats
    weight: Floats
    gain: Floats

    @property
    def tried(self) -> ScoredSample:
        """The claims with an outcome, in the book of all of the split."""
        known = self.claims.known
        return ScoredSample(
            self.claims.outcome[known],
            self.probability[known],
            self.weight[known],
            self.gain[known],
            self.probability,
        )

    def alone(self, chosen: Mask) -> ScoredSample:
        """Some claims with an outcome as if they were the book: each counts once."""
        rows = self.claims.known & chosen
        score = self.probability[rows]
        return ScoredSample(self.claims.outcome[rows], score, np.ones(len(score)), self.gain[rows], score)


@dataclass(frozen=True)
class Slice:
    """Claims with one value: where the model errs. Rates are of the book, nan where it is too small."""

    feature: str
    value: str
    claims: int
    with_outcome: int
    fraud_rate: float
    mean_probability: float
    recall: float
    precision: float


@dataclass(frozen=True)
class Group:
    """A protected group. ``honest_referred`` is the share of its honest claims that are referred, ``ratio``
    that share over the others'; both None where the group is too small to be judged."""

    attribute: str
    value: str
    claims: int
    with_outcome: int
    referred: float
    honest_referred: Interval | None
    recall: Interval | None
    ratio: Interval | None

    def breaches(self, limit: float) -> bool:
        """Whether its honest claims are referred more often than the limit allows, beyond chance."""
        return self.ratio is not None and self.ratio.low > limit


@dataclass(frozen=True)
class Bin:
    """Claims within a range of a feature's values, or with one of them."""

    label: str
    claims: int
    fraud_rate: float
    lift: float


@dataclass(frozen=True)
class Bivariate:
    """A feature against the outcome, alone, on the training split."""

    feature: str
    missing: float
    area: float
    bins: Sequence[Bin]


@dataclass(frozen=True)
class Evaluation:
    """All of it. ``investigated`` and ``audited`` count each claim once; the latter None without an audit."""

    book: dict[str, Interval]
    investigated: Measures
    audited: dict[str, Interval] | None
    lift: Sequence[Interval]
    slices: Sequence[Slice]
    groups: Sequence[Group]
    importance: dict[str, Interval]


def evaluate(
    trial: Trial,
    contract: Contract,
    spec: FeatureSpec,
    settings: Settings,
    threshold: float,
    score: Callable[[Matrix], Floats],
) -> Evaluation:
    """Measure a model on the test split; ``score`` gives the served probability of encoded claims."""
    tried = trial.tried
    drawn = resamples(len(tried.outcome), settings.resamples, settings.seed)

    def measure(given: ScoredSample) -> Measures:
        return measures(given, settings.capacity, settings.cost)

    deciles = [lift_by_decile(tried.weighed(factor)) for factor in drawn]
    chosen_by_chance = np.isin(trial.claims.source, settings.audit_sources)
    audited = trial.alone(chosen_by_chance)
    return Evaluation(
        book=intervals(tried, measure, drawn, settings.confidence),
        investigated=measure(trial.alone(trial.claims.known)),
        audited=_audited(audited, measure, settings),
        lift=[
            interval(value, [each[place] for each in deciles], settings.confidence)
            for place, value in enumerate(lift_by_decile(tried))
        ],
        slices=slices(trial, spec, threshold, settings.smallest_group),
        groups=groups(trial, contract, threshold, drawn, settings),
        importance=permutation_importance(trial, spec, score, settings),
    )


def _audited(
    tried: ScoredSample, measure: Callable[[ScoredSample], Measures], settings: Settings
) -> dict[str, Interval] | None:
    if len(tried.outcome) < settings.smallest_group or not 0.0 < tried.outcome.mean() < 1.0:
        return None
    drawn = resamples(len(tried.outcome), settings.resamples, settings.seed)
    return intervals(tried, measure, drawn, settings.confidence)


def slices(trial: Trial, spec: FeatureSpec, threshold: float, smallest: int) -> list[Slice]:
    """Error analysis by every value of every category and flag, the most missed frauds first."""
    known = trial.claims.known
    outcome = np.nan_to_num(trial.claims.outcome)
    weight = np.where(known, trial.weight, 0.0)
    referred = trial.probability >= threshold
    found = []
    for place, feature in enumerate(spec.features):
        if feature.kind not in ("category", "flag"):
            continue
        for code, name in enumerate(_names(feature)):
            rows = trial.matrix[:, place] == code
            own = weight * rows
            fraud = own * outcome
            counted = int((rows & known).sum())
            told = counted >= smallest
            found.append(
                Slice(
                    feature.name,
                    name,
                    int(rows.sum()),
                    counted,
                    _ratio(fraud.sum(), own.sum()) if told else float("nan"),
                    _ratio(own @ trial.probability, own.sum()) if told else float("nan"),
                    _ratio(fraud @ referred, fraud.sum()) if told else float("nan"),
                    _ratio(fraud @ referred, own @ referred) if told else float("nan"),
                )
            )
    return sorted(found, key=lambda entry: -_missed(entry))


def _missed(entry: Slice) -> float:
    missed = entry.claims * entry.fraud_rate * (1.0 - entry.recall)
    return -1.0 if np.isnan(missed) else missed


def groups(
    trial: Trial, contract: Contract, threshold: float, drawn: npt.NDArray[np.float64], settings: Settings
) -> list[Group]:
    """Each group of each protected attribute against all others."""
    known = trial.claims.known
    outcome, weight = trial.claims.outcome[known], trial.weight[known]
    referred = trial.probability >= threshold
    honest, fraud = drawn * (weight * (1.0 - outcome)), drawn * (weight * outcome)
    found = []
    for column in contract.columns:
        if column.role is not Role.PROTECTED or column.name not in trial.claims.columns:
            continue
        values = np.asarray(trial.claims.columns[column.name], dtype=object)
        for value in sorted({str(value) for value in values if value is not None}):
            everywhere = np.array([str(own) == value for own in values], dtype=np.bool_)
            rows = everywhere[known]
            counted = int(rows.sum())
            common = (column.name, value, int(everywhere.sum()), counted, float(referred[everywhere].mean()))
            if min(counted, int((~rows).sum())) < settings.smallest_group:
                found.append(Group(*common, None, None, None))
                continue
            flagged = referred[known].astype(np.float64)

            def rate(
                weights: Floats, each: npt.NDArray[np.float64], flagged: Floats = flagged, rows: Mask = rows
            ) -> tuple[float, Floats]:
                return (
                    _ratio(float(weights[rows] @ flagged[rows]), float(weights[rows].sum())),
                    _ratios(each[:, rows] @ flagged[rows], each[:, rows].sum(axis=1)),
                )

            own = rate(weight * (1.0 - outcome), honest)
            others = rate(weight * (1.0 - outcome), honest, rows=~rows)
            recall = rate(weight * outcome, fraud)
            found.append(
                Group(
                    *common,
                    interval(*own, settings.confidence),
                    interval(*recall, settings.confidence),
                    interval(_ratio(own[0], others[0]), _ratios(own[1], others[1]), settings.confidence),
                )
            )
    return found


def permutation_importance(
    trial: Trial, spec: FeatureSpec, score: Callable[[Matrix], Floats], settings: Settings
) -> dict[str, Interval]:
    """How much ROC-AUC is lost when a feature's values are dealt out anew, the most first."""
    known = trial.claims.known
    matrix, outcome, weight = trial.matrix[known], trial.claims.outcome[known], trial.weight[known]
    if not 0.0 < outcome.mean() < 1.0:
        return {}
    whole = roc_auc_score(outcome, trial.probability[known], sample_weight=weight)
    draw = np.random.default_rng(settings.seed)
    found = {}
    for place, feature in enumerate(spec.features):
        lost = []
        for _ in range(_REPEATS):
            shuffled = matrix.copy()
            shuffled[:, place] = draw.permutation(shuffled[:, place])
            lost.append(whole - roc_auc_score(outcome, score(shuffled), sample_weight=weight))
        found[feature.name] = Interval(float(np.mean(lost)), min(lost), max(lost))
    return dict(sorted(found.items(), key=lambda entry: -entry[1].value))


def bivariate(claims: Snapshot, matrix: Matrix, weight: Floats, spec: FeatureSpec) -> list[Bivariate]:
    """Each feature alone against the outcome, over the book."""
    known = claims.known
    outcome, own = claims.outcome[known], weight[known]
    base = _ratio(own @ outcome, own.sum())
    found = []
    for place, feature in enumerate(spec.features):
        values = matrix[known, place]
        found.append(
            Bivariate(
                feature.name,
                float(np.isnan(matrix[:, place]).mean()),
                _area(values, outcome, own),
                [
                    Bin(
                        label,
                        int(rows.sum()),
                        _ratio(own[rows] @ outcome[rows], own[rows].sum()),
                        _ratio(_ratio(own[rows] @ outcome[rows], own[rows].sum()), base),
                    )
                    for label, rows in _bins(feature, values)
                    if rows.any()
                ],
            )
        )
    return found


def _bins(feature: Feature, values: npt.NDArray[np.float32]) -> list[tuple[str, Mask]]:
    if feature.kind in ("category", "flag"):
        found = [(name, values == code) for code, name in enumerate(_names(feature))]
    else:
        edges = number_edges(values, _BINS)
        place = np.searchsorted(np.asarray(edges), values, side="left")
        bounds = ["", *(f"{edge:,.6g}" for edge in edges)]
        found = [
            (
                f"up to {bounds[number + 1]}"
                if number == 0
                else f"above {bounds[number]}"
                if number == len(edges)
                else f"{bounds[number]} to {bounds[number + 1]}",
                (place == number) & ~np.isnan(values),
            )
            for number in range(len(edges) + 1)
            if edges
        ]
    return [*found, ("missing", np.isnan(values))]


def _names(feature: Feature) -> tuple[str, ...]:
    return feature.categories if feature.kind == "category" else ("false", "true")


def _area(values: npt.NDArray[np.float32], outcome: Floats, weight: Floats) -> float:
    """ROC-AUC of the feature's values alone; below 0.5 where fraud gets rarer with them."""
    there = ~np.isnan(values)
    if not there.any() or len(set(outcome[there].tolist())) < 2:
        return float("nan")
    return float(roc_auc_score(outcome[there], values[there], sample_weight=weight[there]))


def _ratio(part: Any, whole: Any) -> float:
    return float(part) / float(whole) if whole else float("nan")


def _ratios(parts: npt.NDArray[np.float64], wholes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    divided: npt.NDArray[np.float64] = np.full(len(parts), np.nan)
    np.divide(parts, wholes, out=divided, where=wholes > 0.0)
    return divided
