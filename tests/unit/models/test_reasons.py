"""Reasons are sentences for an investigator, and contain nothing personal."""

import numpy as np
import pytest

from claimwatch.domain.model.features import Feature, FeatureSpec, Kind
from claimwatch.domain.model.profile import Profile, Reference, number_edges
from claimwatch.domain.model.reasons import Reasons

SCORE = Profile.of_numbers([0.1], ())


def text_of(feature: Feature, value: float, typical: list[float], contribution: float = 1.0) -> str:
    spec = FeatureSpec((feature,), "reported_at")
    profile = (
        Profile.of_codes(typical, feature.categories)
        if feature.kind == "category"
        else Profile.of_numbers(typical, number_edges(typical))
    )
    found = Reasons(spec, Reference({feature.name: profile}, SCORE, (0.0, 1.0))).of(
        np.array([value], dtype=np.float32),
        np.array([contribution]),
    )
    assert len(found) == 1
    text = found[0]["text"]
    assert isinstance(text, str)
    return text


nan = float("nan")


@pytest.mark.parametrize(
    ("kind", "column", "value", "typical", "text"),
    [
        (
            "days",
            "policy_start_date",
            2,
            400,
            "reported 2 days after policy start; typical is 400 days after",
        ),
        ("days", "policy_start_date", 1, 0, "reported 1 day after policy start; typical is the same day"),
        (
            "days",
            "policy_start_date",
            0,
            400,
            "reported on the day of policy start; typical is 400 days after",
        ),
        ("days", "cover_end", -30, 90, "reported 30 days before cover end; typical is 90 days after"),
        (
            "days",
            "policy_start_date",
            nan,
            9,
            "days from policy start to reported: not known; typical is 9 days after",
        ),
        ("hour", "reported_at", 3, 14, "reported between 03:00 and 04:00 UTC; typical is 14:00"),
        ("weekday", "reported_at", 6, 0, "reported on a Sunday; typical is Monday"),
        ("flag", "police_report", 0, 1, "police report: no; typical is yes"),
        ("flag", "police_report", nan, 1, "police report: not known; typical is yes"),
        ("number", "claim_amount", 125000.0, 4210.5, "claim amount: 125,000; typical is 4,210"),
        (
            "number",
            "model_year",
            2019,
            2019,
            "model year: 2019; this is typical, and raises the score of this claim",
        ),
        ("number", "share", 0.123456, 0.5, "share: 0.123; typical is 0.5"),
        ("number", "witnesses", nan, 1, "witnesses: not known; typical is 1"),
    ],
)
def test_each_kind_of_feature_has_its_own_sentence(
    kind: Kind, column: str, value: float, typical: float, text: str
) -> None:
    assert text_of(Feature("feature", kind, column), value, [typical]) == text


def test_categories_are_shown_in_words() -> None:
    incident = Feature("incident_type", "category", "incident_type", ("single_vehicle", "theft"))
    assert text_of(incident, 1, [0, 0, 1]) == "incident type: theft; typical is single vehicle"
    assert (
        text_of(incident, nan, [0])
        == "incident type: not known or never seen before; typical is single vehicle"
    )


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
        np.array([0.5, -2.0, 1.5, 9.0]),
    )
    assert [reason["feature"] for reason in found] == ["c", "a"]
    assert found[0] == {
        "feature": "c",
        "value": 3,
        "typical": 2,
        "contribution": 1.5,
        "text": "c: 3; typical is 2",
        "meaning": "What c is",
    }


def test_a_typical_value_is_a_reason_only_if_no_unusual_value_raised_the_score() -> None:
    spec = FeatureSpec(tuple(Feature(name, "flag", name) for name in ("a", "b", "c")), None)
    profiles = {name: Profile.of_numbers([0.0, 0.0, 1.0], (0.0, 1.0)) for name in ("a", "b", "c")}
    reasons = Reasons(spec, Reference(profiles, SCORE, (0.0, 1.0)))
    row = np.array([0.0, 1.0, 1.0], dtype=np.float32)
    listed = [reason["feature"] for reason in reasons.of(row, np.array([3.0, 2.0, 1.0]))]
    assert listed == ["b", "c"]
    [only] = reasons.of(row, np.array([3.0, -2.0, -1.0]))
    assert only["feature"] == "a"
    assert only["text"] == "a: no; this is typical, and raises the score of this claim"


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
