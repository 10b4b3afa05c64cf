"""Distances, tests and q-values equal those of SciPy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import distance as scipy_distance
from scipy.special import rel_entr

from claimwatch.domain.evaluation.distance import (
    chi_square,
    jensen_shannon,
    kolmogorov_smirnov,
    psi,
    psi_by_chance,
    standard_deviation,
    wasserstein,
)
from claimwatch.domain.evaluation.multiple_testing import q_values
from claimwatch.domain.model.profile import Profile, number_edges

type Pair = tuple[list[int], list[int]]


@st.composite
def counts(draw: st.DrawFn, least: int = 0) -> Pair:
    cells = draw(st.integers(2, 30))
    one, two = (
        draw(st.lists(st.integers(least, 5_000), min_size=cells, max_size=cells).filter(any))
        for _ in range(2)
    )
    return one, two


few_values = st.lists(st.integers(-20, 20).map(float), min_size=2, max_size=150)


def profiles(one: list[float], two: list[float]) -> tuple[Profile, Profile]:
    reference = Profile.of_numbers(one, number_edges(one))
    return reference, Profile.of_numbers(two, reference.edges, reference.seen)


@given(counts(least=1))
def test_psi_equals_the_sum_of_both_relative_entropies(pair: Pair) -> None:
    one, two = (np.array(cells) / sum(cells) for cells in pair)
    assert psi(*pair) == pytest.approx((rel_entr(one, two) + rel_entr(two, one)).sum(), abs=1e-12)


def test_an_empty_cell_counts_as_half_a_claim() -> None:
    assert psi([10, 0, 0], [5, 5, 0]) == psi([10, 0.5], [5, 5])


def test_psi_by_chance_is_the_mean_psi_without_drift() -> None:
    rng = np.random.default_rng(1)
    reference, current = (rng.multinomial(claims, [0.1] * 10, 2_000) for claims in (5_000, 500))
    found = np.mean([psi(one, two) for one, two in zip(reference, current, strict=True)])
    assert found == pytest.approx(psi_by_chance(10, 5_000, 500), rel=0.05)


@given(counts())
def test_jensen_shannon_equals_scipys(pair: Pair) -> None:
    assert jensen_shannon(*pair) == pytest.approx(scipy_distance.jensenshannon(*pair, base=2), abs=1e-7)


@given(counts())
def test_chi_square_equals_scipys(pair: Pair) -> None:
    found = chi_square(*pair)
    table = np.array(pair)
    table = table[:, table.sum(axis=0) > 0]
    expected = stats.chi2_contingency(table, correction=False)
    assert found.statistic == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
    assert found.freedom == expected.dof
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9, abs=1e-300)


@given(few_values, few_values)
def test_kolmogorov_smirnov_equals_scipys_if_every_value_has_a_bin(
    one: list[float], two: list[float]
) -> None:
    edges = number_edges([*one, *two])
    binned = [Profile.of_numbers(values, edges).counts for values in (one, two)]
    assert kolmogorov_smirnov(*binned) == pytest.approx(
        stats.ks_2samp(one, two, method="asymp").statistic, abs=1e-12
    )


@given(few_values.filter(lambda values: len(set(values)) > 1), st.data())
def test_wasserstein_equals_scipys_if_every_value_has_a_bin(one: list[float], data: st.DataObject) -> None:
    two = data.draw(st.lists(st.sampled_from(one), min_size=1, max_size=150))
    expected = stats.wasserstein_distance(one, two) / np.std(one)
    assert wasserstein(*profiles(one, two)) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(few_values.filter(lambda values: len(set(values)) > 1), st.data())
def test_wasserstein_is_off_by_less_than_the_widths_of_the_gaps_with_values(
    one: list[float], data: st.DataObject
) -> None:
    """Values may lie between those of the reference; at worst, they are elsewhere in their gap."""
    inside = st.floats(min(one), max(one), width=32)
    two = data.draw(st.lists(inside | st.sampled_from(one), min_size=1, max_size=150))
    reference, current = profiles(one, two)
    expected = stats.wasserstein_distance(one, two)
    places = np.searchsorted(np.unique(one), [value for value in two if value not in one])
    possible = np.diff(np.unique(one))[places - 1].sum() / len(two)
    found = wasserstein(reference, current)
    assert found is not None
    assert abs(found * np.std(one) - expected) <= possible + 1e-5
    assert found * np.std(one) >= abs(np.mean(two) - np.mean(one)) - 1e-5


@pytest.mark.parametrize(
    "values",
    [(0.0, 100.0), (0.0, 10.0, 20.0, 90.0), tuple(np.arange(0.0, 100.0, 5.0)), tuple(np.arange(50.0) ** 2)],
)
@pytest.mark.parametrize("tilt", [1.0, 3.0, 0.4])
def test_values_between_few_reference_values_are_not_missed(values: tuple[float, ...], tilt: float) -> None:
    rng = np.random.default_rng(3)
    one = rng.choice(values, 10_000)
    two = (rng.random(5_000) ** tilt * max(values)).astype(np.float32)
    reference, current = profiles(one.tolist(), two.tolist())
    exact = stats.wasserstein_distance(one, two) / one.std()
    found = wasserstein(reference, current)
    assert found is not None
    # Values that gather at one end of a wide gap are spread over it, which is too far rather than too near.
    assert 0.9 * exact - 0.01 <= found <= (1.35 if tilt > 1.0 else 1.1) * exact + 0.01
    # Shares of the values are the same: only the gaps show that these are others.
    assert psi(reference.counts, current.counts) > 1.0


def test_the_distance_of_an_older_model_is_at_least_that_of_the_means() -> None:
    """Its bins have no gaps, so values between two of the reference counted as the greater one."""
    one, two = [0.0] * 5 + [100.0] * 95, [0.0] * 5 + [50.0] * 95
    edges = (0.0, 100.0)
    reference = Profile.of_numbers(one, edges)
    current = Profile.of_numbers(two, edges, reference.seen)
    expected = stats.wasserstein_distance(one, two) / np.std(one)
    assert wasserstein(reference, current) == pytest.approx(expected)


DRAWN: dict[str, Callable[[np.random.Generator, int], Any]] = {
    "normal": lambda rng, size: rng.normal(100, 15, size),
    "skewed": lambda rng, size: rng.lognormal(8, 1, size),
    "skewed to the left": lambda rng, size: -rng.lognormal(8, 1, size),
    "even": lambda rng, size: rng.uniform(-1, 1, size),
    "many at nothing": lambda rng, size: rng.lognormal(5, 1, size) * (rng.random(size) > 0.6),
}


@pytest.mark.parametrize("drawn", DRAWN.values(), ids=DRAWN.keys())
@pytest.mark.parametrize("shift", [0.0, 0.1, 0.5, -0.5])
def test_binned_distances_approximate_those_of_the_values(
    drawn: Callable[[np.random.Generator, int], Any], shift: float
) -> None:
    rng = np.random.default_rng(1)
    one, two = drawn(rng, 20_000), drawn(rng, 5_000)
    two = two + shift * one.std()
    reference, current = profiles(one, two)
    found = wasserstein(reference, current)
    assert found == pytest.approx(stats.wasserstein_distance(one, two) / one.std(), abs=0.02)
    exact = stats.ks_2samp(one, two, method="asymp").statistic
    binned = kolmogorov_smirnov(reference.ordered, current.ordered)
    assert exact - 0.02 <= binned <= exact + 1e-12


@given(few_values, few_values)
def test_equal_samples_have_distance_zero(one: list[float], two: list[float]) -> None:
    reference, current = profiles([*one, *two], [*two, *one])
    assert kolmogorov_smirnov(reference.ordered, current.ordered) == 0.0
    assert jensen_shannon(reference.counts, current.counts) == 0.0
    assert psi(reference.counts, current.counts) == 0.0
    assert wasserstein(reference, current) == pytest.approx(0.0) or len({*one, *two}) == 1


def test_wasserstein_needs_a_reference_with_different_values() -> None:
    reference, current = profiles([3.0, 3.0], [3.0, 4.0])
    assert wasserstein(reference, current) is None
    assert wasserstein(*profiles([1.0, 2.0], [float("nan")])) is None


@given(few_values)
def test_the_standard_deviation_equals_that_of_the_values(values: list[float]) -> None:
    found = standard_deviation(profiles(values, values)[0])
    assert found == pytest.approx(float(np.std(values)), abs=1e-5)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_q_values_equal_scipys(p_values: list[float]) -> None:
    np.testing.assert_allclose(q_values(p_values), stats.false_discovery_control(p_values), rtol=1e-12)


def test_a_missing_p_value_does_not_count_as_a_test() -> None:
    found = q_values([0.01, float("nan"), 0.04])
    np.testing.assert_allclose(found, [0.02, float("nan"), 0.04])
