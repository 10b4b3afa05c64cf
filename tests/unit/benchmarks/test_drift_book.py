"""The simulated book of the drift benchmark draws weeks with the distribution of drawn claims."""

import numpy as np
import pytest

from benchmarks.drift_book import FEATURES, MOVABLE, SCORE, Book, Simulated
from benchmarks.drift_honesty import Watch, power, with_verdict

ALL = (*FEATURES, SCORE)
BY_NAME = {feature.name: feature for feature in ALL}


def test_there_are_thirty_features_with_unique_names() -> None:
    assert len(FEATURES) == 30
    assert len(BY_NAME) == 31


@pytest.mark.parametrize("feature", ALL, ids=[feature.name for feature in ALL])
def test_probabilities_of_bins_match_the_frequencies_of_draws(feature: Simulated) -> None:
    rng = np.random.default_rng(1)
    reference = feature.reference(rng.random(2_000))
    drawn = feature.profile(feature.values(rng.random(200_000)), reference)
    assert drawn.missing / drawn.rows == pytest.approx(feature.missing, abs=0.005)
    expected = feature.probabilities(reference)
    assert expected.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(np.array(drawn.counts) / drawn.present, expected, atol=0.006)


@pytest.mark.parametrize("name", MOVABLE)
def test_a_shift_moves_the_mean_by_the_given_standard_deviations(name: str) -> None:
    feature = BY_NAME[name]
    shifted = feature.shifted(0.3)
    moved = float(shifted.numbers.mean() - feature.numbers.mean())
    assert moved == pytest.approx(0.3 * float(feature.numbers.std()))
    assert (shifted.zero, shifted.missing) == (feature.zero, feature.missing)


def test_the_same_seed_gives_the_same_result() -> None:
    assert power(100, 0.5, 3, 500) == power(100, 0.5, 3, 500)


def test_an_obvious_shift_is_always_found() -> None:
    assert power(5_000, 1.0, 4, 2_000) == {"any": 1.0, "all": 1.0}


def test_a_watch_remembers_the_features_flagged_in_the_last_week() -> None:
    rng = np.random.default_rng(1)
    book = Book.drawn(rng, 5_000)
    shifted = book.shifted({"normal0"}, 0.3)
    watch = Watch(book.reference, book.score)
    first, _ = watch.check(*shifted.week(rng, 5_000))
    second, _ = watch.check(*shifted.week(rng, 5_000))
    assert (with_verdict(first, "watch"), with_verdict(second, "alarm")) == ({"normal0"}, {"normal0"})
