"""No event is lost: every queue and rule has somewhere for what failed, and somebody is told."""

from typing import Any

import pytest

from tests.template.application import (
    ALARMS,
    COMPOSITES,
    FUNCTIONS,
    GLOBALS,
    MACHINES,
    QUEUES,
    RESOURCES,
    RULES,
    of_type,
    referred,
    tls_only,
)

QUEUE_POLICIES = of_type("AWS::SQS::QueuePolicy")


def dead_letter_queues() -> set[str]:
    redriven = {
        referred(queue["RedrivePolicy"]["deadLetterTargetArn"])
        for queue in QUEUES.values()
        if "RedrivePolicy" in queue
    }
    undelivered = {
        referred(target["DeadLetterConfig"]["Arn"])
        for rule in RULES.values()
        for target in rule["Targets"]
        if "DeadLetterConfig" in target
    }
    asynchronous = {
        referred(function["DeadLetterQueue"]["TargetArn"])
        for function in FUNCTIONS.values()
        if "DeadLetterQueue" in function
    }
    return {name for name in redriven | undelivered | asynchronous if name}


def invocations_by_event() -> list[tuple[str, str, dict[str, Any]]]:
    """Function, event, properties: what EventBridge invokes without a queue between."""
    return [
        (name, event_name, event["Properties"])
        for name, function in FUNCTIONS.items()
        for event_name, event in function.get("Events", {}).items()
        if event["Type"] in ("EventBridgeRule", "Schedule", "ScheduleV2")
    ]


def consumers() -> list[tuple[str, str, dict[str, Any]]]:
    """Function, queue, properties of the event source: one for each queue that a function reads."""
    return [
        (name, str(referred(event["Properties"]["Queue"])), event["Properties"])
        for name, function in FUNCTIONS.items()
        for event in function.get("Events", {}).values()
        if event["Type"] == "SQS"
    ]


@pytest.mark.parametrize("name", QUEUES)
def test_a_queue_has_a_dead_letter_queue_or_is_one(name: str) -> None:
    assert name in dead_letter_queues() or "RedrivePolicy" in QUEUES[name]


@pytest.mark.parametrize("name", sorted(dead_letter_queues()))
def test_a_dead_letter_queue_has_an_alarm_on_its_first_message(name: str) -> None:
    watching = [
        alarm
        for alarm in ALARMS.values()
        if alarm["Namespace"] == "AWS/SQS" and referred(alarm["Dimensions"][0]["Value"]) == name
    ]
    assert len(watching) == 1
    assert watching[0]["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert watching[0]["Threshold"] == 0
    assert watching[0]["ComparisonOperator"] == "GreaterThanThreshold"


@pytest.mark.parametrize("name", sorted(dead_letter_queues()))
def test_a_dead_letter_queue_keeps_its_messages_as_long_as_sqs_can(name: str) -> None:
    assert QUEUES[name]["MessageRetentionPeriod"] == 14 * 24 * 3600


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("metric", ["ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"])
def test_executions_that_did_not_succeed_raise_an_alarm(metric: str, machine: str) -> None:
    assert any(
        alarm["MetricName"] == metric and referred(alarm["Dimensions"][0]["Value"]) == machine
        for alarm in ALARMS.values()
    )


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_reaches_the_topic_itself_or_through_a_composite_one_and_names_the_runbook(
    name: str,
) -> None:
    spoken_for = any(f"ALARM(${{{name}}})" in each["AlarmRule"]["Fn::Sub"] for each in COMPOSITES.values())
    if spoken_for:
        assert "AlarmActions" not in ALARMS[name]  # else people would hear of it twice
    else:
        assert ALARMS[name]["AlarmActions"] == [{"Ref": "AlertTopic"}]
    assert "docs/runbook.md" in ALARMS[name]["AlarmDescription"]


@pytest.mark.parametrize("name", COMPOSITES)
def test_a_composite_alarm_reaches_the_topic_and_names_the_runbook(name: str) -> None:
    assert COMPOSITES[name]["AlarmActions"] == [{"Ref": "AlertTopic"}]
    assert "docs/runbook.md" in str(COMPOSITES[name]["AlarmDescription"])


@pytest.mark.parametrize("name", QUEUES)
def test_a_queue_is_encrypted_and_refuses_plain_connections(name: str) -> None:
    assert QUEUES[name]["SqsManagedSseEnabled"] is True
    assert any(
        {"Ref": name} in policy["Queues"] and tls_only(policy["PolicyDocument"])
        for policy in QUEUE_POLICIES.values()
    )


@pytest.mark.parametrize(("function", "queue", "event"), consumers(), ids=lambda value: str(value)[:20])
def test_a_message_stays_hidden_for_six_times_its_function_s_timeout(
    function: str, queue: str, event: dict[str, Any]
) -> None:
    assert QUEUES[queue]["VisibilityTimeout"] >= 6 * FUNCTIONS[function]["Timeout"]


@pytest.mark.parametrize(("function", "queue", "event"), consumers(), ids=lambda value: str(value)[:20])
def test_a_consumer_reports_single_failures_and_is_bounded(
    function: str, queue: str, event: dict[str, Any]
) -> None:
    assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert event["ScalingConfig"]["MaximumConcurrency"]


@pytest.mark.parametrize("name", RULES)
def test_a_rule_retries_and_keeps_what_it_cannot_deliver(name: str) -> None:
    for target in RULES[name]["Targets"]:
        assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0
        assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] > 0
        assert referred(target["DeadLetterConfig"]["Arn"]) in QUEUES


@pytest.mark.parametrize("name", RULES)
def test_a_queue_takes_events_from_its_own_rule_only(name: str) -> None:
    for target in RULES[name]["Targets"]:
        queue = referred(target["Arn"])
        grants = [
            statement
            for policy in QUEUE_POLICIES.values()
            if {"Ref": queue} in policy["Queues"]
            for statement in policy["PolicyDocument"]["Statement"]
            if statement["Effect"] == "Allow"
        ]
        assert [grant["Principal"] for grant in grants] == [{"Service": "events.amazonaws.com"}]
        assert referred(grants[0]["Condition"]["ArnEquals"]["aws:SourceArn"]) == name


@pytest.mark.parametrize(("function", "event", "properties"), invocations_by_event(), ids=str)
def test_what_eventbridge_invokes_keeps_what_could_not_be_delivered_and_what_failed(
    function: str, event: str, properties: dict[str, Any]
) -> None:
    assert properties["RetryPolicy"]["MaximumRetryAttempts"] > 0
    letters = referred(properties["DeadLetterConfig"]["Arn"])
    assert letters == referred(FUNCTIONS[function]["DeadLetterQueue"]["TargetArn"])
    [grant] = [
        statement
        for policy in QUEUE_POLICIES.values()
        if {"Ref": letters} in policy["Queues"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    assert f"{function}{event}" in map(referred, grant["Condition"]["ArnEquals"]["aws:SourceArn"])


def test_photographs_and_what_the_pipeline_writes_itself_start_no_execution() -> None:
    claims = RULES["ClaimsRule"]["EventPattern"]["detail"]
    assert claims["bucket"]["name"] == [{"Ref": "LandingBucket"}]
    assert claims["object"]["key"] == [{"anything-but": {"prefix": "images/"}}]
    images = RULES["ImagesRule"]["EventPattern"]["detail"]
    assert images["bucket"]["name"] == [{"Ref": "LandingBucket"}]
    assert images["object"]["key"] == [{"prefix": "images/"}]
    contracts = RULES["ContractsRule"]["EventPattern"]["detail"]
    assert contracts["bucket"]["name"] == [{"Ref": "ArtifactBucket"}]
    ours = ["staging/*", "models/*", "snapshots/*", "code/*", "mlflow/*", "reports/*", "*.draft.yaml"]
    assert contracts["object"]["key"] == [{"anything-but": {"wildcard": ours}}]


def test_photos_are_told_of_when_they_come_and_when_they_go() -> None:
    assert RULES["ImagesRule"]["EventPattern"]["detail-type"] == ["Object Created", "Object Deleted"]


def test_events_that_any_rule_could_not_deliver_are_taken_by_their_queue() -> None:
    [grant] = [
        statement
        for statement in QUEUE_POLICIES["UndeliveredEventsPolicy"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    assert {referred(arn) for arn in grant["Condition"]["ArnEquals"]["aws:SourceArn"]} == set(RULES)


def test_every_function_logs_to_a_group_that_forgets() -> None:
    group = GLOBALS["LoggingConfig"]["LogGroup"]["Ref"]
    assert group in RESOURCES
    assert not any("LoggingConfig" in function for function in FUNCTIONS.values())


@pytest.mark.parametrize("name", of_type("AWS::Logs::LogGroup"))
def test_a_log_group_forgets(name: str) -> None:
    assert RESOURCES[name]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
