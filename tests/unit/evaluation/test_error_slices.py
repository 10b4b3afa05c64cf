"""A slice is a watch if it has more errors beyond chance, and alarms if the model is wrong about it."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from claimwatch.domain.evaluation.cohort import Cohort
from claimwatch.domain.evaluation.error_slices import errors, excesses
from claimwatch.evaluation.checks.errors import promised_excesses
from tests.unit.evaluation.cohorts import NOBODY, THRESHOLD, all_known, book, investigated, one, sound, words

NAMES = [f"branch {number}" for number in range(8)]


def spread(claims: int, seed: int) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(seed)
    return {
        "branch": words(NAMES[place] for place in draw.integers(0, len(NAMES), claims)),
        "channel": words(["online", "broker", None][place] for place in draw.integers(0, 3, claims)),
    }


def test_evenly_spread_errors_raise_nothing() -> None:
    seen = 0
    for seed in range(20):
        cohort, _ = investigated(seed=seed, audit=0.1)
        found = errors(cohort, spread(len(cohort.outcome), seed))
        assert sound(found)
        seen += any(each.verdict in ("alarm", "watch") for each in found)
    assert seen <= 1


def test_a_slice_with_more_missed_frauds_is_a_watch() -> None:
    """Of claims with equal risk, those of one branch are not referred."""
    cohort, _ = investigated(claims=40_000, audit=0.1)
    segments = spread(40_000, 3)
    overlooked = cohort.referred & (segments["branch"] == NAMES[2])
    missed = Cohort(cohort.probability, cohort.referred & ~overlooked, cohort.audited, cohort.outcome)
    found = errors(missed, segments)
    assert one(found, "missed_rate", "branch", NAMES[2]).verdict == "watch"
    assert {each.segment for each in found if each.verdict == "watch"} == {NAMES[2]}
    assert found[0].segment == NAMES[2]
    # The probabilities say as much, so the model is not wrong about them.
    assert one(found, "missed_over_expected", "branch", NAMES[2]).verdict == "ok"


def weak(seed: int, share: float, claims: int = 40_000) -> tuple[Cohort, dict[str, np.ndarray]]:
    """Return claims and slices; of one branch, this share of the referrals is overlooked."""
    cohort, _ = investigated(claims=claims, seed=seed, audit=0.1)
    segments = spread(claims, seed)
    draw = np.random.default_rng(seed)
    overlooked = (segments["branch"] == NAMES[2]) & (draw.random(claims) < share)
    return Cohort(cohort.probability, cohort.referred & ~overlooked, cohort.audited, cohort.outcome), segments


def test_what_is_known_from_training_is_not_on_watch_every_week() -> None:
    promised = excesses(*weak(100, 1.0, 20_000))
    for seed in range(5):
        week = weak(seed, 1.0)
        assert one(errors(*week), "missed_rate", "branch", NAMES[2]).verdict == "watch"
        found = errors(*week, promised)
        assert sound(found)
        assert not [each for each in found if each.verdict in ("alarm", "watch")]
        shown = one(found, "missed_excess_promised", "branch", NAMES[2])
        assert shown.value is not None
        assert shown.value > 0.2


def test_a_slice_with_too_few_frauds_in_the_test_split_is_known_by_its_probabilities() -> None:
    """Claims that are rarely fraud are rarely referred; no outcome is needed to know that."""

    def harmless(seed: int, claims: int) -> tuple[Cohort, dict[str, np.ndarray]]:
        cohort, _ = investigated(claims=claims, seed=seed, audit=0.3)
        low = np.where(cohort.probability < 0.04, "low", "high")
        return cohort, {"amount": words(low.tolist())}

    week = harmless(1, 40_000)
    assert one(errors(*week), "missed_rate", "amount", "low").verdict == "watch"
    cohort, segments = harmless(2, 1_500)
    low = (segments["amount"] == "low") & cohort.known
    few = replace(cohort, outcome=np.where(low, 0.0, cohort.outcome))
    promised = excesses(few, segments)
    assert promised["missed_rate", "amount", "low"].low == promised["missed_rate", "amount", "low"].high
    assert not [each for each in errors(*week, promised) if each.verdict in ("watch", "alarm")]


def test_a_slice_that_became_worse_than_in_training_is_a_watch() -> None:
    promised = excesses(*weak(100, 0.2))
    assert one(errors(*weak(1, 1.0), promised), "missed_rate", "branch", NAMES[2]).verdict == "watch"
    # A slice that the test split did not have, or an older model, is compared with all others only.
    assert one(errors(*weak(1, 1.0), {}), "missed_rate", "branch", NAMES[2]).verdict == "watch"


def test_excesses_are_read_from_a_manifest_and_older_ones_have_none() -> None:
    known = excesses(*weak(100, 1.0))
    rows = [
        {"metric": metric, "feature": feature, "segment": segment, **asdict(found)}
        for (metric, feature, segment), found in known.items()
    ]
    assert known
    assert promised_excesses(json.loads(json.dumps({"excesses": rows}))) == known
    assert promised_excesses({}) == {}


def wrong(seed: int, hit_share: float) -> tuple[Cohort, dict[str, np.ndarray]]:
    """Return claims of which one branch has frauds that the probabilities do not predict."""
    risk, fraud = book(60_000, seed)
    segments = spread(60_000, seed)
    draw = np.random.default_rng(seed)
    hit = (segments["branch"] == NAMES[5]) & (draw.random(60_000) < hit_share)
    audited, referred = draw.random(60_000) < 0.1, risk >= THRESHOLD
    outcome = np.where(hit, 1.0, fraud)
    return Cohort(risk, referred, audited, np.where(referred | audited, outcome, np.nan)), segments


def test_a_slice_that_was_wrong_in_training_alarms_only_if_it_becomes_worse() -> None:
    promised = excesses(*wrong(9, 0.1))
    for share, verdict in ((0.1, "ok"), (0.6, "alarm")):
        found = errors(*wrong(4, share), promised)
        assert one(found, "missed_over_expected", "branch", NAMES[5]).verdict == verdict
    assert one(errors(*wrong(4, 0.1)), "missed_over_expected", "branch", NAMES[5]).verdict == "alarm"


def test_a_slice_with_wrong_probabilities_alarms() -> None:
    found = errors(*wrong(4, 0.15))
    assert one(found, "missed_over_expected", "branch", NAMES[5]).verdict == "alarm"
    assert {each.segment for each in found if each.verdict == "alarm"} == {NAMES[5]}


def test_a_small_slice_is_not_judged() -> None:
    cohort, _ = investigated(audit=0.1)
    segments = {"branch": words("rare" if place < 60 else "other" for place in range(20_000))}
    found = errors(cohort, segments)
    assert sound(found)
    assert {each.segment for each in found} == {"other", "other values"}
    assert {each.verdict for each in found if each.segment == "other values"} == {"not enough data"}


def test_rates_are_shares_of_frauds_and_of_referrals() -> None:
    claims = [(1, 6), (1, 0), (0, 5), (0, 1)] * 40
    segments = {"half": words("left" if place < 80 else "right" for place in range(160))}
    found = errors(all_known(claims), segments)
    assert one(found, "missed_rate", "half", "left").value == pytest.approx(0.5)
    assert one(found, "false_referral_rate", "half", "right").value == pytest.approx(0.5)
    assert one(found, "missed_rate", "half", "left").threshold == pytest.approx(0.5)


def test_without_claims_there_is_no_finding() -> None:
    assert errors(NOBODY, {"branch": words([])}) == []
    assert errors(all_known([(1, 3)]), {}) == []
    assert sound(errors(all_known([(1, 3), (0, 2)]), {"branch": words(["a", None])}))
