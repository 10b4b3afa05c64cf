"""Rates are shares of weights, and two rates are compared by Fisher's exact test."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from claimwatch.domain.evaluation.intervals import NOTHING, wilson
from claimwatch.domain.evaluation.rates import Rate, p_value, rate
from tests.unit.evaluation.cohorts import NOBODY, all_known, both, investigated

counts = st.integers(1, 80).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))


def counted(hits: int, of: int) -> Rate:
    return Rate(wilson(hits, of), of, float(of))


@given(counts, counts)
def test_p_values_of_two_rates_match_fisher_s_exact_test(one: tuple[int, int], two: tuple[int, int]) -> None:
    table = [[one[0], one[1] - one[0]], [two[0], two[1] - two[0]]]
    exact = stats.fisher_exact(table).pvalue
    spread = stats.hypergeom(one[1] + two[1], one[1], one[0] + two[0])
    chances = spread.pmf(np.arange(one[1] + 1))
    as_rare = chances[np.isclose(chances, spread.pmf(one[0]), rtol=1e-9, atol=0.0)].sum()
    assert p_value(counted(*one), counted(*two)) == pytest.approx(exact - as_rare / 2.0, abs=1e-9)


def test_a_comparison_needs_both_rates() -> None:
    assert np.isnan(p_value(counted(1, 2), Rate(NOTHING, 0, 0.0)))


@given(both)
def test_with_every_outcome_known_a_rate_is_a_share(claims: list[tuple[int, int]]) -> None:
    cohort = all_known(claims)
    fraud, referred = cohort.fraud, cohort.referred.astype(float)
    found = rate(cohort, fraud, referred)
    assert found.value == pytest.approx((fraud * referred).sum() / fraud.sum())
    assert found.n == fraud.sum()
    assert found.interval.low is not None
    assert found.interval.high is not None
    assert 0.0 <= found.interval.low <= found.interval.value <= found.interval.high <= 1.0  # type: ignore[operator]
    hits = rate(cohort, referred, fraud)
    assert (hits.value is None) == (not referred.any())


def test_with_equal_weights_the_interval_is_jeffreys() -> None:
    cohort, _ = investigated(referred=False)
    referred = cohort.referred[cohort.used].astype(float)
    found = rate(cohort, np.ones(len(referred)), referred).interval
    posterior = stats.beta(referred.sum() + 0.5, (1.0 - referred).sum() + 0.5)
    assert found.low == pytest.approx(posterior.ppf(0.025), rel=0.02)
    assert found.high == pytest.approx(posterior.ppf(0.975), rel=0.02)


def test_without_claims_there_is_no_rate() -> None:
    assert rate(NOBODY, np.empty(0), np.empty(0)) == Rate(NOTHING, 0, 0.0)
