"""The schedule of a seed for publications: what is decided and undone, what the queue does, and faults.

Everything follows from the seed and from names: a fault belongs to a message and a receive.
"""

import uuid
from dataclasses import dataclass

from tests.faults.message_queue import Message
from tests.faults.seed import RESTARTS, Fault, Seeded

WAVES = 4
DECISIONS = 10
"""Decisions of each wave."""

CALM_FROM_RECEIVE = 100
"""Redriven dead letters are not disturbed, so that every schedule ends."""

_POINTS = (
    ("statement", ("kill", "terminate", "stall")),
    ("before_commit", ("kill", "kill", "terminate", "race")),
    ("after_commit", ("kill", "kill", "terminate")),
    ("add", ("kill", "s3_500", "s3_broken")),
    ("added", ("kill", "kill", "s3_broken", "kill_soon")),
    ("request", ("kill", "throttle")),
    ("requested", ("kill",)),
)


@dataclass(frozen=True)
class Decision:
    """A decision that was taken ``ago`` seconds before it is stored, and what becomes of it."""

    decision_id: str
    line: str
    claim_id: str
    verdict: str
    origin: str
    final: bool
    ago: float
    undone_within: float | None
    """Seconds that somebody takes to undo it, with its case locked; None if nobody does."""


class PublicationSchedule(Seeded):
    """Decisions, of which some can still be undone when they could be published."""

    def decision(self, wave: int, number: int) -> Decision:
        """Return a decision."""
        draw = self.random("decision", wave, number)
        ago = draw.choice((3600.0, 60.0, 15.7, 14.7, 14.7))
        undone = ago < 15 and draw.random() < 0.7
        return Decision(
            str(uuid.UUID(int=draw.getrandbits(128))),
            draw.choice(("motor", "motor", "home")),
            f"C-{wave}-{number}",
            draw.choice(("fraud", "not_fraud", "not_fraud", "inconclusive")),
            draw.choice(("referral", "random_audit")),
            draw.random() < 0.85,
            ago,
            draw.uniform(0.0, 1.5) if undone else None,
        )

    def copies(self, label: str) -> int:
        """Return how often the queue delivers a message."""
        return self.random("copies", label).choice((1, 1, 2, 3))

    def batch(self, label: str, receive: int) -> int:
        """Return the size of the batch that starts with the message of this label."""
        return self.random("batch", label, receive).choice((1, 2, 10))

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
        return (Fault(point, draw.choice((0, 0, 1, 2)), draw.choice(kinds), draw.uniform(0, 0.006)),)
