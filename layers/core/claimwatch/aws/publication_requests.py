"""Requests to publish decisions, which whoever records a decision sends."""

import time
from collections.abc import Callable

from claimwatch.aws.delayed_requests import DelayedRequests, Queue

MARGIN = 120.0
"""Seconds that are left, of the delay, for the transaction of a decision and for the time to undo it."""


class PublicationRequests(DelayedRequests):
    """Requests of this process; ``delay`` is that of the queue, in seconds."""

    def __init__(self, queue: Queue, delay: float, clock: Callable[[], float] = time.time) -> None:
        super().__init__(queue, None, delay - MARGIN, clock)
