"""The made-up book of the drift benchmark is what it says: its weeks are drawn as claims would be."""

import numpy as np
import pytest

from benchmarks.drift_book import FEATURES, MOVABLE, SCORE, Book, Simulated
from benchmarks.drift_honesty import Watch, loud, power

ALL = (*FEATURES, SCORE)
BY_NAME = {feature.name: feature for feature in ALL}


def test_there_are_thirty_features_with_names_of_their_own() -> None:
    assert len(FEATURES) == 30
    assert len(BY_NAME) == 31


@pytest.mark.parametrize("feature", ALL, ids=[feature.name for feature in ALL])
def test_bins_are_as_likely_as_draws_that_fall_into_them(feature: Simulated) -> None:
    rng = np.random.default_rng(1)
    reference = feature.reference(rng.random(2_000))
    drawn = feature.profile(feature.values(rng.random(200_000)), reference)
    assert drawn.missing / drawn.rows == pytest.approx(feature.missing, abs=0.005)
    expected = feature.probabilities(reference)
    assert expected.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(np.array(drawn.counts) / drawn.present, expected, atol=0.006)


@pytest.mark.parametrize("name", MOVABLE)
def test_a_shift_moves_the_mean_by_so_many_standard_deviations(name: str) -> None:
    feature = BY_NAME[name]
    shifted = feature.shifted(0.3)
    moved = float(shifted.numbers.mean() - feature.numbers.mean())
    assert moved == pytest.approx(0.3 * float(feature.numbers.std()))
    assert (shifted.zero, shifted.missing) == (feature.zero, feature.missing)


def test_what_is_drawn_again_from_the_same_seed_is_the_same() -> None:
    assert power(100, 0.5, 3, 500) == power(100, 0.5, 3, 500)


def test_a_shift_that_nobody_can_miss_is_found() -> None:
    assert power(5_000, 1.0, 4, 2_000) == {"any": 1.0, "all": 1.0}


def test_a_watch_remembers_what_the_last_week_flagged() -> None:
    rng = np.random.default_rng(1)
    book = Book.drawn(rng, 5_000)
    shifted = book.shifted({"normal0"}, 0.3)
    watch = Watch(book.reference, book.score)
    first, _ = watch.check(*shifted.week(rng, 5_000))
    second, _ = watch.check(*shifted.week(rng, 5_000))
    assert (loud(first, "watch"), loud(second, "alarm")) == ({"normal0"}, {"normal0"})
