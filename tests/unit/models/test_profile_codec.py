"""Rows of profiles add up to the profile of all, week by week; other bytes are refused."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimwatch.domain.model.features import Columns, Feature, FeatureSpec, encode
from claimwatch.domain.model.profile import Profile, Reference, profiles_of, reference_of
from claimwatch.domain.model.profile_codec import pack, packed_by_week, profiles_by_week, unpack

SPEC = FeatureSpec(
    (
        Feature("amount", "number", "amount"),
        Feature("animal", "category", "animal", ("cat", "dog")),
        Feature("happened.weekday", "weekday", "happened"),
    ),
    "happened",
)
WEEKS = np.array(["2026-01-05", "2026-01-11T23:59:59.999999", "2026-01-12", "1969-12-31"], "datetime64[us]")
MONDAYS = [date(2026, 1, 5), date(2026, 1, 5), date(2026, 1, 12), date(1969, 12, 29)]


def claims(rng: np.random.Generator, number: int) -> Columns:
    amount = np.round(rng.lognormal(3, 1, number), 1)
    amount[rng.random(number) < 0.1] = np.nan
    return {
        "amount": amount,
        "animal": np.array(["cat", "dog", "newt", None], object)[rng.integers(0, 4, number)],
        "happened": WEEKS[rng.integers(0, len(WEEKS), number)],
    }


REFERENCE = reference_of(SPEC, claims(np.random.default_rng(1), 500), np.linspace(0, 1, 500))


def by_week(columns: Columns, scores: np.ndarray) -> dict[date, tuple[dict[str, Profile], Profile]]:
    return profiles_by_week(
        SPEC, columns, encode(SPEC, columns), REFERENCE, np.asarray(columns["happened"]), scores
    )


def alike(one: Profile, two: Profile) -> bool:
    sums = np.allclose([one.total, one.squares], [two.total, two.squares])
    return sums and replace(one, total=0.0, squares=0.0) == replace(two, total=0.0, squares=0.0)


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), number=st.integers(1, 400))
def test_a_week_has_the_profile_of_its_claims_alone(seed: int, number: int) -> None:
    rng = np.random.default_rng(seed)
    columns, scores = claims(rng, number), rng.random(number)
    found = by_week(columns, scores)
    mondays = np.array([MONDAYS[int(np.flatnonzero(at == WEEKS)[0])] for at in columns["happened"]])
    assert set(found) == set(mondays)
    for monday, (features, score) in found.items():
        chosen = mondays == monday
        some = {name: np.asarray(column)[chosen] for name, column in columns.items()}
        alone = profiles_of(SPEC, some, encode(SPEC, some), REFERENCE)
        assert all(alike(features[name], alone[name]) for name in alone)
        edges = REFERENCE.score.edges
        assert alike(score, Profile.of_numbers(scores[chosen], edges, REFERENCE.score.seen))


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), numbers=st.lists(st.integers(1, 300), min_size=1, max_size=5))
def test_rows_add_up_to_the_merged_profiles(seed: int, numbers: list[int]) -> None:
    rng = np.random.default_rng(seed)
    chunks = [by_week(claims(rng, number), rng.random(number)) for number in numbers]
    parts = [profiles for chunk in chunks for profiles in chunk.values()]
    features, score = unpack(REFERENCE, [pack(*profiles) for profiles in parts])
    merged_features, merged_score = parts[0]
    for more_features, more_score in parts[1:]:
        merged_features = {
            name: profile.merge(more_features[name]) for name, profile in merged_features.items()
        }
        merged_score = merged_score.merge(more_score)
    assert alike(score, merged_score)
    assert all(alike(features[name], merged_features[name]) for name in merged_features)


def test_packing_a_chunk_matches_packing_its_profiles() -> None:
    rng = np.random.default_rng(2)
    columns, scores = claims(rng, 300), rng.random(300)
    matrix = encode(SPEC, columns)
    packed = packed_by_week(SPEC, columns, matrix, REFERENCE, np.asarray(columns["happened"]), scores)
    for monday, profiles in by_week(columns, scores).items():
        assert packed[monday] == (profiles[1].rows, pack(*profiles))


@pytest.mark.parametrize("claims_of_it", [3, 300, 70_000, 5_000_000_000])
def test_counts_of_any_size_are_read_back(claims_of_it: int) -> None:
    features, score = unpack(REFERENCE, [])
    counts = (claims_of_it, *score.counts[1:])
    large = replace(score, counts=counts, rows=claims_of_it, minimum=0.0, maximum=0.5)
    assert unpack(REFERENCE, [memoryview(pack(features, large))])[1] == large


def test_no_rows_add_up_to_a_profile_without_claims() -> None:
    features, score = unpack(REFERENCE, [])
    assert score.rows == 0
    found = {name: (profile.rows, profile.minimum) for name, profile in features.items()}
    assert found == dict.fromkeys(SPEC.names, (0, None))


def test_claims_without_a_time_belong_to_no_week() -> None:
    columns: Columns = {"amount": [1.0, 2.0], "animal": ["cat", "dog"], "happened": WEEKS[:2].copy()}
    times = np.array(["NaT", "2026-01-06"], "datetime64[us]")
    ((monday, (features, score)),) = profiles_by_week(
        SPEC, columns, encode(SPEC, columns), REFERENCE, times, [0.1, 0.2]
    ).items()
    assert (monday, score.rows, features["animal"].counts) == (date(2026, 1, 5), 1, (0, 1))
    only_nat = np.array(["NaT", "NaT"], "datetime64[us]")
    assert profiles_by_week(SPEC, columns, encode(SPEC, columns), REFERENCE, only_nat, [0.1, 0.2]) == {}


def test_numbers_outside_of_the_reference_range_are_counted() -> None:
    columns: Columns = {
        "amount": [-1.0, 1e9, 2e9, 20.0],
        "animal": ["cat"] * 4,
        "happened": WEEKS[[0, 0, 1, 1]],
    }
    ((_, (features, _)),) = by_week(columns, np.full(4, 0.5)).items()
    amount = features["amount"]
    assert (amount.below, amount.above, amount.outside) == (1, 2, 3)
    twice = amount.merge(amount)
    assert (twice.below, twice.above) == (2, 4)
    assert REFERENCE.features["amount"].outside == 0


def test_profiles_without_a_range_from_an_older_release_are_read() -> None:
    written = REFERENCE.features["amount"].to_json()
    assert written.pop("below") == written.pop("above") == 0
    assert Profile.from_json(written) == REFERENCE.features["amount"]


@pytest.mark.parametrize(
    "broken",
    [
        lambda row: row[:-1],
        lambda row: row + b"\0",
        lambda _: b"",
        lambda row: b"X" + row[1:],
        lambda row: row[:4] + b"\x03" + row[5:],
    ],
)
def test_other_bytes_are_not_a_row(broken) -> None:  # type: ignore[no-untyped-def]
    row = pack(*unpack(REFERENCE, []))
    with pytest.raises(ValueError, match="not a row of profiles"):
        unpack(REFERENCE, [row, broken(row)])


def test_a_row_in_the_bins_of_another_reference_is_not_added() -> None:
    other = reference_of(SPEC, claims(np.random.default_rng(3), 500), np.linspace(0, 1, 500))
    with pytest.raises(ValueError, match="in the bins of this reference"):
        unpack(other, [pack(*unpack(REFERENCE, []))])


def test_a_reference_of_other_features_is_refused() -> None:
    columns = claims(np.random.default_rng(1), 3)
    other = Reference({"amount": REFERENCE.features["amount"]}, REFERENCE.score, (0.0, 1.0))
    with pytest.raises(ValueError, match="has other features"):
        packed_by_week(SPEC, columns, encode(SPEC, columns), other, WEEKS[:3], np.zeros(3))
