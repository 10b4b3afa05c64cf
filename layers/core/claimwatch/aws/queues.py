"""State of queues, seen from outside: how many messages wait, and how long the oldest has waited."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from botocore.exceptions import ClientError

from claimwatch.aws.faults import aws_faults, error_code

_SUFFIX = re.compile(r"-[0-9A-Za-z]{12,13}$")
_MISSING = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}


class Queues(Protocol):
    """Reads the state of queues."""

    def waiting(self, urls: Sequence[str]) -> dict[str, int | None]:
        """Return how many messages wait in each queue, by its name; None where that is not known."""

    def oldest_seconds(
        self, urls: Sequence[str], since: datetime, until: datetime
    ) -> dict[str, float | None]:
        """Return the longest time a message waited, by the queue's name; None where that is not known."""


class SqsQueues:
    """Queues in SQS, with the metrics that CloudWatch keeps of them."""

    def __init__(self, sqs: Any, cloudwatch: Any) -> None:
        self._sqs = sqs
        self._cloudwatch = cloudwatch

    def waiting(self, urls: Sequence[str]) -> dict[str, int | None]:
        return {_title(url): self._waiting(url) for url in urls}

    def oldest_seconds(
        self, urls: Sequence[str], since: datetime, until: datetime
    ) -> dict[str, float | None]:
        return {_title(url): self._oldest(_name(url), since, until) for url in urls}

    def _waiting(self, url: str) -> int | None:
        try:
            with aws_faults("SQS"):
                answer = self._sqs.get_queue_attributes(
                    QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
                )
        except ClientError as error:
            if error_code(error) in _MISSING:
                return None
            raise
        count = answer.get("Attributes", {}).get("ApproximateNumberOfMessages")
        return None if count is None else int(count)

    def _oldest(self, name: str, since: datetime, until: datetime) -> float | None:
        span = int((until - since).total_seconds())
        with aws_faults("CloudWatch"):
            answer = self._cloudwatch.get_metric_statistics(
                Namespace="AWS/SQS",
                MetricName="ApproximateAgeOfOldestMessage",
                Dimensions=[{"Name": "QueueName", "Value": name}],
                StartTime=since,
                EndTime=until,
                Period=max(3600, span // 3600 * 3600),
                Statistics=["Maximum"],
            )
        return max((float(point["Maximum"]) for point in answer.get("Datapoints", ())), default=None)


def _name(url: str) -> str:
    return url.rpartition("/")[2]


def _title(url: str) -> str:
    """Return the queue's name without the suffix that CloudFormation adds to make it unique."""
    return _SUFFIX.sub("", _name(url))
