"""Rates match fairlearn, and only a material and significant difference alarms."""

from dataclasses import replace

import numpy as np
import pytest
from fairlearn.metrics import (
    demographic_parity_ratio,
    equal_opportunity_difference,
    false_positive_rate,
    selection_rate,
    true_positive_rate,
)
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.domain.evaluation.bias import FEWEST, Compared, Kind, bias, crossings, divisions
from claimwatch.domain.evaluation.cohort import Cohort
from claimwatch.domain.evaluation.disparity import unequal_referrals
from claimwatch.domain.evaluation.groups import Groups
from claimwatch.domain.evaluation.intervals import wilson
from claimwatch.domain.evaluation.rates import Rate, p_more
from claimwatch.domain.model.bands import Bands
from tests.unit.evaluation.cohorts import NOBODY, THRESHOLD, book, one, sound, words

SEXES = ["female", "male"]
AGES = ["to 30", "31 to 60", "above 60"]

people = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.sampled_from(SEXES)), min_size=2, max_size=80
).filter(lambda drawn: len({sex for *_, sex in drawn}) == 2)


def groups(claims: int, seed: int) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(seed)
    return {
        "sex": words(SEXES[place] for place in draw.integers(0, 2, claims)),
        "age": words(AGES[place] for place in draw.choice(3, claims, p=[0.3, 0.6, 0.1])),
    }


def known(risk: np.ndarray, fraud: np.ndarray, referred: np.ndarray) -> Cohort:
    return Cohort(risk, referred, np.ones(len(risk), bool), fraud)


@pytest.mark.slow
@given(people)
def test_rates_match_fairlearn(drawn: list[tuple[bool, bool, str]]) -> None:
    fraud, referred = (np.array([each[place] for each in drawn], float) for place in (0, 1))
    sexes = words(sex for *_, sex in drawn)
    cohort = known(referred, fraud, referred > 0.5)
    found = bias(referred > 0.5, {"sex": sexes}, cohort, {"sex": sexes}, smallest=1)
    assert sound(found)
    for group in SEXES:
        own = sexes == group
        finding = one(found, "selection_rate", "sex", group)
        assert finding.value == pytest.approx(selection_rate(fraud[own], referred[own]))
    if referred.any():
        assert one(found, "demographic_parity_ratio", "sex").value == pytest.approx(
            demographic_parity_ratio(fraud, referred, sensitive_features=sexes.astype(str))
        )
    both = [[(fraud[sexes == group] == is_fraud).sum() for group in SEXES] for is_fraud in (1.0, 0.0)]
    if min(both[0]) >= FEWEST:
        assert one(found, "equal_opportunity_difference", "sex").value == pytest.approx(
            equal_opportunity_difference(fraud, referred, sensitive_features=sexes.astype(str))
        )
        own = sexes == "male"
        assert one(found, "recall", "sex", "male").value == pytest.approx(
            true_positive_rate(fraud[own], referred[own])
        )
    if min(both[1]) >= FEWEST:
        own = sexes == "female"
        assert one(found, "false_positive_rate", "sex", "female").value == pytest.approx(
            false_positive_rate(fraud[own], referred[own])
        )


def test_equal_treatment_raises_no_alarm() -> None:
    loud = 0
    for seed in range(20):
        risk, fraud = book(8_000, seed)
        referred = risk >= THRESHOLD
        each = groups(8_000, seed)
        found = bias(referred, each, known(risk, fraud, referred), each)
        assert sound(found)
        loud += any(finding.verdict == "alarm" for finding in found)
    assert loud == 0


def test_a_group_that_is_referred_twice_as_often_alarms() -> None:
    risk, fraud = book(8_000, 3)
    each = groups(8_000, 3)
    referred = risk >= np.where(each["age"] == "above 60", THRESHOLD / 3.0, THRESHOLD)
    found = bias(referred, each, known(risk, fraud, referred), each)
    finding = one(found, "selection_rate_ratio", "age", "above 60")
    assert finding.verdict == "alarm"
    assert finding.threshold == 1.25
    assert finding.low is not None
    assert finding.low > 1.25
    assert one(found, "false_positive_rate_ratio", "age", "above 60").verdict == "alarm"
    assert one(found, "selection_rate_ratio", "sex", "male").verdict == "ok"


def test_a_significant_but_small_difference_passes() -> None:
    referred = np.arange(200_000) % 100 < np.where(np.arange(200_000) < 100_000, 11, 10)
    sexes = {"sex": words("female" if place < 100_000 else "male" for place in range(200_000))}
    finding = one(bias(referred, sexes, NOBODY, {"sex": words([])}), "selection_rate_ratio", "sex", "female")
    assert finding.value == pytest.approx(1.1)
    assert finding.low is not None
    assert finding.low > 1.0
    assert finding.verdict == "ok"


def test_a_large_difference_that_is_not_significant_passes() -> None:
    referred = np.isin(np.arange(200), [0, 1, 2, 150])
    sexes = {"sex": words("female" if place < 100 else "male" for place in range(200))}
    finding = one(bias(referred, sexes, NOBODY, {"sex": words([])}), "selection_rate_ratio", "sex", "female")
    assert finding.value == pytest.approx(3.0)
    assert finding.verdict == "ok"


def test_a_small_group_is_not_judged() -> None:
    referred = np.arange(1_000) < 40
    ages = {"age": words("few" if place < 49 else "many" for place in range(1_000))}
    found = bias(referred, ages, NOBODY, {"age": words([])})
    assert sound(found)
    assert {each.verdict for each in found} == {"not enough data"}
    assert all(each.value is None for each in found)
    large = bias(referred, ages, NOBODY, {"age": words([])}, smallest=49)
    assert one(large, "selection_rate_ratio", "age", "few").verdict == "alarm"


def test_attributes_are_crossed_and_unknown_values_are_a_group() -> None:
    crossed = crossings(
        {"sex": words(["female", None, "female", "male"]), "age": words(["old", "old", "young", "old"])},
        smallest=1,
    )
    assert list(crossed) == ["sex", "age", "sex and age"]
    assert {name: rows.tolist() for name, rows in crossed["sex and age"].rows} == {
        "female, old": [True, False, False, False],
        "female, young": [False, False, True, False],
        "male, old": [False, False, False, True],
        "not known, old": [False, True, False, False],
    }
    assert [name for name, _ in crossed["sex"].in_order] == ["female", "male", "not known"]
    missing = np.array([None, float("nan"), float("nan"), 1, "1"], dtype=np.object_)
    assert Groups.of(missing, smallest=1).names == ("not known", "1")


BANDS = Bands("number", (30.0, 40.0, 50.0, 60.0, 70.0))


def aged(claims: int, seed: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    draw = np.random.default_rng(seed)
    ages = draw.integers(20, 80, claims).astype(float)
    return ages, {"age": BANDS.named(ages, None)}


def test_a_disparity_of_several_bands_is_one_range_and_bands_keep_their_order() -> None:
    ages, each = aged(8_000, 1)
    risk, fraud = book(8_000, 1)
    referred = risk >= np.where(ages >= 50, THRESHOLD / 3.0, THRESHOLD)
    found = bias(referred, each, known(risk, fraud, referred), each, bands={"age": BANDS})
    assert sound(found)
    rates = [finding.segment for finding in found if finding.metric == "selection_rate"]
    assert rates == [*BANDS.names, "50 and over"]
    whole = one(found, "selection_rate_ratio", "age", "50 and over")
    assert whole.verdict == "alarm"
    assert (whole.value or 0.0) > (one(found, "selection_rate_ratio", "age", "60 to 69").value or 0.0)


def test_a_range_without_an_alarm_is_not_listed() -> None:
    _, each = aged(8_000, 2)
    risk, fraud = book(8_000, 2)
    referred = risk >= THRESHOLD
    found = bias(referred, each, known(risk, fraud, referred), each, bands={"age": BANDS})
    assert {finding.segment for finding in found if finding.segment} == set(BANDS.names)


def test_claims_without_a_value_are_in_no_range() -> None:
    values = words(["under 30", None, "40 to 49", "50 to 59", "70 and over"])
    [below, above] = [
        division for division in divisions({"age": values}, {"age": BANDS}, 1) if division.kind == "range"
    ][1].in_order
    assert (below[0], above[0]) == ("under 50", "50 and over")


@pytest.mark.parametrize("many", [False, True])
def test_crossings_share_a_fifth_of_the_chance_of_an_error(many: bool) -> None:
    """A group's p-value is not adjusted for the many crossings beside it."""
    crossing: Kind = "crossing"
    kinds: list[Kind] = ["group", "group", *(crossing for _ in range(40 if many else 2))]
    rates = (Rate(wilson(40, 400), 400, 400.0), Rate(wilson(100, 4_000), 4_000, 4_000.0))
    alike = (rates[1], rates[1])
    compared = [
        Compared("selection_rate", "a", str(place), 400, alike if place else rates, kind)
        for place, kind in enumerate(kinds)
    ]
    alone = p_more(*rates)
    [first, *_] = unequal_referrals(compared)
    assert first.p_value == pytest.approx(alone * 2 / 0.8)
    assert np.isnan(unequal_referrals([replace(compared[0], rates=None)])[0].p_value)


def test_without_claims_there_is_no_finding() -> None:
    assert bias(np.empty(0, bool), {}, NOBODY, {}) == []
    assert bias(np.empty(0, bool), {"sex": words([])}, NOBODY, {"sex": words([])}) == []
