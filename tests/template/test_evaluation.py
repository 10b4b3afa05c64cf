"""Every weekly check has an alarm and a place on the dashboard, and an unchecked week raises an alarm."""

import json
import re

import pytest

from claimwatch.domain.evaluation.finding import CHECKS
from claimwatch.evaluation.checks.registry import SPECS
from claimwatch.evaluation.checks.spec import CheckSpec
from claimwatch.evaluation.close import AHEAD
from claimwatch.evaluation.run_check import LAST_ATTEMPT
from tests.template.application import ALARMS, COMPOSITES, FUNCTIONS, QUEUES, RESOURCES, TEMPLATE

LINE = {"Name": "Line", "Value": {"Ref": "MonitoredLine"}}


def alarm_of(check: str) -> str:
    return "".join(word.capitalize() for word in check.split("_")) + "Alarm"


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_a_check_has_an_alarm_that_keeps_its_state_until_a_later_week_is_closed(spec: CheckSpec) -> None:
    alarm = ALARMS[alarm_of(spec.name)]

    assert alarm["AlarmDescription"].startswith(f"{spec.alarm} See docs/runbook.md, ")
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Threshold"]) == ("Claimwatch", "Alarms", 0)
    assert alarm["Dimensions"] == [LINE, {"Name": "Check", "Value": spec.name}]
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    assert alarm["TreatMissingData"] == "ignore"


def test_only_the_checks_have_an_alarm_by_check() -> None:
    checked = {name for name, alarm in ALARMS.items() if "Check" in {d["Name"] for d in alarm["Dimensions"]}}
    assert checked == set(map(alarm_of, CHECKS))


def test_one_composite_alarm_covers_all_checks_of_the_line() -> None:
    [line] = COMPOSITES.values()
    named = set(re.findall(r"ALARM\(\$\{(\w+)\}\)", line["AlarmRule"]["Fn::Sub"]))

    assert named == {*map(alarm_of, CHECKS), "MissingChecksAlarm"}


def test_a_missing_check_alarms() -> None:
    alarm = ALARMS["MissingChecksAlarm"]
    assert (alarm["MetricName"], alarm["Dimensions"], alarm["Threshold"]) == ("ChecksMissing", [LINE], 0)


def test_an_unclosed_week_raises_an_alarm_within_the_evaluation_range_of_cloudwatch() -> None:
    alarm = ALARMS["NoWindowClosedAlarm"]

    assert alarm["TreatMissingData"] == "breaching"
    assert alarm["ComparisonOperator"] == "LessThanThreshold"
    evaluation_range = alarm["Period"] * alarm["EvaluationPeriods"]
    assert alarm["Period"] >= 3600  # with a shorter period, CloudWatch looks back one day at most
    assert evaluation_range <= 7 * 24 * 3600
    # The weekly schedule plus the duration of the checks fits into the range.
    assert evaluation_range + AHEAD.total_seconds() >= 7 * 24 * 3600 + 3600


def test_the_schedule_is_weekly_by_default() -> None:
    scheduled = FUNCTIONS["PlanEvaluation"]["Events"]["Scheduled"]["Properties"]
    assert scheduled["Schedule"] == {"Ref": "EvaluationSchedule"}
    assert TEMPLATE["Parameters"]["EvaluationSchedule"]["Default"] == "rate(7 days)"


def test_retraining_is_only_advised_by_default() -> None:
    assert TEMPLATE["Parameters"]["RetrainingPolicy"]["Default"] == "advise"
    advised = FUNCTIONS["StartTraining"]["Events"]["Advised"]["Properties"]
    assert advised["Pattern"] == {"source": ["claimwatch"], "detail-type": ["RetrainingAdvised"]}
    assert advised["State"] == {"Fn::If": ["TrainOnAdvice", "ENABLED", "DISABLED"]}


def test_the_queue_delivers_a_message_as_often_as_the_code_expects() -> None:
    assert QUEUES["EvaluationQueue"]["RedrivePolicy"]["maxReceiveCount"] == LAST_ATTEMPT


def test_the_dashboard_shows_every_check_and_alarm() -> None:
    body = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    widgets = json.loads(re.sub(r"\$\{([^}]+)\}", r"\1", body))["widgets"]
    by_check = [
        {metric[-1] for metric in widget["properties"]["metrics"]}
        for widget in widgets
        if widget["type"] == "metric" and "Check" in widget["properties"]["metrics"][0]
    ]
    [alarms] = [widget["properties"]["alarms"] for widget in widgets if widget["type"] == "alarm"]

    assert by_check == [set(CHECKS), set(CHECKS)]
    assert set(alarms) == {
        f"{name}.Arn" for name in [*map(alarm_of, CHECKS), "MissingChecksAlarm", "NoWindowClosedAlarm"]
    }
