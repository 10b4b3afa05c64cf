"""The weekly checks of a line have one alarm and a dashboard, and an unchecked week raises an alarm."""

import json
import re

from claimwatch.domain.evaluation.finding import CHECKS
from claimwatch.evaluation.close import AHEAD
from claimwatch.evaluation.run_check import LAST_ATTEMPT
from tests.template.application import ALARMS, FUNCTIONS, QUEUES, RESOURCES, TEMPLATE, deployed_resources

OF_LINE = [
    {"Name": "Stack", "Value": {"Ref": "AWS::StackName"}},
    {"Name": "Line", "Value": {"Ref": "MonitoredLine"}},
]


def test_one_alarm_covers_all_checks_of_the_line_until_a_later_week_is_closed() -> None:
    alarm = ALARMS["LineStandingAlarm"]

    assert (alarm["Namespace"], alarm["MetricName"], alarm["Threshold"]) == (
        "Claimwatch",
        "StandingAlarms",
        0,
    )
    assert alarm["Dimensions"] == OF_LINE
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    assert alarm["TreatMissingData"] == "ignore"
    assert TEMPLATE["Outputs"]["LineAlarmName"]["Value"] == {"Ref": "LineStandingAlarm"}


def test_the_alarm_says_which_command_names_the_checks() -> None:
    text = ALARMS["LineStandingAlarm"]["AlarmDescription"]["Fn::Sub"]
    assert "`claimwatch evaluations ${MonitoredLine}`" in text


def test_the_dashboard_is_created_only_on_request() -> None:
    assert "Dashboard" not in deployed_resources()
    assert "Dashboard" in deployed_resources(MonitoringDashboard="true")
    assert RESOURCES["Dashboard"]["Condition"] == TEMPLATE["Outputs"]["DashboardName"]["Condition"]


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
    assert set(alarms) == {"LineStandingAlarm.Arn", "NoWindowClosedAlarm.Arn"}
