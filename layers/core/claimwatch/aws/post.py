"""Messages to a queue."""

import json
from collections.abc import Mapping
from itertools import batched
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from claimwatch.errors import TransientFault

_MOST = 10
"""Messages that SQS takes at once."""


class SqsPost:
    """An SQS queue that messages are put into."""

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, messages: list[Mapping[str, Any]], delay_seconds: int = 0) -> None:
        """Send them all, or raise ``TransientFault``: then some may have been sent."""
        for batch in batched(messages, _MOST, strict=False):
            entries = [
                {"Id": str(number), "MessageBody": json.dumps(message), "DelaySeconds": delay_seconds}
                for number, message in enumerate(batch)
            ]
            try:
                answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
            except BotoCoreError as error:
                raise TransientFault(f"SQS did not answer: {error}") from error
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                    raise TransientFault(f"SQS did not answer: {error}") from error
                raise
            refused = answer.get("Failed", [])
            if refused:
                raise TransientFault(f"SQS took {len(entries) - len(refused)} of {len(entries)} messages")
