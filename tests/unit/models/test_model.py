"""A model is read back as it was written, and takes the library's branches for every value."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimwatch.domain.model.calibration import HIGHEST, LOWEST, Calibration, log_odds, probability
from claimwatch.domain.model.model import (
    LEAF,
    Linear,
    Tree,
    float32_not_above,
    forest_of,
    from_bytes,
    margin,
    to_bytes,
)
from tests.unit.models.forests import draw_forest, draw_rows

seeds = st.integers(0, 2**32)
finite = st.floats(allow_nan=False)

LINEAR = Linear(
    weight=np.array([2.0, 0.0]),
    center=np.array([1.0, 0.0]),
    missing=np.array([-5.0, 7.0]),
    first=np.array([-1, 1], dtype=np.int32),
    table=np.array([100.0, 10.0, 20.0]),
    expected=np.array([0.0, 0.0]),
    intercept=0.5,
)


@given(threshold=finite, value=st.floats(width=32, allow_nan=False))
def test_a_32_bit_value_takes_the_same_branch_by_either_threshold(threshold: float, value: float) -> None:
    assert (value <= float(float32_not_above(threshold))) == (value <= threshold)


@settings(deadline=None, max_examples=40)
@given(seed=seeds)
def test_the_margin_is_the_sum_of_the_leaves_of_a_row(seed: int) -> None:
    forest, matrix = draw_forest(seed), draw_rows(seed, 30)

    def walk(row: np.ndarray, node: int) -> float:
        while forest.feature[node] != LEAF:
            value = row[forest.feature[node]]
            left = forest.missing_left[node] if np.isnan(value) else value <= forest.threshold[node]
            node = int(forest.left[node] if left else forest.right[node])
        return float(forest.value[node])

    walked = [forest.base + sum(walk(row, int(root)) for root in forest.roots) for row in matrix]
    np.testing.assert_allclose(margin(forest, matrix), walked, atol=1e-12)


def test_a_linear_model_adds_numbers_categories_and_missing_values() -> None:
    nan = np.nan
    matrix = np.array([[3.0, 0.0], [1.0, 1.0], [nan, 0.0], [1.0, nan]], dtype=np.float32)
    np.testing.assert_allclose(margin(LINEAR, matrix), [0.5 + 4 + 10, 0.5 + 20, 0.5 - 5 + 10, 0.5 + 7])


@settings(deadline=None, max_examples=20)
@given(seed=seeds)
def test_a_model_is_read_back_from_its_file_and_the_bytes_are_always_the_same(seed: int) -> None:
    forest = draw_forest(seed, link="identity" if seed % 2 else "logit")
    for model in (forest, LINEAR):
        read = from_bytes(to_bytes(model))
        assert type(read) is type(model)
        assert read.link == model.link
        assert to_bytes(read) == to_bytes(model)
    read = from_bytes(to_bytes(forest))
    matrix = draw_rows(seed, 20)
    assert margin(read, matrix).tobytes() == margin(forest, matrix).tobytes()


def test_a_pickle_in_the_file_is_not_read() -> None:
    written = BytesIO()
    np.savez(written, kind=np.array("linear"), weight=np.array([print], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        from_bytes(written.getvalue())


def test_other_arrays_are_not_a_model() -> None:
    written = [BytesIO() for _ in range(3)]
    np.savez(written[0], kind=np.array("cloud"))
    np.savez(written[1], kind=np.array("forest"), weight=np.zeros(3))
    np.savez(written[2], weight=np.zeros(3))
    for archive in written:
        with pytest.raises(ValueError, match=r"model|arrays"):
            from_bytes(archive.getvalue())


@pytest.mark.parametrize(
    "broken",
    [
        lambda forest: replace(forest, value=forest.value[:-1]),
        lambda forest: replace(forest, features=int(forest.feature.max())),
        lambda forest: replace(forest, left=np.where(forest.feature == LEAF, 0, forest.roots[0])),
        lambda forest: replace(forest, right=np.full_like(forest.right, len(forest.feature))),
    ],
)
def test_a_forest_with_cycles_or_dead_ends_is_refused(broken: object) -> None:
    assert callable(broken)
    with pytest.raises(ValueError, match=r"forest|node"):
        broken(draw_forest(4))


def test_a_tree_with_unreachable_nodes_is_refused() -> None:
    leaf, flags = np.array([LEAF, LEAF]), np.array([False, False])
    two_leaves = Tree(leaf, np.zeros(2), leaf, leaf, flags, np.zeros(2), np.ones(2))
    with pytest.raises(ValueError, match="cannot be reached"):
        forest_of([two_leaves], 0.0, "logit", 1)


def test_trees_may_have_any_order_of_nodes() -> None:
    """LightGBM and scikit-learn number nodes differently."""
    tree = Tree(
        np.array([0, LEAF, 1, LEAF, LEAF]),
        np.array([0.5, 0, 0.5, 0, 0]),
        np.array([2, -1, 4, -1, -1]),
        np.array([1, -1, 3, -1, -1]),
        np.array([True, False, False, False, False]),
        np.array([0, 1.0, 0, 2.0, 3.0]),
        np.ones(5),
    )
    matrix = np.array([[1, 0], [0, 1], [0, 0], [np.nan, 1], [0, np.nan]], dtype=np.float32)
    assert margin(forest_of([tree], 0.0, "logit", 2), matrix).tolist() == [1.0, 2.0, 3.0, 2.0, 2.0]


margins = st.lists(st.floats(-30, 30), min_size=2, max_size=30)


@given(margins=margins, slope=st.floats(0.05, 20), offset=st.floats(-5, 5))
def test_calibration_keeps_the_order(margins: list[float], slope: float, offset: float) -> None:
    found = probability(Calibration(slope, offset), "logit", sorted(margins))
    assert np.all(np.diff(found) >= 0.0)
    assert np.all((found >= 0.0) & (found <= 1.0))


@given(share=st.floats(LOWEST, HIGHEST))
def test_the_default_calibration_changes_no_probability(share: float) -> None:
    assert probability(Calibration(), "identity", share) == pytest.approx(share, abs=1e-12)


def test_probabilities_of_0_and_1_have_finite_log_odds() -> None:
    assert np.isfinite(log_odds("identity", [0.0, 1.0])).all()


@pytest.mark.parametrize("slope", [0.0, -1.0, float("nan"), float("inf")])
def test_a_calibration_that_does_not_rise_is_refused(slope: float) -> None:
    with pytest.raises(ValueError, match="slope"):
        Calibration(slope)
