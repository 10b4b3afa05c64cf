"""Events that Claimwatch puts on the account's bus."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from claimwatch.errors import TransientFault

SOURCE = "claimwatch"


class EventBus(Protocol):
    """Where facts are announced."""

    def publish_event(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Announce one; ``kind`` is its detail-type."""


class EventBridgeBus:
    """The default event bus."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def publish_event(self, kind: str, detail: Mapping[str, Any]) -> None:
        try:
            answer = self._client.put_events(
                Entries=[{"Source": SOURCE, "DetailType": kind, "Detail": json.dumps(dict(detail))}]
            )
        except BotoCoreError as error:
            raise TransientFault(f"EventBridge did not answer: {error}") from error
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                raise TransientFault(f"EventBridge did not answer: {error}") from error
            raise
        if answer.get("FailedEntryCount"):
            raise TransientFault(f"EventBridge did not take the event {kind}")
