"""No event is lost: every queue and rule has a dead-letter queue, and every dead-letter queue an alarm."""

import re
from typing import Any

import pytest

from tests.template.application import (
    ALARMS,
    FUNCTIONS,
    GLOBALS,
    MACHINES,
    PROJECT,
    QUEUES,
    RESOURCES,
    RULES,
    deployed_resources,
    of_type,
    referred,
    statements_of,
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
    """Return function, event and properties of every direct invocation by EventBridge."""
    return [
        (name, event_name, event["Properties"])
        for name, function in FUNCTIONS.items()
        for event_name, event in function.get("Events", {}).items()
        if event["Type"] in ("EventBridgeRule", "Schedule", "ScheduleV2")
    ]


def consumers() -> list[tuple[str, str, dict[str, Any]]]:
    """Return function, queue and event source properties for every queue that a function reads."""
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
def test_the_weekly_report_counts_the_messages_of_a_dead_letter_queue_and_the_dashboard_shows_them(
    name: str,
) -> None:
    function = FUNCTIONS["RunCheck"]
    [_, urls] = function["Environment"]["Variables"]["DEAD_LETTER_QUEUE_URLS"]["Fn::Join"]
    assert {"Ref": name} in urls
    [allowed] = [statement for statement in statements_of(function) if statement["Sid"] == "CountDeadLetters"]
    assert {"Fn::GetAtt": [name, "Arn"]} in allowed["Resource"]
    [dashboard] = of_type("AWS::CloudWatch::Dashboard").values()
    assert f"${{{name}.QueueName}}" in str(dashboard["DashboardBody"])


@pytest.mark.parametrize("name", sorted(dead_letter_queues()))
def test_a_dead_letter_queue_keeps_messages_for_the_maximum_of_14_days(name: str) -> None:
    assert QUEUES[name]["MessageRetentionPeriod"] == 14 * 24 * 3600


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("metric", ["ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"])
def test_an_unsuccessful_execution_raises_an_alarm(metric: str, machine: str) -> None:
    assert any(
        alarm["MetricName"] == metric and referred(alarm["Dimensions"][0]["Value"]) == machine
        for alarm in ALARMS.values()
    )


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_notifies_the_topic(name: str) -> None:
    assert ALARMS[name]["AlarmActions"] == [{"Ref": "AlertTopic"}]


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_refers_to_a_section_of_the_runbook(name: str) -> None:
    headings = re.findall(r"^## (.+)$", (PROJECT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    description = str(ALARMS[name]["AlarmDescription"])
    [section] = re.findall(r'See docs/runbook\.md, "(.+)"\.', description)
    assert section in headings


@pytest.mark.parametrize("name", QUEUES)
def test_a_queue_is_encrypted_and_refuses_connections_without_tls(name: str) -> None:
    assert QUEUES[name]["SqsManagedSseEnabled"] is True
    assert any(
        {"Ref": name} in policy["Queues"] and tls_only(policy["PolicyDocument"])
        for policy in QUEUE_POLICIES.values()
    )


@pytest.mark.parametrize(("function", "queue", "event"), consumers(), ids=lambda value: str(value)[:20])
def test_a_message_stays_hidden_for_six_times_the_function_timeout(
    function: str, queue: str, event: dict[str, Any]
) -> None:
    assert QUEUES[queue]["VisibilityTimeout"] == 6 * FUNCTIONS[function]["Timeout"]


@pytest.mark.parametrize(("function", "queue", "event"), consumers(), ids=lambda value: str(value)[:20])
def test_a_consumer_reports_batch_item_failures(function: str, queue: str, event: dict[str, Any]) -> None:
    assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_only_queues_that_senders_can_fill_have_a_maximum_concurrency() -> None:
    """It bounds the connections to the database, but ends Lambda's slower polling of an idle queue.

    People drop any number of files and photos at a time, and machines send any number of requests. Contracts
    and sources are few, checks are ten for each line and week, and requests for seals and for publications of
    decisions one every few minutes.
    """

    def limits(**parameters: str) -> dict[str, Any]:
        return {
            name: body["Properties"].get("ScalingConfig", {}).get("MaximumConcurrency")
            for name, body in deployed_resources(**parameters).items()
            if body["Type"] == "AWS::Lambda::EventSourceMapping"
        }

    unlimited = {
        "ApplyContractContracts": None,
        "ApplySourceSources": None,
        "RunCheckChecks": None,
        "SealAuditRequests": None,
        "PublishDecisionsRequests": None,
    }
    limited = {
        "StartPipelineClaims": {"Ref": "ClaimsConcurrency"},
        "ProcessImageImages": {"Ref": "ImagesConcurrency"},
        "RecordScoresRecords": 4,
    }
    assert limits(EvaluationConcurrency="0") == limits() == limited | unlimited
    chosen = limits(EvaluationConcurrency="4")
    assert chosen == limited | unlimited | {"RunCheckChecks": {"Ref": "EvaluationConcurrency"}}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_retries_and_keeps_undeliverable_events(name: str) -> None:
    for target in RULES[name]["Targets"]:
        assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0
        assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] > 0
        assert referred(target["DeadLetterConfig"]["Arn"]) in QUEUES


@pytest.mark.parametrize("name", RULES)
def test_a_queue_accepts_events_only_from_its_own_rule(name: str) -> None:
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
def test_undeliverable_and_failed_asynchronous_invocations_share_a_dead_letter_queue(
    function: str, event: str, properties: dict[str, Any]
) -> None:
    assert properties["RetryPolicy"]["MaximumRetryAttempts"] > 0
    dead_letters = referred(properties["DeadLetterConfig"]["Arn"])
    assert dead_letters == referred(FUNCTIONS[function]["DeadLetterQueue"]["TargetArn"])
    [grant] = [
        statement
        for policy in QUEUE_POLICIES.values()
        if {"Ref": dead_letters} in policy["Queues"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    assert f"{function}{event}" in map(referred, grant["Condition"]["ArnEquals"]["aws:SourceArn"])


def test_photos_and_objects_written_by_the_application_start_no_execution() -> None:
    claims = RULES["ClaimsRule"]["EventPattern"]["detail"]
    assert claims["bucket"]["name"] == [{"Ref": "LandingBucket"}]
    assert claims["object"]["key"] == [{"anything-but": {"prefix": "images/"}}]
    images = RULES["ImagesRule"]["EventPattern"]["detail"]
    assert images["bucket"]["name"] == [{"Ref": "LandingBucket"}]
    assert images["object"]["key"] == [{"prefix": "images/"}]
    contracts = RULES["ContractsRule"]["EventPattern"]["detail"]
    assert contracts["bucket"]["name"] == [{"Ref": "ArtifactBucket"}]
    ours = ["staging/*", "models/*", "snapshots/*", "code/*", "mlflow/*", "reports/*", "sources/*"]
    assert contracts["object"]["key"] == [{"anything-but": {"wildcard": [*ours, "*.draft.yaml"]}}]
    sources = RULES["SourcesRule"]["EventPattern"]["detail"]
    assert sources["bucket"]["name"] == [{"Ref": "ArtifactBucket"}]
    assert sources["object"]["key"] == [{"prefix": "sources/"}]


@pytest.mark.parametrize("name", ["ImagesRule", "SourcesRule"])
def test_photos_and_sources_send_events_when_created_and_when_deleted(name: str) -> None:
    assert RULES[name]["EventPattern"]["detail-type"] == ["Object Created", "Object Deleted"]


def test_the_queue_of_undelivered_events_accepts_events_from_every_rule() -> None:
    [grant] = [
        statement
        for statement in QUEUE_POLICIES["UndeliveredEventsPolicy"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    assert {referred(arn) for arn in grant["Condition"]["ArnEquals"]["aws:SourceArn"]} == set(RULES)


def test_every_function_logs_to_the_shared_log_group() -> None:
    group = GLOBALS["LoggingConfig"]["LogGroup"]["Ref"]
    assert group in RESOURCES
    assert not any("LoggingConfig" in function for function in FUNCTIONS.values())


@pytest.mark.parametrize("name", of_type("AWS::Logs::LogGroup"))
def test_a_log_group_has_a_retention_period(name: str) -> None:
    assert RESOURCES[name]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
