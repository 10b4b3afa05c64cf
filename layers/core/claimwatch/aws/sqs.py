"""Messages to a queue."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from claimwatch.errors import TransientFault


class SqsSender:
    """An SQS queue that messages are put into, one by one: they are a dozen a week."""

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, messages: list[Mapping[str, Any]], delay_seconds: int = 0) -> None:
        """Send them all, or raise ``TransientFault``: then some may have been sent."""
        for message in messages:
            try:
                self._client.send_message(
                    QueueUrl=self._url, MessageBody=json.dumps(dict(message)), DelaySeconds=delay_seconds
                )
            except BotoCoreError as error:
                raise TransientFault(f"SQS did not answer: {error}") from error
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                    raise TransientFault(f"SQS did not answer: {error}") from error
                raise
