"""The bias gate refuses a model that treats a group worse, and hardly ever one that treats all alike."""

from collections.abc import Callable

import numpy as np
import pytest

from claimwatch.domain.evaluation.bias import Compared, compare
from claimwatch.domain.evaluation.cohort import Cohort
from claimwatch.domain.evaluation.intervals import Interval
from claimwatch.domain.evaluation.multiple_testing import holm
from claimwatch.domain.evaluation.rates import Rate, p_at_most
from training import gates
from training.fairness import REFUSED, judged
from training.sampling import sample_weights

LIMIT = 1.25
SEXES, AGES = ("female", "male", "x"), ("to 25", "26 to 59", "from 60")

type Groups = dict[str, np.ndarray]
type Drawn = Callable[[np.random.Generator, int, float], list[Compared]]


def people(draw: np.random.Generator, claims: int) -> Groups:
    """Return attributes drawn at random: a rare value, and groups of very different sizes."""
    return {
        "sex": np.array(SEXES, object)[draw.choice(3, claims, p=[0.495, 0.495, 0.01])],
        "age": np.array(AGES, object)[draw.choice(3, claims, p=[0.15, 0.6, 0.25])],
    }


def all_known(draw: np.random.Generator, claims: int, times: float) -> list[Compared]:
    """Compare claims that all have outcomes; the older are referred ``times`` as often, whatever they did."""
    each = people(draw, claims)
    fraud = (draw.random(claims) < 0.08).astype(float)
    chance = np.where(fraud > 0.5, 0.4, 0.02) * np.where(each["age"] == "from 60", times, 1.0)
    referred = draw.random(claims) < chance
    cohort = Cohort(chance, referred, np.ones(claims, bool), fraud, sampling_weight=np.ones(claims))
    return compare(referred, each, cohort, each)


def investigated(draw: np.random.Generator, claims: int, times: float) -> list[Compared]:
    """Compare claims that were investigated if suspicious or drawn: few outcomes represent many claims."""
    each = people(draw, claims)
    signal = draw.normal(size=claims)
    fraud = (draw.random(claims) < 1.0 / (1.0 + np.exp(3.2 - 1.2 * signal))).astype(float)
    older = each["age"] == "from 60"
    referred = draw.random(claims) < np.clip(0.03 * np.exp(signal) * np.where(older, times, 1.0), 0.0, 1.0)
    audited = draw.random(claims) < 0.05
    known = audited | (draw.random(claims) < np.clip(0.1 * np.exp(signal), 0.0, 0.9))
    weight = sample_weights(signal[:, None].astype(np.float32), known, audited).weight
    outcome = np.where(known, fraud, np.nan)
    return compare(referred, each, Cohort(signal, referred, audited, outcome, sampling_weight=weight), each)


def refused(drawn: Drawn, claims: int, times: float, trainings: int) -> float:
    """Return the share of trainings that the gate refuses."""
    passed = [
        gates.bias(judged(drawn(np.random.default_rng([seed, claims]), claims, times), LIMIT), "").passed
        for seed in range(trainings)
    ]
    return 1.0 - float(np.mean(passed))


@pytest.mark.parametrize("claims", [300, 760, pytest.param(3_000, marks=pytest.mark.slow)])
def test_a_model_that_treats_all_alike_is_hardly_ever_refused(claims: int) -> None:
    assert refused(all_known, claims, 1.0, 200) <= REFUSED


@pytest.mark.slow
def test_a_model_at_the_limit_is_refused_no_more_often_than_stated() -> None:
    assert refused(all_known, 3_000, LIMIT, 200) <= REFUSED


@pytest.mark.slow
def test_outcomes_that_represent_many_claims_do_not_refuse_a_fair_model() -> None:
    assert refused(investigated, 4_000, 1.0, 8) <= REFUSED


@pytest.mark.slow
def test_a_model_that_treats_a_group_worse_is_refused() -> None:
    assert refused(all_known, 3_000, 4.0, 40) >= 0.95
    assert refused(investigated, 12_000, 4.0, 4) >= 0.75


def counted(hits: int, of: int) -> Rate:
    return Rate(Interval(hits / of, 0.0, 1.0), of, float(of))


def test_a_few_hits_against_one_are_not_certain() -> None:
    """12 of 407 against 1 of 277: the ratio is 8.2, and no 1 in 40 among eleven groups."""
    p_value = p_at_most(counted(12, 407), counted(1, 277), LIMIT)
    assert 0.02 < p_value < 0.04
    assert p_at_most(counted(60, 407), counted(5, 277), LIMIT) < 1e-5
    assert p_at_most(counted(0, 407), counted(5, 277), LIMIT) == 1.0


def test_adjusted_p_values_are_those_of_holm() -> None:
    assert holm([0.01, np.nan, 0.04, 0.03, 0.9]).tolist()[:1] == [0.04]
    assert np.allclose(holm([0.01, 0.04, 0.03, 0.9]), [0.04, 0.09, 0.09, 0.9])
    assert np.isnan(holm([np.nan, 0.2])[0])
    assert holm([]).tolist() == []


def test_a_breach_and_groups_that_are_too_small_are_named() -> None:
    draw = np.random.default_rng(1)
    breached = gates.bias(judged(all_known(draw, 6_000, 5.0), LIMIT), "")
    assert not breached.passed
    assert "honest claims of age = from 60 are referred" in breached.found
    fair = gates.bias(judged(all_known(draw, 1_000, 1.0), LIMIT), "")
    assert fair.passed
    assert "too small to be judged:" in fair.found
    assert "sex = x (" in fair.found
    assert gates.bias(judged([], LIMIT), "").passed
