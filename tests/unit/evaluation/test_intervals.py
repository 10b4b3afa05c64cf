"""Intervals match textbook intervals, and stay within the possible values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from claimwatch.domain.evaluation.intervals import (
    NOTHING,
    Interval,
    Total,
    complement,
    difference,
    jeffreys,
    ratio,
    scaled,
    share_of_two,
    wilson,
)

counts = st.integers(1, 500).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))


@given(counts)
def test_wilson_s_interval_matches_scipy(drawn: tuple[int, int]) -> None:
    hits, of = drawn
    known = stats.binomtest(hits, of).proportion_ci(method="wilson")
    found = wilson(hits, of)
    assert found.value == hits / of
    assert found.low == pytest.approx(known.low, abs=1e-12)
    assert found.high == pytest.approx(known.high, abs=1e-12)


@given(counts)
def test_jeffreys_interval_matches_the_beta_distribution(drawn: tuple[int, int]) -> None:
    hits, of = drawn
    found = jeffreys(hits / of, of)
    posterior = stats.beta(hits + 0.5, of - hits + 0.5)
    low, high = min(posterior.ppf(0.025), hits / of), max(posterior.ppf(0.975), hits / of)
    assert found.low == pytest.approx(low if hits else 0.0)
    assert found.high == pytest.approx(high if hits < of else 1.0)


def test_totals_of_equal_weights_match_two_counts() -> None:
    found = share_of_two(Total(30.0 * 7, 30.0 * 49, 7.0), Total(90.0 * 7, 90.0 * 49, 7.0))
    assert found == jeffreys(0.25, 120)


def test_a_few_heavy_claims_make_a_wide_interval() -> None:
    """300 frauds were found, and 5 missed frauds represent 50 each."""
    found = share_of_two(Total(300.0, 300.0, 1.0), Total(250.0, 5 * 2_500.0, 50.0))
    assert found.value == pytest.approx(300 / 550)
    missed = stats.gamma(5.5).ppf([0.025, 0.975]) * 50
    assert found.low == pytest.approx(300 / (300 + missed[1]), abs=0.01)
    assert found.high == pytest.approx(300 / (300 + missed[0]), abs=0.01)


def test_a_count_of_zero_does_not_exclude_a_positive_share() -> None:
    found = share_of_two(Total(40.0, 40.0, 1.0), Total(0.0, 0.0, 50.0))
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low is not None
    assert found.low < 0.4


@given(counts, counts)
def test_intervals_of_ratios_and_differences_contain_their_value(
    one: tuple[int, int], two: tuple[int, int]
) -> None:
    first, second = wilson(*one), wilson(*two)
    apart, times = difference(first, second), ratio(first, second)
    assert apart.value is not None
    assert apart.low is not None
    assert apart.high is not None
    assert -1.0 <= apart.low <= apart.value <= apart.high <= 1.0
    if not two[0]:
        assert times == NOTHING
        return
    assert times.value == pytest.approx((one[0] / one[1]) / (two[0] / two[1]))
    assert times.value is not None
    assert times.low is not None
    assert 0.0 <= times.low <= times.value * (1 + 1e-12)
    assert times.high is None or times.value <= times.high * (1 + 1e-12)


def test_the_difference_matches_newcombe_s_example() -> None:
    """Newcombe, "Interval estimation for the difference between independent proportions", 1998, II (a)."""
    found = difference(wilson(56, 70), wilson(48, 80))
    assert found.low == pytest.approx(0.0524, abs=5e-5)
    assert found.high == pytest.approx(0.3339, abs=5e-5)


def test_an_unknown_value_has_no_interval() -> None:
    assert wilson(0, 0) == jeffreys(0.5, 0.0) == NOTHING
    assert share_of_two(Total(0.0, 0.0, 1.0), Total(0.0, 0.0, 1.0)) == NOTHING
    assert ratio(NOTHING, wilson(1, 2)) == difference(wilson(1, 2), NOTHING) == NOTHING
    assert scaled(NOTHING, 10.0) == complement(NOTHING) == NOTHING
    assert complement(Interval(0.25, 0.125, 0.5)) == Interval(0.75, 0.5, 0.875)
