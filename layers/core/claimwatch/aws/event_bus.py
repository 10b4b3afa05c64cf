"""Events that Claimwatch publishes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from claimwatch.aws.faults import aws_faults
from claimwatch.errors import TransientFault

SOURCE = "claimwatch"


class EventBus(Protocol):
    """Publishes events."""

    def publish_event(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Publish an event; ``kind`` is its detail-type."""


class EventBridgeBus:
    """Event buses that each event is published on.

    The default bus of the account is for everybody; events on the bus of requests start trainings, and call
    PromoteModel.
    """

    def __init__(self, client: Any, buses: Sequence[str], stack: str) -> None:
        """Add the name of the stack to each event: stacks of an account have the default bus in common."""
        self._client = client
        self._stack = stack
        self._buses = buses

    def publish_event(self, kind: str, detail: Mapping[str, Any]) -> None:
        event = {"Source": SOURCE, "DetailType": kind, "Detail": json.dumps({"stack": self._stack, **detail})}
        for bus in self._buses:  # one call each: the emulator checks the conditions of one bus only
            with aws_faults("EventBridge"):
                answer = self._client.put_events(Entries=[event | {"EventBusName": bus}])
            if answer.get("FailedEntryCount"):
                raise TransientFault(f"EventBridge did not accept the event {kind}")
