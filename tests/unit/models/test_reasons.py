"""Reasons are sentences for an investigator, and contain nothing personal."""

from typing import Any

import numpy as np
import pytest

from claimwatch.domain.model.features import Feature, FeatureSpec, Kind
from claimwatch.domain.model.fraud_rates import FraudRates
from claimwatch.domain.model.profile import Profile, Reference, number_edges
from claimwatch.domain.model.reasons import Reasons, shown

SCORE = Profile.of_numbers([0.1], ())

nan = float("nan")

MORE = "but more among otherwise similar claims"


def profile_of(feature: Feature, values: list[float]) -> Profile:
    if feature.kind == "category":
        return Profile.of_codes(values, feature.categories)
    return Profile.of_numbers(values, number_edges(values))


def reason_of(
    feature: Feature,
    value: float,
    book: list[float],
    rates: FraudRates | None = None,
    *,
    unseen: bool = False,
) -> dict[str, Any]:
    """Return the reason for the only feature of a model, whose reference are the values of ``book``."""
    reference = Reference(
        {feature.name: profile_of(feature, book)}, SCORE, (0.0, 1.0), {feature.name: rates} if rates else {}
    )
    [found] = Reasons(FeatureSpec((feature,), "reported_at"), reference).of(
        np.array([value], dtype=np.float32), np.array([1.0]), unseen=(0,) if unseen else ()
    )
    return found


@pytest.mark.parametrize(
    ("kind", "column", "value", "text"),
    [
        ("days", "policy_start_date", 2, "reported 2 days after policy start"),
        ("days", "policy_start_date", 1, "reported 1 day after policy start"),
        ("days", "policy_start_date", 0, "reported on the day of policy start"),
        ("days", "cover_end", -30, "reported 30 days before cover end"),
        ("days", "policy_start_date", nan, "days from policy start to reported: not known"),
        ("hour", "reported_at", 3, "reported between 03:00 and 04:00 UTC"),
        ("weekday", "reported_at", 6, "reported on a Sunday"),
        ("flag", "police_report", 0, "police report: no"),
        ("flag", "police_report", nan, "police report: not known"),
        ("number", "claim_amount", 125000.0, "claim amount: 125,000"),
        ("number", "model_year", 2019, "model year: 2019"),
        ("number", "balance", -1, "balance: -1"),
        ("number", "share", 0.123456, "share: 0.123456"),
        ("number", "witnesses", nan, "witnesses: not known"),
    ],
)
def test_each_kind_of_feature_has_its_own_sentence(kind: Kind, column: str, value: float, text: str) -> None:
    assert reason_of(Feature("feature", kind, column), value, [1.0])["text"] == text


@pytest.mark.parametrize("value", ["25-34", "-1", "single_vehicle", "Policy Holder"])
def test_categories_are_shown_as_they_are_in_the_claim(value: str) -> None:
    assert (
        reason_of(Feature("c", "category", "driver_age", (value,)), 0, [0.0])["text"]
        == f"driver age: {value}"
    )


FAULT = Feature("Fault", "category", "Fault", ("policy holder", "third party"))
RATES = FraudRates((0.0,), (1.31, 0.4), 2.0)
HOLDERS = [0.0] * 700 + [1.0] * 250 + [nan] * 50


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "Fault: policy holder (7 of 10 claims; fraud 1.3 times the average)"),
        (
            1,
            "Fault: third party (2 of 10 claims; fraud 0.4 times the average, {more})",
        ),
        (nan, "Fault: not known (5 of 100 claims; fraud 2.0 times the average)"),
    ],
)
def test_values_are_compared_by_fraud_rate(value: float, text: str) -> None:
    assert reason_of(FAULT, value, HOLDERS, RATES)["text"] == text.format(more=MORE)


AMOUNTS = [float(amount) for amount in range(10_000)]
BY_AMOUNT = FraudRates((1_000.5, 9_000.5), (0.5, None, 3.08))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (9_712.3, "amount: 9,712, higher than 97 of 100 claims; fraud 3.1 times the average above 9,000"),
        (
            100,
            "amount: 100, lower than 98 of 100 claims; fraud 0.5 times the average up to 1,000, {more}",
        ),
        (5_000.7, "amount: 5,001 (too few outcomes for a fraud rate)"),
    ],
)
def test_numbers_are_compared_by_rank_and_by_the_fraud_rate_of_their_band(value: float, text: str) -> None:
    assert reason_of(Feature("amount", "number", "amount"), value, AMOUNTS, BY_AMOUNT)["text"] == text.format(
        more=MORE
    )


@pytest.mark.parametrize(
    ("kind", "value", "edges", "band"),
    [
        ("number", 3, (1.0, 4.0), " from 2 to 4"),
        ("number", 2, (1.0, 2.0), ""),
        ("days", 3, (1.0, 4.0), " from 2 to 4 days after"),
        ("days", 3, (-6.0, 4.0), " from 5 days before to 4 days after"),
        ("hour", 3, (1.0, 4.0), " between 02:00 and 05:00"),
    ],
)
def test_the_band_of_a_rate_is_named_unless_it_is_one_value(
    kind: Kind, value: float, edges: tuple[float, ...], band: str
) -> None:
    book = [float(number % 10) for number in range(1_000)]
    spec = FeatureSpec((Feature("f", kind, "when"),), "seen")
    reference = Reference(
        {"f": Profile.of_numbers(book, number_edges(book))},
        SCORE,
        (0.0, 1.0),
        {"f": FraudRates(edges, (None, 2.0, None))},
    )
    [found] = Reasons(spec, reference).of(np.array([value], dtype=np.float32), np.array([1.0]))
    assert found["text"].endswith(f"(10 of 100 claims; fraud 2.0 times the average{band})")


def test_a_category_that_the_model_does_not_know_is_not_called_missing() -> None:
    assert reason_of(FAULT, nan, [0.0], unseen=True)["text"] == "Fault: a value that the model does not know"


def test_no_sentence_is_about_fewer_than_fifty_claims() -> None:
    rare = [0.0] * 990 + [1.0] * 10
    assert reason_of(FAULT, 1, rare)["text"] == "Fault: third party (fewer than 5 of 100 claims)"
    few = [float(number) for number in range(400)]
    highest = reason_of(Feature("amount", "number", "amount"), 399.0, few)
    assert highest["text"] == "amount: 399, higher than 87 of 100 claims"


def test_the_strongest_reason_comes_first_and_a_feature_that_lowers_the_score_is_not_a_reason() -> None:
    names = ("a", "b", "c", "d")
    spec = FeatureSpec(
        tuple(
            Feature(name, "number", name, meaning=f"What {name} is", personal=name == "d") for name in names
        ),
        None,
    )
    profiles = {name: Profile.of_numbers([1.0, 2.0, 3.0], (1.0, 2.0, 3.0)) for name in names}
    found = Reasons(spec, Reference(profiles, SCORE, (0.0, 1.0))).of(
        np.array([1.0, 2.0, 3.0, 4.0], dtype=np.float32),
        np.array([0.5, -2.0, 1.5, 8.0]),
    )
    assert [reason["feature"] for reason in found] == ["c", "a"]
    assert found[0] == {
        "feature": "c",
        "value": 3,
        "typical": 2,
        "fraud_ratio": None,
        "contribution": 1.5,
        "share": 0.15,  # the personal feature raised the score too
        "text": "c: 3",
        "meaning": "What c is",
    }
    assert shown(found[0]) == "15% c: 3"
    assert shown({"text": "c: 3; typical is 2"}) == "c: 3; typical is 2"  # stored by an earlier release


def test_what_raised_the_score_by_less_than_a_twentieth_is_not_a_reason() -> None:
    spec = FeatureSpec(tuple(Feature(f"f{place}", "number", f"f{place}") for place in range(3)), None)
    reasons = Reasons(spec, Reference({}, SCORE, (0.0, 1.0)))
    row = np.zeros(3, dtype=np.float32)
    assert [one["feature"] for one in reasons.of(row, np.array([9.0, 0.49, 0.5]))] == ["f0", "f2"]
    # A claim always has a reason, however evenly its score was raised.
    many = FeatureSpec(tuple(Feature(f"f{place}", "number", f"f{place}") for place in range(30)), None)
    [only] = Reasons(many, Reference({}, SCORE, (0.0, 1.0))).of(np.zeros(30, dtype=np.float32), np.ones(30))
    assert only["feature"] == "f0"


def test_a_typical_value_is_a_reason_only_if_fraud_is_more_frequent_among_its_claims() -> None:
    spec = FeatureSpec(tuple(Feature(name, "flag", name) for name in ("a", "b", "c")), None)
    profiles = {name: Profile.of_numbers([0.0, 0.0, 1.0], (0.0, 1.0)) for name in ("a", "b", "c")}
    row = np.array([0.0, 1.0, 1.0], dtype=np.float32)

    def listed(rates: dict[str, FraudRates], values: tuple[float, ...] = (3.0, 2.0, 1.0)) -> list[str]:
        found = Reasons(spec, Reference(profiles, SCORE, (0.0, 1.0), rates)).of(row, np.array(values))
        return [reason["feature"] for reason in found]

    assert listed({}) == ["b", "c"]
    assert listed({"a": FraudRates((0.0,), (1.04, 0.9))}) == ["b", "c"]
    assert listed({"a": FraudRates((0.0,), (1.2, 0.4))}) == ["a", "b", "c"]
    assert listed({}, (3.0, -2.0, -1.0)) == ["a"]  # nothing else raised the score


def test_no_more_reasons_than_are_asked_for() -> None:
    spec = FeatureSpec(tuple(Feature(f"f{place}", "number", f"f{place}") for place in range(9)), None)
    row, values = np.zeros(9, dtype=np.float32), np.arange(9.0)
    assert len(Reasons(spec, Reference({}, SCORE, (0.0, 1.0))).of(row, values)) == 5
    assert [
        reason["feature"]
        for reason in Reasons(spec, Reference({}, SCORE, (0.0, 1.0))).of(row, values, most=2)
    ] == [
        "f8",
        "f7",
    ]


def test_claims_that_share_a_sentence_have_their_own_contributions() -> None:
    spec = FeatureSpec((Feature("a", "number", "a"),), None)
    reasons = Reasons(spec, Reference({}, SCORE, (0.0, 1.0)))
    rows = [np.array([value], dtype=np.float32) for value in (4.0, 4.0, np.nan, np.nan, 5.0)]
    found = [reasons.of(row, np.array([float(place)]))[0] for place, row in enumerate(rows, start=1)]
    assert [reason["contribution"] for reason in found] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert [reason["value"] for reason in found] == [4, 4, None, None, 5]
