"""Figures for the whole book, estimated from the claims that were investigated."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from claimwatch.domain.evaluation.ranking import value_influence
from claimwatch.domain.model import ranking_metrics
from training.evaluate import MEASURES, measured, values_of
from training.sampling import sample_weights
from training.scored_sample import ScoredSample
from training.settings import Settings

DRAW = np.random.default_rng(5)
SETTINGS = Settings()


def all_known(outcome: np.ndarray, score: np.ndarray) -> ScoredSample:
    ones = np.ones(len(score))
    return ScoredSample(score, outcome, ones, ones, np.zeros(len(score), dtype=bool))


def metrics(sample: ScoredSample) -> dict[str, float]:
    return values_of(measured(sample.book, sample.gain, SETTINGS))


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8)), min_size=2, max_size=80))
def test_with_all_outcomes_known_metrics_are_the_textbook_ones(claims: list[tuple[int, int]]) -> None:
    outcome = np.array([fraud for fraud, _ in claims], dtype=float)
    score = np.array([value for _, value in claims]) / 10.0
    if not 0.0 < outcome.mean() < 1.0:
        return
    found = metrics(all_known(outcome, score))
    assert found["lift_top_decile"] == pytest.approx(ranking_metrics.top_decile_lift(outcome, score))
    assert found["recall_at_capacity"] == pytest.approx(
        ranking_metrics.recall_at_capacity(outcome, score, SETTINGS.capacity)
    )
    assert found["precision_at_capacity"] == pytest.approx(
        ranking_metrics.precision_at_capacity(outcome, score, SETTINGS.capacity)
    )
    assert found["roc_auc"] == pytest.approx(ranking_metrics.roc_auc(outcome, score))
    assert found["pr_auc"] == pytest.approx(ranking_metrics.average_precision(outcome, score))
    assert found["brier"] == pytest.approx(brier_score_loss(outcome, score))
    assert found["calibration_error"] == pytest.approx(ranking_metrics.calibration_error(outcome, score))


def test_reviews_that_find_nothing_bring_minus_their_cost() -> None:
    sample = all_known(np.zeros(100), DRAW.random(100))
    found = value_influence(sample.book, sample.gain, 0.1, 5.0)
    assert found is not None
    assert found.value == pytest.approx(-0.1 * 5.0 * 1_000)


def test_weights_recover_the_book_s_figures_from_investigated_claims() -> None:
    """Suspicious claims are selected, and a few at random: unweighted, fraud would be twice as frequent."""
    rows = 25_000
    x = DRAW.normal(size=(rows, 3)).astype(np.float32)
    risk = 1.0 / (1.0 + np.exp(2.8 - 1.2 * x[:, 0] - 0.5 * x[:, 1]))
    fraud = (DRAW.random(rows) < risk).astype(float)
    audited = DRAW.random(rows) < 0.02
    known = audited | (DRAW.random(rows) < np.clip(2.0 * risk, 0.0, 0.9))
    weight = sample_weights(x, known, audited).weight
    assert fraud[known].mean() > 1.8 * fraud.mean()
    assert np.average(fraud[known], weights=weight[known]) == pytest.approx(fraud.mean(), rel=0.08)
    assert weight.sum() == pytest.approx(rows, rel=0.05)
    assert weight.max() <= 1.0 / audited.mean() + 1e-9
    book = metrics(ScoredSample(risk, np.where(known, fraud, np.nan), weight, np.ones(rows), audited))
    true = metrics(all_known(fraud, risk))
    for name in ("roc_auc", "lift_top_decile", "recall_at_capacity", "precision_at_capacity", "brier"):
        assert book[name] == pytest.approx(true[name], rel=0.1), name


def test_if_every_outcome_is_known_all_claims_count_alike() -> None:
    x = DRAW.normal(size=(500, 2)).astype(np.float32)
    sampling = sample_weights(x, np.ones(500, dtype=bool), np.zeros(500, dtype=bool))
    assert (sampling.weight == 1.0).all()


def test_the_audit_alone_weighs_its_claims_alike_in_the_same_book() -> None:
    rows = 2_000
    score, audited = DRAW.random(rows), np.arange(rows) % 10 == 0
    known = audited | (score > 0.8)
    outcome = np.where(known, (DRAW.random(rows) < score).astype(float), np.nan)
    sample = ScoredSample(score, outcome, np.ones(rows), np.ones(rows), audited, score >= 0.9)
    assert set(sample.audit.weight[audited].tolist()) == {10.0}
    assert len(sample.investigated.outcome) == known.sum()
    assert sample.investigated.basis == "all claims"


@pytest.mark.parametrize("audited", [[], [99], [98, 99]])
def test_an_audit_of_hardly_any_claims_still_gives_every_metric(audited: list[int]) -> None:
    """Also if every audited claim is a referral, which a weekly check takes for all that is known."""
    rows = np.zeros(100, dtype=bool)
    rows[audited] = True
    score = np.arange(100) / 100.0
    sample = ScoredSample(score, np.ones(100), np.ones(100), np.ones(100), rows, score >= 0.98)
    found = values_of(measured(sample.audit, sample.gain, SETTINGS))
    assert np.isnan(found["base_rate"]) == (not audited)
    assert found.keys() == set(MEASURES)
