"""Random forests of random trees, claims for them, and their Shapley values by the definition."""

from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import numpy.typing as npt

from claimwatch.domain.model.model import LEAF, Forest, Link, Tree, forest_of

type Row = npt.NDArray[np.float32]


def draw_forest(
    seed: int,
    *,
    trees: int = 3,
    depth: int = 4,
    features: int = 5,
    link: Link = "logit",
    repeats: bool = True,
) -> Forest:
    """Return a random forest; without ``repeats`` no feature occurs twice on a path."""
    drawn = np.random.default_rng(seed)
    return forest_of(
        [_draw_tree(drawn, depth, features, repeats) for _ in range(trees)],
        float(drawn.normal()),
        link,
        features,
    )


def _draw_tree(drawn: np.random.Generator, depth: int, features: int, repeats: bool) -> Tree:
    nodes: list[dict[str, Any]] = []

    def grow(levels: int, cover: int, used: frozenset[int]) -> int:
        place = len(nodes)
        node = {"feature": LEAF, "threshold": 0.0, "left": -1, "right": -1, "missing_left": False}
        nodes.append(node | {"value": 0.0, "cover": cover})
        free = [feature for feature in range(features) if repeats or feature not in used]
        if not levels or cover < 2 or not free or (place and drawn.random() < 0.15):
            nodes[place]["value"] = float(drawn.normal())
            return place
        feature = int(drawn.choice(free))
        share = int(drawn.integers(1, cover))
        nodes[place] |= {
            "feature": feature,
            # Halves, so that claims lie on thresholds, and one that no 32-bit float can hold.
            "threshold": float(drawn.integers(-3, 4)) / 2 + (1e-12 if drawn.random() < 0.3 else 0.0),
            "missing_left": bool(drawn.integers(2)),
            "left": grow(levels - 1, share, used | {feature}),
            "right": grow(levels - 1, cover - share, used | {feature}),
        }
        return place

    grow(depth, 1000, frozenset())
    return Tree(*(np.array([node[name] for node in nodes]) for name in Tree.__dataclass_fields__))


def draw_rows(seed: int, rows: int, features: int = 5, missing: float = 0.15) -> npt.NDArray[np.float32]:
    drawn = np.random.default_rng(seed)
    matrix = (drawn.integers(-4, 5, (rows, features)) / 2).astype(np.float32)
    matrix[drawn.random(matrix.shape) < missing] = np.nan
    return matrix


def conditional_margin(forest: Forest, row: Row, coalition: frozenset[int]) -> float:
    """Return the margin with features outside of the coalition averaged out by the training cover."""

    def below(node: int) -> float:
        feature = int(forest.feature[node])
        left, right = int(forest.left[node]), int(forest.right[node])
        if feature == LEAF:
            return float(forest.value[node])
        if feature in coalition:
            value = row[feature]
            goes_left = forest.missing_left[node] if np.isnan(value) else value <= forest.threshold[node]
            return below(left if goes_left else right)
        shares = forest.cover[left] / forest.cover[node], forest.cover[right] / forest.cover[node]
        return float(shares[0] * below(left) + shares[1] * below(right))

    return forest.base + sum(below(int(root)) for root in forest.roots)


def shapley_by_definition(forest: Forest, row: Row) -> npt.NDArray[np.float64]:
    count = forest.features
    worth = {
        frozenset(coalition): conditional_margin(forest, row, frozenset(coalition))
        for size in range(count + 1)
        for coalition in combinations(range(count), size)
    }
    values = np.zeros(count)
    for coalition, margin in worth.items():
        for feature in set(range(count)) - coalition:
            weight = factorial(len(coalition)) * factorial(count - len(coalition) - 1) / factorial(count)
            values[feature] += weight * (worth[coalition | {feature}] - margin)
    return values
