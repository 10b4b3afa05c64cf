"""Lambda reports and queues are read in the formats of AWS and the emulator, and never guessed."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from claimwatch.aws.lambda_reports import LambdaReports, read_report
from claimwatch.aws.queues import SqsQueues
from claimwatch.domain.evaluation.invocation import Invocation
from claimwatch.errors import TransientFault

SINCE, UNTIL = datetime(2026, 7, 20, tzinfo=UTC), datetime(2026, 7, 27, tzinfo=UTC)
TEXT = "REPORT RequestId: 8f5\tDuration: 71.5 ms\tBilled Duration: 72 ms\tMemory Size: 512 MB\tMax"


def report(status: str = "success", **metrics: float) -> str:
    given = {
        "durationMs": 72.51,
        "billedDurationMs": 73,
        "memorySizeMB": 128,
        "maxMemoryUsedMB": 74,
    } | metrics
    record = {"requestId": "6d6", "metrics": given, "status": status}
    return json.dumps({"time": "2026-07-21T18:56:24.046Z", "type": "platform.report", "record": record})


def refused(code: str, status: int = 400) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Op")  # type: ignore[typeddict-item]


class Logs:
    """CloudWatch Logs with prepared pages for a pattern."""

    def __init__(self, pages: list[list[str]], pattern: str = "platform.report") -> None:
        self.pages, self.pattern = pages, pattern
        self.asked: list[dict[str, Any]] = []

    def filter_log_events(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(dict(asked))
        if self.pattern not in asked["filterPattern"]:
            return {"events": []}
        page = int(asked.get("nextToken", 0))
        more = {"nextToken": str(page + 1)} if page + 1 < len(self.pages) else {}
        return {"events": [{"message": message} for message in self.pages[page]], **more}


def test_a_json_report_has_billing_failure_and_cold_start() -> None:
    assert read_report(report()) == Invocation(0.073, 128, failed=False, cold_start=False)
    assert read_report(report("timeout", initDurationMs=300.0)) == Invocation(0.073, 128, True, True)


def test_a_text_report_has_billing_only() -> None:
    assert read_report(TEXT) == Invocation(0.072, 512, failed=None, cold_start=None)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "REPORT RequestId: 1",
        '{"message": "a function that says platform.report"}',
        '{"type": "platform.report"}',
        '{"type": "platform.report", "record": {"metrics": null}}',
        "[]",
    ],
)
def test_other_log_lines_are_ignored(line: str) -> None:
    assert read_report(line) is None


def test_all_pages_are_read_and_the_end_is_excluded() -> None:
    logs = Logs([[report(), "noise"], [], [report()]])
    assert LambdaReports(logs, "group").between(SINCE, UNTIL) == [Invocation(0.073, 128, False, False)] * 2
    assert {asked["logGroupName"] for asked in logs.asked} == {"group"}
    assert logs.asked[0]["startTime"] == SINCE.timestamp() * 1000
    assert logs.asked[0]["endTime"] == UNTIL.timestamp() * 1000 - 1


def test_text_reports_are_read_if_there_are_no_json_reports() -> None:
    found = LambdaReports(Logs([[TEXT]], "REPORT RequestId"), "group").between(SINCE, UNTIL)
    assert found == [Invocation(0.072, 512)]


def test_without_reports_the_calls_are_unknown() -> None:
    assert LambdaReports(Logs([[]]), "group").between(SINCE, UNTIL) is None


def test_too_many_pages_make_the_calls_unknown_instead_of_partial() -> None:
    assert LambdaReports(Logs([[report()]] * 4), "group", most_pages=3).between(SINCE, UNTIL) is None
    assert LambdaReports(Logs([[report()]] * 3), "group", most_pages=3).between(SINCE, UNTIL) is not None


class Refusing:
    """A client whose every call fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, _name: str) -> Any:
        def fail(**_: Any) -> None:
            raise self._error

        return fail


def test_a_missing_log_group_is_unknown_and_a_denied_one_is_a_bug() -> None:
    gone = LambdaReports(Refusing(refused("ResourceNotFoundException")), "group")
    assert gone.between(SINCE, UNTIL) is None
    with pytest.raises(ClientError):
        LambdaReports(Refusing(refused("AccessDeniedException")), "group").between(SINCE, UNTIL)


@pytest.mark.parametrize(
    "error",
    [
        refused("ThrottlingException"),
        refused("InternalFailure", 500),
        EndpointConnectionError(endpoint_url="http://x"),
    ],
)
def test_transient_errors_are_transient_faults(error: Exception) -> None:
    with pytest.raises(TransientFault):
        LambdaReports(Refusing(error), "group").between(SINCE, UNTIL)
    with pytest.raises(TransientFault):
        SqsQueues(Refusing(error), Refusing(error)).waiting(["http://sqs/1/Files"])
    with pytest.raises(TransientFault):
        SqsQueues(Refusing(error), Refusing(error)).oldest_seconds(["http://sqs/1/Files"], SINCE, UNTIL)


class Sqs:
    def get_queue_attributes(self, **asked: Any) -> dict[str, Any]:
        return {"Attributes": {"ApproximateNumberOfMessages": "3"}} if "Files" in asked["QueueUrl"] else {}


class CloudWatch:
    def get_metric_statistics(self, **asked: Any) -> dict[str, Any]:
        assert asked["Period"] == 7 * 24 * 3600
        files = asked["Dimensions"] == [{"Name": "QueueName", "Value": "Files"}]
        return {"Datapoints": [{"Maximum": 4.0}, {"Maximum": 90.0}] if files else []}


def test_queues_are_named_and_missing_values_are_not_zero() -> None:
    queues = SqsQueues(Sqs(), CloudWatch())
    urls = ["http://sqs/1/Files", "http://sqs/1/Images"]
    assert queues.waiting(urls) == {"Files": 3, "Images": None}
    assert queues.oldest_seconds(urls, SINCE, UNTIL) == {"Files": 90.0, "Images": None}


def test_a_deleted_queue_does_not_count_as_empty() -> None:
    gone = SqsQueues(Refusing(refused("AWS.SimpleQueueService.NonExistentQueue")), None)
    assert gone.waiting(["http://sqs/1/Files"]) == {"Files": None}


def test_the_name_of_a_queue_survives_a_new_deployment() -> None:
    for suffix in ("3DB6150C55345", "JnSx2oAVqvpr"):
        waiting = SqsQueues(Sqs(), CloudWatch()).waiting(
            [f"http://sqs/1/claimwatch-FilesDeadLetters-{suffix}"]
        )
        assert waiting == {"claimwatch-FilesDeadLetters": 3}
