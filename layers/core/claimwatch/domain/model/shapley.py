"""Exact Shapley values: how much each feature moved a claim's margin away from that of the average claim.

For forests, values are path-dependent (Lundberg et al., "From local explanations to global understanding with
explainable AI for trees", 2020): features outside of a coalition are averaged out by the cover of the
training claims. For linear models, they are each feature's contribution minus its mean.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from claimwatch.domain.model.model import LEAF, Floats, Forest, Linear, Model, contributions

_BLOCK = 4096
"""The number of rows at a time, so that the vectors of a tree stay in the processor's cache."""

_MOST_ON_A_PATH = 62
"""The greatest number of different features on a path: a row's pattern has one bit for each."""

_REMEMBERED = 32 << 20
"""The bytes of path values that are cached: they are the same for all claims."""

_NEVER = 1e-100
"""Replaces a share of cover that is zero: it avoids a division by zero and changes no value."""

type _Pattern = npt.NDArray[np.int64]


def shapley(model: Model, matrix: npt.NDArray[np.float32]) -> Floats:
    """Return the Shapley values of each row, float64 [rows, features].

    With ``expected_margin`` they add up to the margin.
    """
    return Explainer(model).shapley(matrix)


class Explainer:
    """Explains a model repeatedly: values that depend only on the model are computed once."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._paths = _Paths(model) if isinstance(model, Forest) else None

    def shapley(self, matrix: npt.NDArray[np.float32]) -> Floats:
        """Return what the function ``shapley`` returns."""
        if self._paths is None:
            assert isinstance(self._model, Linear)
            return contributions(self._model, matrix) - self._model.expected
        values = np.empty((len(matrix), self._model.features))
        for start in range(0, len(matrix), _BLOCK):
            rows = matrix[start : start + _BLOCK]
            values[start : start + _BLOCK] = _Explanation(self._paths, rows).values().T
        return values


def expected_margin(model: Model) -> float:
    """Return the margin of the average training claim, the origin of Shapley values."""
    if isinstance(model, Linear):
        return float(model.intercept + model.expected.sum())
    shares = _shares(model)
    reach = np.ones(len(model.feature))
    for node in np.flatnonzero(model.feature != LEAF):  # a parent comes before its children
        for child in (model.left[node], model.right[node]):
            reach[child] = reach[node] * shares[child]
    return model.base + float(reach @ model.value)


def _shares(model: Forest) -> Floats:
    """Return each node's share of its parent's cover; one half if no training claim reached the parent."""
    shares = np.ones(len(model.feature))
    inner = np.flatnonzero(model.feature != LEAF)
    parent = np.maximum(model.cover[inner], np.finfo(np.float64).tiny)
    for child in (model.left[inner], model.right[inner]):
        shares[child] = np.where(model.cover[inner] > 0.0, model.cover[child] / parent, 0.5)
    return shares


class _Paths:
    """A forest, with the Shapley values of its leaves for each pattern that a row can have on the path."""

    def __init__(self, model: Forest) -> None:
        self.model = model
        self.shares = np.maximum(_shares(model), _NEVER).tolist()
        self._known: dict[int, Floats] = {}
        self._room = _REMEMBERED

    def of_patterns(self, leaf: int, shares: list[float]) -> Floats:
        """Return the values of all patterns, float64 [features on the path, patterns]."""
        found = self._known.get(leaf)
        if found is None:
            found = self.of(leaf, np.arange(1 << len(shares)), shares)
            if found.nbytes <= self._room:
                self._known[leaf] = found
                self._room -= found.nbytes
        return found

    def of(self, leaf: int, patterns: _Pattern, shares: list[float]) -> Floats:
        """Return the values of these patterns, float64 [features on the path, patterns]."""
        bits = np.arange(len(shares))[:, None]
        return float(self.model.value[leaf]) * path_values((patterns >> bits) & 1, np.array(shares))


class _Explanation:
    """The Shapley values of a block of rows, tree by tree.

    A leaf's contribution depends only on its path: the features on it, the share of cover that each lets
    through, and which of them let the row through, which is the row's pattern. If there are fewer patterns
    than rows, all patterns are computed and looked up; otherwise each row's own.
    """

    def __init__(self, paths: _Paths, rows: npt.NDArray[np.float32]) -> None:
        self._paths, self._model, self._shares = paths, paths.model, paths.shares
        self._columns = np.ascontiguousarray(rows.T)
        missing = np.isnan(self._columns)
        self._missing = [column if column.any() else None for column in missing]
        self._values = np.zeros(self._columns.shape)

    def values(self) -> Floats:
        """Return the values, float64 [features, rows]."""
        everywhere = np.zeros(self._columns.shape[1], dtype=np.int64)
        for root in self._model.roots.tolist():
            self._descend(root, {}, [], everywhere)
        return self._values

    def _descend(self, node: int, places: dict[int, int], shares: list[float], pattern: _Pattern) -> None:
        """Process a subtree.

        ``places`` are the bits of the path's features in ``pattern``, ``shares`` the cover that each lets
        through.
        """
        model = self._model
        feature = int(model.feature[node])
        if feature == LEAF:
            self._add(node, places, shares, pattern)
            return
        if feature not in places and len(places) == _MOST_ON_A_PATH:
            raise ValueError(f"a path of the forest has more than {_MOST_ON_A_PATH} different features")
        goes_left = self._columns[feature] <= model.threshold[node]
        missing = self._missing[feature]
        if missing is not None and model.missing_left[node]:
            goes_left |= missing
        for child, goes in ((int(model.left[node]), goes_left), (int(model.right[node]), ~goes_left)):
            share = self._shares[child]
            place = places.get(feature)
            if place is None:
                bit = len(places)
                reached = pattern | (goes.astype(np.int64) << bit)
                self._descend(child, {**places, feature: bit}, [*shares, share], reached)
            else:
                reached = pattern & ~((~goes).astype(np.int64) << place)
                merged = [*shares[:place], shares[place] * share, *shares[place + 1 :]]
                self._descend(child, places, merged, reached)

    def _add(self, leaf: int, places: dict[int, int], shares: list[float], pattern: _Pattern) -> None:
        if not places or self._model.value[leaf] == 0.0:
            return
        if 1 << len(places) <= len(pattern):
            known = self._paths.of_patterns(leaf, shares)
            for feature, place in places.items():
                self._values[feature] += known[place].take(pattern)
        else:
            added = self._paths.of(leaf, pattern, shares)
            for feature, place in places.items():
                self._values[feature] += added[place]


def path_values(passed: npt.NDArray[np.int64], shares: Floats) -> Floats:
    """Return the Shapley values of "1 if all features on the path let the row through", [features, rows].

    ``passed`` [features, rows] is 1 if the feature lets the row through, ``shares`` [features] the share that
    a feature lets through while it is not in the coalition. A coalition of s of the m - 1 other features has
    weight s! (m - 1 - s)! / m!, the integral of t^s (1 - t)^(m - 1 - s) from 0 to 1. So the sum over all
    coalitions is the integral of a product: a polynomial of degree m - 1.
    """
    share = shares[:, None]
    total = np.zeros(passed.shape)
    for point, weight in _quadrature(len(shares)):
        factors = np.where(passed, point, 0.0) + share * (1.0 - point)
        total += weight * factors.prod(axis=0) / factors
    return (passed - share) * total


@cache
def _quadrature(features: int) -> list[tuple[float, float]]:
    """Return Gauss-Legendre points and weights from 0 to 1, exact up to degree ``features`` - 1."""
    points, weights = np.polynomial.legendre.leggauss((features + 1) // 2)
    return list(zip((0.5 + 0.5 * points).tolist(), (0.5 * weights).tolist(), strict=True))
