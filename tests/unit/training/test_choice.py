"""The best wins, the simpler wins a tie, and what breaches a gate is refused with the reason."""

import numpy as np
import pytest

from training import gates
from training.calibrate import platt
from training.estimates import Interval, ScoredSample
from training.evaluate import Group
from training.select import Contender, choose
from training.settings import Settings
from training.snapshot import RefusedTraining

DRAW = np.random.default_rng(11)
RISK = DRAW.beta(1, 8, 4_000)
FRAUD = (DRAW.random(4_000) < RISK).astype(float)
NOISE = DRAW.random(4_000)


def tried(score: np.ndarray) -> ScoredSample:
    return ScoredSample(FRAUD, score, np.ones(len(FRAUD)), np.ones(len(FRAUD)), score)


def chosen(*contenders: Contender) -> str:
    return choose(contenders, 0.05, 0.1, seed=7, confidence=0.95, count=100).name


def test_the_best_wins_however_large_it_is() -> None:
    assert chosen(Contender("blind", 3, [tried(NOISE)]), Contender("good", 9_999, [tried(RISK)])) == "good"


def test_the_simpler_one_wins_a_tie() -> None:
    almost = RISK + 1e-4 * NOISE
    assert (
        chosen(Contender("large", 9_999, [tried(RISK)]), Contender("small", 30, [tried(almost)])) == "small"
    )


def test_one_that_only_ranks_well_at_the_top_is_no_tie() -> None:
    top_only = np.where(np.quantile(RISK, 0.95) < RISK, RISK, 0.01 * NOISE)
    assert (
        chosen(Contender("large", 9_999, [tried(RISK)]), Contender("small", 3, [tried(top_only)])) == "large"
    )


def test_calibration_recovers_the_line_through_the_log_odds() -> None:
    odds = DRAW.normal(-1.0, 1.5, 40_000)
    outcome = (DRAW.random(40_000) < 1.0 / (1.0 + np.exp(-(0.7 * odds - 0.4)))).astype(float)
    found = platt("logit", odds, outcome, np.ones(40_000))
    assert found.slope == pytest.approx(0.7, abs=0.05)
    assert found.offset == pytest.approx(-0.4, abs=0.05)


def test_scores_that_fall_with_fraud_are_refused() -> None:
    with pytest.raises(RefusedTraining, match="no likelier"):
        platt("logit", -np.log(RISK / (1 - RISK)), FRAUD, np.ones(len(FRAUD)))


def test_a_candidate_below_the_champion_is_refused_and_an_equal_one_is_not() -> None:
    settings = Settings(resamples=60)
    worse = gates.champion(tried(0.5 * RISK + 0.3 * NOISE), tried(RISK), settings)
    assert not worse.passed
    assert "worse than the champion" in worse.found
    assert gates.champion(tried(RISK), tried(RISK), settings).passed
    assert gates.champion(tried(RISK), tried(0.5 * RISK + 0.3 * NOISE), settings).passed
    assert gates.champion(tried(RISK), None, settings).passed


def test_parity_is_a_condition() -> None:
    assert gates.parity(np.array([0.1, 0.2]), np.array([0.1, 0.2 + 9e-7]), 1e-6).passed
    assert not gates.parity(np.array([0.1, 0.2]), np.array([0.1, 0.2 + 2e-6]), 1e-6).passed


def test_a_model_that_is_too_good_is_a_leak() -> None:
    assert gates.leak(0.9).passed
    assert not gates.leak(0.999).passed


def group(low: float, value: float) -> Group:
    some = Interval(0.1, 0.05, 0.15)
    return Group("sex", "other", 500, 200, 0.1, some, some, Interval(value, low, 3.0))


def test_bias_beyond_chance_is_refused_and_small_groups_are_not_judged() -> None:
    breached = gates.bias([group(1.4, 1.9)], 1.25)
    assert not breached.passed
    assert "sex = other" in breached.found
    assert gates.bias([group(1.1, 1.9), Group("sex", "x", 3, 1, 0.0, None, None, None)], 1.25).passed


def test_the_reason_for_a_refusal_names_every_gate_that_was_breached() -> None:
    found = [gates.leak(0.999), gates.use(2.0), gates.use(0.9)]
    reason = gates.reason_for_refusal(found)
    assert reason is not None
    assert "leak" in reason
    assert "0.90" in reason
    assert gates.reason_for_refusal([gates.use(2.0)]) is None
