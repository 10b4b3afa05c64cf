"""Alerts to people, through SNS."""

import re
from typing import TYPE_CHECKING, Protocol

from claimwatch.aws.faults import aws_faults

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

MOST_BYTES = 256_000
"""Bytes of a message: SNS refuses one of more than 262,144, and it would never be sent."""

_SUBJECT_LIMIT = 100
"""Characters: SNS rejects longer subjects, and subjects with control characters."""

_UNPRINTABLE = re.compile(r"[^ -~]+")

_CUT = "\n...\nThis message was cut: it had {:,} bytes, and SNS sends at most 262,144.\n"


class Alerts(Protocol):
    """Sends alerts."""

    def publish(self, subject: str, message: str) -> None:
        """Send what happened, where, and what to do. Neither argument may quote a claim."""


class SnsAlerts:
    """The alert topic of the stack."""

    def __init__(self, client: "SNSClient", topic_arn: str) -> None:
        self._client = client
        self._topic_arn = topic_arn

    def publish(self, subject: str, message: str) -> None:
        one_line = _UNPRINTABLE.sub("?", " ".join(subject.split()))[:_SUBJECT_LIMIT]
        with aws_faults("SNS"):
            self._client.publish(TopicArn=self._topic_arn, Subject=one_line, Message=_sendable(message))


def _sendable(message: str) -> str:
    """Return the message, cut if it is longer than SNS accepts, with a sentence that says so."""
    content = message.encode("utf-8", "replace")
    if len(content) <= MOST_BYTES:
        return content.decode()
    end = _CUT.format(len(content))
    return content[: MOST_BYTES - len(end)].decode("utf-8", "ignore") + end
