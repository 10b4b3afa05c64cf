"""Simulated books are what their setting says, and rules are compared by what their choices bring later."""

import numpy as np
import pytest

from benchmarks.selection import CHOSEN, REFITTED, RULES, figures_of
from benchmarks.selection_books import SETTINGS, STRENGTHS, World
from benchmarks.selection_measure import Measured, value_of
from claimwatch.domain.model import ranking_metrics
from training.scored_sample import ScoredSample
from training.select import Contender

FAMILIES = ("logistic_regression", "random_forest", "histogram_boosting", "lightgbm")


@pytest.mark.parametrize("setting", ["usual", "imbalanced"])
def test_a_book_has_the_fraud_rate_and_the_signal_of_its_setting(setting: str) -> None:
    wanted = SETTINGS[setting]
    fresh = World(STRENGTHS["moderate"], wanted, [1]).fresh
    assert fresh.chance.mean() == pytest.approx(wanted.fraud_rate, rel=0.1)
    assert np.log(fresh.chance / (1.0 - fresh.chance)).std() == pytest.approx(wanted.signal, rel=0.1)


def test_knowing_the_true_chances_brings_the_most() -> None:
    fresh = World(STRENGTHS["strong"], SETTINGS["usual"], [2]).fresh
    blind = np.random.default_rng(1).random(len(fresh.chance))
    assert value_of(fresh.chance * fresh.gain, fresh) > value_of(fresh.chance, fresh) > value_of(blind, fresh)


def test_fraud_of_a_drifting_book_is_ranked_worse_later_by_what_was_true_at_first() -> None:
    def first_day_area(setting: str) -> float:
        world = World(STRENGTHS["linear"], SETTINGS[setting], [3])
        fresh = world.fresh
        first = world.then.log_odds(fresh.numbers, fresh.flags, fresh.codes, world.strength)
        fraud = (np.random.default_rng(1).random(len(first)) < fresh.chance).astype(float)
        return ranking_metrics.roc_auc(fraud, first)

    assert first_day_area("drift") < first_day_area("usual") - 0.05


def test_a_rule_is_worth_what_the_family_that_it_chose_brings_later() -> None:
    draw = np.random.default_rng(5)
    fraud = (draw.random(400) < 0.2).astype(float)
    ones, nobody = np.ones(400), np.zeros(400, dtype=bool)

    def contender(name: str, noise: float) -> Contender:
        chance = 1.0 / (1.0 + np.exp(-(2.0 * fraud - 2.0 + noise * draw.normal(size=400))))
        return Contender(name, 10, [ScoredSample(chance, fraud, ones, 100.0 * ones, nobody)])

    contenders = [contender(name, 0.5 + place) for place, name in enumerate(FAMILIES)]
    value = dict(zip(FAMILIES, (8.0, 10.0, 4.0, 5.0), strict=True))
    again = {name: each + 1.0 for name, each in value.items()}
    book = Measured(
        contenders,
        dict.fromkeys(FAMILIES, 0.3),
        value,
        value,
        again,
        {"average of all": 9.0, "stacked": 10.0},
        12.0,
    )
    found = figures_of({strength: [book, book] for strength in STRENGTHS})["rules"]
    assert RULES[CHOSEN](book) == "logistic_regression"
    assert found[CHOSEN]["mean"] == 0.8
    assert found["always random_forest"]["mean"] == 1.0
    assert found["always random_forest"]["against_chosen"] == [0.2, 0.0]
    assert found[REFITTED]["mean"] == 0.9
    assert found["average of all"]["mean"] == 0.9
