"""The best family is chosen, the smaller one if they tie; a model that fails a gate is refused."""

import numpy as np
import pytest

from claimwatch.domain.evaluation.ranking import Estimate
from training import gates
from training.calibrate import platt
from training.scored_sample import ScoredSample
from training.select import Contender, choose
from training.settings import Settings
from training.snapshot import RefusedTraining

DRAW = np.random.default_rng(11)
RISK = DRAW.beta(1, 8, 4_000)
FRAUD = (DRAW.random(4_000) < RISK).astype(float)
NOISE = DRAW.random(4_000)


def scored(score: np.ndarray) -> ScoredSample:
    ones = np.ones(len(FRAUD))
    return ScoredSample(score, FRAUD, ones, ones, np.zeros(len(FRAUD), dtype=bool))


def contender(name: str, size: int, score: np.ndarray) -> Contender:
    return Contender(name, size, [scored(score)])


def test_the_family_that_ranks_best_is_chosen_whatever_its_size() -> None:
    choice = choose([contender("blind", 3, NOISE), contender("good", 9_999, RISK)], 0.05, 0.1)
    assert choice.name == "good"
    assert choice.why.startswith("Ranking decided: its ROC-AUC of")
    assert "The next is blind" in choice.why
    assert "more than chance explains" in choice.why


def test_what_decided_is_the_difference_to_the_best_with_its_error() -> None:
    """Claim by claim, the error of a difference is smaller than that of either area."""
    almost = RISK + 0.01 * NOISE
    choice = choose([contender("almost", 30, almost), contender("good", 9_999, RISK)], 0.05, 0.1)
    assert choice.name == "good"
    assert choice.behind["good"].value == 0.0
    below = choice.behind["almost"]
    assert below.value == pytest.approx(choice.areas["good"].value - choice.areas["almost"].value)
    assert 0.0 < below.error < 0.5 * choice.areas["almost"].error
    assert f"almost, {below.value:.3f} lower (standard error {below.error:.3f})" in choice.why
    assert below.interval.low is not None
    assert ("possibly chance" in choice.why) == (below.interval.low <= 0.0)


def test_value_at_the_top_does_not_outweigh_ranking() -> None:
    """The value of a family that ranks well only at the top depends on few claims."""
    top_only = np.where(np.quantile(RISK, 0.9) < RISK, 1.0 + FRAUD, 0.01 * NOISE)
    choice = choose([contender("ranks", 9_999, RISK), contender("lucky", 3, top_only)], 0.05, 0.1)
    assert choice.values["lucky"].value > choice.values["ranks"].value
    assert choice.name == "ranks"


def test_of_two_that_rank_equally_the_smaller_is_chosen() -> None:
    choice = choose([contender("large", 9_999, RISK), contender("small", 30, RISK)], 0.05, 0.1)
    assert choice.name == "small"


def test_calibration_recovers_the_line_through_the_log_odds() -> None:
    odds = DRAW.normal(-1.0, 1.5, 40_000)
    outcome = (DRAW.random(40_000) < 1.0 / (1.0 + np.exp(-(0.7 * odds - 0.4)))).astype(float)
    found = platt("logit", odds, outcome, np.ones(40_000))
    assert found.slope == pytest.approx(0.7, abs=0.05)
    assert found.offset == pytest.approx(-0.4, abs=0.05)


def test_scores_that_fall_with_fraud_are_refused() -> None:
    with pytest.raises(RefusedTraining, match="no more likely"):
        platt("logit", -np.log(RISK / (1 - RISK)), FRAUD, np.ones(len(FRAUD)))


def test_a_candidate_below_the_champion_is_refused_and_an_equal_one_is_not() -> None:
    weaker = scored(0.5 * RISK + 0.3 * NOISE)
    worse = gates.champion(weaker, scored(RISK), Settings())
    assert not worse.passed
    assert "worse than the champion" in worse.found
    assert gates.champion(scored(RISK), scored(RISK), Settings()).passed
    assert gates.champion(scored(RISK), weaker, Settings()).passed
    assert gates.champion(scored(RISK), None, Settings()).passed


def test_parity_is_a_condition() -> None:
    assert gates.parity(np.array([0.1, 0.2]), np.array([0.1, 0.2 + 9e-7]), 1e-6).passed
    assert not gates.parity(np.array([0.1, 0.2]), np.array([0.1, 0.2 + 2e-6]), 1e-6).passed


def test_a_model_that_is_too_good_is_a_leak() -> None:
    assert gates.leak(0.9).passed
    assert not gates.leak(0.999).passed


def test_the_reason_for_a_refusal_names_every_gate_that_was_breached() -> None:
    blind, good = Estimate(0.48, 0.05, 30.0), Estimate(0.7, 0.05, 30.0)
    found = [gates.leak(0.999), gates.use(good, 2.0, str), gates.use(blind, 0.9, lambda: "Cause: noise")]
    reason = gates.reason_for_refusal(found)
    assert reason is not None
    assert "leak" in reason
    assert "0.48" in reason
    assert "Cause: noise" in reason
    assert gates.reason_for_refusal([gates.use(good, 2.0, str)]) is None
