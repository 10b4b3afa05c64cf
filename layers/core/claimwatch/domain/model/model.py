"""A model as data: a forest of trees or a linear model, which is served, explained and exported.

Training converts a library's estimator to it; the serving graph and the reasons are both made from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from io import BytesIO
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

type Link = Literal["logit", "identity"]
type Floats = npt.NDArray[np.float64]
type Singles = npt.NDArray[np.float32]
type Integers = npt.NDArray[np.int32]
type Model = Forest | Linear

LEAF = -1
"""The feature of a node that is a leaf."""


@dataclass(frozen=True)
class Forest:
    """Trees whose leaves are added; all nodes are in the same arrays, each child after its parent.

    A claim goes left if its value is at most ``threshold``, or if it is nan and ``missing_left``. ``cover``
    is the (weighted) number of training claims that passed a node; explanations average by it. With link
    ``logit`` the margin is log-odds; with ``identity`` it is a probability.
    """

    feature: Integers
    threshold: Singles
    left: Integers
    right: Integers
    missing_left: npt.NDArray[np.bool_]
    value: Floats
    cover: Floats
    roots: Integers
    base: float
    link: Link
    features: int

    def __post_init__(self) -> None:
        nodes = len(self.feature)
        arrays = (self.threshold, self.left, self.right, self.missing_left, self.value, self.cover)
        if any(array.shape != (nodes,) for array in arrays):
            raise ValueError("the arrays of the forest differ in length")
        inner = self.feature != LEAF
        if np.any(self.feature[inner] < 0) or np.any(self.feature >= self.features):
            raise ValueError("a node splits by a feature that does not exist")
        own = np.arange(nodes)[inner]
        for child in (self.left[inner], self.right[inner]):
            # After its parent, so no path can be a cycle.
            if np.any(child <= own) or np.any(child >= nodes):
                raise ValueError("a node's child does not come after it")


@dataclass(frozen=True)
class Linear:
    """A sum over features: numbers, categories and missing values.

    A number x of feature j adds ``weight[j] * (x - center[j])``. For a feature with ``first[j] >= 0`` the
    value is a code, which adds ``table[first[j] + code]``. nan adds ``missing[j]``. ``expected`` is the mean
    of each feature's contribution over the training claims. The margin, the sum of these and ``intercept``,
    is log-odds.
    """

    weight: Floats
    center: Floats
    missing: Floats
    first: Integers
    table: Floats
    expected: Floats
    intercept: float

    def __post_init__(self) -> None:
        arrays = (self.weight, self.center, self.missing, self.first, self.expected)
        if len({array.shape for array in arrays}) != 1 or self.weight.ndim != 1:
            raise ValueError("the arrays of the linear model differ in length")
        if np.any(self.first >= max(1, len(self.table))):
            raise ValueError("a feature has no table")

    @property
    def link(self) -> Link:
        """The margin of a linear model is log-odds."""
        return "logit"

    @property
    def features(self) -> int:
        """The number of features."""
        return len(self.weight)


@dataclass(frozen=True)
class Tree:
    """One tree in the form of the libraries: node 0 is its root, a leaf's feature is negative."""

    feature: npt.NDArray[Any]
    threshold: npt.NDArray[Any]
    left: npt.NDArray[Any]
    right: npt.NDArray[Any]
    missing_left: npt.NDArray[Any]
    value: npt.NDArray[Any]
    cover: npt.NDArray[Any]


def forest_of(trees: Sequence[Tree], base: float, link: Link, features: int) -> Forest:
    """Return a forest of these trees, with nodes renumbered so that children come after their parents."""
    starts = np.cumsum([0, *(len(tree.feature) for tree in trees)])
    parts = [_renumbered(tree, int(start)) for tree, start in zip(trees, starts, strict=False)]
    lengths = [len(part.feature) for part in parts]
    if lengths != [len(tree.feature) for tree in trees]:
        raise ValueError("a tree has nodes that cannot be reached from its root")
    return Forest(
        feature=np.concatenate([part.feature for part in parts]),
        threshold=np.concatenate([part.threshold for part in parts]),
        left=np.concatenate([part.left for part in parts]),
        right=np.concatenate([part.right for part in parts]),
        missing_left=np.concatenate([part.missing_left for part in parts]),
        value=np.concatenate([part.value for part in parts]),
        cover=np.concatenate([part.cover for part in parts]),
        roots=starts[:-1].astype(np.int32),
        base=float(base),
        link=link,
        features=features,
    )


def _renumbered(tree: Tree, start: int) -> Tree:
    order = _preorder(tree)
    place = np.zeros(len(tree.feature), dtype=np.int64)
    place[order] = np.arange(len(order))
    leaf = np.asarray(tree.feature)[order] < 0

    def child(nodes: npt.NDArray[Any]) -> Integers:
        return np.where(leaf, 0, place[np.where(leaf, 0, nodes[order])] + start).astype(np.int32)

    return Tree(
        feature=np.where(leaf, LEAF, tree.feature[order]).astype(np.int32),
        threshold=np.where(leaf, np.float32(0), float32_not_above(tree.threshold[order])),
        left=child(tree.left),
        right=child(tree.right),
        missing_left=tree.missing_left[order].astype(np.bool_) & ~leaf,
        value=np.where(leaf, tree.value[order], 0.0).astype(np.float64),
        cover=tree.cover[order].astype(np.float64),
    )


def _preorder(tree: Tree) -> list[int]:
    order, ahead = [], [0]
    while ahead:
        node = ahead.pop()
        order.append(node)
        if tree.feature[node] >= 0:
            ahead += [int(tree.right[node]), int(tree.left[node])]
    return order


def float32_not_above(thresholds: npt.ArrayLike) -> Singles:
    """Return the largest float32 not above each number: no float32 lies between the two."""
    exact = np.asarray(thresholds, dtype=np.float64)
    with np.errstate(over="ignore"):
        near = exact.astype(np.float32)
        below = np.nextafter(near, np.float32(-np.inf))
    return np.where(near.astype(np.float64) > exact, below, near)


def margin(model: Model, matrix: npt.NDArray[np.float32]) -> Floats:
    """Return the margin of each row; a slow reference for tests of graphs."""
    if isinstance(model, Linear):
        return model.intercept + contributions(model, matrix).sum(axis=1)
    total = np.full(len(matrix), model.base)
    for root in model.roots:
        total += model.value[leaves(model, int(root), matrix)]
    return total


def leaves(model: Forest, root: int, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Return the leaf of a tree in which each row ends."""
    node = np.full(len(matrix), root, dtype=np.int64)
    moving = np.flatnonzero(model.feature[node] != LEAF)
    while len(moving):
        at = node[moving]
        value = matrix[moving, model.feature[at]]
        goes_left = np.where(np.isnan(value), model.missing_left[at], value <= model.threshold[at])
        node[moving] = np.where(goes_left, model.left[at], model.right[at])
        moving = moving[model.feature[node[moving]] != LEAF]
    return node


def contributions(model: Linear, matrix: npt.NDArray[np.float32]) -> Floats:
    """Return each feature's contribution to the margin, float64 [rows, features]."""
    added = (matrix.astype(np.float64) - model.center) * model.weight
    for place in np.flatnonzero(model.first >= 0):
        codes = np.nan_to_num(matrix[:, place]).astype(np.int64)
        added[:, place] = model.table[model.first[place] + codes]
    return np.where(np.isnan(matrix), model.missing, added)


def to_bytes(model: Model) -> bytes:
    """Return the model as a NumPy archive (npz) of plain arrays; the same model gives the same bytes."""
    kind = "forest" if isinstance(model, Forest) else "linear"
    arrays = {field.name: np.asarray(getattr(model, field.name)) for field in fields(model)}
    written = BytesIO()
    np.savez_compressed(written, allow_pickle=False, kind=np.array(kind), **arrays)
    return written.getvalue()


def from_bytes(archive: bytes) -> Model:
    """Read what ``to_bytes`` wrote; raises ``ValueError`` for arrays that are not a model."""
    with np.load(BytesIO(archive), allow_pickle=False) as arrays:
        read = {name: arrays[name] for name in arrays.files}
    kind = str(read.pop("kind", ""))
    if kind not in ("forest", "linear"):
        raise ValueError(f"unknown kind of model: {kind}")
    model = Forest if kind == "forest" else Linear
    if read.keys() != {field.name for field in fields(model)}:
        raise ValueError(f"not the arrays of a {kind} model: {', '.join(sorted(read))}")
    values = {name: array if array.ndim else array.item() for name, array in read.items()}
    return model(**values)
