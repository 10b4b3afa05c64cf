"""The use gate refuses a model that ranks at random, and seldom one that ranks weakly; the cause is said."""

import numpy as np
import pytest
from scipy.special import ndtri

from benchmarks.use_gate import cohorts, passes
from claimwatch.domain.evaluation.cohort import Cohort
from claimwatch.domain.evaluation.ranking import Estimate
from claimwatch.domain.model.features import Feature, FeatureSpec, Matrix
from training import gates
from training.cause import LEVEL, Decline, frauds_needed, moved_columns
from training.diagnose import area_of
from training.enough import FEWEST_CLAIMS, FEWEST_FRAUDS
from training.misleading import CERTAIN, Misleading, find_misleading

NAMES = ("amount", "age", "month", "month_name", "shop")
SPEC = FeatureSpec(tuple(Feature(name, "number", name) for name in NAMES), None)


def cohort(score: np.ndarray, fraud: np.ndarray) -> Cohort:
    nobody = np.zeros(len(score), dtype=bool)
    return Cohort(score, nobody, nobody, fraud, sampling_weight=np.ones(len(score)))


def share_that_passes(claims: int, frauds: int, area: float, draws: int) -> float:
    return float(np.mean([passes(drawn) for drawn in cohorts(claims, frauds, area, draws)]))


@pytest.mark.parametrize(("claims", "frauds"), [(100, 10), (400, 40)])
def test_a_model_that_ranks_at_random_is_refused_as_often_as_stated(claims: int, frauds: int) -> None:
    assert share_that_passes(claims, frauds, 0.5, 250) <= LEVEL


def test_the_smallest_test_split_has_an_honest_interval() -> None:
    fraud = (np.arange(FEWEST_CLAIMS) < FEWEST_FRAUDS).astype(float)
    held = []
    for seed in range(200):
        normal = np.random.default_rng(seed).normal(size=FEWEST_CLAIMS)
        found = area_of(cohort(normal + np.sqrt(2.0) * ndtri(0.7) * fraud, fraud)).interval
        assert found.low is not None
        assert found.high is not None
        held.append(found.low <= 0.7 <= found.high)
    assert np.mean(held) >= 0.93


def test_a_weak_model_with_few_frauds_is_seldom_refused() -> None:
    assert share_that_passes(300, 30, 0.65, 100) >= 0.7
    assert share_that_passes(500, 50, 0.65, 100) >= 0.9


def test_a_refusal_says_the_figure_its_interval_and_the_cause() -> None:
    found = gates.use(Estimate(0.53, 0.06, 18.0), 1.2, lambda: "Cause: this").found
    assert "with 18 frauds, it cannot be told from a model that ranks at random" in found
    assert "ROC-AUC 0.53 (0.40 to 0.66)" in found
    assert found.endswith("Cause: this")
    upside_down = gates.use(Estimate(0.6, 0.02, 90.0), 0.8, str)
    assert not upside_down.passed
    assert "contain no more frauds than all others" in upside_down.found


def columns(draw: np.random.Generator, claims: int) -> Matrix:
    """Return claims with two columns that are the same month in different codes."""
    x = draw.normal(size=(claims, len(NAMES))).astype(np.float32)
    x[:, 2] = draw.integers(1, 13, claims)
    x[:, 3] = (x[:, 2] * 5) % 13
    return x


def odds(x: Matrix) -> np.ndarray:
    """Return the model's log-odds: amount and age, and even months by both of their columns."""
    return np.asarray(
        -2.0 + x[:, 0] + 0.5 * x[:, 1] + (x[:, 2] % 2) + ((x[:, 3] * 8) % 13) % 2 + 0.5 * x[:, 4]
    )


def score(x: Matrix) -> np.ndarray:
    return np.asarray(1.0 / (1.0 + np.exp(-odds(x))))


def misled(seed: int, claims: int, turned: str = "") -> list[Misleading]:
    """Return what is found if the effect of a column is turned over in later claims."""
    draw = np.random.default_rng(seed)
    train, later = columns(draw, 1_000), columns(draw, claims)
    true = odds(later)
    if turned == "month":
        true = true - 4.0 * (later[:, 2] % 2)
    if turned == "amount":
        true = true - 2.0 * later[:, 0]
    fraud = (draw.random(claims) < 1.0 / (1.0 + np.exp(-true))).astype(float)
    return find_misleading(score, SPEC, train, later, cohort(score(later), fraud), seed)


def test_a_column_that_turns_over_is_named_alone() -> None:
    assert [each.columns for each in misled(1, 600, "amount")] == [("amount",)]


def test_columns_that_stand_in_for_each_other_are_named_together() -> None:
    found = misled(2, 1_000, "month")
    assert [set(each.columns) for each in found] == [{"month", "month_name"}]
    assert found[0].p_value <= CERTAIN


def test_no_column_of_a_model_that_still_holds_is_named() -> None:
    assert sum(bool(misled(seed, 300)) for seed in range(40)) <= 1


EARLIER, BLIND = Estimate(0.75, 0.02, 200.0), Estimate(0.5, 0.04, 50.0)


def decline(earlier: Estimate, here: Estimate, **given: object) -> str:
    known = {"misleading": (), "without": None, "moved": ()} | given
    return Decline("test", "2026-03-01", earlier, here, **known).sentences  # type: ignore[arg-type]


def test_the_cause_is_a_change_too_few_frauds_or_too_little_signal() -> None:
    changed = decline(EARLIER, BLIND, moved=[("shop", 0.8)])
    assert "fraud or its investigation changed" in changed
    assert "find out what changed in shop and in the way of investigating around 2026-03-01" in changed
    few = decline(EARLIER, Estimate(0.62, 0.12, 11.0))
    assert "too few frauds to tell" in few
    assert "has about 100 frauds with an outcome, and it has 11" in few
    nothing = decline(Estimate(0.51, 0.02, 200.0), BLIND)
    assert "the columns say too little about fraud" in nothing
    assert "Next step: add columns" in nothing


def test_the_cause_names_columns_and_what_a_model_without_them_reaches() -> None:
    found = [Misleading(("month",), Estimate(0.15, 0.03, 60.0), 1e-5)]
    text = decline(EARLIER, BLIND, misleading=found, without=(0.71, 3.7))
    assert "what month says about fraud changed between training and the test split" in text
    assert "Trained without month, the ROC-AUC is 0.71 and the lift 3.70" in text
    assert "give month the role ignored in the contract" in text


def test_the_frauds_that_are_needed_are_those_that_a_weak_model_is_noticed_with() -> None:
    """The power that is promised is simulated: a model with ROC-AUC 0.6 is noticed in about 80 % of books."""
    draw = np.random.default_rng(3)
    fraud = (draw.random(1_000) < 0.1).astype(float)
    needed = int(frauds_needed(area_of(cohort(draw.normal(size=1_000), fraud))))
    area = [
        area_of(cohort(normal + np.sqrt(2.0) * ndtri(0.6) * own, own)).p_above(0.5) <= LEVEL
        for normal, own in (
            (draw.normal(size=10 * needed), np.arange(10 * needed) % 10 == 0) for _ in range(100)
        )
    ]
    assert 0.68 <= np.mean(area) <= 0.92


def test_a_column_whose_values_moved_is_found() -> None:
    draw = np.random.default_rng(1)
    train, later = columns(draw, 1_000), columns(draw, 400)
    later[:, 4] += 1.0
    assert [name for name, _ in moved_columns(SPEC, train, later)] == ["shop"]
