"""Simulated trainings notice a group that is referred twice as often, and hardly ever one that is not."""

import pytest

from benchmarks import fairness


@pytest.mark.slow
def test_a_ratio_of_two_in_one_band_is_noticed_and_no_disparity_is_invented() -> None:
    assert fairness.shares(8_000, "2 times in one band", 12)["noticed"] >= 0.5
    assert fairness.shares(8_000, "none", 12)["noticed"] == 0.0


@pytest.mark.parametrize("case", ["3 times from 55 on", "20 times in one band"])
def test_a_great_disparity_refuses_the_model_of_a_small_book(case: str) -> None:
    found = fairness.shares(6_000, case, 4)
    assert found["refused"] >= 0.5
    assert found["noticed"] == 1.0
