"""Features that stand for a protected attribute are found, whatever the kinds of both, and none by chance."""

import numpy as np
import pytest

from claimwatch.domain.model.features import Feature, FeatureSpec, Kind
from training.proxies import STRONG, proxies, strong

CLAIMS = 4_000
NUMBERS: list[Kind] = ["number"] * 30
NAMES = ("north", "east", "south", "west")


def spec(*kinds: Kind) -> FeatureSpec:
    features = [
        Feature(f"f{place}", kind, f"f{place}", ("a", "b", "c", "d") if kind == "category" else ())
        for place, kind in enumerate(kinds)
    ]
    return FeatureSpec(tuple(features), None)


def named(places: np.ndarray) -> np.ndarray:
    return np.array([NAMES[place] for place in places.tolist()], dtype=object)


def test_a_number_that_rises_or_falls_with_a_protected_number_is_a_rank_correlation() -> None:
    draw = np.random.default_rng(1)
    age = draw.integers(18, 91, CLAIMS).astype(float)
    matrix = np.column_stack([-(age**2) + draw.normal(0, 100, CLAIMS), draw.normal(size=CLAIMS)])
    bands = named((age // 25).astype(int))
    found = proxies(spec("number", "number"), matrix.astype(np.float32), {"age": bands}, {"age": age}, 50)
    [proxy] = strong(found)
    assert (proxy.feature, proxy.group) == ("f0", "")
    assert proxy.measure.startswith("rank correlation 1.00 with age")


@pytest.mark.parametrize("kind", ["number", "category", "days"])
def test_a_feature_that_tells_one_group_is_found_without_any_order(kind: Kind) -> None:
    """The group lies in the middle of a number, or is one category; both measures of order miss it."""
    draw = np.random.default_rng(2)
    group = draw.integers(0, 4, CLAIMS)
    value = np.where(draw.random(CLAIMS) < 0.95, group, draw.integers(0, 4, CLAIMS)).astype(np.float32)
    if kind != "category":
        value = (value + draw.random(CLAIMS)).astype(np.float32)
    found = proxies(spec(kind), value[:, None], {"region": named(group)}, {}, 50)
    assert found[0].strength >= STRONG
    assert found[0].measure.startswith("ROC-AUC 0.9")


def test_a_missing_value_can_tell_a_group() -> None:
    draw = np.random.default_rng(3)
    married = draw.integers(0, 2, CLAIMS)
    value = np.where(married == 1, np.nan, draw.normal(size=CLAIMS)).astype(np.float32)
    [proxy] = proxies(spec("number"), value[:, None], {"married": named(married)}, {}, 50)
    assert proxy.strength == pytest.approx(1.0)


def test_a_small_group_is_told_by_no_feature_by_chance() -> None:
    """Among 30 features and a group of 60 claims, the best of random areas is far below a warning."""
    draw = np.random.default_rng(4)
    group = np.where(np.arange(CLAIMS) % (CLAIMS // 60) == 0, 1, 0)
    matrix = draw.normal(size=(CLAIMS, 30)).astype(np.float32)
    found = proxies(spec(*NUMBERS), matrix, {"sex": named(group)}, {}, 50)
    assert found[0].strength < 0.75
    few = np.where(np.arange(CLAIMS) < 40, 1, 0)
    assert proxies(spec("number"), matrix[:, :1], {"sex": named(few)}, {}, 50) == []


def test_claims_without_a_value_are_no_group() -> None:
    value = np.arange(CLAIMS, dtype=np.float32)
    groups = np.array([None if place < 400 else NAMES[place % 2] for place in range(CLAIMS)], dtype=object)
    [proxy] = proxies(spec("number"), value[:, None], {"sex": groups}, {}, 50)
    assert proxy.group in NAMES
    assert proxy.strength < 0.7
