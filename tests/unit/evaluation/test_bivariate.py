"""Relations match scipy's, and only a certain and material change is a watch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from claimwatch.domain.evaluation.bivariate import RARE, bivariate, relation
from claimwatch.domain.evaluation.cohort import Cohort
from claimwatch.domain.model.features import Kind
from tests.unit.evaluation.cohorts import NOBODY, book, investigated, one, sound

claims = st.tuples(st.integers(0, 2**32 - 1), st.integers(60, 400), st.integers(2, 6))


def known(fraud: np.ndarray) -> Cohort:
    everybody = np.ones(len(fraud), bool)
    return Cohort(np.full(len(fraud), 0.1), ~everybody, everybody, fraud)


def correlated(seed: int, count: int, levels: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    fraud = (np.arange(count) % 4 == 0).astype(np.float64)
    return (draw.integers(0, levels, count) + (draw.random(count) < 0.3 * fraud)).astype(np.float32), fraud


@given(claims)
def test_the_correlation_of_an_ordered_feature_is_spearman_s(drawn: tuple[int, int, int]) -> None:
    values, fraud = correlated(*drawn)
    found = relation(values, "number", known(fraud))
    assert found is not None
    assert found.value == pytest.approx(stats.spearmanr(values, fraud).statistic)
    assert found.n == len(values)


@given(claims)
def test_the_relation_of_a_category_is_cramer_s_v_with_pearson_s_test(drawn: tuple[int, int, int]) -> None:
    values, fraud = correlated(*drawn)
    table = stats.contingency.crosstab(values, fraud).count
    if (table.sum(axis=1) < RARE).any():
        return
    found = relation(values, "category", known(fraud))
    assert found is not None
    assert found.value == pytest.approx(stats.contingency.association(table))
    assert found.p_value == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue)


def test_the_correlation_of_a_flag_is_point_biserial() -> None:
    values, fraud = correlated(5, 600, 2)
    flag = np.minimum(values, 1.0)
    found = relation(flag, "flag", known(fraud))
    assert found is not None
    assert found.value == pytest.approx(stats.pointbiserialr(fraud, flag).statistic)
    assert found.p_value == pytest.approx(stats.pointbiserialr(fraud, flag).pvalue, rel=0.2)


@pytest.mark.parametrize("kind", ["number", "category"])
def test_without_a_relation_p_values_are_uniform(kind: Kind) -> None:
    """Claims have weights of one and of fifty."""
    draw = np.random.default_rng(3)
    chances = []
    for seed in range(120):
        cohort, _ = investigated(claims=10_000, seed=seed, audit=0.05)
        found = relation(draw.integers(0, 4, len(cohort.used)).astype(np.float32), kind, cohort)
        assert found is not None
        chances.append(found.p_value)
    assert stats.kstest(chances, "uniform").pvalue > 0.001
    assert 0 < sum(chance <= 0.1 for chance in chances) <= 24


def test_the_selection_of_outcomes_does_not_bias_the_relation() -> None:
    """Among investigated claims, the score is less related to the outcome than over the book."""
    risk, fraud = book(200_000, 3)
    cohort, _ = investigated(claims=200_000, seed=3, audit=0.05)
    true = stats.spearmanr(risk, fraud).statistic
    found = relation(risk.astype(np.float32)[cohort.used], "number", cohort)
    assert found is not None
    assert abs(found.value - true) < 3.0 * found.error
    picked = cohort.known
    assert abs(stats.spearmanr(risk[picked], fraud[picked]).statistic - true) > 6.0 * found.error


def test_a_relation_that_changes_sign_is_a_watch_and_a_stable_one_is_not() -> None:
    values, fraud = correlated(1, 4_000, 3)
    matrix = np.stack([values, -values, values], axis=1)
    was = relation(values, "number", known(fraud))
    assert was is not None
    before = [{"same": was.value + step, "turned": was.value + step} for step in (-0.01, 0.0, 0.01)]
    found = bivariate(matrix, ["same", "turned", "new"], ["number"] * 3, known(fraud), before)
    assert sound(found)
    assert one(found, "correlation_shift", "turned").verdict == "watch"
    assert one(found, "correlation_shift", "same").verdict == "ok"
    assert {each.metric for each in found if each.feature == "new"} == {"correlation", "p_value", "q_value"}


def test_ordinary_variation_between_weeks_is_not_a_change() -> None:
    values, fraud = correlated(1, 4_000, 3)
    now = relation(values, "number", known(fraud))
    assert now is not None
    before = [{"x": now.value + step} for step in (-0.3, 0.2, -0.25, 0.1)]
    found = bivariate(values[:, None], ["x"], ["number"], known(fraud), before)
    assert one(found, "correlation_shift", "x").verdict == "ok"


@pytest.mark.parametrize("kind", ["number", "category", "flag", "days", "hour", "weekday"])
def test_too_few_claims_give_no_relation(kind: Kind) -> None:
    fraud = np.tile([0.0, 0.0, 1.0], 40)
    for values in (np.full(120, np.nan), np.ones(120), np.where(np.arange(120) < 40, 1.0, np.nan)):
        assert relation(values.astype(np.float32), kind, known(fraud)) is None
    assert relation(np.arange(120, dtype=np.float32), kind, known(np.zeros(120))) is None
    found = bivariate(np.empty((0, 1), np.float32), ["x"], [kind], NOBODY, [{"x": 0.1}])
    assert [each.verdict for each in found] == ["not enough data"]
