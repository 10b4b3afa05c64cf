"""No figure is about a few persons: small groups are summed, and personal values name no group."""

import tracemalloc
from collections.abc import Iterable

import numpy as np
import pytest

from claimwatch.domain.contract.contract import Column, Contract, LogicalType, Role
from claimwatch.domain.evaluation.bias import METRICS, bias
from claimwatch.domain.evaluation.cohort import Cohort
from claimwatch.domain.evaluation.error_slices import errors
from claimwatch.domain.evaluation.finding import Finding
from claimwatch.domain.evaluation.groups import (
    LONGEST_NAME,
    MOST_GROUPS,
    NOT_KNOWN,
    OTHERS,
    SMALLEST,
    Groups,
    numbered,
    segments,
)
from claimwatch.domain.model.features import Feature, FeatureSpec
from claimwatch.domain.model.profile import Profile
from tests.unit.evaluation.cohorts import NOBODY, investigated, one, words
from training.evaluate import fraud_rates

CLAIMS = 20_000

COHORT, _ = investigated(CLAIMS)

PEOPLE = [f"Jane Roe {place}, born 1980" for place in range(30)]


def dirty(claims: int = CLAIMS) -> np.ndarray:
    """Return a column of two values, and 30 cells that each name a person."""
    return words([*PEOPLE, *("female" if place % 2 else "male" for place in range(claims - 30))])


def named(found: Iterable[Finding]) -> set[str]:
    return {finding.segment for finding in found}


def test_a_value_of_few_claims_is_in_no_finding() -> None:
    column = {"sex": dirty(), "age": words("old" if place % 3 else "young" for place in range(CLAIMS))}
    found = [
        *bias(COHORT.referred, column, COHORT, column),
        *errors(COHORT, column),
        *fraud_rates(COHORT, column),
    ]
    assert "Jane Roe" not in " ".join(named(found))
    assert {"female", OTHERS, "male, old", "other values, young", ""} - named(found) <= {
        "other values, young"
    }
    assert not [each for each in found if each.segment not in ("", OTHERS) and each.n < SMALLEST]


def test_small_groups_are_judged_together() -> None:
    referred = np.arange(1_000) < 90
    places = {"town": words(f"village {place}" if place < 60 else "city" for place in range(1_000))}
    found = bias(referred, places, NOBODY, {"town": words([])})
    assert one(found, "selection_rate_ratio", "town", OTHERS).verdict == "alarm"


def test_groups_of_a_personal_attribute_are_numbered_alike_in_the_week_and_the_cohort() -> None:
    week = words(["Norwegian"] * 60 + ["Swedish"] * 60 + ["Jane Roe"])
    cohort = words(["Swedish"] * 60 + ["Danish"] * 60 + [None])
    now, matured = numbered((week, cohort))
    assert set(now) == {"group 2", "group 3", OTHERS}
    assert set(matured) == {"group 3", "group 1", NOT_KNOWN}
    column = {"nation": words("Norwegian" if place % 2 else "Swedish" for place in range(CLAIMS))}
    found = bias(COHORT.referred, column, COHORT, column, personal=["nation"])
    assert named(found) == {"group 1", "group 2", ""}


@pytest.mark.parametrize("now", [True, False], ids=["in the contract", "in the model"])
def test_a_personal_feature_has_no_segments(now: bool) -> None:
    columns = tuple(
        Column(name, LogicalType.STRING, Role.FEATURE, personal=now and name == "occupation")
        for name in ("occupation", "make")
    )
    categories = ("Mayor of Smalltown", "clerk")
    spec = FeatureSpec(
        (
            Feature("occupation", "category", "occupation", categories, personal=not now),
            Feature("make", "category", "make", ("VW", "Kia")),
        ),
        None,
    )
    contract = Contract("motor", "1.0.0", "claim_motor", columns)
    reference: dict[str, Profile] = {
        "occupation": Profile((), categories, (0, 0), 0),
        "make": Profile((), ("VW", "Kia"), (0, 0), 0),
    }
    found = segments(spec, reference, np.zeros((200, 2), dtype=np.float32), contract)
    assert found.keys() == {"make"}


def test_only_the_largest_groups_are_named_and_names_are_short() -> None:
    values = words([f"{'x' * 4_000}{place % 70}" for place in range(6_900)] + ["two\nlines"] * 100)
    groups = Groups.of(values)
    assert set(groups.names) == {"x" * (LONGEST_NAME - 1) + "…", "two lines"}
    many = Groups.of(words(f"town {place % 70}" for place in range(7_000)))
    assert len(many.names) == MOST_GROUPS + 1
    assert OTHERS in many.names
    crossed = many.crossed(groups)
    assert max(map(len, crossed.names)) <= 2 * LONGEST_NAME + 2
    assert len(crossed.names) <= MOST_GROUPS + 1


def test_thousands_of_groups_cost_little_memory() -> None:
    claims = 100_000
    draw = np.random.default_rng(1)
    column = {
        "name": words(f"Jane Roe {place}" for place in draw.integers(0, 30_000, claims)),
        "sex": words("female" if place % 2 else "male" for place in range(claims)),
    }
    referred = draw.random(claims) < 0.05
    tracemalloc.start()
    found = bias(referred, column, NOBODY, {"name": words([]), "sex": words([])})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found) < 100
    assert peak < 64 << 20


def test_a_small_protected_group_is_counted_and_has_no_figure() -> None:
    column = {
        "sex": words([*["x"] * 11, *["y"] * 4, *("f" if place % 2 else "m" for place in range(985))]),
        "age": words("old" if place % 3 else "young" for place in range(1_000)),
    }
    referred = np.arange(1_000) % 10 == 0
    cohort = Cohort(referred * 0.5, referred, np.ones(1_000, bool), (np.arange(1_000) % 20 == 0) * 1.0)

    found = bias(referred, column, cohort, column)

    small = [each for each in found if each.segment == "x"]
    assert {each.metric for each in small} == {
        f"{metric}{end}" for metric in METRICS for end in ("", "_ratio")
    }
    assert {(each.feature, each.n, each.verdict) for each in small} == {("sex", 11, "not enough data")}
    assert {(each.value, each.low, each.high, each.threshold) for each in small} == {(None,) * 4}
    assert not [each for each in found if "y" in each.segment.split(", ")]  # 4 claims
    assert not [each for each in found if "x, " in each.segment]  # an intersection
    assert one(found, "selection_rate", "sex", OTHERS).n == 15


def test_small_groups_of_a_column_that_can_name_persons_are_not_counted() -> None:
    names = words([f"Jane Roe {place % 60}" if place < 600 else "unknown" for place in range(2_000)])
    referred = np.arange(2_000) % 10 == 0

    found = bias(referred, {"name": names}, NOBODY, {"name": words([])})

    assert named(found) == {"unknown", OTHERS, ""}
