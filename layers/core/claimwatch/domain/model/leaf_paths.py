"""The paths to the leaves of a forest, and the Shapley values that leaves add to the features on them."""

from functools import cache

import numpy as np
import numpy.typing as npt

from claimwatch.domain.model.model import LEAF, Floats, Forest

MOST_ON_A_PATH = 62
"""The greatest number of different features on a path."""

_MOST_IN_TABLES = 1 << 19
"""The numbers that are computed for the tables of small trees, which takes some hundredths of a second."""

_AT_ONCE = 1 << 17
"""The numbers of a matrix that stays in the processor's cache: more rows are processed in turns."""

_NEVER = 1e-100
"""Replaces a share of cover that is zero: it avoids a division by zero and changes no value."""

type _Places = npt.NDArray[np.intp]
type _Flags = npt.NDArray[np.bool_]


def shares_of_cover(model: Forest) -> Floats:
    """Return each node's share of its parent's cover; one half if no training claim reached the parent."""
    shares = np.ones(len(model.feature))
    inner = np.flatnonzero(model.feature != LEAF)
    parent = np.maximum(model.cover[inner], np.finfo(np.float64).tiny)
    for child in (model.left[inner], model.right[inner]):
        shares[child] = np.where(model.cover[inner] > 0.0, model.cover[child] / parent, 0.5)
    return shares


def positive_shares(model: Forest) -> Floats:
    """Return the shares of cover that ``path_values`` accepts: none is zero."""
    return np.maximum(shares_of_cover(model), _NEVER)


def path_values(passed: npt.NDArray[np.integer | np.bool_], shares: Floats) -> Floats:
    """Return the Shapley values of "1 if all features on the path let the row through", [features, ...].

    ``passed`` is 1 if the feature lets the row through, ``shares`` the share that a feature lets through
    while it is not in the coalition; both have the features on the path as their first axis. A coalition of s
    of the m - 1 other features has weight s! (m - 1 - s)! / m!, the integral of t^s (1 - t)^(m - 1 - s) from
    0 to 1. So the sum over all coalitions is the integral of a product: a polynomial of degree m - 1.

    Every number is computed alone, in the same order: a row has the same bits among any others.
    """
    total = np.zeros(np.broadcast_shapes(passed.shape, shares.shape))
    for point, weight in _quadrature(len(shares)):
        factors = np.where(passed, point, 0.0) + shares * (1.0 - point)
        product = factors[0]
        for factor in factors[1:]:
            product = product * factor
        total += weight * product / factors
    total *= passed - shares
    return total


@cache
def _quadrature(features: int) -> list[tuple[float, float]]:
    """Return Gauss-Legendre points and weights from 0 to 1, exact up to degree ``features`` - 1."""
    points, weights = np.polynomial.legendre.leggauss((features + 1) // 2)
    return list(zip((0.5 + 0.5 * points).tolist(), (0.5 * weights).tolist(), strict=True))


class LeafPaths:
    """A forest as flat arrays: Shapley values without a walk node by node.

    A *slot* is a feature on the path to a leaf, a *cell* a feature of a tree. The values of a tree's slots
    are added up in the order in which a walk from left to right reaches the leaves, and those of cells in the
    order of the trees. A small tree has few patterns of splits that a row passes on the left, so the values
    of its cells are computed once for each pattern.
    """

    def __init__(self, model: Forest) -> None:
        self._features = model.features
        nodes = _Nodes(model)
        self._inner = nodes.inner
        self._split_by = model.feature[self._inner].astype(np.intp)
        self._threshold = model.threshold[self._inner][:, None]
        self._missing_left = model.missing_left[self._inner][:, None]
        self._slots = _Slots(model, nodes)
        self._tables = _Tables(self._slots, nodes) if self._slots.few_patterns(nodes) else None

    @property
    def for_many_rows(self) -> bool:
        """Whether the values of many rows are computed as fast as possible, too."""
        return self._tables is not None

    def values(self, rows: npt.NDArray[np.float32]) -> Floats:
        """Return the Shapley values of each row, float64 [rows, features]."""
        found = np.empty((len(rows), self._features))
        slots, tables = self._slots, self._tables
        at_once = max(1, _AT_ONCE // max(1, len(slots.feature) if tables is None else len(self._inner)))
        for start in range(0, len(rows), at_once):
            goes_left = self._goes_left(rows[start : start + at_once])
            cells = slots.cells(goes_left) if tables is None else tables.cells(goes_left)
            found[start : start + at_once] = _sums(cells, slots.cell_feature, self._features).T
        return found

    def _goes_left(self, rows: npt.NDArray[np.float32]) -> _Flags:
        values = rows.T[self._split_by]
        goes_left: _Flags = values <= self._threshold
        goes_left |= np.isnan(values) & self._missing_left
        return goes_left


def _sums(values: Floats, group: _Places, groups: int) -> Floats:
    """Return the sums of the rows of each group, added one by one in their order, [groups, columns]."""
    count = values.shape[1]
    into = group[:, None] * count + np.arange(count)
    return np.bincount(into.ravel(), values.ravel(), minlength=groups * count).reshape(groups, count)


class _Nodes:
    """The nodes of a forest, level by level: parents, depths and trees of all, and the order of a walk."""

    def __init__(self, model: Forest) -> None:
        count = len(model.feature)
        self.parent, self.depth, self.tree = (np.full(count, value, np.intp) for value in (-1, 0, 0))
        level = model.roots.astype(np.intp)
        self.tree[level] = np.arange(len(level))
        levels, inner = [level], []
        while len(level):
            splits = level[model.feature[level] != LEAF]
            level = np.concatenate([model.left[splits], model.right[splits]]).astype(np.intp)
            twice = np.concatenate([splits, splits])
            self.parent[level], self.tree[level] = twice, self.tree[twice]
            self.depth[level] = len(levels)
            levels.append(level)
            inner.append(splits)
        place, below = np.zeros(count, np.intp), np.ones(count, np.intp)
        for splits in reversed(inner):
            below[splits] += below[model.left[splits]] + below[model.right[splits]]
        place[levels[0]] = np.cumsum(below[levels[0]]) - below[levels[0]]
        for splits in inner:
            place[model.left[splits]] = place[splits] + 1
            place[model.right[splits]] = place[splits] + 1 + below[model.left[splits]]
        every = np.concatenate(levels)
        every = every[np.argsort(place[every])]
        leaf = model.feature[every] == LEAF
        self.leaves, self.inner = every[leaf], every[~leaf]
        """In the order in which a walk from left to right reaches them, tree by tree."""
        self.rank = np.zeros(count, np.intp)
        self.rank[self.inner] = np.arange(len(self.inner))


class _Slots:
    """The features on the paths to the leaves that add something, by leaf and then from the root.

    ``first`` are the split of each slot that is next to the root, and whether the path goes left there;
    ``further`` are further splits by the same feature, each with its slot.
    """

    def __init__(self, model: Forest, nodes: _Nodes) -> None:
        leaves = nodes.leaves
        leaves = leaves[(model.value[leaves] != 0.0) & (nodes.parent[leaves] >= 0)]
        self._value = model.value[leaves]
        leaf, split, left, share = _steps(model, nodes, leaves)
        feature = model.feature[split].astype(np.intp)
        key = leaf * model.features + feature
        order = np.argsort(key, kind="stable")  # the splits of a slot stay in the order of the path
        begins = np.flatnonzero(np.diff(key[order], prepend=-1))
        lengths = np.diff(begins, append=len(order))
        path = np.argsort(order[begins])
        slot_of = np.empty(len(begins), np.intp)
        slot_of[path] = np.arange(len(begins))
        slot = np.repeat(slot_of, lengths)
        number = np.arange(len(order)) - np.repeat(begins, lengths)
        first = order[begins][path]
        self.first = nodes.rank[split[first]], left[first][:, None]
        self.further = [
            (slot[again], nodes.rank[split[order[again]]], left[order[again]][:, None])
            for times in range(1, int(lengths.max(initial=1)))
            for again in [np.flatnonzero(number == times)]
        ]
        self.feature = feature[first]
        shares = np.multiply.reduceat(share[order], begins)[path] if len(begins) else share
        self._lengths = self._by_length(leaf[first], shares)
        tree_feature = nodes.tree[leaves][leaf[first]] * model.features + self.feature
        cells, self._cell = np.unique(tree_feature, return_inverse=True)
        self.cell_tree, self.cell_feature = cells // model.features, cells % model.features

    def _by_length(self, leaf: _Places, shares: Floats) -> list[tuple[_Places, Floats, Floats]]:
        """Return paths by their number of features: slots [features, leaves], values, shares."""
        starts = np.flatnonzero(np.diff(leaf, prepend=-1))
        count = np.diff(starts, append=len(leaf))
        if count.max(initial=0) > MOST_ON_A_PATH:
            raise ValueError(f"a path of the forest has more than {MOST_ON_A_PATH} different features")
        found = []
        for length in np.unique(count).tolist():
            chosen = np.flatnonzero(count == length)
            slots = starts[chosen] + np.arange(length)[:, None]
            found.append((slots, self._value[chosen][:, None], shares[slots][:, :, None]))
        return found

    def few_patterns(self, nodes: _Nodes) -> bool:
        """Return whether the values for all patterns of the splits of each tree are soon computed."""
        most = int(np.bincount(nodes.tree[nodes.inner], minlength=1).max())
        return most < 16 and len(self.feature) << most <= _MOST_IN_TABLES

    def cells(self, goes_left: _Flags) -> Floats:
        """Return the values of all cells, for rows that go left at some splits: float64 [cells, rows]."""
        split, left = self.first
        passed = goes_left[split] == left
        for slots, split, left in self.further:
            passed[slots] &= goes_left[split] == left
        added = np.empty(passed.shape)
        for slots, value, shares in self._lengths:
            added[slots] = value * path_values(passed[slots], shares)
        return _sums(added, self._cell, len(self.cell_feature))


class _Tables:
    """The values of all cells for each pattern: one bit for each split of the tree, 1 if a row goes left."""

    def __init__(self, slots: _Slots, nodes: _Nodes) -> None:
        tree = nodes.tree[nodes.inner]
        self._starts = np.flatnonzero(np.diff(tree, prepend=-1))
        splits = np.diff(self._starts, append=len(tree))
        place = np.arange(len(tree)) - np.repeat(self._starts, splits)
        self._bit = (1 << place)[:, None]
        patterns = np.arange(1 << int(splits.max(initial=0)))
        self._values = slots.cells((patterns & self._bit) != 0).ravel()
        self._base = (np.arange(len(slots.cell_tree)) * len(patterns))[:, None]
        self._tree = np.searchsorted(tree[self._starts], slots.cell_tree)

    def cells(self, goes_left: _Flags) -> Floats:
        """Return what the cells of ``_Slots`` are for these rows."""
        if not len(self._starts):
            return np.empty((0, goes_left.shape[1]))
        pattern = np.add.reduceat(goes_left * self._bit, self._starts, axis=0)
        return self._values.take(self._base + pattern[self._tree])


def _steps(model: Forest, nodes: _Nodes, leaves: _Places) -> tuple[_Places, _Places, _Flags, Floats]:
    """Return the steps from the roots to leaves, by leaf and then from the root.

    They are the position of the leaf, the split, whether the path goes left, and the share of cover there.
    """
    shares = positive_shares(model)
    found = [(np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0, np.bool_), np.empty(0))]
    leaf, child = np.arange(len(leaves)), leaves
    while len(child):
        split = nodes.parent[child]
        found.append((leaf, split, model.left[split] == child, shares[child]))
        going = nodes.parent[split] >= 0
        leaf, child = leaf[going], split[going]
    leaf, split, left, share = (np.concatenate(each) for each in zip(*found, strict=True))
    order = np.lexsort((nodes.depth[split], leaf))
    return leaf[order], split[order], left[order], share[order]
