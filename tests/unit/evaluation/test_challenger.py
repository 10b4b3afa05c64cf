"""The random audit decides about a challenger, however often the comparison is repeated."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.domain.evaluation.challenger import (
    DECISIVE,
    challenger,
    difference_at_all_times,
    evidence,
    reviewed,
)
from claimwatch.domain.evaluation.cohort import Cohort
from tests.unit.evaluation.cohorts import NOBODY, book, one, sound


def noisy(risk: np.ndarray, noise: float, seed: int) -> np.ndarray:
    logits = np.log(risk / (1.0 - risk)) + np.random.default_rng(seed).normal(0.0, noise, len(risk))
    return np.asarray(1.0 / (1.0 + np.exp(-logits)))


def audited(probability: np.ndarray, fraud: np.ndarray, seed: int, share: float = 0.05) -> Cohort:
    """Return the champion's claims: its referrals were investigated, and a share of all claims."""
    chosen = np.random.default_rng(seed).random(len(fraud)) < share
    referred = reviewed(probability, 0.05)
    return Cohort(probability, referred, chosen, np.where(chosen | referred, fraud, np.nan))


def test_a_better_challenger_is_a_watch() -> None:
    risk, fraud = book(200_000, 1)
    found = challenger(audited(noisy(risk, 2.0, 2), fraud, 3), risk, 0.05)
    assert sound(found)
    assert one(found, "evidence_better").verdict == "watch"
    assert one(found, "evidence_worse").verdict == "ok"
    difference = one(found, "recall_difference")
    assert difference.low is not None
    assert difference.low > 0.0


def test_a_worse_challenger_is_reported_without_a_watch() -> None:
    risk, fraud = book(200_000, 1)
    found = challenger(audited(risk, fraud, 3), noisy(risk, 2.0, 2), 0.05)
    assert {each.verdict for each in found} == {"ok"}
    worse = one(found, "evidence_worse").value
    assert worse is not None
    assert worse >= DECISIVE


def test_referrals_of_the_champion_do_not_count_in_its_favour() -> None:
    """The models are equal, but among investigated claims the champion finds nearly all frauds."""
    risk, fraud = book(200_000, 5)
    cohort = audited(noisy(risk, 1.0, 6), fraud, 7)
    found = challenger(cohort, noisy(risk, 1.0, 8), 0.05)
    both = [one(found, f"evidence_{side}").value or 0.0 for side in ("better", "worse")]
    assert max(both) < DECISIVE
    of_all = cohort.known & (np.nan_to_num(cohort.outcome) > 0.5)
    assert (cohort.referred & of_all).sum() > 3 * (~cohort.referred & of_all).sum()


def test_an_undecided_comparison_lacks_data() -> None:
    risk, fraud = book(20_000, 9)
    found = challenger(audited(noisy(risk, 1.0, 1), fraud, 2), noisy(risk, 1.0, 3), 0.05)
    assert one(found, "recall_difference").verdict == "not enough data"
    assert {each.verdict for each in found} == {"ok", "not enough data"}


def test_equal_models_are_called_equal_with_enough_data() -> None:
    risk, fraud = book(200_000, 9)
    assert one(challenger(audited(risk, fraud, 1), risk, 0.05), "recall_difference").verdict == "ok"


def test_evidence_for_an_equal_challenger_is_rarely_decisive_over_all_looks() -> None:
    """Ville: at most one of forty runs for each side, over all looks together."""
    draw = np.random.default_rng(1)
    runs, looks = 400, 300
    wrong = 0
    for _ in range(runs):
        won = np.cumsum(draw.random(looks) < 0.5).tolist()
        seen = [(won[look], look + 1 - won[look]) for look in range(0, looks, 5)]
        wrong += any(max(evidence(*each), evidence(*each[::-1])) >= DECISIVE for each in seen)
    assert wrong <= 0.05 * runs


def test_a_true_difference_stays_within_the_interval_at_all_times() -> None:
    draw = np.random.default_rng(2)
    runs, left = 100, 0
    for _ in range(runs):
        kinds = np.cumsum(draw.multinomial(1, [0.15, 0.05, 0.8], size=400), axis=0)
        found = [
            difference_at_all_times(int(kinds[look, 0]), int(kinds[look, 1]), look + 1)
            for look in range(9, 400, 10)
        ]
        left += any(not (each.low or 0.0) <= 0.1 <= (each.high or 0.0) for each in found)
    assert left <= 5


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_the_interval_contains_the_value_and_is_symmetric(plus: int, minus: int, neither: int) -> None:
    count = plus + minus + neither
    if not count:
        return
    found = difference_at_all_times(plus, minus, count)
    mirrored = difference_at_all_times(minus, plus, count)
    assert found.value == pytest.approx((plus - minus) / count)
    assert found.low is not None
    assert found.high is not None
    assert -1.0 <= found.low <= found.value <= found.high <= 1.0  # type: ignore[operator]
    assert mirrored.low == pytest.approx(-found.high, abs=2e-3)


@given(st.integers(0, 40), st.integers(0, 40))
def test_evidence_is_the_mean_likelihood_ratio(won: int, lost: int) -> None:
    chances = np.linspace(0.5, 1.0, 20_001)
    ratios = (2.0 * chances) ** won * (2.0 * (1.0 - chances)) ** lost
    assert evidence(won, lost) == pytest.approx(2.0 * np.trapezoid(ratios, chances), rel=1e-3)


def test_reviews_match_the_capacity() -> None:
    assert reviewed(np.full(100, 0.5), 0.07).sum() == 7
    assert reviewed(np.array([0.1, 0.9, 0.5, 0.2]), 0.5).tolist() == [False, True, True, False]
    assert not reviewed(np.empty(0), 0.05).any()


def test_without_claims_there_is_no_verdict() -> None:
    found = challenger(NOBODY, np.empty(0), 0.05)
    assert sound(found)
    assert one(found, "recall_difference").verdict == "not enough data"
    with pytest.raises(ValueError, match="one probability of the challenger"):
        challenger(NOBODY, np.empty(1), 0.05)
