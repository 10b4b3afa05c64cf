"""Requests to seal access events, which whoever writes such events sends.

Nothing looks for new events by itself: a look every five minutes would keep Aurora awake.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

DELAY = 300
"""Seconds until a request is delivered; all events until then are sealed together."""

INTERVAL = 180.0
"""Seconds during which a process sends no further request.

An event that is written within that time is sealed by the request that was sent before, if it is committed
before the request is delivered: two minutes are left for a database that is waking up.
"""


class Queue(Protocol):
    """Takes messages for a later time."""

    def send(self, messages: list[Mapping[str, Any]], delay_seconds: int = 0) -> None:
        """Send all messages."""


class SealRequests:
    """Requests of this process."""

    def __init__(self, queue: Queue, clock: Callable[[], float] = time.time) -> None:
        self._queue = queue
        self._clock = clock
        self._sent: float | None = None

    def request(self) -> None:
        """Let the events be sealed that are about to be written; call it before their transaction.

        So no event is without a request, not even if this process ends right after the commit. Raises
        ``TransientFault``; then the next call sends a request again. A request says nothing about the events.
        """
        now = self._clock()
        if self._sent is None or not 0 <= now - self._sent < INTERVAL:
            self._queue.send([{}], DELAY)
            self._sent = now
