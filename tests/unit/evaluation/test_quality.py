"""Data of a week is compared with the training data and with earlier weeks."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from claimwatch.domain.evaluation.finding import Finding
from claimwatch.domain.evaluation.quality import (
    Intake,
    data_quality,
    p_beyond_range,
    p_more_than_before,
    p_more_than_reference,
)
from claimwatch.domain.model.profile import Profile
from claimwatch.evaluation.checks.data_quality import HISTORY_WEEKS

USUAL = Intake(
    files=7, rows_read=10_100, rows_quarantined=100, by_rule={"required": 60, "range": 45}, claims=10_000
)
HISTORY = [
    replace(
        USUAL,
        rows_quarantined=100 + 3 * place,
        repeated=50 + place,
        late=200 - place,
        claims=10_000 + 90 * place,
    )
    for place in range(8)
]


def numbers(rows: int, missing: int = 0, below: int = 0, above: int = 0) -> Profile:
    present = rows - missing
    return Profile(
        (1.0,), (), (present - present // 2, present // 2), rows, missing, below=below, above=above
    )


def animals(rows: int, missing: int = 0, unseen: int = 0) -> Profile:
    return Profile((), ("cat", "dog"), (rows - missing - unseen, 0), rows, missing, unseen)


REFERENCE = {"amount": numbers(50_000, 500), "animal": animals(50_000, 100, 50)}
CURRENT = {"amount": numbers(10_000, 110), "animal": animals(10_000, 25, 12)}


def found(
    metric: str,
    of: str = "",
    current: dict[str, Profile] | None = None,
    intake: Intake = USUAL,
    history: Sequence[Intake] = HISTORY,
) -> Finding:
    findings = data_quality(REFERENCE, CURRENT | (current or {}), intake, history)
    (one,) = [each for each in findings if each.metric == metric and of == (each.feature or each.segment)]
    return one


def test_a_normal_week_is_ok() -> None:
    findings = data_quality(REFERENCE, CURRENT, replace(USUAL, repeated=52, late=190), HISTORY)
    assert {finding.verdict for finding in findings} == {"ok"}
    assert len({(finding.metric, finding.feature, finding.segment) for finding in findings}) == len(findings)


def test_more_missing_values_alarm_if_certain_and_material() -> None:
    assert found("missing_share", "amount", {"amount": numbers(10_000, 900)}).verdict == "alarm"
    certain_only = found("missing_share", "amount", {"amount": numbers(10_000, 160)})
    assert (certain_only.verdict, certain_only.value) == ("ok", 0.016)
    by_chance = found("missing_share", "amount", {"amount": numbers(60, 2)})
    assert by_chance.value == pytest.approx(0.033, abs=0.001)
    assert by_chance.verdict == "ok"


def test_fewer_missing_values_are_ok() -> None:
    assert found("missing_share", "amount", {"amount": numbers(10_000, 0)}).verdict == "ok"


def test_unknown_categories_alarm() -> None:
    assert found("unseen_share", "animal", {"animal": animals(10_000, 25, 300)}).verdict == "alarm"
    assert found("unseen_share", "animal", {"animal": animals(10_000, 25, 40)}).verdict == "ok"


def test_values_outside_the_reference_range_alarm() -> None:
    assert found("outside_share", "amount", {"amount": numbers(10_000, 0, 100, 100)}).verdict == "alarm"
    assert found("outside_share", "amount", {"amount": numbers(10_000, 0, 1, 2)}).verdict == "ok"


def test_shares_of_a_column_in_fewer_than_fifty_claims_are_not_reported() -> None:
    few = {"amount": numbers(3, 1, 1, 0), "animal": animals(3, 1, 1)}
    columns = [each for each in data_quality(REFERENCE, few, USUAL, HISTORY) if each.feature]
    assert {each.metric for each in columns} == {"missing_share", "unseen_share", "outside_share"}
    assert {(each.value, each.verdict) for each in columns} == {(None, "not enough data")}


def test_more_quarantined_rows_alarm_by_rule() -> None:
    intake = replace(USUAL, rows_quarantined=400, by_rule={"required": 360, "range": 45})
    assert found("quarantine_rate", "", intake=intake, history=HISTORY).verdict == "alarm"
    assert found("quarantine_rate", "required", intake=intake).verdict == "alarm"
    assert found("quarantine_rate", "range", intake=intake).verdict == "ok"


def test_a_rule_that_was_never_broken_before_is_tested() -> None:
    intake = replace(USUAL, rows_quarantined=500, by_rule={"type": 400})
    finding = found("quarantine_rate", "type", intake=intake)
    assert (finding.verdict, finding.value) == ("alarm", 400 / 10_100)
    assert found("quarantine_rate", "range", intake=intake).value == 0.0


def test_a_very_high_quarantine_rate_alarms_without_history() -> None:
    intake = replace(USUAL, rows_quarantined=5_000)
    assert found("quarantine_rate", "", intake=intake, history=()).verdict == "alarm"
    assert found("quarantine_rate", "", history=()).verdict == "not enough data"
    assert found("volume_ratio", history=()).verdict == "not enough data"


def test_natural_variation_between_weeks_is_not_a_change() -> None:
    wild = [replace(USUAL, rows_quarantined=quarantined) for quarantined in (20, 700, 90, 400, 1_000, 10)]
    intake = replace(USUAL, rows_quarantined=600)
    assert found("quarantine_rate", "", intake=intake, history=wild).verdict == "ok"
    assert found("quarantine_rate", "", intake=intake).verdict == "alarm"


def test_repeated_claims_alarm_and_late_claims_are_at_most_a_watch() -> None:
    assert found("repeated_share", intake=replace(USUAL, repeated=5_000)).verdict == "alarm"
    late = replace(USUAL, late=9_000)
    assert found("late_share", intake=late).verdict == "watch"
    assert "alarm" not in {finding.verdict for finding in data_quality(REFERENCE, CURRENT, late, HISTORY)}


@pytest.mark.parametrize(
    ("claims", "verdict"),
    [(10_000, "ok"), (9_000, "ok"), (12_000, "ok"), (3_000, "alarm"), (40_000, "alarm"), (0, "alarm")],
)
def test_the_volume_is_compared_with_earlier_weeks(claims: int, verdict: str) -> None:
    assert found("volume_ratio", intake=replace(USUAL, claims=claims)).verdict == verdict


def test_a_week_without_claims_alarms_by_volume_only() -> None:
    nothing = {"amount": numbers(0), "animal": animals(0)}
    findings = data_quality(REFERENCE, nothing, Intake(0, 0, 0), HISTORY)
    verdicts = {finding.metric: finding.verdict for finding in findings}
    assert verdicts.pop("volume_ratio") == "alarm"
    assert verdicts.pop("file_count") == "ok"
    assert set(verdicts.values()) == {"not enough data"}


def test_a_silent_line_alarms_in_every_week_however_long_it_is_silent() -> None:
    """The check reads eight earlier weeks; after eight empty ones there is nothing left to compare with."""
    weeks = [USUAL] * 20 + [Intake(0, 0, 0)] * 10
    for place in range(20, 30):
        history = weeks[place - HISTORY_WEEKS : place]
        findings = data_quality({}, {}, weeks[place], history)
        alarms = [each for each in findings if each.verdict in ("alarm", "watch")]
        assert [(each.metric, each.value) for each in alarms] == [("volume_ratio", 0.0)]
        assert {each.verdict for each in alarms} == {"alarm"}


def test_a_line_that_never_had_a_claim_alarms() -> None:
    assert found("volume_ratio", intake=Intake(0, 0, 0), history=()).verdict == "alarm"


def test_a_week_whose_claims_all_came_late_is_no_silence() -> None:
    late = Intake(0, 0, 0, late=10_000, claims=10_000)
    assert found("volume_ratio", intake=late).verdict == "ok"
    assert found("late_share", intake=late).verdict == "watch"
    assert found("volume_ratio", intake=late, history=()).verdict == "not enough data"


@settings(max_examples=60)
@given(count=st.integers(0, 40), claims=st.integers(50, 500), reference=st.integers(50, 5_000))
def test_the_p_value_beyond_the_range_equals_the_beta_binomial_distribution(
    count: int, claims: int, reference: int
) -> None:
    expected = stats.betabinom(claims, 2, reference - 1).pmf(np.arange(count, claims + 1)).sum()
    assert p_beyond_range(count, claims, reference) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@given(
    count=st.integers(0, 5),
    claims=st.integers(50, 500),
    before=st.integers(0, 5),
    reference=st.integers(1_000, 9_000),
)
def test_the_p_value_of_rare_values_equals_fishers_test(
    count: int, claims: int, before: int, reference: int
) -> None:
    exact = stats.fisher_exact([[count, claims - count], [before, reference - before]], alternative="greater")
    assert p_more_than_reference(count, claims, before, reference) == pytest.approx(
        float(exact.pvalue), rel=0.3, abs=1e-9
    )
    assert p_more_than_reference(count, claims, before, reference) >= exact.pvalue * 0.99


def test_p_values_between_weeks_are_uniform_without_a_change() -> None:
    rng = np.random.default_rng(1)
    weeks = rng.binomial(10_000, rng.beta(50, 4_950, (2_000, 9)))
    p_values = [
        p_more_than_before(int(week[0]), 10_000, [(int(count), 10_000) for count in week[1:]])
        for week in weeks
    ]
    assert np.mean(np.array(p_values) <= 0.05) == pytest.approx(0.05, abs=0.015)
