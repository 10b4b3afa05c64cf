"""Every check of a week has its alarm and its place, and a week that nobody checks is heard of."""

import json
import re
from typing import Any

import pytest

from claimwatch.domain.evaluation.finding import CHECKS
from claimwatch.evaluation.close import AHEAD
from claimwatch.evaluation.run_check import LAST_ATTEMPT
from tests.template.application import ALARMS, COMPOSITES, FUNCTIONS, QUEUES, RESOURCES, TEMPLATE

LINE = {"Name": "Line", "Value": {"Ref": "MonitoredLine"}}
OURS = {name: alarm for name, alarm in ALARMS.items() if alarm["Namespace"] == "Claimwatch"}


def alarm_of(check: str) -> tuple[str, dict[str, Any]]:
    [found] = [
        (name, alarm)
        for name, alarm in OURS.items()
        if alarm["Dimensions"] == [LINE, {"Name": "Check", "Value": check}]
    ]
    return found


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_has_an_alarm_that_stands_until_a_later_week_is_closed(check: str) -> None:
    _, alarm = alarm_of(check)

    assert (alarm["MetricName"], alarm["Threshold"]) == ("Alarms", 0)
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    assert alarm["TreatMissingData"] == "ignore"


def test_one_alarm_speaks_for_the_line() -> None:
    [line] = COMPOSITES.values()
    named = set(re.findall(r"ALARM\(\$\{(\w+)\}\)", line["AlarmRule"]["Fn::Sub"]))

    assert named == {alarm_of(check)[0] for check in CHECKS} | {"MissingChecksAlarm"}


def test_a_missing_check_alarms() -> None:
    alarm = ALARMS["MissingChecksAlarm"]
    assert (alarm["MetricName"], alarm["Dimensions"], alarm["Threshold"]) == ("ChecksMissing", [LINE], 0)


def test_weeks_that_nobody_closes_alarm_within_what_cloudwatch_looks_back() -> None:
    alarm = ALARMS["NoWindowClosedAlarm"]

    assert alarm["TreatMissingData"] == "breaching"
    assert alarm["ComparisonOperator"] == "LessThanThreshold"
    looked_back = alarm["Period"] * alarm["EvaluationPeriods"]
    assert alarm["Period"] >= 3600  # with shorter periods a day is the most
    assert looked_back <= 7 * 24 * 3600
    # A schedule of seven days, and the time that the checks take, end before the alarm does.
    assert looked_back + AHEAD.total_seconds() >= 7 * 24 * 3600 + 3600


def test_the_schedule_plans_weekly_unless_told_otherwise() -> None:
    scheduled = FUNCTIONS["PlanEvaluation"]["Events"]["Scheduled"]["Properties"]
    assert scheduled["Schedule"] == {"Ref": "EvaluationSchedule"}
    assert TEMPLATE["Parameters"]["EvaluationSchedule"]["Default"] == "rate(7 days)"


def test_advice_to_train_is_only_advice_unless_told_otherwise() -> None:
    assert TEMPLATE["Parameters"]["RetrainingPolicy"]["Default"] == "advise"
    advised = FUNCTIONS["StartTraining"]["Events"]["Advised"]["Properties"]
    assert advised["Pattern"] == {"source": ["claimwatch"], "detail-type": ["RetrainingAdvised"]}
    assert advised["State"] == {"Fn::If": ["TrainOnAdvice", "ENABLED", "DISABLED"]}


def test_a_message_is_given_up_when_the_code_takes_it_for_the_last_time() -> None:
    assert QUEUES["EvaluationQueue"]["RedrivePolicy"]["maxReceiveCount"] == LAST_ATTEMPT


def test_the_dashboard_is_json_and_shows_every_check() -> None:
    body = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    widgets = json.loads(re.sub(r"\$\{[^}]+\}", "x", body))["widgets"]
    shown = {metric[-1] for widget in widgets for metric in widget["properties"].get("metrics", ())}

    assert set(CHECKS) <= shown
