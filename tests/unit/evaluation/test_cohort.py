"""Outcomes represent claims that were selected alike; a claim chosen on suspicion represents no other."""

import numpy as np
import pytest

from claimwatch.domain.evaluation.cohort import Cohort, chosen_by_chance
from claimwatch.domain.evaluation.rates import rate
from tests.unit.evaluation.cohorts import NOBODY, investigated


def test_weights_add_up_to_the_book() -> None:
    for referred in (True, False):
        cohort, _ = investigated(referred=referred)
        assert cohort.weight.sum() == pytest.approx(len(cohort.outcome))
        assert (cohort.weight[~cohort.known] == 0.0).all()


def test_a_referral_represents_itself_and_an_audited_claim_represents_many() -> None:
    cohort, _ = investigated()
    assert cohort.basis == "referrals and audit"
    assert (cohort.weight[cohort.referred] == 1.0).all()
    rest = ~cohort.referred
    assert cohort.weight[rest & cohort.audited] == pytest.approx(rest.sum() / (rest & cohort.audited).sum())


def test_a_claim_investigated_on_suspicion_represents_no_other() -> None:
    """Among all known outcomes, the share of frauds is several times the true one."""
    cohort, fraud = investigated(claims=100_000)
    suspicious = cohort.known & ~cohort.referred & ~cohort.audited
    assert suspicious.sum() > 500
    assert (cohort.weight[suspicious] == 0.0).all()
    base = rate(cohort, np.ones(len(cohort.used)), cohort.fraud).interval
    assert base.low is not None
    assert base.high is not None
    assert base.low < fraud.mean() < base.high
    assert cohort.outcome[cohort.known].mean() > 2.0 * base.high


def test_if_few_referrals_are_investigated_only_the_audit_counts() -> None:
    cohort, _ = investigated(referred=False)
    assert cohort.known[cohort.referred].any()
    assert cohort.basis == "audit only"
    assert (cohort.weight[~cohort.audited] == 0.0).all()
    assert len(set(cohort.weight[cohort.used].tolist())) == 1


def test_without_an_audit_only_referrals_count() -> None:
    referred = np.arange(100) < 10
    cohort = Cohort(np.linspace(1, 0, 100), referred, np.zeros(100, bool), np.where(referred, 1.0, np.nan))
    assert cohort.basis == "referrals only"
    assert (cohort.weight > 0.0).sum() == 10


def test_if_every_outcome_is_known_all_claims_count_alike() -> None:
    cohort = Cohort(np.linspace(0, 1, 50), np.arange(50) > 40, np.zeros(50, bool), np.tile([0.0, 1.0], 25))
    assert cohort.basis == "all claims"
    assert (cohort.weight == 1.0).all()
    assert cohort.frauds == pytest.approx(25.0)


def test_a_part_is_a_book_of_its_own() -> None:
    """Its audited claims represent its own claims, whatever share of them the audit selected."""
    cohort, _ = investigated()
    rows = np.arange(20_000) < 5_000
    part = cohort.part(rows)
    assert part.basis == cohort.basis
    assert part.weight.sum() == pytest.approx(5_000)
    assert part.stood_for(10)
    rest = ~part.referred
    assert part.weight[rest & part.audited] == pytest.approx(rest.sum() / (rest & part.audited).sum())


def test_too_few_selected_claims_cannot_represent_the_rest() -> None:
    cohort, _ = investigated()
    few = cohort.part(cohort.referred | (np.cumsum(cohort.audited & ~cohort.referred) <= 9))
    assert not few.stood_for(10)
    assert few.stood_for(5)
    assert cohort.part(cohort.referred).stood_for(10)
    nobody = np.zeros(20_000, bool)
    without = Cohort(cohort.probability, cohort.referred, nobody, cohort.outcome)
    assert not without.stood_for(1)
    assert not NOBODY.stood_for(1)


def test_an_empty_cohort_has_no_basis() -> None:
    assert NOBODY.basis == "nothing"
    assert NOBODY.frauds == 0.0
    assert len(NOBODY.used) == 0
    with pytest.raises(ValueError, match="one entry of each"):
        Cohort(np.empty(1), np.empty(1, bool), np.empty(1, bool), np.empty(2))


def test_an_audit_sample_without_investigations_does_not_count() -> None:
    """Of the claims drawn for the audit, only suspicious ones have an outcome."""
    drawn = np.arange(200) < 100
    by_audit = np.zeros(200, bool)
    suspicious = drawn & (np.arange(200) % 10 == 0)
    assert not chosen_by_chance(drawn, by_audit, suspicious).any()
    assert (chosen_by_chance(drawn, by_audit, drawn) == drawn).all()
    by_audit[150:] = True
    np.testing.assert_array_equal(chosen_by_chance(drawn, by_audit, suspicious | by_audit), by_audit)


def test_with_every_outcome_known_the_variance_is_that_of_a_mean() -> None:
    values = np.random.default_rng(3).normal(size=400)
    cohort = Cohort(values, values > 1.0, np.ones(400, bool), (values > 0.0).astype(np.float64))
    assert cohort.variance(values) == pytest.approx(values.var() / 400)


def test_the_variance_includes_the_selection_of_outcomes() -> None:
    """An audit of 2 % varies as a sample of its own size, whatever the size of the book."""
    cohort, _ = investigated(referred=False)
    values = cohort.fraud
    expected = values.var(ddof=1) / len(values)
    assert cohort.variance(values) == pytest.approx(expected, rel=0.01)
