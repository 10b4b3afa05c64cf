"""Profiles add up, and give quantiles."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from claimwatch.domain.model.features import Columns, Feature, FeatureSpec, encode
from claimwatch.domain.model.fraud_rates import FraudRates
from claimwatch.domain.model.profile import (
    Profile,
    Reference,
    just_below,
    number_edges,
    profiles_of,
    reference_of,
)

numbers = st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), max_size=60)
SPEC = FeatureSpec(
    (Feature("amount", "number", "amount"), Feature("animal", "category", "animal", ("cat", "dog"))), None
)
COLUMNS = {
    "amount": np.array([1.0, 2.0, np.nan, 4.0, 4.0]),
    "animal": np.array(["cat", "dog", "newt", None, "dog"], dtype=object),
}


@given(one=numbers, two=numbers, edges=st.lists(st.floats(-1e6, 1e6), max_size=8, unique=True).map(sorted))
def test_two_profiles_add_up_to_the_profile_of_all(
    one: list[float], two: list[float], edges: list[float]
) -> None:
    of_one, of_two = (Profile.of_numbers(values, tuple(edges)) for values in (one, two))
    merged, whole = of_one.merge(of_two), Profile.of_numbers([*one, *two], tuple(edges))
    assert (merged.counts, merged.rows, merged.missing) == (whole.counts, whole.rows, whole.missing)
    assert (merged.minimum, merged.maximum) == (whole.minimum, whole.maximum)
    assert merged.total == pytest.approx(whole.total, abs=1e-3)
    assert merged.squares == pytest.approx(whole.squares, rel=1e-9)


@given(numbers)
def test_a_profile_is_read_back_from_json(values: list[float]) -> None:
    profile = Profile.of_numbers(values, number_edges(values))
    assert Profile.from_json(json.loads(json.dumps(profile.to_json()))) == profile


def test_a_reference_of_an_earlier_release_has_no_fraud_rates() -> None:
    scores = Profile.of_numbers([0.1], ())
    rates = {"amount": FraudRates((1.0,), (0.5, None), 2.0)}
    now = Reference({"amount": Profile.of_numbers([1.0, 2.0], (1.0,))}, scores, (0.0, 1.0), rates)
    assert Reference.from_json(now.to_json()) == now
    earlier = json.loads(now.to_json())
    del earlier["fraud_rates"]
    assert Reference.from_json(json.dumps(earlier)) == replace(now, fraud_rates={})


@given(st.lists(st.integers(0, 40), min_size=1, max_size=200), st.sampled_from([0.1, 0.25, 0.5, 0.9, 1.0]))
def test_quantiles_of_few_values_are_exact(values: list[int], share: float) -> None:
    profile = Profile.of_numbers(values, number_edges(values))
    assert profile.quantile(share) == np.quantile(values, share, method="inverted_cdf")


def test_the_median_of_many_values_is_exact_to_a_bin() -> None:
    values = np.random.default_rng(1).lognormal(8, 1, 50_000)
    profile = Profile.of_numbers(values, number_edges(values))
    assert len(profile.counts) <= 100
    low, high = np.quantile(values, [0.49, 0.51])
    typical = profile.typical
    assert isinstance(typical, float)
    assert low <= typical <= high
    assert profile.mean == pytest.approx(values.mean())


def test_a_number_that_is_very_frequent_has_a_bin_of_its_own() -> None:
    rng = np.random.default_rng(1)
    values = np.where(rng.random(20_000) < 0.3, 0.0, rng.normal(size=20_000))
    edges = number_edges(values)
    assert len(edges) < 100
    assert set(edges) <= {*values, just_below(0.0).item()}
    profile = Profile.of_numbers(values, edges)
    assert profile.most_frequent == 0.0
    assert max(profile.counts) == (values == 0.0).sum()
    moved = Profile.of_numbers(np.where(values == 0.0, -0.001, values), edges)
    assert max(moved.counts) == pytest.approx(6_000, abs=300)
    assert moved.most_frequent is not None
    assert moved.most_frequent < 0.0


def test_profiles_with_other_bins_are_not_merged() -> None:
    with pytest.raises(ValueError, match="the same bins"):
        Profile.of_numbers([1.0], (0.0,)).merge(Profile.of_numbers([1.0], (0.5,)))


def test_counts_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="do not add up"):
        Profile(edges=(0.0,), categories=(), counts=(1, 2), rows=4)


def test_missing_values_alone_have_no_typical_value() -> None:
    profile = Profile.of_numbers([np.nan, np.nan], number_edges([np.nan, np.nan]))
    assert (profile.typical, profile.present, profile.missing) == (None, 0, 2)
    assert profile.merge(profile).rows == 4


def test_missing_and_unseen_categories_are_counted_separately() -> None:
    reference = reference_of(SPEC, COLUMNS, [0.1, 0.2])
    animal = reference.features["animal"]
    assert (animal.counts, animal.missing, animal.unseen, animal.typical) == ((1, 2), 1, 1, "dog")
    amount = reference.features["amount"]
    # The bins of 1, 2 and 4, each after that of the gap before it.
    assert (amount.counts, amount.missing) == ((0, 1, 0, 1, 0, 2, 0), 1)


def test_other_claims_are_counted_in_the_bins_of_the_reference() -> None:
    reference = reference_of(SPEC, COLUMNS, [0.1])
    later: Columns = {"amount": np.array([-5.0, 3.0, 99.0]), "animal": ["dog", "dog", None]}
    found = profiles_of(SPEC, later, encode(SPEC, later), reference)
    assert found["amount"].edges == reference.features["amount"].edges
    assert found["amount"].counts == (1, 0, 0, 0, 1, 0, 1)
    merged = found["animal"].merge(reference.features["animal"])
    assert merged.counts == (1, 4)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
@example([0.0] * 5 + [2.225073858507e-311, 2.225073858507203e-309])  # no float is as steep as this
def test_percentiles_rise_with_the_score_from_0_to_100(scores: list[float]) -> None:
    reference = Reference.from_json(reference_of(SPEC, COLUMNS, scores).to_json())
    found = reference.percentile(np.sort([*scores, 0.0, 1.0]))
    assert np.all(np.diff(found) >= 0)
    assert found.min() >= 0
    assert found.max() == 100


def test_a_percentile_is_the_share_of_lower_scores() -> None:
    scores = np.random.default_rng(1).beta(1, 9, 20_000)
    reference = reference_of(SPEC, COLUMNS, scores)
    for share in (0.01, 0.5, 0.95, 0.999):
        assert reference.percentile(np.quantile(scores, share)) == pytest.approx(100 * share, abs=0.05)


@given(st.lists(st.tuples(st.integers(-3, 12), st.booleans()), min_size=1, max_size=60))
def test_a_profile_without_a_part_is_that_of_the_rest(drawn: list[tuple[int, bool]]) -> None:
    values = np.array([np.nan if value == 12 else value for value, _ in drawn])
    part = np.array([is_part for _, is_part in drawn])
    reference = Profile.of_numbers(np.arange(10.0), number_edges(np.arange(10.0)))

    def profile(rows: np.ndarray) -> Profile:
        return Profile.of_numbers(values[rows], reference.edges, reference.seen)

    found, expected = profile(part | True).without(profile(part), reference), profile(~part)

    counted = ("counts", "rows", "missing", "below", "above")
    assert [getattr(found, name) for name in counted] == [getattr(expected, name) for name in counted]
    assert (found.total, found.squares) == pytest.approx((expected.total, expected.squares))
    lowest, highest = expected.seen
    if lowest is not None and highest is not None:
        assert found.minimum is not None
        assert found.maximum is not None
        assert found.minimum <= lowest <= highest <= found.maximum
        assert found.minimum >= 0.0 or expected.below
        assert found.maximum <= 9.0 or expected.above


def test_categories_without_a_part_are_those_of_the_rest() -> None:
    all_of_them = Profile.of_codes(np.array([0, 0, 1, np.nan, np.nan]), ("a", "b"), unseen=1)
    part = Profile.of_codes(np.array([0, np.nan]), ("a", "b"), unseen=1)
    assert all_of_them.without(part, all_of_them) == Profile.of_codes(np.array([0, 1, np.nan]), ("a", "b"))
    with pytest.raises(ValueError, match="same bins"):
        all_of_them.without(Profile.of_codes(np.array([0]), ("a",)), all_of_them)
