"""Bivariate relations: each feature alone with the outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, ndtr

from claimwatch.domain.evaluation.cohort import Cohort, Floats
from claimwatch.domain.evaluation.finding import Finding
from claimwatch.domain.evaluation.intervals import Z
from claimwatch.domain.evaluation.multiple_testing import q_values
from claimwatch.domain.evaluation.window_test import p_value
from claimwatch.domain.model.features import Kind, Matrix

ENOUGH = 50
"""The least counting claims with a value; with fewer, no relation is reported."""

FEWEST = 10.0
"""The least (equally weighted) frauds, and honest claims; with fewer, no relation is reported."""

CERTAIN = 0.01
"""The false discovery rate over the features whose relation has changed."""

MATERIAL = 0.1
"""The least change of the correlation that matters."""

RARE = 10
"""The least claims of a category; smaller categories are merged."""

_WITHOUT_ORDER: frozenset[Kind] = frozenset({"category", "hour", "weekday"})


type Places = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Relation:
    """A correlation (Cramér's V if the feature has no order) with its standard error and p-value."""

    value: float
    error: float
    p_value: float
    n: int
    ordered: bool


def bivariate(
    matrix: Matrix,
    names: Sequence[str],
    kinds: Sequence[Kind],
    cohort: Cohort,
    before: Sequence[Mapping[str, float]],
) -> list[Finding]:
    """Return the findings of check ``bivariate``.

    ``matrix`` [claims, features] are the encoded claims of the cohort. ``before`` has ``correlation`` by
    feature for each earlier window, the oldest first. ``correlation`` is between the feature's ranks and
    the outcome, over the book; Cramér's V (0 to 1) for categories, hours and weekdays. The verdict is about
    the change since earlier windows, ``correlation_shift``: a watch if it is certain and material, or changes
    sign. ``p_value`` and ``q_value`` say whether there is a relation at all.
    """
    related = [relation(matrix[:, place][cohort.used], kind, cohort) for place, kind in enumerate(kinds)]
    earlier = [np.array([window[name] for window in before if name in window]) for name in names]
    q_related = q_values([np.nan if found is None else found.p_value for found in related])
    q_changed = q_values(
        [
            np.nan if found is None else p_value(found.value, found.error, past)
            for found, past in zip(related, earlier, strict=True)
        ]
    )
    return [
        finding
        for place, name in enumerate(names)
        for finding in _findings(
            name, related[place], earlier[place], float(q_related[place]), float(q_changed[place])
        )
    ]


def relation(values: Matrix, kind: Kind, cohort: Cohort) -> Relation | None:
    """Return how a feature's values are related to the outcome; None if too few claims count.

    Only claims with a value are used. With equal weights the correlation is Spearman's, and V is Cramér's.
    """
    present = (~np.isnan(values)).astype(np.float64)
    fraud, weight = cohort.fraud, cohort.weight[cohort.used] * present
    n = int(present.sum())
    if n < ENOUGH or min(_effective(weight * fraud), _effective(weight * (1.0 - fraud))) < FEWEST:
        return None
    levels, place = np.unique(values[present > 0.0], return_inverse=True)
    if len(levels) < 2:
        return None
    own, outcome = weight[present > 0.0], fraud[present > 0.0]
    own = own / own.sum()
    return (_unordered if kind in _WITHOUT_ORDER else _ordered)(place, own, outcome)


def _ordered(place: Places, weight: Floats, outcome: Floats) -> Relation:
    at = np.bincount(place, weights=weight)
    x, y = _standard((np.cumsum(at) - at / 2.0)[place], weight), _standard(outcome, weight)
    value = float(weight @ (x * y))
    # Each claim's influence on the correlation; without a relation, only x y is left.
    error = _size(weight * (x * y - value * (x**2 + y**2) / 2.0))
    by_chance = _size(weight * (x * y - value))
    likely = float(2.0 * ndtr(-abs(value) / by_chance)) if by_chance > 0.0 else 0.0
    return Relation(value, error, likely, len(place), ordered=True)


def _unordered(place: Places, weight: Floats, outcome: Floats) -> Relation:
    """Return Cramér's V: its square is the variance of the groups' fraud rates over that of the outcomes."""
    place = _pooled(place)
    y = _standard(outcome, weight)
    at = np.bincount(place, weights=weight)
    rates = np.bincount(place, weights=weight * y) / at
    square = float(at @ rates**2)
    value = float(np.sqrt(square))
    # One over the number of claims if all weigh the same: then the statistic is Pearson's. Otherwise it is
    # Pearson's with the design effect of Rao and Scott (1981).
    design = _size(weight * y) ** 2
    added = (2.0 * y - rates[place]) * rates[place] - square * y**2
    error = _size(weight * added) / (2.0 * value) if value > 0.0 else 0.0
    freedom = len(at) - 1
    likely = float(chdtrc(freedom, square / design)) if freedom and design else 1.0
    return Relation(value, max(error, float(np.sqrt(design))), likely, len(place), ordered=False)


def _pooled(place: Places) -> Places:
    """Merge the levels that few claims have."""
    rare = np.bincount(place) < RARE
    merged = np.where(rare, 0, np.cumsum(~rare))
    return np.unique(merged[place], return_inverse=True)[1]


def _standard(values: Floats, weight: Floats) -> Floats:
    """Return the values with mean 0 and variance 1; ``weight`` adds up to 1."""
    centred = values - weight @ values
    return np.asarray(centred / np.sqrt(weight @ centred**2))


def _size(values: Floats) -> float:
    return float(np.sqrt(values @ values))


def _effective(weight: Floats) -> float:
    squares = float((weight**2).sum())
    return float(weight.sum()) ** 2 / squares if squares else 0.0


def _findings(
    name: str, found: Relation | None, before: Floats, q_related: float, q_changed: float
) -> list[Finding]:
    if found is None:
        return [Finding("correlation", None, 0, "not enough data", name)]
    reach = Z * found.error
    lowest = -1.0 if found.ordered else 0.0
    findings = [
        Finding(
            "correlation",
            found.value,
            found.n,
            "ok",
            name,
            low=max(lowest, found.value - reach),
            high=min(1.0, found.value + reach),
        ),
        Finding("p_value", found.p_value, found.n, "ok", name),
        Finding("q_value", q_related, found.n, "ok", name),
    ]
    if not len(before):
        return findings
    shift = found.value - float(before.mean())
    turned = found.ordered and found.value * float(before.mean()) < 0.0 and abs(shift) >= MATERIAL / 2.0
    changed = q_changed <= CERTAIN and (abs(shift) >= MATERIAL or turned)
    return [
        *findings,
        Finding("correlation_shift", shift, found.n, "watch" if changed else "ok", name, threshold=MATERIAL),
    ]
