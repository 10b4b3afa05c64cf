"""Messages to a queue."""

import json
from collections.abc import Mapping
from typing import Any

from claimwatch.aws.faults import aws_faults


class SqsSender:
    """An SQS queue; messages are sent one by one, because there are only about a dozen a week."""

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, messages: list[Mapping[str, Any]], delay_seconds: int | None = None) -> None:
        """Send all messages, by default with the delay of the queue.

        After a ``TransientFault`` some of them may have been sent.
        """
        delay = {} if delay_seconds is None else {"DelaySeconds": delay_seconds}
        for message in messages:
            with aws_faults("SQS"):
                self._client.send_message(QueueUrl=self._url, MessageBody=json.dumps(dict(message)), **delay)
