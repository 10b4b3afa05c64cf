"""Bivariate relations: each feature alone against the outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, ndtr

from claimwatch.domain.evaluation.cohort import Cohort, Floats
from claimwatch.domain.evaluation.finding import Finding
from claimwatch.domain.evaluation.multiple_testing import q_values
from claimwatch.domain.evaluation.window_test import p_value
from claimwatch.domain.model.features import Kind, Matrix

ENOUGH = 50
"""Claims that count and have a value, without which nothing is said."""

FEWEST = 10.0
"""Frauds (of equal weight), and others, without which nothing is said."""

CERTAIN = 0.01
"""The share of false discoveries among the features whose relation has changed."""

MATERIAL = 0.1
"""A change of the correlation that matters."""

RARE = 10
"""Claims of a category below which it is put together with others like it."""

_WITHOUT_ORDER: frozenset[Kind] = frozenset({"category", "hour", "weekday"})

_Z = 1.959963984540054
"""The normal distribution's 97.5 % quantile."""

type Places = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Relation:
    """A correlation (Cramér's V where the feature has no order) with its standard error and p-value."""

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
    """The findings of check ``bivariate``.

    ``matrix`` [claims, features] are the encoded claims of the cohort. ``before`` has for each earlier window
    its metric ``correlation`` by feature, the oldest first. ``correlation`` is that of the feature's ranks
    with the outcome, over the book; Cramér's V (0 to 1) for categories, hours and weekdays. Its verdict is on
    the change since the windows before, ``correlation_shift``: watched where it is certain and material, or
    turns round. ``p_value`` and ``q_value`` say whether there is a relation at all.
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
    """How a feature's values, of the claims that count, go with the outcome; None where too few do.

    Only claims with a value take part. With equal weights the correlation is Spearman's, and V is Cramér's.
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
    # What each claim adds to a correlation; were there none, only x y is left.
    error = _size(weight * (x * y - value * (x**2 + y**2) / 2.0))
    by_chance = _size(weight * (x * y - value))
    likely = float(2.0 * ndtr(-abs(value) / by_chance)) if by_chance > 0.0 else 0.0
    return Relation(value, error, likely, len(place), ordered=True)


def _unordered(place: Places, weight: Floats, outcome: Floats) -> Relation:
    """V squared is the variance of the groups' fraud rates in parts of that of the outcomes."""
    place = _pooled(place)
    y = _standard(outcome, weight)
    at = np.bincount(place, weights=weight)
    rates = np.bincount(place, weights=weight * y) / at
    square = float(at @ rates**2)
    value = float(np.sqrt(square))
    # One over the number of claims, if all weigh the same: the statistic is Pearson's then, and else his
    # with the design effect of Rao and Scott (1981).
    design = _size(weight * y) ** 2
    added = (2.0 * y - rates[place]) * rates[place] - square * y**2
    error = _size(weight * added) / (2.0 * value) if value > 0.0 else 0.0
    freedom = len(at) - 1
    likely = float(chdtrc(freedom, square / design)) if freedom and design else 1.0
    return Relation(value, max(error, float(np.sqrt(design))), likely, len(place), ordered=False)


def _pooled(place: Places) -> Places:
    """Levels that few claims have count as one."""
    rare = np.bincount(place) < RARE
    merged = np.where(rare, 0, np.cumsum(~rare))
    return np.unique(merged[place], return_inverse=True)[1]


def _standard(values: Floats, weight: Floats) -> Floats:
    """With a mean of 0 and a variance of 1; ``weight`` adds up to 1."""
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
    reach = _Z * found.error
    lowest = -1.0 if found.ordered else 0.0
    told = [
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
        return told
    shift = found.value - float(before.mean())
    turned = found.ordered and found.value * float(before.mean()) < 0.0 and abs(shift) >= MATERIAL / 2.0
    changed = q_changed <= CERTAIN and (abs(shift) >= MATERIAL or turned)
    return [
        *told,
        Finding("correlation_shift", shift, found.n, "watch" if changed else "ok", name, threshold=MATERIAL),
    ]
