"""Observed over predicted frauds has the interval of the outcomes that are drawn, not of a formula."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from claimwatch.domain.evaluation.calibration import expected_frauds, observed_to_expected
from claimwatch.domain.evaluation.cohort import Cohort
from claimwatch.domain.evaluation.intervals import TAIL
from tests.unit.evaluation.cohorts import NOBODY, all_known, investigated


def alike(probability: float, frauds: int, claims: int) -> Cohort:
    given = np.full(claims, probability)
    outcome = np.where(np.arange(claims) < frauds, 1.0, 0.0)
    return Cohort(given, given > 1.0, given > 1.0, outcome)


@settings(max_examples=30)
@given(st.integers(3, 197), st.integers(1, 99))
def test_claims_of_one_probability_have_the_exact_binomial_interval(frauds: int, hundredths: int) -> None:
    """With the mid-p correction: the observed number counts half."""
    probability = hundredths / 100
    found = observed_to_expected(alike(probability, frauds, 200))
    assert found.value == pytest.approx(frauds / 200 / probability)

    def below(rate: float) -> float:
        return float(stats.binom.cdf(frauds - 1, 200, rate) + 0.5 * stats.binom.pmf(frauds, 200, rate))

    for bound, tail in ((found.low, 1.0 - TAIL), (found.high, TAIL)):
        exact = optimize.brentq(lambda rate, tail=tail: below(rate) - tail, 1e-9, 1.0 - 1e-9)
        assert bound is not None
        assert bound * probability == pytest.approx(exact, abs=0.003)


@pytest.mark.parametrize("referred", [True, False])
def test_the_interval_misses_calibrated_outcomes_as_often_as_it_says(referred: bool) -> None:
    """Few audited frauds stand for many: the interval allows for their skewed number."""
    below, above = 0, 0
    for seed in range(150):
        cohort, _ = investigated(claims=8_000, seed=seed, referred=referred)
        found = observed_to_expected(cohort)
        assert found.low is not None
        assert found.high is not None
        below += found.high < 1.0
        above += found.low > 1.0
    # 2.5 % of 150 at each end; 10 or more at one end would be seen in one of a thousand tries.
    assert max(below, above) < 10


def test_weights_count_as_in_the_book() -> None:
    cohort, fraud = investigated(claims=60_000, seed=2)
    found = observed_to_expected(cohort)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= fraud.sum() / cohort.probability.sum() <= found.high
    assert 20 < expected_frauds(cohort) < fraud.sum()


@pytest.mark.parametrize("claims", [[(0, 0)], [(1, 0), (1, 6)], [(0, 6), (1, 6)], [(1, 3)], [(0, 1), (0, 3)]])
def test_certain_probabilities_and_few_claims_have_bounds_or_none(claims: list[tuple[int, int]]) -> None:
    found = observed_to_expected(all_known(claims))
    for bound in (found.low, found.high):
        assert bound is None or (np.isfinite(bound) and found.value is not None)
    if found.value is not None and found.low is not None and found.high is not None:
        assert found.low <= found.value <= found.high


def test_without_claims_nothing_is_expected() -> None:
    assert observed_to_expected(NOBODY).value is None
    assert expected_frauds(NOBODY) == 0.0
