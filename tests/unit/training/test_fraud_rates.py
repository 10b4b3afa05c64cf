"""Fraud rates for reasons: of the whole book, from enough claims, and never of personal features."""

import numpy as np
import pytest

from claimwatch.domain.evaluation.cohort import Cohort
from claimwatch.domain.model.features import Feature, FeatureSpec
from claimwatch.domain.model.fraud_rates import FraudRates
from training.fraud_rates import fraud_rates_of

CLAIMS = 8_000


def cohort(fraud: np.ndarray, weight: np.ndarray | None = None, known: np.ndarray | None = None) -> Cohort:
    nobody = np.zeros(len(fraud), dtype=np.bool_)
    outcome = fraud.astype(np.float64) if known is None else np.where(known, fraud, np.nan)
    return Cohort(np.full(len(fraud), 0.1), nobody, nobody, outcome, sampling_weight=weight)


def matrix(*columns: np.ndarray) -> np.ndarray:
    return np.column_stack(columns).astype(np.float32)


def test_a_rate_is_that_of_the_book_although_suspicious_claims_were_investigated_more_often() -> None:
    draw = np.random.default_rng(3)
    kind, theft = draw.integers(0, 2, CLAIMS), draw.random(CLAIMS) < 0.2
    fraud = draw.random(CLAIMS) < np.where(theft, 0.3, 0.1)
    chance = np.where(theft, 0.9, 0.2)
    known = draw.random(CLAIMS) < chance
    spec = FeatureSpec(
        (Feature("theft", "flag", "theft"), Feature("kind", "category", "kind", ("a", "b"))), None
    )
    found = fraud_rates_of(spec, matrix(theft, kind), cohort(fraud, 1.0 / chance, known))
    assert found["theft"].of(1.0) == pytest.approx(fraud[theft].mean() / fraud.mean(), rel=0.1)
    assert found["theft"].of(0.0) == pytest.approx(fraud[~theft].mean() / fraud.mean(), rel=0.1)
    assert found["kind"].of(0.0) == pytest.approx(1.0, abs=0.15)


def test_a_value_of_too_few_claims_has_no_rate_and_personal_features_have_none() -> None:
    fraud = np.arange(CLAIMS) % 4 == 0
    code = np.where(np.arange(CLAIMS) < 49, 1.0, 0.0)  # of 49 claims, 12 are fraud
    empty = np.where(np.arange(CLAIMS) < 2_000, np.nan, 1.0)
    category = Feature("rare", "category", "rare", ("usual", "rare"))
    spec = FeatureSpec(
        (category, Feature("own", "flag", "own", personal=True), Feature("empty", "flag", "empty")), None
    )
    found = fraud_rates_of(spec, matrix(code, code, empty), cohort(fraud))
    usual, rare = found["rare"].times
    assert usual == pytest.approx(1.0, abs=0.01)
    assert rare is None
    assert "own" not in found
    assert found["empty"].of(float("nan")) == pytest.approx(1.0, abs=0.01)
    # 60 claims are enough persons, but with fraud this rare, too few for a rate.
    seldom = fraud_rates_of(
        spec, matrix(np.arange(CLAIMS) < 60, code, empty), cohort(np.arange(CLAIMS) % 50 == 0)
    )
    assert seldom["rare"].of(1.0) is None


def test_bands_of_numbers_are_as_narrow_as_the_frauds_allow() -> None:
    draw = np.random.default_rng(5)
    amount = np.exp(draw.normal(7.0, 1.0, CLAIMS))
    high = amount > np.quantile(amount, 0.95)
    many = draw.random(CLAIMS) < np.where(high, 0.4, 0.08)
    spec = FeatureSpec((Feature("amount", "number", "amount"),), None)
    found = fraud_rates_of(spec, matrix(amount), cohort(many))["amount"]
    assert found.of(float(amount.max())) == pytest.approx(4.0, rel=0.25)
    assert found.of(float(np.median(amount))) == pytest.approx(0.8, rel=0.3)
    assert None not in found.times
    few = fraud_rates_of(spec, matrix(amount), cohort(many & (draw.random(CLAIMS) < 0.05)))["amount"]
    assert 1 < len(few.times) < len(found.times)
    assert found == FraudRates.from_json(found.to_json())


def test_a_rate_that_is_the_average_is_hardly_ever_stated_as_twice_the_average() -> None:
    draw = np.random.default_rng(8)
    spec = FeatureSpec((Feature("c", "category", "c", tuple(f"{place:02}" for place in range(40))),), None)
    stated: list[float] = []
    for _ in range(6):
        fraud = draw.random(CLAIMS) < 0.06
        found = fraud_rates_of(spec, matrix(draw.integers(0, 40, CLAIMS)), cohort(fraud))
        stated += [each for each in found["c"].times if each is not None]
    assert len(stated) > 100
    assert np.mean(np.array(stated) >= 2.0) <= 0.01
    assert np.mean(np.array(stated) >= 1.5) <= 0.1
