"""Report lines and queues are read as AWS and the emulator write them, and never guessed."""

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
    told = {"durationMs": 72.51, "billedDurationMs": 73, "memorySizeMB": 128, "maxMemoryUsedMB": 74} | metrics
    record = {"requestId": "6d6", "metrics": told, "status": status}
    return json.dumps({"time": "2026-07-21T18:56:24.046Z", "type": "platform.report", "record": record})


def refused(code: str, status: int = 400) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Op")  # type: ignore[typeddict-item]


class Logs:
    """CloudWatch Logs with the answers that it is given, for each pattern."""

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


def test_a_report_in_json_says_what_is_billed_what_failed_and_what_was_cold() -> None:
    assert read_report(report()) == Invocation(0.073, 128, failed=False, cold_start=False)
    assert read_report(report("timeout", initDurationMs=300.0)) == Invocation(0.073, 128, True, True)


def test_a_report_in_text_says_what_is_billed_and_no_more() -> None:
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
def test_other_lines_are_no_reports(line: str) -> None:
    assert read_report(line) is None


def test_all_pages_of_the_span_are_read_and_the_end_is_not_in_it() -> None:
    logs = Logs([[report(), "noise"], [], [report()]])
    assert LambdaReports(logs, "group").between(SINCE, UNTIL) == [Invocation(0.073, 128, False, False)] * 2
    assert {asked["logGroupName"] for asked in logs.asked} == {"group"}
    assert logs.asked[0]["startTime"] == SINCE.timestamp() * 1000
    assert logs.asked[0]["endTime"] == UNTIL.timestamp() * 1000 - 1


def test_reports_in_text_are_found_where_there_are_none_in_json() -> None:
    found = LambdaReports(Logs([[TEXT]], "REPORT RequestId"), "group").between(SINCE, UNTIL)
    assert found == [Invocation(0.072, 512)]


def test_without_a_report_nothing_is_known() -> None:
    assert LambdaReports(Logs([[]]), "group").between(SINCE, UNTIL) is None


def test_a_part_of_the_calls_is_not_given_out_as_all_of_them() -> None:
    assert LambdaReports(Logs([[report()]] * 4), "group", most_pages=3).between(SINCE, UNTIL) is None
    assert LambdaReports(Logs([[report()]] * 3), "group", most_pages=3).between(SINCE, UNTIL) is not None


class Refusing:
    """Any client, which answers nothing but an error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, _name: str) -> Any:
        def fail(**_: Any) -> None:
            raise self._error

        return fail


def test_a_log_group_that_is_not_there_says_nothing_and_one_that_is_closed_is_a_bug() -> None:
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
def test_what_passes_is_tried_again(error: Exception) -> None:
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


def test_queues_are_told_by_name_and_silence_is_not_zero() -> None:
    queues = SqsQueues(Sqs(), CloudWatch())
    urls = ["http://sqs/1/Files", "http://sqs/1/Images"]
    assert queues.waiting(urls) == {"Files": 3, "Images": None}
    assert queues.oldest_seconds(urls, SINCE, UNTIL) == {"Files": 90.0, "Images": None}


def test_a_queue_that_is_gone_is_not_an_empty_one() -> None:
    gone = SqsQueues(Refusing(refused("AWS.SimpleQueueService.NonExistentQueue")), None)
    assert gone.waiting(["http://sqs/1/Files"]) == {"Files": None}


def test_a_queue_s_name_is_the_same_after_it_was_deployed_anew() -> None:
    for suffix in ("3DB6150C55345", "JnSx2oAVqvpr"):
        told = SqsQueues(Sqs(), CloudWatch()).waiting([f"http://sqs/1/claimwatch-FilesDeadLetters-{suffix}"])
        assert told == {"claimwatch-FilesDeadLetters": 3}
