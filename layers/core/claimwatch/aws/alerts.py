"""Messages to people, through SNS."""

from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from claimwatch.errors import TransientFault

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

_SUBJECT_LIMIT = 100
"""SNS refuses longer subjects, and line breaks in them."""


class Alerts(Protocol):
    """Somebody to tell."""

    def publish(self, subject: str, message: str) -> None:
        """Tell it: what happened, where, and what to do, and never what a claim says."""


class SnsAlerts:
    """The alert topic of the stack."""

    def __init__(self, client: "SNSClient", topic_arn: str) -> None:
        self._client = client
        self._topic_arn = topic_arn

    def publish(self, subject: str, message: str) -> None:
        one_line = " ".join(subject.split())[:_SUBJECT_LIMIT]
        one_line = one_line.encode("ascii", "replace").decode()  # SNS subjects are ASCII
        try:
            self._client.publish(TopicArn=self._topic_arn, Subject=one_line, Message=message)
        except BotoCoreError as error:
            raise TransientFault(f"SNS did not answer: {error}") from error
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                raise TransientFault(f"SNS did not answer: {error}") from error
            raise
