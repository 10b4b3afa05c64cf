"""Metrics match scikit-learn's with the book's weights; an alarm needs a significant loss."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from claimwatch.domain.evaluation import ranking
from claimwatch.domain.evaluation.calibration import observed_to_expected
from claimwatch.domain.evaluation.cohort import Cohort
from claimwatch.domain.evaluation.intervals import NOTHING, Interval
from claimwatch.domain.evaluation.performance import (
    FEWEST_FRAUDS,
    MATERIAL,
    differs,
    estimated,
    frauds_predicted,
    performance,
    worse,
)
from claimwatch.domain.model import ranking_metrics
from tests.unit.evaluation.cohorts import (
    NOBODY,
    THRESHOLD,
    all_known,
    book,
    both,
    drawn,
    investigated,
    one,
    sound,
)

PROMISED = {
    "roc_auc": 0.83,
    "pr_auc": 0.3,
    "lift_top_decile": 4.6,
    "recall_at_capacity": 0.3,
    "brier_skill": 0.14,
    "base_rate": 0.06,
}
JUDGED = PROMISED.keys() - {"base_rate"}
NAMES = ("probability", "referred", "audited", "outcome")


@pytest.mark.slow
@given(both)
def test_ranking_metrics_match_scikit_learn(claims: list[tuple[int, int]]) -> None:
    cohort = all_known(claims)
    outcome, score = cohort.outcome, cohort.probability
    assert ranking.roc_auc(cohort).value == pytest.approx(roc_auc_score(outcome, score))
    assert ranking.pr_auc(cohort).value == pytest.approx(average_precision_score(outcome, score))
    assert ranking.brier(cohort).value == pytest.approx(brier_score_loss(outcome, score))


@pytest.mark.parametrize("referred", [True, False])
def test_weighted_ranking_metrics_match_scikit_learn(referred: bool) -> None:
    cohort, _ = investigated(claims=6_000, referred=referred)
    given = (cohort.fraud, cohort.probability[cohort.used])
    weight = {"sample_weight": cohort.weight[cohort.used]}
    assert ranking.roc_auc(cohort).value == pytest.approx(roc_auc_score(*given, **weight))
    assert ranking.pr_auc(cohort).value == pytest.approx(average_precision_score(*given, **weight))
    assert ranking.brier(cohort).value == pytest.approx(brier_score_loss(*given, **weight))


@given(both)
def test_metrics_at_a_cut_match_ranking_metrics(claims: list[tuple[int, int]]) -> None:
    cohort = all_known(claims)
    given = (cohort.outcome, cohort.probability)
    for capacity in (0.05, 0.3, 1.0):
        assert ranking.recall_at(cohort, capacity).value == pytest.approx(
            ranking_metrics.recall_at_capacity(*given, capacity)
        )
        assert ranking.precision_at(cohort, capacity).value == pytest.approx(
            ranking_metrics.precision_at_capacity(*given, capacity)
        )
    deciles = [each.value for each in ranking.lift_by_decile(cohort)]
    np.testing.assert_allclose(np.array(deciles, float), ranking_metrics.lift_by_decile(*given), atol=1e-9)
    assert ranking.calibration_error(cohort).value == pytest.approx(ranking_metrics.calibration_error(*given))


@settings(max_examples=25)
@given(drawn)
def test_no_figure_is_nan_or_outside_of_its_interval(claims: list[tuple[int, int]]) -> None:
    whole = all_known(claims)
    place = np.arange(len(claims))
    for unknown in (place < 0, place % 3 == 0, place % 7 > 0, place >= 0):
        for audited in (place < 0, place % 2 == 0, place >= 0):
            cohort = Cohort(
                whole.probability,
                whole.referred,
                np.asarray(audited),
                np.where(unknown, np.nan, whole.outcome),
            )
            assert sound(performance(cohort, 0.05, PROMISED, 3))


def test_without_claims_nothing_is_known() -> None:
    found = performance(NOBODY, 0.05, PROMISED, 7)
    assert sound(found)
    assert one(found, "immature").value == 7.0
    assert {each.verdict for each in found if each.metric in JUDGED} == {"not enough data"}


def test_a_kept_promise_raises_nothing() -> None:
    for seed in range(5):
        for referred in (True, False):
            cohort, _ = investigated(claims=40_000, seed=seed, referred=referred)
            assert cohort.frauds > FEWEST_FRAUDS
            found = performance(cohort, 0.05, PROMISED, 0)
            assert not [each for each in found if each.verdict == "alarm"]


def test_a_model_that_guesses_raises_an_alarm() -> None:
    cohort, _ = investigated(claims=40_000)
    guessed = np.random.default_rng(2).permutation(cohort.probability)
    found = performance(
        Cohort(guessed, guessed >= THRESHOLD, cohort.audited, cohort.outcome), 0.05, PROMISED, 0
    )
    for metric in ("roc_auc", "pr_auc", "lift_top_decile", "recall_at_capacity"):
        assert one(found, metric).verdict == "alarm", metric
    assert one(found, "outcomes").segment == "audit only"


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (Interval(0.80, 0.75, 0.85), "ok"),
        (Interval(0.70, 0.60, 0.81), "ok"),
        (Interval(0.75, 0.71, 0.78), "watch"),
        (Interval(0.65, 0.60, 0.675), "watch"),
        (Interval(0.69, 0.66, 0.71), "watch"),
        (Interval(0.60, 0.55, 0.65), "alarm"),
        (Interval(0.95, 0.90, 0.99), "ok"),
        (NOTHING, "not enough data"),
    ],
)
def test_an_alarm_needs_a_materially_worse_whole_interval(found: Interval, verdict: str) -> None:
    """The promise is 0.8, so the bound is 0.68."""
    assert pytest.approx(0.8 * MATERIAL) == 0.12
    assert worse(found, 0.8) == verdict


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (Interval(1.6, 1.2, 2.1), "alarm"),
        (Interval(0.3, 0.1, 0.6), "alarm"),
        (Interval(1.2, 1.05, 1.4), "watch"),
        (Interval(0.85, 0.8, 0.95), "watch"),
        (Interval(1.05, 1.02, 1.08), "ok"),
        (Interval(1.9, 0.9, 3.5), "ok"),
        (NOTHING, "not enough data"),
    ],
)
def test_the_number_of_frauds_alarms_if_it_differs_certainly_and_much(found: Interval, verdict: str) -> None:
    assert differs(found) == verdict


@pytest.mark.parametrize(("odds", "verdict"), [(1.0, "ok"), (2.0, "alarm"), (0.25, "alarm")])
@pytest.mark.parametrize("referred", [True, False])
def test_more_or_fewer_frauds_than_predicted_alarm(odds: float, verdict: str, referred: bool) -> None:
    cohort, _ = investigated(claims=60_000, seed=3, referred=referred, odds=odds)
    found = performance(cohort, 0.05, PROMISED, 0)
    assert one(found, "observed_to_expected").verdict == verdict
    assert sound(found)


def test_a_calibration_that_was_off_from_the_beginning_alarms_only_if_it_becomes_worse() -> None:
    """The test split has shown it, and an alarm in every week would tell nothing new."""
    tested = observed_to_expected(investigated(claims=20_000, seed=8, odds=0.7)[0])
    for odds, alone, known in ((0.7, "alarm", "ok"), (0.25, "alarm", "alarm"), (2.0, "alarm", "alarm")):
        cohort, _ = investigated(claims=120_000, seed=3, audit=0.05, odds=odds)
        assert frauds_predicted(cohort).verdict == alone
        found = performance(cohort, 0.05, PROMISED, 0, tested)
        assert one(found, "observed_to_expected").verdict == known


def test_fewer_frauds_do_not_make_the_probabilities_less_skilled() -> None:
    """The Brier score falls with the fraud rate, and the skill in a book of that rate, but not this one."""
    cohort, fraud = investigated(claims=30_000, seed=5, audit=1.0)
    usual = performance(cohort, 0.05, {}, 0)
    promised = {name: one(usual, name).value or 0.0 for name in ("brier", "brier_skill", "base_rate")}
    rate = promised["base_rate"]
    assert promised["brier_skill"] == pytest.approx(1.0 - promised["brier"] / (rate * (1.0 - rate)))
    kept = (fraud < 0.5) | (np.arange(len(fraud)) % 4 == 0)
    fewer = Cohort(*(getattr(cohort, name)[kept] for name in NAMES))
    found = performance(fewer, 0.05, promised, 0)
    skill = one(found, "brier_skill")
    assert skill.verdict == "ok"
    assert skill.value == pytest.approx(promised["brier_skill"], abs=0.03)
    assert one(performance(fewer, 0.05, {}, 0), "brier_skill").value < 0.8 * promised["brier_skill"]  # type: ignore[operator]
    assert one(found, "brier").value < 0.5 * promised["brier"]  # type: ignore[operator]
    # An older model promises no skill, but what it follows from.
    older = {name: promised[name] for name in ("brier", "base_rate")}
    assert one(performance(fewer, 0.05, older, 0), "brier_skill").threshold == pytest.approx(skill.threshold)


def test_probabilities_that_lost_their_skill_alarm() -> None:
    cohort, _ = investigated(claims=60_000, seed=5, referred=False, audit=0.05)
    usual = performance(cohort, 0.05, {}, 0)
    promised = {name: one(usual, name).value or 0.0 for name in ("brier_skill", "base_rate")}
    flat = replace(cohort, probability=np.full(len(cohort.probability), promised["base_rate"]))
    assert one(performance(flat, 0.05, promised, 0), "brier_skill").verdict == "alarm"
    assert one(performance(flat, 0.05, promised, 0), "observed_to_expected").verdict == "ok"
    assert one(performance(cohort, 0.05, promised, 0), "brier_skill").verdict == "ok"


def test_too_few_frauds_give_no_verdict() -> None:
    cohort, _ = investigated(claims=1_500, referred=False)
    assert 0.0 < cohort.frauds < FEWEST_FRAUDS
    found = performance(cohort, 0.05, dict.fromkeys(JUDGED, 0.999), 0)
    assert {each.verdict for each in found if each.metric in JUDGED} == {"not enough data"}


def test_without_an_audit_only_the_hit_rate_is_known() -> None:
    cohort, fraud = investigated()
    nobody = np.zeros(len(fraud), bool)
    found = performance(Cohort(cohort.probability, cohort.referred, nobody, cohort.outcome), 0.05, {}, 0)
    assert one(found, "hit_rate").value == pytest.approx(fraud[cohort.referred].mean())
    assert {each.metric for each in found if each.value is None} >= {"recall_at_capacity", "base_rate"}
    assert one(found, "outcomes").segment == "referrals only"


@pytest.mark.parametrize("referred", [True, False])
def test_the_truth_is_within_the_intervals(referred: bool) -> None:
    cohort, fraud = investigated(claims=60_000, seed=11, referred=referred)
    found = performance(cohort, 0.05, {}, 0)
    truth: dict[str, Callable[[], float]] = {
        "recall_at_capacity": lambda: ranking_metrics.recall_at_capacity(fraud, cohort.probability, 0.05),
        "precision_at_capacity": lambda: ranking_metrics.precision_at_capacity(
            fraud, cohort.probability, 0.05
        ),
        "lift_top_decile": lambda: ranking_metrics.top_decile_lift(fraud, cohort.probability),
        "roc_auc": lambda: ranking_metrics.roc_auc(fraud, cohort.probability),
        "pr_auc": lambda: ranking_metrics.average_precision(fraud, cohort.probability),
        "brier": lambda: ranking_metrics.brier(fraud, cohort.probability),
        "base_rate": lambda: float(fraud.mean()),
        "hit_rate": lambda: float(fraud[cohort.referred].mean()),
    }
    for metric, true in truth.items():
        finding = one(found, metric)
        assert finding.low is not None
        assert finding.high is not None
        assert finding.low <= true() <= finding.high, metric


def test_estimates_are_right_if_probabilities_are_right() -> None:
    risk, fraud = book(20_000, 6)
    referred = risk >= THRESHOLD
    found = estimated(risk, referred)
    assert sound(found)
    true = {
        "estimated_precision": fraud[referred].mean(),
        "estimated_recall": referred[fraud > 0.5].mean(),
        "estimated_base_rate": fraud.mean(),
    }
    for metric, value in true.items():
        finding = one(found, metric)
        assert finding.low is not None
        assert finding.high is not None
        assert finding.low <= value <= finding.high, metric


@pytest.mark.parametrize("risk", [[], [0.0, 0.0], [1.0], [0.0, 1.0], [0.5]])
def test_estimates_of_few_claims_stay_within_bounds(risk: list[float]) -> None:
    given = np.array(risk)
    assert sound(estimated(given, given > 0.4))
    assert sound(estimated(given, given > 2.0))


def test_hit_rate_and_estimates_are_not_about_fewer_than_ten_claims() -> None:
    few = all_known([(1, 6)] * 4 + [(0, 1)] * 5)
    found = [*performance(few, 0.5, PROMISED, 0), *estimated(few.probability, few.referred)]
    named = {each.metric: each.value for each in found if each.metric.startswith(("hit_rate", "estimated_"))}
    assert len(named) == 4
    assert set(named.values()) == {None}
