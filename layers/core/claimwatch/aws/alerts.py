"""Alerts to people, through SNS."""

from typing import TYPE_CHECKING, Protocol

from claimwatch.aws.faults import aws_faults

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

_SUBJECT_LIMIT = 100
"""Characters: SNS rejects longer subjects, and subjects with line breaks."""


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
        one_line = " ".join(subject.split())[:_SUBJECT_LIMIT]
        one_line = one_line.encode("ascii", "replace").decode()  # SNS subjects are ASCII
        with aws_faults("SNS"):
            self._client.publish(TopicArn=self._topic_arn, Subject=one_line, Message=message)
