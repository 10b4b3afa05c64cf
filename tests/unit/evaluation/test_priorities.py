"""At most three action items, the most urgent first; alarms are new, standing or cleared."""

from dataclasses import replace

from claimwatch.domain.evaluation.finding import CHECKS, Check, Finding
from claimwatch.evaluation.priorities import action_items, changes, outcome_of, outcomes
from claimwatch.evaluation.report_data import Findings, PastWindow
from tests.unit.evaluation import weeks

QUIET: dict[Check, list[Finding]] = {check: [Finding("psi", 0.01, 100)] for check in CHECKS}


def past(findings: Findings, model_version: str = "3") -> PastWindow:
    return PastWindow("2026-W30", model_version, findings)


def with_alarm(check: Check, *findings: Finding) -> dict[Check, list[Finding]]:
    return QUIET | {check: list(findings)}


def drift(feature: str, metric: str = "psi", value: float = 0.4) -> Finding:
    return Finding(metric, value, 100, "alarm", feature, threshold=0.1)


def test_a_check_has_the_most_urgent_verdict_of_its_findings() -> None:
    ok, watch, alarm = (Finding("psi", 0.1, 9, verdict) for verdict in ("ok", "watch", "alarm"))
    none = Finding("psi", None, 9, "not enough data")
    assert outcome_of([ok, watch, alarm, none]) == "alarm"
    assert outcome_of([none, watch, ok]) == "watch"
    assert outcome_of([none, replace(ok, threshold=0.2)]) == "ok"
    assert outcome_of([ok]) == "ok"
    assert outcome_of([none]) == outcome_of([]) == "not enough data"


def test_a_count_alone_does_not_make_a_check_ok() -> None:
    counted = Finding("matured", 900.0, 900)
    unjudged = Finding("recall_at_capacity", 0.5, 12, "not enough data", threshold=0.4)
    assert outcome_of([counted, unjudged]) == "not enough data"


def test_a_check_without_a_result_is_missing() -> None:
    found = outcomes({"bias": [Finding("psi", 0.1, 9)]}, {"errors": "it failed"})
    assert found["bias"] == "ok"
    assert {check for check, outcome in found.items() if outcome == "missing"} == set(CHECKS) - {"bias"}


def test_a_quiet_week_has_no_action_items() -> None:
    assert action_items(weeks.facts(), QUIET, past(QUIET)) == []


def test_there_are_at_most_three_action_items_and_new_alarms_come_first() -> None:
    loud = [Finding("rate", 0.9, 9, "alarm", threshold=0.1)]
    now: dict[Check, list[Finding]] = dict.fromkeys(CHECKS, loud)
    before = past({check: loud for check in CHECKS if check != "importance"})

    items = action_items(weeks.facts(), now, before)

    assert [item.check for item in items] == ["importance", "performance", "bias"]


def test_a_missing_check_comes_before_a_watch() -> None:
    now = with_alarm("performance", Finding("recall", 0.4, 9, "watch", threshold=0.5))
    facts = weeks.facts(missing={"bias": "it failed at each attempt", "errors": "it failed at each attempt"})
    items = action_items(facts, now, past(QUIET))
    assert [(item.check, item.outcome) for item in items] == [("bias", "missing"), ("performance", "watch")]
    assert items[0].headline == "Not checked: protected groups and error analysis"
    assert items[0].detail == "It failed at each attempt. Problems there would go unnoticed."


def test_the_findings_of_a_check_are_one_item_ordered_by_distance_beyond_the_bound() -> None:
    now = with_alarm("feature_drift", *(drift(name, value=0.2 + place) for place, name in enumerate("abcde")))
    [item] = action_items(weeks.facts(), now, past(QUIET))
    assert item.headline == "Feature drift: e, d and 3 more"
    assert item.detail.startswith("e: PSI 4.200, bound 0.100; d:")
    assert 'claimwatch train motor --why "drift in 2026-W31"' in item.next_step


def test_alarms_are_new_standing_or_cleared() -> None:
    found = changes(
        weeks.facts(),
        with_alarm("feature_drift", drift("amount", value=0.2), drift("age")),
        past(with_alarm("feature_drift", drift("amount"), drift("channel"))),
    )
    assert [finding.feature for _, finding in found.new] == ["age"]
    assert [finding.feature for _, finding in found.standing] == ["amount"]
    assert [finding.feature for _, finding in found.cleared] == ["channel"]


def test_another_metric_of_the_same_group_is_another_alarm() -> None:
    referred = Finding("selection_rate_ratio", 1.5, 100, "alarm", "age_band", "18 to 24", threshold=1.25)
    missed = replace(referred, metric="recall_ratio", value=0.5)
    found = changes(weeks.facts(), with_alarm("bias", referred, missed), past(with_alarm("bias", referred)))
    assert [finding.metric for _, finding in found.new] == ["recall_ratio"]


def test_an_alarm_is_not_cleared_while_its_check_is_missing() -> None:
    facts = weeks.facts(missing={"feature_drift": "it failed"})
    now: Findings = {check: found for check, found in QUIET.items() if check != "feature_drift"}
    assert changes(facts, now, past(with_alarm("feature_drift", drift("amount")))).cleared == ()


def test_an_alarm_is_not_cleared_by_a_week_with_not_enough_data() -> None:
    before = past(with_alarm("feature_drift", drift("amount"), drift("channel")))
    now = with_alarm("feature_drift", Finding("psi", None, 0, "not enough data", "amount"))
    assert [finding.feature for _, finding in changes(weeks.facts(), now, before).cleared] == ["channel"]


def test_a_new_champion_renews_alarms_about_the_model_but_not_about_data() -> None:
    late = Finding("late_rate", 0.3, 100, "alarm", threshold=0.1)
    now = with_alarm("feature_drift", drift("amount")) | {"data_quality": [late]}
    found = changes(weeks.facts(), now, past(now, model_version="2"))
    assert found.model == ("2", "3")
    assert [check for check, _ in found.new] == ["feature_drift"]
    assert [check for check, _ in found.standing] == ["data_quality"]


def test_a_changed_bound_does_not_make_an_alarm_new() -> None:
    now = with_alarm("bias", replace(drift(""), metric="recall_ratio", segment="age: young", threshold=0.2))
    before = with_alarm("bias", replace(drift(""), metric="recall_ratio", segment="age: young"))
    assert changes(weeks.facts(), now, past(before)).new == ()
