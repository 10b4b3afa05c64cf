"""Shapley values add up, and match the definition and shap's C code."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimwatch.domain.model.leaf_paths import LeafPaths
from claimwatch.domain.model.model import Forest, Linear, Tree, contributions, forest_of, margin
from claimwatch.domain.model.shapley import Explainer, expected_margin, shapley
from tests.unit.models.forests import conditional_margin, draw_forest, draw_rows, shapley_by_definition

seeds = st.integers(0, 2**32)


@settings(deadline=None, max_examples=40)
@given(seed=seeds, rows=st.sampled_from([1, 3, 40]))
def test_values_match_the_definition(seed: int, rows: int) -> None:
    forest, matrix = draw_forest(seed), draw_rows(seed, rows)
    found = shapley(forest, matrix)
    for row, values in zip(matrix[:3], found, strict=False):
        np.testing.assert_allclose(values, shapley_by_definition(forest, row), atol=1e-12)


@settings(deadline=None, max_examples=40)
@given(seed=seeds, rows=st.integers(0, 60), depth=st.integers(0, 9))
def test_values_add_up_to_the_margin(seed: int, rows: int, depth: int) -> None:
    forest, matrix = draw_forest(seed, depth=depth, features=8), draw_rows(seed, rows, features=8)
    whole = shapley(forest, matrix).sum(axis=1) + expected_margin(forest)
    np.testing.assert_allclose(whole, margin(forest, matrix), atol=1e-11)


@settings(deadline=None, max_examples=20)
@given(
    seed=seeds,
    # Small trees have tables; in others, few rows are explained as flat arrays and many by a walk.
    shape=st.sampled_from([(12, 3, 5), (3, 6, 5), (20, 9, 8), (3, 12, 30)]),
    start=st.integers(0, 500),
    count=st.sampled_from([1, 2, 7, 100]),
    repeats=st.booleans(),
)
def test_a_row_has_the_same_bits_alone_and_among_others(
    seed: int, shape: tuple[int, int, int], start: int, count: int, repeats: bool
) -> None:
    trees, depth, features = shape
    forest = draw_forest(seed, trees=trees, depth=depth, features=features, repeats=repeats)
    matrix = draw_rows(seed, 600, features=features)
    whole = shapley(forest, matrix)
    assert shapley(forest, matrix[start : start + count]).tobytes() == whole[start : start + count].tobytes()


@pytest.mark.parametrize("seed", range(5))
def test_the_tables_of_small_trees_hold_the_bits_that_a_walk_adds_up(seed: int) -> None:
    forest, matrix = draw_forest(seed, trees=30, depth=3, features=8), draw_rows(seed, 500, features=8)
    assert LeafPaths(forest).for_many_rows
    assert Explainer(forest).walked(matrix).tobytes() == shapley(forest, matrix).tobytes()


def test_more_rows_than_a_block_have_the_same_values() -> None:
    forest, matrix = draw_forest(5), draw_rows(5, 9000)
    np.testing.assert_allclose(shapley(forest, matrix)[8500:], shapley(forest, matrix[8500:]), atol=1e-12)


def test_a_path_with_many_features_is_exact() -> None:
    """With thirty features on a path, tables of all patterns would not fit into memory."""
    count = 30
    inner, drawn = np.arange(count), np.random.default_rng(3)
    nodes = 2 * count + 1
    feature = np.full(nodes, -1)
    feature[2 * inner] = inner
    left, right = np.full(nodes, -1), np.full(nodes, -1)
    left[2 * inner], right[2 * inner] = 2 * inner + 2, 2 * inner + 1
    cover = np.empty(nodes)
    cover[2 * np.arange(count + 1)] = 0.9 ** np.arange(count + 1)
    cover[2 * inner + 1] = cover[2 * inner] - cover[2 * inner + 2]
    tree = Tree(
        feature, np.zeros(nodes), left, right, np.zeros(nodes, dtype=bool), drawn.normal(size=nodes), cover
    )
    forest = forest_of([tree], 0.5, "logit", count)
    matrix = draw_rows(11, 50, features=count)
    matrix[0] = -1.0
    values = shapley(forest, matrix)
    np.testing.assert_allclose(
        values.sum(axis=1) + expected_margin(forest), margin(forest, matrix), atol=1e-12
    )
    # By symmetry: all thirty let the first row through alike.
    only = replace(
        forest, value=np.where(np.arange(nodes) == forest.left[feature_path_end(forest)], 1.0, 0.0)
    )
    np.testing.assert_allclose(shapley(only, matrix[:1]), (1.0 - 0.9**count) / count, atol=1e-12)


def feature_path_end(forest: Forest) -> int:
    return int(np.flatnonzero(forest.feature == forest.features - 1)[0])


def test_a_branch_without_training_claims_does_not_divide_by_zero() -> None:
    leaf = -1
    tree = Tree(
        np.array([0, leaf, 1, leaf, leaf]),
        np.zeros(5),
        np.array([1, leaf, 3, leaf, leaf]),
        np.array([2, leaf, 4, leaf, leaf]),
        np.zeros(5, dtype=bool),
        np.array([0.0, 1.0, 0.0, 5.0, 7.0]),
        np.array([10.0, 10.0, 0.0, 0.0, 0.0]),
    )
    forest = forest_of([tree], 0.0, "logit", 2)
    values = shapley(forest, np.array([[1.0, 1.0], [-1.0, 1.0]], dtype=np.float32))
    assert np.isfinite(values).all()
    np.testing.assert_allclose(values[1], [0.0, 0.0], atol=1e-12)


@given(seed=seeds)
def test_the_expected_margin_is_the_value_of_the_empty_coalition(seed: int) -> None:
    forest = draw_forest(seed)
    assert expected_margin(forest) == pytest.approx(
        conditional_margin(forest, draw_rows(seed, 1)[0], frozenset()), abs=1e-12
    )


@given(seed=seeds)
def test_a_linear_model_is_explained_by_its_terms(seed: int) -> None:
    drawn, matrix = np.random.default_rng(seed), draw_rows(seed, 20, features=3)
    matrix[:, 2] = drawn.integers(0, 3, 20)
    matrix[:2, 2] = np.nan
    weights = drawn.normal(size=(3, 3))
    model = Linear(
        weight=weights[0] * [1, 1, 0],
        center=weights[1],
        missing=weights[2],
        first=np.array([-1, -1, 0], dtype=np.int32),
        table=drawn.normal(size=3),
        expected=np.zeros(3),
        intercept=0.25,
    )
    model = replace(model, expected=contributions(model, matrix).mean(axis=0))
    values = shapley(model, matrix)
    np.testing.assert_allclose(values.sum(axis=1) + expected_margin(model), margin(model, matrix), atol=1e-12)
    np.testing.assert_allclose(values.mean(axis=0), 0.0, atol=1e-12)


def _training(rows: int = 1500) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    drawn = np.random.default_rng(17)
    matrix = drawn.normal(size=(rows, 8)).astype(np.float32)
    matrix[:, 5] = drawn.integers(0, 6, rows)
    odds = matrix[:, 0] + matrix[:, 1] * (matrix[:, 2] > 0) + 0.5 * (matrix[:, 5] == 3) - 1.5
    outcome = (drawn.random(rows) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    matrix[drawn.random(matrix.shape) < 0.08] = np.nan
    return matrix, outcome


def _estimator(name: str) -> Any:
    from lightgbm import LGBMClassifier
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

    made: dict[str, Any] = {
        "random forest": RandomForestClassifier(30, min_samples_leaf=3, random_state=1, n_jobs=1),
        "histogram boosting": HistGradientBoostingClassifier(max_iter=40, max_leaf_nodes=15, random_state=1),
        "LightGBM": LGBMClassifier(n_estimators=60, num_leaves=15, random_state=1, n_jobs=1, verbose=-1),
    }
    return made[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["random forest", "histogram boosting", "LightGBM"])
def test_values_match_shap_within_a_hundred_thousandth(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # shap and what it imports warn about each other
        import shap

        from training.convert import model_of

        matrix, outcome = _training()
        estimator = _estimator(name).fit(matrix, outcome)
        # Its C code reads the rows as float64, as the libraries themselves do.
        peer = shap.TreeExplainer(estimator, feature_perturbation="tree_path_dependent")
        expected = np.asarray(peer.shap_values(matrix[:400].astype(np.float64), check_additivity=False))
        base = np.ravel(peer.expected_value)[-1]
    if expected.ndim == 3:
        expected = expected[:, :, 1]
    model = model_of(estimator, matrix)
    assert np.abs(shapley(model, matrix[:400]) - expected).max() <= 1e-5
    assert expected_margin(model) == pytest.approx(float(base), abs=1e-5)
