"""Events that Claimwatch publishes on the account's event bus."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from claimwatch.aws.faults import aws_faults
from claimwatch.errors import TransientFault

SOURCE = "claimwatch"


class EventBus(Protocol):
    """Publishes events."""

    def publish_event(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Publish an event; ``kind`` is its detail-type."""


class EventBridgeBus:
    """The default event bus of the account."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def publish_event(self, kind: str, detail: Mapping[str, Any]) -> None:
        with aws_faults("EventBridge"):
            answer = self._client.put_events(
                Entries=[{"Source": SOURCE, "DetailType": kind, "Detail": json.dumps(dict(detail))}]
            )
        if answer.get("FailedEntryCount"):
            raise TransientFault(f"EventBridge did not accept the event {kind}")
