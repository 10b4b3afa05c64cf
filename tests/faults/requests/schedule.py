"""The schedule of a seed for requests: what is asked, what the queue does with records, and faults.

Everything follows from the seed and from names: a fault belongs to a message and a receive.
"""

import json
from functools import cached_property

from tests.faults.message_queue import Message
from tests.faults.seed import RESTARTS, Fault, Seeded

REQUESTS = 25
"""Requests of each schedule: forty schedules have a thousand."""

CALM_FROM_RECEIVE = 100
"""Redriven dead letters are not disturbed, so that every schedule ends."""

_POINTS = (
    ("statement", ("kill", "terminate", "stall")),
    ("before_commit", ("kill", "kill", "terminate", "race")),
    ("after_commit", ("kill", "kill", "terminate")),
)


class RequestSchedule(Seeded):
    """Requests, of which the first are sent while PostgreSQL does not run."""

    @cached_property
    def before_start(self) -> int:
        """The number of requests that are sent while PostgreSQL does not run."""
        return self.random("outage").randint(5, 15)

    def claims(self, request: int) -> list[dict[str, str]]:
        """Return the claims of a request; some break the contract."""
        draw = self.random("claims", request)
        number = draw.choice((1, 1, 1, 2, 5, 30))
        return [
            {"claim_id": f"C-{request}-{place}" if draw.random() > 0.1 else "broken"}
            for place in range(number)
        ]

    def purpose(self, request: int) -> str:
        """Return the purpose that a request names; some name none that the line has."""
        return self.random("purpose", request).choice(
            ("claim_handling", "claim_handling", "testing", "curiosity")
        )

    def sending(self, request: int, part: int) -> str:
        """Return whether the queue takes a part of a record, refuses it, or takes it and does not say so."""
        return self.random("sending", request, part).choices(("taken", "refused", "unsaid"), (90, 5, 5))[0]

    def copies(self, label: str) -> int:
        """Return how often the queue delivers a message."""
        return self.random("copies", label).choice((1, 1, 2, 3))

    def batch(self, label: str, receive: int) -> int:
        """Return the size of the batch that starts with the message of this label."""
        return self.random("batch", label, receive).choice((1, 2, 5, 10))

    def reappears(self, label: str, receive: int) -> bool:
        """Return whether a message becomes visible again while it is being processed."""
        return receive < CALM_FROM_RECEIVE and self.random("reappears", label, receive).random() < 0.08

    def faults(self, message: Message, receive: int) -> tuple[Fault, ...]:
        """Return the faults that strike while a message is processed for the ``receive``-th time (from 0)."""
        draw = self.random("faults", message.label, receive)
        if receive >= CALM_FROM_RECEIVE or draw.random() > self.intensity * 0.7**receive:
            return ()
        if receive == 0 and self.restarts and draw.random() < 0.05:
            return (Fault("statement", 0, draw.choice(RESTARTS)),)
        point, kinds = draw.choice(_POINTS)
        return (Fault(point, 0, draw.choice(kinds), draw.uniform(0, 0.006)),)

    @cached_property
    def noise(self) -> list[str]:
        """Bodies of messages that nobody can read: they end as dead letters."""
        bodies = ("not JSON", "{}", json.dumps({"v": 2}))
        return [body for body in bodies if self.random("noise", body).random() < 0.5]
