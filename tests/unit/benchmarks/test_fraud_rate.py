"""The simulation of fraud rates is calibrated, and the recipe alarms as it promises."""

import numpy as np
import pytest

from benchmarks import fraud_rate


@pytest.mark.parametrize(("odds", "least", "most"), [(0.25, 38, 40), (1.0, 0, 1), (2.0, 36, 40)])
def test_weeks_alarm_if_the_odds_are_not_those_predicted(odds: float, least: int, most: int) -> None:
    of = fraud_rate.model(fraud_rate.MEANS["usual"], 40_000)
    alarms = 0
    for repeat in range(40):
        draw = np.random.default_rng([11, repeat])
        risk = fraud_rate.risk(draw, of.mean, 40_000)
        alarms += fraud_rate.verdict(fraud_rate.cohort(draw, of, risk, odds)) == "alarm"
    assert least <= alarms <= most


def test_the_promise_of_the_simulated_model_is_that_of_calibrated_scores() -> None:
    promised = fraud_rate.model(fraud_rate.MEANS["usual"], 40_000).promised
    assert promised["observed_to_expected"] == pytest.approx(1.0, abs=0.06)
    assert promised["base_rate"] == pytest.approx(0.06, abs=0.005)


def test_what_the_test_split_showed_does_not_alarm() -> None:
    found = fraud_rate.from_the_beginning(12, seed=3, size=2_000)
    assert found["alarm"] == 0.0
    assert found["doubled"] > 0.3


def test_overlapping_weeks_share_their_outcomes() -> None:
    found = fraud_rate.years(2, seed=1, size=2_000, weeks=2)
    assert found["lines"] == 2
    assert found["alarm_weeks"] == 0.0
    assert found["within_a_quarter"] == 1.0
    assert 1 < found["weeks_to_alarm"] <= fraud_rate.WEEKS
