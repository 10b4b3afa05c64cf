"""The book that intervals are held against is the one that is drawn, and what is seen of it is chosen."""

import numpy as np
import pytest

from benchmarks import coverage
from claimwatch.domain.model import ranking_metrics


def test_the_truth_is_what_very_many_claims_come_to() -> None:
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


def test_what_is_seen_is_no_fair_sample() -> None:
    """Otherwise the simulation would prove nothing about selection."""
    draw = np.random.default_rng(5)
    claims = coverage.Claims.drawn(draw, 50_000)
    for looked_at, basis in ((True, "referrals and audit"), (False, "audit only")):
        cohort = claims.seen(draw, coverage.model_threshold(), looked_at)
        assert cohort.basis == basis
        assert claims.fraud[cohort.known].mean() > 2.0 * claims.fraud.mean()


def test_a_few_weeks_of_it_cover_about_as_promised() -> None:
    found = coverage.coverage(repeats=3, seed=1)
    assert found["weeks"] == 12
    assert 0.8 < found["interval_coverage"] <= 1.0
    assert set(found["by_metric"]) == set(coverage.COVERED)
    assert not any(np.isnan(share) for share in found["by_metric"].values())
