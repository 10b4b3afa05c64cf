"""Exact Shapley values: how much each feature moved a claim's margin away from that of the average claim.

For forests, values are path-dependent (Lundberg et al., "From local explanations to global understanding with
explainable AI for trees", 2020): features outside of a coalition are averaged out by the cover of the
training claims. For linear models, they are each feature's contribution minus its mean.
"""

from functools import cached_property

import numpy as np
import numpy.typing as npt

from claimwatch.domain.model.leaf_paths import (
    MOST_ON_A_PATH,
    LeafPaths,
    path_values,
    positive_shares,
    shares_of_cover,
)
from claimwatch.domain.model.model import LEAF, Floats, Forest, Linear, Model, contributions

_BLOCK = 4096
"""The number of rows at a time, so that the vectors of a tree stay in the processor's cache."""

_FEW = 256
"""Up to this number of rows, forests of any size are processed as flat arrays instead of node by node."""

_REMEMBERED = 32 << 20
"""The bytes of path values that are cached: they are the same for all claims."""

type _Pattern = npt.NDArray[np.int64]


def shapley(model: Model, matrix: npt.NDArray[np.float32]) -> Floats:
    """Return the Shapley values of each row, float64 [rows, features].

    With ``expected_margin`` they add up to the margin.
    """
    return Explainer(model).shapley(matrix)


class Explainer:
    """Explains a model repeatedly: values that depend only on the model are computed once.

    A row has the same values, bit for bit, alone and among any others.
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    def shapley(self, matrix: npt.NDArray[np.float32]) -> Floats:
        """Return what the function ``shapley`` returns."""
        if isinstance(self._model, Linear):
            return contributions(self._model, matrix) - self._model.expected
        if len(matrix) <= _FEW or self._leaf_paths.for_many_rows:
            return self._leaf_paths.values(matrix)
        return self.walked(matrix)

    def walked(self, matrix: npt.NDArray[np.float32]) -> Floats:
        """Return the same values, bit for bit, by a walk through the forest node by node.

        It is faster for many rows and deep trees: a leaf's values are computed once for all patterns.
        """
        values = np.empty((len(matrix), self._model.features))
        for start in range(0, len(matrix), _BLOCK):
            rows = matrix[start : start + _BLOCK]
            values[start : start + _BLOCK] = _Explanation(self._paths, rows).values().T
        return values

    @cached_property
    def _leaf_paths(self) -> LeafPaths:
        assert isinstance(self._model, Forest)
        return LeafPaths(self._model)

    @cached_property
    def _paths(self) -> "_Paths":
        assert isinstance(self._model, Forest)
        return _Paths(self._model)


def expected_margin(model: Model) -> float:
    """Return the margin of the average training claim, the origin of Shapley values."""
    if isinstance(model, Linear):
        return float(model.intercept + model.expected.sum())
    shares = shares_of_cover(model)
    reach = np.ones(len(model.feature))
    for node in np.flatnonzero(model.feature != LEAF):  # a parent comes before its children
        for child in (model.left[node], model.right[node]):
            reach[child] = reach[node] * shares[child]
    return model.base + float(reach @ model.value)


class _Paths:
    """A forest, with the Shapley values of its leaves for each pattern that a row can have on the path."""

    def __init__(self, model: Forest) -> None:
        self.model = model
        self.shares = positive_shares(model).tolist()
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
        return float(self.model.value[leaf]) * path_values((patterns >> bits) & 1, np.array(shares)[:, None])


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
        self._tree: dict[int, Floats] = {}

    def values(self) -> Floats:
        """Return the values, float64 [features, rows]."""
        everywhere = np.zeros(self._columns.shape[1], dtype=np.int64)
        for root in self._model.roots.tolist():
            self._tree.clear()
            self._descend(root, {}, [], everywhere)
            for feature, values in self._tree.items():
                self._values[feature] += values
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
        if feature not in places and len(places) == MOST_ON_A_PATH:
            raise ValueError(f"a path of the forest has more than {MOST_ON_A_PATH} different features")
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
            added = [values.take(pattern) for values in known]
        else:
            added = list(self._paths.of(leaf, pattern, shares))
        for feature, values in zip(places, added, strict=True):
            if feature in self._tree:
                self._tree[feature] += values
            else:
                self._tree[feature] = values
