"""Ranking metrics match scikit-learn's, and ties are shared evenly."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from claimwatch.domain.model import ranking_metrics

tied = st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=1, max_size=60)
both = tied.filter(lambda drawn: len({fraud for fraud, _ in drawn}) == 2)


def split(drawn: list[tuple[bool, int]]) -> tuple[list[bool], list[float]]:
    return [fraud for fraud, _ in drawn], [score / 6 for _, score in drawn]


@given(both)
def test_areas_and_brier_score_match_scikit_learn(drawn: list[tuple[bool, int]]) -> None:
    outcome, score = split(drawn)
    assert ranking_metrics.roc_auc(outcome, score) == pytest.approx(roc_auc_score(outcome, score))
    assert ranking_metrics.average_precision(outcome, score) == pytest.approx(
        average_precision_score(outcome, score)
    )
    assert ranking_metrics.brier(outcome, score) == pytest.approx(brier_score_loss(outcome, score))


weighed = st.lists(
    st.tuples(st.booleans(), st.integers(0, 6), st.floats(0.01, 50)), min_size=2, max_size=60
).filter(lambda drawn: len({fraud for fraud, *_ in drawn}) == 2)


@given(weighed)
def test_weights_match_scikit_learn(drawn: list[tuple[bool, int, float]]) -> None:
    outcome, score = split([(fraud, value) for fraud, value, _ in drawn])
    weight = [each for *_, each in drawn]
    assert ranking_metrics.roc_auc(outcome, score, weight) == pytest.approx(
        roc_auc_score(outcome, score, sample_weight=weight)
    )
    assert ranking_metrics.average_precision(outcome, score, weight) == pytest.approx(
        average_precision_score(outcome, score, sample_weight=weight)
    )
    assert ranking_metrics.brier(outcome, score, weight) == pytest.approx(
        brier_score_loss(outcome, score, sample_weight=weight)
    )


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 4)), min_size=1, max_size=40),
    st.floats(0, 1),
)
def test_a_weight_counts_as_that_many_equal_claims(drawn: list[tuple[bool, int, int]], share: float) -> None:
    outcome, score = split([(fraud, value) for fraud, value, _ in drawn])
    weight = [each for *_, each in drawn]
    frauds, scores = np.repeat(outcome, weight), np.repeat(score, weight)
    pairs = [
        (
            ranking_metrics.frauds_found(outcome, score, share, weight),
            ranking_metrics.frauds_found(frauds, scores, share),
        ),
        (
            ranking_metrics.lift_by_decile(outcome, score, weight=weight),
            ranking_metrics.lift_by_decile(frauds, scores),
        ),
        (ranking_metrics.roc_auc(outcome, score, weight), ranking_metrics.roc_auc(frauds, scores)),
        (
            ranking_metrics.average_precision(outcome, score, weight),
            ranking_metrics.average_precision(frauds, scores),
        ),
        (ranking_metrics.brier(outcome, score, weight), ranking_metrics.brier(frauds, scores)),
        (
            ranking_metrics.recall_at_capacity(outcome, score, share, weight),
            ranking_metrics.recall_at_capacity(frauds, scores, share),
        ),
        (
            ranking_metrics.precision_at_capacity(outcome, score, share, weight),
            ranking_metrics.precision_at_capacity(frauds, scores, share),
        ),
        (
            ranking_metrics.calibration_error(outcome, score, weight=weight, book=scores),
            ranking_metrics.calibration_error(frauds, scores),
        )
        if len(scores)
        else (0.0, 0.0),
    ]
    for own, repeated in pairs:
        np.testing.assert_allclose(np.asarray(own), np.asarray(repeated), atol=1e-12)


def test_a_tie_at_the_cut_is_shared_evenly() -> None:
    score = np.array([3.0, 2.0, 2.0, 1.0])
    np.testing.assert_allclose(ranking_metrics.in_top(score, score, 0.5), [1.0, 0.5, 0.5, 0.0])
    np.testing.assert_allclose(ranking_metrics.in_top(score, score, 1.0), 1.0)
    np.testing.assert_allclose(ranking_metrics.in_top(score, score, 0.0), 0.0)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 2)), min_size=5, max_size=5), st.floats(0, 1))
def test_a_cut_through_ties_finds_the_average_over_all_orders(
    drawn: list[tuple[bool, int]], share: float
) -> None:
    outcome, score = split(drawn)
    reviewed = share * len(drawn)
    found = []
    for order in permutations(range(len(drawn))):
        ranked = [outcome[place] for place in sorted(order, key=lambda place: -score[place])]
        whole = int(reviewed)
        rest = (reviewed - whole) * ranked[whole] if whole < len(ranked) else 0.0
        found.append(sum(ranked[:whole]) + rest)
    assert float(ranking_metrics.frauds_found(outcome, score, share)) == pytest.approx(float(np.mean(found)))


@given(both)
def test_the_deciles_average_to_the_base_rate(drawn: list[tuple[bool, int]]) -> None:
    outcome, score = split(drawn)
    deciles = ranking_metrics.lift_by_decile(outcome, score)
    assert len(deciles) == 10
    assert deciles.mean() == pytest.approx(1.0)
    assert ranking_metrics.top_decile_lift(outcome, score) == deciles[0]


def test_lift_is_the_deciles_rate_over_the_base_rate() -> None:
    score = np.arange(100.0)
    outcome = np.zeros(100)
    outcome[[99, 98, 97, 96, 50, 49, 20, 3]] = 1
    np.testing.assert_allclose(
        ranking_metrics.lift_by_decile(outcome, score)[[0, 4, 5]], [0.4 / 0.08, 0.1 / 0.08, 0.1 / 0.08]
    )
    assert ranking_metrics.recall_at_capacity(outcome, score, 0.02) == pytest.approx(0.25)
    assert ranking_metrics.precision_at_capacity(outcome, score, 0.05) == pytest.approx(0.8)


def test_equal_scores_have_no_lift() -> None:
    outcome = [1, 0, 0, 1, 0, 0, 0]
    np.testing.assert_allclose(ranking_metrics.lift_by_decile(outcome, [0.3] * 7), 1.0)
    assert ranking_metrics.recall_at_capacity(outcome, [0.3] * 7, 0.05) == pytest.approx(0.05)


@given(tied, st.sampled_from([0.0, 0.05, 0.07, 0.5, 1.0]))
def test_the_threshold_refers_as_much_as_the_capacity_allows(
    drawn: list[tuple[bool, int]], capacity: float
) -> None:
    score = np.array(split(drawn)[1])
    threshold = ranking_metrics.capacity_threshold(score, capacity)
    referred = int((score >= threshold).sum())
    assert referred <= capacity * len(score) + 1e-9
    left = score[score < threshold]
    if len(left):
        assert referred + int((left == left.max()).sum()) > capacity * len(score)


def test_capacity_is_not_lost_to_rounding() -> None:
    """0.07 * 100 is 7.000000000000001 and 0.29 * 100 is 28.999999999999996."""
    for share, count in ((0.07, 7), (0.29, 29)):
        assert (np.arange(100) >= ranking_metrics.capacity_threshold(np.arange(100), share)).sum() == count


@pytest.mark.parametrize("outcome", [[0, 0, 0], [1, 1, 1]])
def test_a_metric_without_both_outcomes_is_nan(outcome: list[int]) -> None:
    score = [0.1, 0.2, 0.3]
    assert np.isnan(ranking_metrics.roc_auc(outcome, score))
    assert np.isnan(ranking_metrics.average_precision(outcome, score)) == (sum(outcome) == 0)
    assert np.isnan(ranking_metrics.top_decile_lift(outcome, score)) == (sum(outcome) == 0)


def test_a_score_without_an_outcome_is_an_error() -> None:
    with pytest.raises(ValueError, match="one outcome for each score"):
        ranking_metrics.roc_auc([0, 1], [0.5])


def test_correct_probabilities_have_a_small_calibration_error() -> None:
    drawn = np.random.default_rng(1)
    told = drawn.random(100_000)
    outcome = drawn.random(100_000) < told
    assert ranking_metrics.calibration_error(outcome, told) < 0.01
    assert ranking_metrics.calibration_error(outcome, told**2) > 0.1
    mean, rate, counts = ranking_metrics.calibration_curve(outcome, told)
    np.testing.assert_allclose(mean, rate, atol=0.02)
    assert counts.sum() == 100_000
    assert len(counts) == 10


def test_equal_probabilities_are_in_one_part_of_the_curve() -> None:
    mean, rate, counts = ranking_metrics.calibration_curve([0, 1, 1, 0, 1], [0.2, 0.2, 0.2, 0.2, 0.9])
    assert mean.tolist() == pytest.approx([0.2, 0.9])
    assert rate.tolist() == [0.5, 1.0]
    assert counts.tolist() == [4, 1]
