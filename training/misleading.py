"""Columns that mislead a model on later claims: what they said about fraud in training is no longer true.

A column is exchanged: all later claims get its value of one training claim, and the probabilities with
several such values are averaged, so the column no longer tells claims apart. If the model then ranks the
later claims better, the column misleads it. Columns that determine each other are also exchanged together,
because each stands in for the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt

from claimwatch.domain.evaluation.cohort import Cohort
from claimwatch.domain.evaluation.multiple_testing import holm
from claimwatch.domain.evaluation.ranking import Estimate, estimate, roc_auc_influence
from claimwatch.domain.model.features import FeatureSpec, Matrix
from training.graph import Score

type Floats = npt.NDArray[np.float64]
type Codes = npt.NDArray[np.intp]

CERTAIN = 0.01
"""The chance that any column is named although none misleads the model."""
MATERIAL = 0.02
"""The least ROC-AUC that a column costs to be named."""

_EXCHANGES = 12
"""The training claims whose values replace a column's."""
_MOST_CLAIMS = 20_000
"""The most later claims that are scored again."""
_PARTS = 10
_DETERMINED = 0.8
"""The share of a column's entropy that another one has to determine for the two to be exchanged together."""
_MOST_OF_IT = 0.8
"""The share of a group's cost from which one of its columns is named alone."""


@dataclass(frozen=True)
class Misleading:
    """Columns that mislead the model, the ROC-AUC that it gains without them, and the adjusted p-value."""

    columns: tuple[str, ...]
    gained: Estimate
    p_value: float


def find_misleading(
    score: Score, spec: FeatureSpec, train: Matrix, later: Matrix, cohort: Cohort, seed: int
) -> list[Misleading]:
    """Return the columns that mislead the model on later claims, the costliest first.

    ``train`` are the training claims, ``later`` the claims of the cohort. The null hypothesis for each
    column, and each group of columns, is that the model does not gain without it; p-values are adjusted by
    Holm's method for all of them.
    """
    draw = np.random.default_rng(seed)
    rows = cohort.used
    if len(rows) > _MOST_CLAIMS:
        rows = np.sort(draw.choice(rows, _MOST_CLAIMS, replace=False))
    own = np.zeros(len(cohort.outcome), dtype=np.bool_)
    own[rows] = True
    matrix, cohort = later[own], cohort.part(own)
    before = roc_auc_influence(replace(cohort, probability=score(matrix)))
    if before is None:
        return []
    columns = list(dict.fromkeys(feature.column for feature in spec.features))
    units = [(column,) for column in columns] + _together(spec, train, columns)
    gains = []
    for unit in units:
        places = [place for place, feature in enumerate(spec.features) if feature.column in unit]
        without = roc_auc_influence(
            replace(cohort, probability=_exchanged(score, places, train, matrix, draw))
        )
        assert without is not None
        gains.append(estimate(cohort, without - before))
    p_values = holm([_p_value(gain) for gain in gains])
    found = [
        Misleading(unit, gain, float(p_value))
        for unit, gain, p_value in zip(units, gains, p_values, strict=True)
        if p_value <= CERTAIN and gain.value >= MATERIAL
    ]
    return _apart(sorted(found, key=lambda each: -each.gained.value))


def _exchanged(
    score: Score, places: Sequence[int], train: Matrix, matrix: Matrix, draw: np.random.Generator
) -> Floats:
    """Return the mean probability of each claim with some features as in several training claims."""
    total = np.zeros(len(matrix))
    changed = matrix.copy()
    for row in draw.integers(0, len(train), _EXCHANGES):
        changed[:, places] = train[row, places]
        total += score(changed)
    return total / _EXCHANGES


def _p_value(gain: Estimate) -> float:
    """Return the one-sided p-value of a gain; nan if the column changes no probability."""
    if not gain.error > 0.0 or gain.value == 0.0:
        return float("nan")
    return gain.p_above(0.0)


def _apart(found: Sequence[Misleading]) -> list[Misleading]:
    """Return columns and groups of which none is part of another.

    A group is named only if none of its columns explains it alone.
    """
    alone = {each.columns[0]: each.gained.value for each in found if len(each.columns) == 1}
    named: list[Misleading] = []
    for each in found:
        inside = max((alone.get(column, 0.0) for column in each.columns), default=0.0)
        explained = len(each.columns) > 1 and inside >= _MOST_OF_IT * each.gained.value
        taken = {column for other in named for column in other.columns}
        if not explained and not taken & set(each.columns):
            named.append(each)
    return named


def _together(spec: FeatureSpec, train: Matrix, columns: Sequence[str]) -> list[tuple[str, ...]]:
    """Return groups of columns of which each determines another one of the group, or is determined by it."""
    coded = {
        column: [parts(train[:, place]) for place, each in enumerate(spec.features) if each.column == column]
        for column in columns
    }
    group = {column: {column} for column in columns}
    for one, two in combinations(columns, 2):
        if any(_determined(a, b) >= _DETERMINED for a in coded[one] for b in coded[two]):
            joined = group[one] | group[two]
            for column in joined:
                group[column] = joined
    groups = {tuple(column for column in columns if column in each) for each in group.values()}
    return sorted(each for each in groups if len(each) > 1)


def parts(values: npt.NDArray[np.float32]) -> Codes:
    """Return the part of each value: equal values together, and at most ten parts of about equal size."""
    edges = np.unique(np.nanquantile(values, np.arange(1, _PARTS) / _PARTS)) if len(values) else np.empty(0)
    distinct = np.unique(values[~np.isnan(values)])
    if len(distinct) <= 2 * _PARTS:
        edges = distinct[1:]
    codes = np.searchsorted(edges, values, side="right") + 1
    return np.where(np.isnan(values), 0, codes)


def _determined(one: Codes, two: Codes) -> float:
    """Return the larger share of one column's entropy that the other one determines (Theil's U)."""
    table = np.zeros((one.max() + 1, two.max() + 1))
    np.add.at(table, (one, two), 1.0)
    entropies = _entropy(table.sum(axis=1)), _entropy(table.sum(axis=0))
    shared = sum(entropies) - _entropy(table.ravel())
    return float(shared / min(entropies)) if min(entropies) > 0.0 else 0.0


def _entropy(counts: Floats) -> float:
    shares = counts[counts > 0.0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())
