"""Two models are compared claim by claim, with the error that leaving out claims one by one shows."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from claimwatch.domain.evaluation.cohort import Cohort
from claimwatch.domain.evaluation.ranking import (
    Estimate,
    Influence,
    estimate,
    mean_estimate,
    pr_auc_influence,
    roc_auc_influence,
    value_influence,
)
from tests.unit.evaluation.cohorts import NOBODY, investigated

CAPACITY, COST = 0.05, 0.1
CLAIMS = 600
DRAW = np.random.default_rng(3)
RISK = DRAW.beta(1, 5, CLAIMS)
FRAUD = (DRAW.random(CLAIMS) < RISK).astype(np.float64)
WEIGHT = np.where(DRAW.random(CLAIMS) < 0.5, 1.0, 4.0)
GAIN = np.exp(DRAW.normal(size=CLAIMS))

type Measure = Callable[[Cohort], Influence | None]


def cohort(score: np.ndarray, rows: np.ndarray | None = None) -> Cohort:
    kept = np.ones(CLAIMS, bool) if rows is None else rows
    nobody = np.zeros(int(kept.sum()), bool)
    return Cohort(score[kept], nobody, nobody, FRAUD[kept], sampling_weight=WEIGHT[kept])


STRONG, WEAK = RISK, RISK + DRAW.normal(0.0, 0.15, CLAIMS)


def difference(measure: Measure, one: Cohort, two: Cohort) -> Influence:
    ours, theirs = measure(one), measure(two)
    assert ours is not None
    assert theirs is not None
    return ours - theirs


@pytest.mark.parametrize("measure", [roc_auc_influence, pr_auc_influence])
def test_the_error_of_a_difference_is_that_of_the_jackknife(measure: Measure) -> None:
    found = estimate(cohort(STRONG), difference(measure, cohort(STRONG), cohort(WEAK)))
    left_out = []
    for place in range(CLAIMS):
        rows = np.arange(CLAIMS) != place
        left_out.append(difference(measure, cohort(STRONG, rows), cohort(WEAK, rows)).value)
    jackknife = np.sqrt((CLAIMS - 1) * np.var(left_out))
    assert found.value == pytest.approx(difference(measure, cohort(STRONG), cohort(WEAK)).value)
    assert found.error == pytest.approx(jackknife, rel=0.1)


def test_a_model_does_not_differ_from_itself() -> None:
    for measure in (roc_auc_influence, pr_auc_influence):
        found = estimate(cohort(WEAK), difference(measure, cohort(WEAK), cohort(WEAK)))
        assert (found.value, found.error) == (0.0, 0.0)


def test_value_is_what_the_reviewed_claims_bring() -> None:
    known = replace(cohort(STRONG), sampling_weight=np.ones(CLAIMS))
    found = value_influence(known, GAIN, CAPACITY, COST)
    assert found is not None
    top = np.argsort(-STRONG)[: int(CAPACITY * CLAIMS)]
    assert found.value == pytest.approx(1_000.0 * (FRAUD[top] * GAIN[top] - COST).sum() / CLAIMS)


def test_estimated_weights_count_every_outcome_and_part_with_their_claims() -> None:
    designed, fraud = investigated()
    weight = np.where(designed.known, 2.0, 7.0)
    weighted = replace(designed, sampling_weight=weight)
    assert weighted.basis == "estimated chances"
    assert (weighted.weight == np.where(designed.known, 2.0, 0.0)).all()
    rows = np.arange(len(fraud)) < 5_000
    part = weighted.part(rows)
    assert part.basis == "estimated chances"
    assert (part.weight == weighted.weight[rows]).all()
    assert part.stood_for(10)


def test_independent_periods_average_by_their_shares() -> None:
    found = mean_estimate([Estimate(1.0, 0.3, 10.0), Estimate(2.0, 0.4, 30.0)], [1.0, 3.0])
    assert found.value == pytest.approx(1.75)
    assert found.error == pytest.approx(np.hypot(0.25 * 0.3, 0.75 * 0.4))
    assert found.frauds == 40.0


def test_without_outcomes_there_is_no_measure() -> None:
    assert roc_auc_influence(NOBODY) is None
    assert pr_auc_influence(NOBODY) is None
    assert value_influence(NOBODY, np.empty(0), CAPACITY, COST) is None
