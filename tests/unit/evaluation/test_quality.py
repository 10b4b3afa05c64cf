"""What comes in a week is held against what was learnt from, and against the weeks before."""

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


def test_a_week_as_always_is_ok() -> None:
    findings = data_quality(REFERENCE, CURRENT, replace(USUAL, repeated=52, late=190), HISTORY)
    assert {finding.verdict for finding in findings} == {"ok"}
    assert len({(finding.metric, finding.feature, finding.segment) for finding in findings}) == len(findings)


def test_more_missing_values_alarm_when_they_are_certain_and_matter() -> None:
    assert found("missing_share", "amount", {"amount": numbers(10_000, 900)}).verdict == "alarm"
    certain_only = found("missing_share", "amount", {"amount": numbers(10_000, 160)})
    assert (certain_only.verdict, certain_only.value) == ("ok", 0.016)
    by_chance = found("missing_share", "amount", {"amount": numbers(60, 2)})
    assert by_chance.value == pytest.approx(0.033, abs=0.001)
    assert by_chance.verdict == "ok"


def test_fewer_missing_values_are_no_harm() -> None:
    assert found("missing_share", "amount", {"amount": numbers(10_000, 0)}).verdict == "ok"


def test_categories_that_were_never_learnt_alarm() -> None:
    assert found("unseen_share", "animal", {"animal": animals(10_000, 25, 300)}).verdict == "alarm"
    assert found("unseen_share", "animal", {"animal": animals(10_000, 25, 40)}).verdict == "ok"


def test_numbers_out_of_the_range_that_was_seen_alarm() -> None:
    assert found("outside_share", "amount", {"amount": numbers(10_000, 0, 100, 100)}).verdict == "alarm"
    assert found("outside_share", "amount", {"amount": numbers(10_000, 0, 1, 2)}).verdict == "ok"


def test_more_rows_in_quarantine_alarm_by_their_reason() -> None:
    intake = replace(USUAL, rows_quarantined=400, by_rule={"required": 360, "range": 45})
    assert found("quarantine_rate", "", intake=intake, history=HISTORY).verdict == "alarm"
    assert found("quarantine_rate", "required", intake=intake).verdict == "alarm"
    assert found("quarantine_rate", "range", intake=intake).verdict == "ok"


def test_a_reason_that_was_never_given_is_asked_for() -> None:
    intake = replace(USUAL, rows_quarantined=500, by_rule={"type": 400})
    told = found("quarantine_rate", "type", intake=intake)
    assert (told.verdict, told.value) == ("alarm", 400 / 10_100)
    assert found("quarantine_rate", "range", intake=intake).value == 0.0


def test_so_many_rows_in_quarantine_alarm_without_a_week_before() -> None:
    intake = replace(USUAL, rows_quarantined=5_000)
    assert found("quarantine_rate", "", intake=intake, history=()).verdict == "alarm"
    assert found("quarantine_rate", "", history=()).verdict == "not enough data"
    assert found("volume_ratio", history=()).verdict == "not enough data"


def test_weeks_that_differ_leave_room_for_another_that_does() -> None:
    wild = [replace(USUAL, rows_quarantined=quarantined) for quarantined in (20, 700, 90, 400, 1_000, 10)]
    intake = replace(USUAL, rows_quarantined=600)
    assert found("quarantine_rate", "", intake=intake, history=wild).verdict == "ok"
    assert found("quarantine_rate", "", intake=intake).verdict == "alarm"


def test_claims_that_come_again_alarm_and_late_ones_never_do() -> None:
    assert found("repeated_share", intake=replace(USUAL, repeated=5_000)).verdict == "alarm"
    late = replace(USUAL, late=9_000)
    assert found("late_share", intake=late).verdict == "watch"
    assert "alarm" not in {finding.verdict for finding in data_quality(REFERENCE, CURRENT, late, HISTORY)}


@pytest.mark.parametrize(
    ("claims", "verdict"),
    [(10_000, "ok"), (9_000, "ok"), (12_000, "ok"), (3_000, "alarm"), (40_000, "alarm"), (0, "alarm")],
)
def test_the_volume_is_that_of_the_weeks_before(claims: int, verdict: str) -> None:
    assert found("volume_ratio", intake=replace(USUAL, claims=claims)).verdict == verdict


def test_a_week_without_a_claim_alarms_by_its_volume_and_says_no_more() -> None:
    nothing = {"amount": numbers(0), "animal": animals(0)}
    findings = data_quality(REFERENCE, nothing, Intake(0, 0, 0), HISTORY)
    verdicts = {finding.metric: finding.verdict for finding in findings}
    assert verdicts.pop("volume_ratio") == "alarm"
    assert verdicts.pop("file_count") == "ok"
    assert set(verdicts.values()) == {"not enough data"}


@settings(max_examples=60)
@given(count=st.integers(0, 40), claims=st.integers(50, 500), reference=st.integers(50, 5_000))
def test_out_of_range_by_chance_is_the_beta_binomial_distribution(
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
def test_of_what_is_rare_the_test_is_that_of_fisher(
    count: int, claims: int, before: int, reference: int
) -> None:
    exact = stats.fisher_exact([[count, claims - count], [before, reference - before]], alternative="greater")
    assert p_more_than_reference(count, claims, before, reference) == pytest.approx(
        float(exact.pvalue), rel=0.3, abs=1e-9
    )
    assert p_more_than_reference(count, claims, before, reference) >= exact.pvalue * 0.99


def test_without_a_change_few_weeks_are_certain() -> None:
    rng = np.random.default_rng(1)
    weeks = rng.binomial(10_000, rng.beta(50, 4_950, (2_000, 9)))
    p_values = [
        p_more_than_before(int(week[0]), 10_000, [(int(count), 10_000) for count in week[1:]])
        for week in weeks
    ]
    assert np.mean(np.array(p_values) <= 0.05) == pytest.approx(0.05, abs=0.015)
