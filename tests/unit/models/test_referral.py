"""A model refers about as many claims as the team can review, whatever ties its scores have."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.domain.model.referral import NEAR, ReferralRule
from claimwatch.scoring.bundle import MANIFEST, Bundle, Manifest
from claimwatch.scoring.scorer import Scorer, audit_sample
from tests.unit.models.bundles import draw_columns, make_bundle

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
CLAIMS = 20_000


def ids(count: int, prefix: str = "C") -> np.ndarray:
    return np.array([f"{prefix}{number}" for number in range(count)], dtype=object)


levels = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 20)), min_size=1, max_size=20)
"""The number of claims at each score, in twentieths."""


@given(levels, st.sampled_from([0.001, 0.01, 0.05, 0.2, 0.5]))
def test_expected_referrals_are_about_the_capacity(drawn: list[tuple[int, int]], capacity: float) -> None:
    score = np.concatenate([np.full(count, twentieths / 20.0) for count, twentieths in drawn])

    rule = ReferralRule.of_capacity(score, capacity)

    sure = score > rule.threshold + NEAR if rule.tie_share < 1.0 else score >= rule.threshold
    tied = np.abs(score - rule.threshold) <= NEAR if rule.tie_share < 1.0 else np.zeros(len(score), bool)
    expected = sure.sum() + rule.tie_share * tied.sum()
    assert expected <= capacity * len(score) + 1e-6
    assert expected > capacity * len(score) - max(1.0, 0.01 * capacity * len(score)) - 1e-6
    assert expected > 0.0


@pytest.mark.parametrize("tied", [0.06, 0.4, 1.0], ids=["a little more", "a large leaf", "all"])
def test_a_tie_at_the_top_refers_its_share_and_the_same_claims_each_time(tied: float) -> None:
    score = np.where(np.arange(CLAIMS) < tied * CLAIMS, 0.9, 0.1)
    rule = ReferralRule.of_capacity(score, 0.05)

    first = rule.refer(score, ids(CLAIMS), KEY)

    assert first.mean() == pytest.approx(0.05, abs=0.006)
    assert not first[score < 0.5].any() or tied == 1.0
    order = np.random.default_rng(1).permutation(CLAIMS)
    again = rule.refer(score[order], ids(CLAIMS)[order], KEY)
    assert np.array_equal(again, first[order])
    assert (
        rule.refer(score, ids(CLAIMS), OTHER_KEY) != first
    ).any()  # nobody can choose an id that is spared
    others = rule.refer(score, ids(CLAIMS, "D"), KEY)
    assert others.any()  # no set of ids is spared for ever


def test_the_claims_of_a_tie_are_drawn_independently_of_the_audit() -> None:
    score = np.full(CLAIMS, 0.3)
    referred = ReferralRule.of_capacity(score, 0.2).refer(score, ids(CLAIMS), KEY)
    audited = audit_sample(ids(CLAIMS), 0.2, KEY)
    assert (referred & audited).mean() == pytest.approx(0.04, abs=0.005)


@pytest.mark.parametrize("tied", [0.03, 0.3], ids=["within the capacity", "beyond it"])
@pytest.mark.parametrize("bits", [-1, 0, 1])
def test_another_rounding_of_a_tied_score_changes_no_referral(tied: float, bits: int) -> None:
    draw = np.random.default_rng(2)
    score = np.where(np.arange(CLAIMS) < tied * CLAIMS, np.float32(0.7), draw.random(CLAIMS) / 2.0)
    rule = ReferralRule.of_capacity(score, 0.03)
    rounded = score.astype(np.float32)
    if bits:
        rounded = np.nextafter(rounded, np.float32(bits))

    referred = rule.refer(rounded.astype(np.float64), ids(CLAIMS), KEY)

    assert np.array_equal(referred, rule.refer(score, ids(CLAIMS), KEY))
    assert referred.mean() == pytest.approx(0.03, abs=0.004)


def test_without_a_tie_the_rule_is_the_threshold() -> None:
    score = np.random.default_rng(3).random(CLAIMS)
    rule = ReferralRule.of_capacity(score, 0.05)
    assert rule.tie_share == 1.0
    assert (score >= rule.threshold).sum() == 1_000
    assert rule.threshold in score


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1, float("nan")])
def test_a_share_that_refers_nobody_is_no_rule(share: float) -> None:
    with pytest.raises(ValueError, match="share of a tie"):
        ReferralRule(0.5, share)


def test_a_bundle_from_before_ties_were_divided_is_read_and_one_without_a_tie_is_the_same() -> None:
    files, _ = make_bundle()
    written = json.loads(files[MANIFEST])
    assert "tie_share" not in written
    assert Manifest.from_bytes(files[MANIFEST]).tie_share == 1.0
    divided = json.dumps(written | {"tie_share": 0.25}).encode()
    assert Manifest.from_bytes(divided).tie_share == 0.25
    assert json.loads(Manifest.from_bytes(divided).to_bytes())["tie_share"] == 0.25


def test_the_scorer_divides_a_tie_at_the_threshold_of_its_bundle() -> None:
    files, sha256 = make_bundle()
    bundle = Bundle.read(files.__getitem__, sha256)
    one = {name: np.repeat(values, CLAIMS) for name, values in draw_columns(4, 1).items()}
    probability = Scorer(bundle).probabilities(one)
    manifest = json.loads(files[MANIFEST]) | {"threshold": float(probability[0]), "tie_share": 0.25}
    changed = Bundle(
        Manifest.from_bytes(json.dumps(manifest).encode()),
        sha256,
        bundle.graph,
        bundle.explainer,
        bundle.spec,
        bundle.reference,
    )

    referred = Scorer(changed).referred(probability, ids(CLAIMS), KEY)

    assert referred.mean() == pytest.approx(0.25, abs=0.01)
