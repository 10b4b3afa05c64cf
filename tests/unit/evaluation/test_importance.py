"""Importance is a share of the scores; a change is a watch if it is certain and material."""

import numpy as np
import pytest

from claimwatch.domain.evaluation.importance import importance
from tests.unit.evaluation.cohorts import one, sound

NAMES = ["amount", "age", "channel"]


def contributions(*sizes: float, claims: int = 500, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(claims, len(sizes))) * sizes


def shares(*sizes: float, seed: int = 1) -> dict[str, float]:
    found = importance(contributions(*sizes, seed=seed), NAMES, [])
    return {each.feature: each.value for each in found if each.value is not None}


def test_importance_is_the_share_of_mean_absolute_contributions() -> None:
    values = contributions(3.0, 1.0, 0.5)
    found = importance(values, NAMES, [])
    sizes = np.abs(values).mean(axis=0)
    assert sound(found)
    assert [each.feature for each in found] == NAMES
    for place, name in enumerate(NAMES):
        assert one(found, "importance", name).value == pytest.approx(sizes[place] / sizes.sum())


def test_the_interval_equals_that_of_resampled_claims() -> None:
    values = np.abs(contributions(3.0, 1.0, 0.5, claims=400))
    draw = np.random.default_rng(2)
    drawn = [values[draw.integers(0, 400, 400)].mean(axis=0) for _ in range(2_000)]
    low, high = np.quantile([each[0] / each.sum() for each in drawn], [0.025, 0.975])
    found = one(importance(values, NAMES, []), "importance", "amount")
    assert found.low == pytest.approx(low, abs=0.004)
    assert found.high == pytest.approx(high, abs=0.004)


def test_unchanged_importance_is_ok() -> None:
    for seed in range(20):
        before = [shares(3.0, 1.0, 0.5, seed=100 * seed + week) for week in range(2, 6)]
        found = importance(contributions(3.0, 1.0, 0.5, seed=100 * seed), NAMES, before)
        assert sound(found)
        assert {each.verdict for each in found} == {"ok"}


def test_a_material_shift_is_a_watch_and_a_gross_one_alarms() -> None:
    before = [shares(3.0, 1.0, 0.5, seed=week) for week in range(2, 6)]
    more = importance(contributions(3.0, 1.6, 0.5), NAMES, before)
    assert one(more, "importance_shift", "age").verdict == "watch"
    assert one(more, "importance_shift", "channel").verdict == "ok"
    much = importance(contributions(3.0, 4.0, 0.5), NAMES, before)
    assert one(much, "importance_shift", "age").verdict == "alarm"


def test_without_earlier_windows_there_is_no_shift() -> None:
    found = importance(contributions(0.1, 4.0, 0.5), NAMES, [])
    assert {each.metric for each in found} == {"importance"}
    one_before = importance(contributions(0.1, 4.0, 0.5), NAMES, [shares(3.0, 1.0, 0.5)])
    assert "alarm" not in {each.verdict for each in one_before}
    assert one(one_before, "importance_shift", "age").verdict == "watch"


@pytest.mark.parametrize("values", [np.empty((0, 3)), np.ones((49, 3)), np.zeros((100, 3))])
def test_too_few_claims_give_no_verdict(values: np.ndarray) -> None:
    found = importance(values, NAMES, [shares(3.0, 1.0, 0.5)])
    assert sound(found)
    assert {each.verdict for each in found} == {"not enough data"}
