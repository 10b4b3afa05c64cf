"""Drift of a feature alarms only if it is certain, material and lasting."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.domain.evaluation.drift import (
    ENOUGH,
    GROSS,
    MATERIAL,
    cells,
    feature_drift,
    flagged,
    score_drift,
)
from claimwatch.domain.evaluation.finding import Finding, Verdict
from claimwatch.domain.model.profile import Profile, number_edges

RNG = np.random.default_rng(1)
VALUES = RNG.normal(size=20_000)
REFERENCE = Profile.of_numbers(VALUES, number_edges(VALUES))
ANIMALS = ("cat", "dog", "newt")


def week(claims: int = 5_000, shift: float = 0.0, seed: int = 2, missing: float = 0.0) -> Profile:
    rng = np.random.default_rng(seed)
    values = rng.normal(shift, 1.0, claims)
    values[rng.random(claims) < missing] = np.nan
    return Profile.of_numbers(values, REFERENCE.edges, REFERENCE.seen)


def one_of(findings: list[Finding], metric: str, feature: str = "") -> Finding:
    (found,) = [found for found in findings if (found.metric, found.feature) == (metric, feature)]
    return found


def verdict(current: Profile, before: bool = False) -> Verdict:
    found = one_of(
        feature_drift({"amount": REFERENCE}, {"amount": current}, {"amount"} if before else ()),
        "psi",
        "amount",
    )
    score = one_of(score_drift(REFERENCE, current, before), "psi")
    assert score.verdict == found.verdict
    return found.verdict


def test_a_feature_flagged_once_is_a_watch_and_flagged_twice_alarms() -> None:
    assert verdict(week(shift=0.3)) == "watch"
    assert verdict(week(shift=0.3), before=True) == "alarm"


def test_a_feature_that_recovers_is_ok() -> None:
    assert verdict(week()) == "ok"
    assert verdict(week(), before=True) == "ok"


def test_a_gross_change_alarms_at_once() -> None:
    assert verdict(week(shift=1.0)) == "alarm"


def test_a_small_change_is_ok_however_certain() -> None:
    current = week(claims=200_000, shift=0.1)
    findings = feature_drift({"amount": REFERENCE}, {"amount": current}, {"amount"})
    assert one_of(findings, "q_value", "amount").value == pytest.approx(0.0, abs=1e-9)
    assert one_of(findings, "excess_psi", "amount").high < MATERIAL  # type: ignore[operator]
    assert one_of(findings, "psi", "amount").verdict == "ok"


def test_a_change_that_may_be_chance_is_ok() -> None:
    """Among a hundred claims, PSI exceeds its usual bound of 0.1 without any drift."""
    seen = [
        feature_drift({"amount": REFERENCE}, {"amount": week(100, seed=seed)}, {"amount"})
        for seed in range(200)
    ]
    assert sum((one_of(findings, "psi", "amount").value or 0.0) > 0.1 for findings in seen) > 40
    assert sum(one_of(findings, "psi", "amount").verdict == "alarm" for findings in seen) < 20
    usual = np.mean([one_of(findings, "excess_psi", "amount").value or 0.0 for findings in seen])
    assert usual == pytest.approx(0.0, abs=0.02)


def test_false_discoveries_are_limited_over_all_features() -> None:
    """A p-value that is certain by itself is not certain as the lowest of many."""
    slightly = next(
        current
        for seed in range(1_000)
        for current in [week(100, seed=seed)]
        if 0.005 < (one_of(score_drift(REFERENCE, current, False), "p_value").value or 0.0) < 0.02
    )
    assert one_of(score_drift(REFERENCE, slightly, False), "psi").verdict == "watch"
    many = {f"f{place}": week(100, seed=2_000 + place) for place in range(40)} | {"amount": slightly}
    findings = feature_drift(dict.fromkeys(many, REFERENCE), many, ())
    assert (one_of(findings, "q_value", "amount").value or 0.0) > 0.05
    assert one_of(findings, "psi", "amount").verdict == "ok"


def test_too_few_claims_give_no_verdict() -> None:
    few = week(ENOUGH - 1)
    findings = feature_drift({"amount": REFERENCE, "other": REFERENCE}, {"amount": few, "other": week()}, ())
    assert [
        (found.metric, found.value, found.verdict) for found in findings if found.feature == "amount"
    ] == [("psi", None, "not enough data")]
    assert one_of(findings, "psi", "other").verdict == "ok"
    assert verdict(week(0)) == "not enough data"


@pytest.mark.parametrize("before", [False, True])
def test_missing_values_are_drift(before: bool) -> None:
    assert verdict(week(missing=0.02), before) == ("alarm" if before else "watch")
    assert verdict(week(missing=1.0)) == "alarm"


def test_values_below_the_reference_range_are_drift() -> None:
    amounts = np.where(RNG.random(20_000) < 0.5, 0.0, RNG.lognormal(5, 1, 20_000))
    reference = Profile.of_numbers(amounts, number_edges(amounts))
    owed = Profile.of_numbers(
        np.where(amounts == 0.0, -1.0, amounts)[:5_000], reference.edges, reference.seen
    )
    assert owed.counts[0] == pytest.approx(2_500, abs=200)
    assert one_of(score_drift(reference, owed, False), "psi").verdict == "alarm"


def animals(cat: int, dog: int, newt: int, missing: int = 0, unseen: int = 0) -> Profile:
    rows = cat + dog + newt + missing + unseen
    return Profile((), ANIMALS, (cat, dog, newt), rows, missing, unseen)


def test_categories_drift() -> None:
    reference = {"animal": animals(6_000, 3_000, 1_000)}

    def found(current: Profile) -> Finding:
        return one_of(feature_drift(reference, {"animal": current}, {"animal"}), "psi", "animal")

    assert found(animals(600, 300, 100)).verdict == "ok"
    assert found(animals(450, 450, 100)).verdict == "alarm"
    assert found(animals(500, 250, 50, unseen=200)).verdict == "alarm"
    told_metrics = {
        finding.metric for finding in feature_drift(reference, {"animal": reference["animal"]}, ())
    }
    assert told_metrics == {
        "psi", "excess_psi", "jensen_shannon", "p_value", "q_value", "missing_share"
    }  # fmt: skip


def test_a_single_rare_value_is_not_drift() -> None:
    """The test would call a cell that expects a fraction of a claim certain."""
    reference, current = animals(6_000, 4_000, 0), animals(60, 39, 0, missing=1)
    findings = feature_drift({"animal": reference}, {"animal": current}, ())
    assert (one_of(findings, "p_value", "animal").value or 0.0) > 0.5


counts = st.lists(st.integers(0, 400), min_size=3, max_size=3)


@given(counts, counts, st.integers(0, 50), st.integers(0, 50))
def test_cells_are_large_enough_and_contain_every_claim(
    one: list[int], two: list[int], missing: int, unseen: int
) -> None:
    reference = animals(one[0], one[1], one[2], missing)
    current = animals(two[0], two[1], two[2], 0, unseen)
    if not reference.rows or not current.rows:
        return
    first, second = cells(reference, current)
    assert [int(first.sum()), int(second.sum())] == [reference.rows, current.rows]
    smaller = min(reference.rows, current.rows) / (reference.rows + current.rows)
    assert len(first) == 1 or ((first + second) * smaller >= 5.0 - 1e-9).all()


@given(seed=st.integers(0, 500), claims=st.integers(1, 2_000), missing=st.sampled_from([0.0, 0.01, 0.5, 1.0]))
def test_groups_of_numbers_are_large_enough_and_contain_every_claim(
    seed: int, claims: int, missing: float
) -> None:
    current = week(claims, seed=seed, missing=missing)
    first, second = cells(REFERENCE, current)
    assert [int(first.sum()), int(second.sum())] == [REFERENCE.rows, current.rows]
    assert len(first) <= 11
    smaller = current.rows / (REFERENCE.rows + current.rows)
    assert len(first) == 1 or ((first + second) * smaller >= 5.0 - 1e-9).all()


def test_certainty_is_symmetric_in_both_samples() -> None:
    other = replace(week(5_000, 0.1), below=0, above=0)
    one, two = score_drift(REFERENCE, other, False), score_drift(other, REFERENCE, False)
    assert one_of(one, "p_value").value == pytest.approx(one_of(two, "p_value").value)


def test_the_interval_contains_the_true_shift() -> None:
    """Two normal distributions half a standard deviation apart; the truth is measured on many claims."""
    true = one_of(score_drift(REFERENCE, week(2_000_000, 0.5), False), "psi").value
    assert true is not None
    held = 0
    for seed in range(200):
        excess = one_of(score_drift(REFERENCE, week(1_000, 0.5, seed), False), "excess_psi")
        assert excess.low is not None
        assert excess.high is not None
        held += excess.low <= true <= excess.high
    assert 180 <= held <= 200


def test_flagged_features_are_those_with_a_watch_or_an_alarm() -> None:
    current = {"same": week(), "moved": week(shift=0.3), "gone": week(shift=2.0)}
    findings = feature_drift(dict.fromkeys(current, REFERENCE), current, {"same", "gone"})
    assert flagged(findings) == {"moved", "gone"}
    assert flagged(score_drift(REFERENCE, week(shift=0.3), False)) == {""}


def test_the_bound_includes_the_psi_expected_by_chance() -> None:
    small, large = (
        one_of(score_drift(REFERENCE, week(claims), False), "psi").threshold for claims in (100, 100_000)
    )
    assert small is not None
    assert large is not None
    assert MATERIAL < large < small < MATERIAL + 0.1 < GROSS


def test_a_constant_feature_is_ok() -> None:
    reference = Profile.of_numbers(np.full(500, 3.0), (3.0,))
    findings = score_drift(reference, Profile.of_numbers(np.full(200, 3.0), (3.0,), (3.0, 3.0)), True)
    assert one_of(findings, "psi").verdict == "ok"
    assert one_of(findings, "p_value").value == 1.0
    assert one_of(findings, "wasserstein").value is None


def test_a_part_of_the_calendar_has_no_verdict_and_changes_no_other() -> None:
    """In a week of March, every claim is of March: that is no change of the book."""
    months = np.random.default_rng(3).integers(1, 13, 20_000).astype(float)
    march = np.full(5_000, 3.0)
    reference = Profile.of_numbers(months, number_edges(months))
    current = Profile.of_numbers(march, reference.edges, reference.seen)
    profiles = {"amount": REFERENCE, "month": reference}, {"amount": week(), "month": current}

    judged = feature_drift(*profiles, ())
    assert one_of(judged, "psi", "month").verdict == "alarm"

    unjudged = feature_drift(*profiles, {"month"}, {"month"})
    assert one_of(unjudged, "psi", "month").verdict == "not enough data"
    assert flagged(unjudged) == set()
    assert one_of(unjudged, "psi", "amount") == one_of(judged, "psi", "amount")


@pytest.mark.parametrize("distinct", [2, 9, 60, 99])
def test_bins_for_gaps_change_no_verdict_without_values_in_them(distinct: int) -> None:
    """So the rates of false alarms are those of bins without gaps."""
    rng = np.random.default_rng(distinct)
    values, later = (rng.integers(0, distinct, size) ** 2 for size in (5_000, 800))
    plain = tuple(np.unique(values).astype(float).tolist())
    with_gaps = number_edges(values)
    assert len(with_gaps) > len(plain)
    found = []
    for edges in (plain, with_gaps):
        reference = Profile.of_numbers(values, edges)
        found.append(cells(reference, Profile.of_numbers(later, edges, reference.seen)))
    for one, two in zip(*found, strict=True):
        np.testing.assert_array_equal(one, two)


def test_values_between_those_of_the_reference_alarm() -> None:
    rng = np.random.default_rng(5)
    values = rng.choice([0.0, 50.0, 100.0], 5_000)
    reference = {"deductible": Profile.of_numbers(values, number_edges(values))}
    profile = reference["deductible"]
    # In a bin that ended at 50, they would have counted as 50.
    later = np.where(values[:1_000] == 50.0, 25.0, values[:1_000])
    current = Profile.of_numbers(later, profile.edges, profile.seen)
    (psi,) = [each for each in feature_drift(reference, {"deductible": current}, ()) if each.metric == "psi"]
    assert psi.verdict == "alarm"
