"""Events that Claimwatch publishes."""

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
    """The default event bus of the account, for everybody, and the bus whose events start trainings."""

    def __init__(self, client: Any, request_bus: str, stack: str) -> None:
        """Add the name of the stack to each event: stacks of an account have the default bus in common."""
        self._client = client
        self._stack = stack
        self._buses = ("default", request_bus)

    def publish_event(self, kind: str, detail: Mapping[str, Any]) -> None:
        event = {"Source": SOURCE, "DetailType": kind, "Detail": json.dumps({"stack": self._stack, **detail})}
        for bus in self._buses:  # one call each: the emulator checks the conditions of one bus only
            with aws_faults("EventBridge"):
                answer = self._client.put_events(Entries=[event | {"EventBusName": bus}])
            if answer.get("FailedEntryCount"):
                raise TransientFault(f"EventBridge did not accept the event {kind}")
