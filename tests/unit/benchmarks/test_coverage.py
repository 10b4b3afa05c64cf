"""Intervals are compared with the book that claims are drawn from, and its known outcomes are selected."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from benchmarks import coverage
from claimwatch.domain.model import ranking_metrics


@pytest.mark.slow
def test_the_truth_matches_a_large_draw() -> None:
    claims = coverage.Claims.drawn(np.random.default_rng(4), 200_000)
    true = coverage.truth()
    assert true["base_rate", ""] == pytest.approx(claims.fraud.mean(), rel=0.03)
    assert true["roc_auc", ""] == pytest.approx(ranking_metrics.roc_auc(claims.fraud, claims.score), abs=0.01)
    assert true["lift_top_decile", ""] == pytest.approx(
        ranking_metrics.top_decile_lift(claims.fraud, claims.score), rel=0.03
    )
    older = (claims.group == "older") & (claims.fraud > 0.5)
    referred = claims.score >= coverage.model_threshold()
    assert true["recall", "older"] == pytest.approx(referred[older].mean(), abs=0.02)


def test_known_outcomes_are_a_biased_sample() -> None:
    """Otherwise the simulation would prove nothing about selection."""
    draw = np.random.default_rng(5)
    claims = coverage.Claims.drawn(draw, 50_000)
    for looked_at, basis in ((True, "referrals and audit"), (False, "audit only")):
        cohort = claims.seen(draw, coverage.model_threshold(), looked_at)
        assert cohort.basis == basis
        assert claims.fraud[cohort.known].mean() > 2.0 * claims.fraud.mean()


@pytest.mark.slow
def test_a_few_weeks_reach_about_the_nominal_coverage() -> None:
    found = coverage.coverage(repeats=3, seed=1)
    assert found["weeks"] == 12
    assert 0.8 < found["interval_coverage"] <= 1.0
    assert set(found["by_metric"]) == set(coverage.COVERED)
    assert not any(np.isnan(share) for share in found["by_metric"].values())


def test_the_truth_about_value_and_the_rival_matches_a_large_draw() -> None:
    claims = coverage.Claims.drawn(np.random.default_rng(4), 400_000)
    true = coverage.truth()
    ours, theirs = (
        ranking_metrics.in_top(score, score, coverage.CAPACITY) for score in (claims.score, claims.rival)
    )
    expected = claims.risk * coverage.MEAN_GAIN - coverage.COST
    assert (claims.gain * claims.fraud).mean() == pytest.approx(
        claims.risk.mean() * coverage.MEAN_GAIN, rel=0.03
    )
    assert true["value_at_capacity", ""] == pytest.approx(1_000.0 * (ours * expected).mean(), rel=0.01)
    assert true["value_difference", ""] == pytest.approx(
        1_000.0 * ((ours - theirs) * expected).mean(), rel=0.1
    )
    assert true["roc_auc_difference", ""] == pytest.approx(
        ranking_metrics.roc_auc(claims.fraud, claims.score)
        - ranking_metrics.roc_auc(claims.fraud, claims.rival),
        abs=0.003,
    )


@pytest.mark.slow
def test_a_few_trainings_reach_about_the_nominal_coverage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "SIZES", (10_000,))
    with threadpool_limits(1):
        found = coverage.training_coverage(repeats=2, seed=1)
    assert found["trainings"] == 2
    assert 0.8 < found["interval_coverage"] <= 1.0
    assert set(found["by_metric"]) == {*coverage.COVERED, *coverage.DIFFERENCES}
