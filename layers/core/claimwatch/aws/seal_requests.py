"""Requests to seal access events, which whoever writes such events sends."""

import time
from collections.abc import Callable

from claimwatch.aws.delayed_requests import DelayedRequests, Queue

DELAY = 300
"""Seconds until a request is delivered; all events until then are sealed together."""

INTERVAL = 180.0
"""Seconds during which a process sends no further request.

An event that is written within that time is sealed by the request that was sent before, if it is committed
before the request is delivered: two minutes are left for a database that is waking up.
"""


class SealRequests(DelayedRequests):
    """Requests of this process to seal the events that are about to be written."""

    def __init__(self, queue: Queue, clock: Callable[[], float] = time.time) -> None:
        super().__init__(queue, DELAY, INTERVAL, clock)
