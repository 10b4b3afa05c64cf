"""Messages, metrics and events are sent completely, or raise a transient fault."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from claimwatch.aws.event_bus import EventBridgeBus
from claimwatch.aws.metrics import CloudWatchMetrics, Measure
from claimwatch.aws.sqs import SqsSender
from claimwatch.errors import TransientFault


class Client:
    """A service with prepared answers."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    def _answer(self, **asked: Any) -> Any:
        self.asked.append(asked)
        answer = self.answers.pop(0) if self.answers else {}
        if isinstance(answer, Exception):
            raise answer
        return answer

    send_message = put_metric_data = put_events = _answer


def refused(status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": "X", "Message": "x"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "Do",
    )


def test_every_message_is_sent_with_its_delay() -> None:
    sqs = Client()

    SqsSender(sqs, "url").send([{"number": number} for number in range(3)], delay_seconds=900)

    assert [json.loads(asked["MessageBody"])["number"] for asked in sqs.asked] == [0, 1, 2]
    assert {(asked["QueueUrl"], asked["DelaySeconds"]) for asked in sqs.asked} == {("url", 900)}


def test_metrics_are_put_with_dimensions_and_times() -> None:
    cloudwatch = Client()
    at = datetime(2026, 3, 2, tzinfo=UTC)

    CloudWatchMetrics(cloudwatch, "staging").put(
        [Measure("Alarms", 2, {"Line": "motor"}), Measure("WindowsClosed", 1, at=at)]
    )

    [asked] = cloudwatch.asked
    assert asked["Namespace"] == "Claimwatch"
    first, second = asked["MetricData"]
    assert (first["MetricName"], first["Value"]) == ("Alarms", 2)
    stack = {"Name": "Stack", "Value": "staging"}
    assert first["Dimensions"] == [stack, {"Name": "Line", "Value": "motor"}]
    assert second["Dimensions"] == [stack]
    assert "Timestamp" not in first
    assert second["Timestamp"] == at


def test_an_event_rejected_by_the_bus_is_a_transient_fault() -> None:
    with pytest.raises(TransientFault, match="RetrainingAdvised"):
        EventBridgeBus(Client({"FailedEntryCount": 1}), ("default", "requests"), "staging").publish_event(
            "RetrainingAdvised", {}
        )


def test_an_event_has_claimwatch_as_its_source_and_goes_to_both_buses() -> None:
    events = Client({"FailedEntryCount": 0})

    EventBridgeBus(events, ("default", "requests"), "staging").publish_event(
        "RetrainingAdvised", {"line": "motor"}
    )

    entries = [entry for asked in events.asked for entry in asked["Entries"]]
    assert [entry["EventBusName"] for entry in entries] == ["default", "requests"]
    for entry in entries:
        assert (entry["Source"], entry["DetailType"]) == ("claimwatch", "RetrainingAdvised")
        assert json.loads(entry["Detail"]) == {"stack": "staging", "line": "motor"}


def send(client: Client, service: str) -> None:
    match service:
        case "SQS":
            SqsSender(client, "url").send([{}])
        case "CloudWatch":
            CloudWatchMetrics(client, "staging").put([Measure("Alarms", 0)])
        case _:
            EventBridgeBus(client, ("default", "requests"), "staging").publish_event("RetrainingAdvised", {})


@pytest.mark.parametrize("service", ["SQS", "CloudWatch", "EventBridge"])
@pytest.mark.parametrize(
    "fault", [refused(503), EndpointConnectionError(endpoint_url="x")], ids=["503", "no connection"]
)
def test_an_unavailable_service_is_a_transient_fault(service: str, fault: Exception) -> None:
    with pytest.raises(TransientFault, match=service):
        send(Client(fault), service)


@pytest.mark.parametrize("service", ["SQS", "CloudWatch", "EventBridge"])
def test_a_denied_call_is_a_bug(service: str) -> None:
    with pytest.raises(ClientError):
        send(Client(refused(403)), service)
