"""A feature that alone knows nearly all of the outcome is a warning, and an honest strong feature is not."""

import numpy as np
import pytest
from scipy.stats import norm

from claimwatch.domain.model.features import Feature, FeatureSpec
from training.strong_features import strong_features

NUMBER = FeatureSpec((Feature("suspect", "number", "suspect"), Feature("noise", "number", "noise")), None)


def warned(values: np.ndarray, outcome: np.ndarray, seed: int) -> list[str]:
    noise = np.random.default_rng(seed).normal(size=len(outcome))
    matrix = np.column_stack([values, noise]).astype(np.float32)
    return [f"{found.kind} {found.column}" for found in strong_features(NUMBER, matrix, outcome)]


def outcomes(draw: np.random.Generator, claims: int, rate: float) -> np.ndarray:
    return (draw.random(claims) < rate).astype(float)


def of_area(draw: np.random.Generator, outcome: np.ndarray, area: float) -> np.ndarray:
    """Return a feature with this ROC-AUC."""
    distance = float(np.sqrt(2.0) * norm.ppf(area))
    return draw.normal(size=len(outcome)) + distance * outcome


BOOKS = [
    (seed, claims, rate) for seed, (claims, rate) in enumerate(((1_500, 0.15), (6_000, 0.05), (2_000, 0.4)))
]


@pytest.mark.parametrize(("seed", "claims", "rate"), BOOKS)
def test_a_flag_that_is_right_for_most_claims_is_a_warning(seed: int, claims: int, rate: float) -> None:
    draw = np.random.default_rng(seed)
    fraud = outcomes(draw, claims, rate)
    flag = np.where(draw.random(claims) < 0.92, fraud, 1.0 - fraud)
    assert warned(flag, fraud, seed) == ["strong_feature suspect"]


@pytest.mark.parametrize(("seed", "claims", "rate"), BOOKS)
def test_days_to_settle_are_a_warning(seed: int, claims: int, rate: float) -> None:
    draw = np.random.default_rng(seed)
    fraud = outcomes(draw, claims, rate)
    days = np.where(fraud == 1.0, draw.integers(30, 201, claims), draw.integers(1, 61, claims))
    assert warned(days, fraud, seed) == ["strong_feature suspect"]


@pytest.mark.parametrize(("claims", "rate"), [(200, 0.15), (600, 0.1), (3_000, 0.05), (2_000, 0.4)])
def test_an_honest_strong_feature_is_no_warning(claims: int, rate: float) -> None:
    for seed in range(20):
        draw = np.random.default_rng(seed)
        fraud = outcomes(draw, claims, rate)
        assert warned(of_area(draw, fraud, 0.8), fraud, seed) == []
