"""Queues as they are looked at from outside: how many messages wait, and how long the oldest has waited."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from claimwatch.errors import TransientFault

_SUFFIX = re.compile(r"-[0-9A-Za-z]{12,13}$")
_GONE = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}


class Queues(Protocol):
    """Who knows of queues."""

    def waiting(self, urls: Sequence[str]) -> dict[str, int | None]:
        """Messages that wait in each queue, by its name; None where that cannot be told."""

    def oldest_seconds(
        self, urls: Sequence[str], since: datetime, until: datetime
    ) -> dict[str, float | None]:
        """How long a message waited at the most, by the queue's name; None where that cannot be told."""


class SqsQueues:
    """SQS, and what CloudWatch knows of it."""

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
            answer = self._sqs.get_queue_attributes(
                QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
            )
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and error.response["Error"]["Code"] in _GONE:
                return None
            raise _translated(error) from error
        told = answer.get("Attributes", {}).get("ApproximateNumberOfMessages")
        return None if told is None else int(told)

    def _oldest(self, name: str, since: datetime, until: datetime) -> float | None:
        span = int((until - since).total_seconds())
        try:
            answer = self._cloudwatch.get_metric_statistics(
                Namespace="AWS/SQS",
                MetricName="ApproximateAgeOfOldestMessage",
                Dimensions=[{"Name": "QueueName", "Value": name}],
                StartTime=since,
                EndTime=until,
                Period=max(3600, span // 3600 * 3600),
                Statistics=["Maximum"],
            )
        except (ClientError, BotoCoreError) as error:
            raise _translated(error) from error
        return max((float(point["Maximum"]) for point in answer.get("Datapoints", ())), default=None)


def _name(url: str) -> str:
    return url.rpartition("/")[2]


def _title(url: str) -> str:
    """The queue's name without what CloudFormation hangs on it to make it unique."""
    return _SUFFIX.sub("", _name(url))


def _translated(error: ClientError | BotoCoreError) -> Exception:
    """A bug stays what it is; what the service or the network did passes."""
    if isinstance(error, ClientError):
        code = error.response["Error"]["Code"]
        if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500 and "Throttl" not in code:
            return error
    return TransientFault(f"the queues could not be looked at: {error}")
