"""Figures for the book, from the claims that somebody investigated."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from claimwatch.domain.model import ranking_metrics
from training.estimates import ScoredSample, lift_by_decile, measures, resamples, value_at
from training.sampling import sample_weights

DRAW = np.random.default_rng(5)


def tried_on_all(outcome: np.ndarray, score: np.ndarray) -> ScoredSample:
    return ScoredSample(outcome, score, np.ones(len(score)), np.ones(len(score)), score)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8)), min_size=2, max_size=80))
def test_with_all_outcomes_known_they_are_the_domain_s_own(claims: list[tuple[int, int]]) -> None:
    outcome = np.array([fraud for fraud, _ in claims], dtype=float)
    score = np.array([value for _, value in claims]) / 10.0
    if not 0.0 < outcome.mean() < 1.0:
        return
    found = measures(tried_on_all(outcome, score), 0.05, 0.1)
    np.testing.assert_allclose(
        lift_by_decile(tried_on_all(outcome, score)), ranking_metrics.lift_by_decile(outcome, score)
    )
    assert found["recall_at_capacity"] == pytest.approx(
        ranking_metrics.recall_at_capacity(outcome, score, 0.05)
    )
    assert found["precision_at_capacity"] == pytest.approx(
        ranking_metrics.precision_at_capacity(outcome, score, 0.05)
    )
    assert found["roc_auc"] == pytest.approx(ranking_metrics.roc_auc(outcome, score))
    assert found["pr_auc"] == pytest.approx(ranking_metrics.average_precision(outcome, score))
    assert found["brier"] == pytest.approx(brier_score_loss(outcome, score))
    assert found["calibration_error"] == pytest.approx(ranking_metrics.calibration_error(outcome, score))


def test_a_review_that_finds_nothing_costs_what_it_costs() -> None:
    tried = tried_on_all(np.zeros(100), DRAW.random(100))
    assert value_at(tried, 0.1, 5.0) == pytest.approx(-0.1 * 5.0 * 1_000)


def test_weights_give_the_book_s_figures_from_investigated_claims() -> None:
    """Suspicious claims are chosen, and a few by chance: unweighted, the rate would be twice the true one."""
    rows = 60_000
    x = DRAW.normal(size=(rows, 3)).astype(np.float32)
    risk = 1.0 / (1.0 + np.exp(2.8 - 1.2 * x[:, 0] - 0.5 * x[:, 1]))
    fraud = (DRAW.random(rows) < risk).astype(float)
    audited = DRAW.random(rows) < 0.02
    known = audited | (DRAW.random(rows) < np.clip(2.0 * risk, 0.0, 0.9))
    sampling = sample_weights(x, known, audited)
    weight = sampling.weight[known]
    assert fraud[known].mean() > 1.8 * fraud.mean()
    assert np.average(fraud[known], weights=weight) == pytest.approx(fraud.mean(), rel=0.08)
    assert weight.sum() == pytest.approx(rows, rel=0.05)
    assert weight.max() <= 1.0 / audited.mean() + 1e-9
    book = measures(ScoredSample(fraud[known], risk[known], weight, np.ones(len(weight)), risk), 0.05, 0.1)
    true = measures(tried_on_all(fraud, risk), 0.05, 0.1)
    for name in ("roc_auc", "lift_top_decile", "recall_at_capacity", "precision_at_capacity", "brier"):
        assert book[name] == pytest.approx(true[name], rel=0.1), name


def test_where_every_outcome_is_known_all_claims_count_alike() -> None:
    x = DRAW.normal(size=(500, 2)).astype(np.float32)
    sampling = sample_weights(x, np.ones(500, dtype=bool), np.zeros(500, dtype=bool))
    assert (sampling.weight == 1.0).all()


def test_resamples_are_the_same_for_a_seed_and_draw_every_claim_once_on_average() -> None:
    drawn = resamples(200, 50, 7)
    np.testing.assert_array_equal(drawn, resamples(200, 50, 7))
    assert (drawn.sum(axis=1) == 200).all()
