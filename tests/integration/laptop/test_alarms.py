"""Metric filters and alarms of the emulator react as CloudWatch's do."""

import json
import time
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from local.emulator import Emulator
from local.emulator_server import alarms, logs
from local.processes import wait_until

PERIOD = 10
"""Seconds: the shortest period of an alarm that AWS allows."""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as server:
        server.client("logs").create_log_group(logGroupName="functions")
        server.client("logs").create_log_stream(logGroupName="functions", logStreamName="one")
        yield server


def write(emulator: Emulator, *messages: str) -> None:
    now = int(time.time() * 1000)
    emulator.client("logs").put_log_events(
        logGroupName="functions",
        logStreamName="one",
        logEvents=[{"timestamp": now, "message": message} for message in messages],
    )


def put_filter(emulator: Emulator, pattern: str) -> None:
    emulator.client("logs").put_metric_filter(
        logGroupName="functions",
        filterName="failures",
        filterPattern=pattern,
        metricTransformations=[{"metricNamespace": "Test", "metricName": "Failures", "metricValue": "1"}],
    )


def state(emulator: Emulator, alarm: str) -> str:
    [found] = emulator.client("cloudwatch").describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
    return str(found["StateValue"])


def test_a_matching_line_raises_an_alarm_that_returns_to_ok_without_another_line(emulator: Emulator) -> None:
    put_filter(emulator, '{ $.message = "scores unavailable" }')
    emulator.client("cloudwatch").put_metric_alarm(
        AlarmName="failures",
        Namespace="Test",
        MetricName="Failures",
        Statistic="Sum",
        Period=PERIOD,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    write(emulator, json.dumps({"message": "scored"}), "scores unavailable")
    time.sleep(2)
    assert state(emulator, "failures") == "INSUFFICIENT_DATA"

    write(emulator, json.dumps({"message": "scores unavailable", "line": "motor"}))
    assert wait_until(lambda: state(emulator, "failures") == "ALARM", 5)
    assert wait_until(lambda: state(emulator, "failures") == "OK", PERIOD + 5)
    history = emulator.client("cloudwatch").describe_alarm_history(
        AlarmName="failures", HistoryItemType="StateUpdate"
    )["AlarmHistoryItems"]
    assert len([item for item in history if "to ALARM" in item["HistorySummary"]]) == 1


def test_a_pattern_that_is_not_valid_is_refused(emulator: Emulator) -> None:
    for pattern in ('{ $.message = "a" ', "{ message = 1 }", "{ $.a ~ 1 }", "[ip, user]"):
        with pytest.raises(ClientError, match="InvalidParameter"):
            put_filter(emulator, pattern)


LINE = json.dumps(
    {"level": "ERROR", "status": 503, "took": 1.5, "request": {"path": "/v1/ready"}, "ok": True, "user": None}
)


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ('{ $.level = "ERROR" }', True),
        ("{ $.level = ERROR }", True),
        ('{ $.level = "error" }', False),
        ('{ $.level = "ERR*" }', True),
        ('{ $.level != "INFO" }', True),
        ("{ $.status = 503 }", True),
        ("{ $.status >= 500 && $.status < 600 }", True),
        ("{ $.status > 503 }", False),
        ("{ $.took > 1 }", True),
        ('{ $.request.path = "/v1/*" }', True),
        ('{ ($.level = "INFO") || ($.status = 503) }', True),
        ('{ ($.level = "INFO" || $.status = 503) && $.ok IS TRUE }', True),
        ("{ $.user IS NULL }", True),
        ("{ $.absent IS NULL }", False),
        ("{ $.absent NOT EXISTS }", True),
        ('{ $.absent != "x" }', False),
    ],
)
def test_a_pattern_of_fields_matches_as_documented(pattern: str, matches: bool) -> None:
    assert logs.FieldPattern(pattern).matches(LINE) is matches
    assert not logs.FieldPattern(pattern).matches("REPORT RequestId: 1")


@pytest.mark.parametrize(
    ("values", "treatment", "needed", "expected"),
    [
        ([1.0, 0.0, 0.0], "notBreaching", 1, "ALARM"),
        ([1.0, 0.0, 0.0], "notBreaching", 2, "OK"),
        ([1.0, None, 1.0], "notBreaching", 3, "OK"),
        ([1.0, None, 1.0], "breaching", 3, "ALARM"),
        ([None, None, None], "breaching", 3, "ALARM"),
        ([None, None, None], "notBreaching", 1, "OK"),
        ([None, None, None], "missing", 1, "INSUFFICIENT_DATA"),
        ([None, None, None], "ignore", 1, "ALARM"),
        ([1.0, None, None], "missing", 3, "ALARM"),
        ([0.0, None, None], "ignore", 1, "OK"),
    ],
)
def test_missing_periods_count_as_the_alarm_says(
    values: list[float | None], treatment: str, needed: int, expected: str
) -> None:
    alarm = {
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 0.0,
        "TreatMissingData": treatment,
        "DatapointsToAlarm": needed,
        "StateValue": "ALARM",
    }
    assert alarms.state_after(alarm, values) == expected
