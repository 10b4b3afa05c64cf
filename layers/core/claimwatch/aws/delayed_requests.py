"""Requests that are delivered later, so that one request stands for everything that happens until then.

Nothing looks for work by itself: a look every few minutes would keep Aurora awake.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol


class Queue(Protocol):
    """Takes messages for a later time."""

    def send(self, messages: list[Mapping[str, Any]], delay_seconds: int | None = None) -> None:
        """Send all messages, by default with the delay of the queue."""


class DelayedRequests:
    """Requests of this process, which are delivered after ``delay`` seconds: None is the queue's own delay.

    During ``interval`` seconds after a request, the process sends no further one. What is done within that
    time is the work of the request that was sent before, if it is committed before that is delivered.
    """

    def __init__(
        self, queue: Queue, delay: int | None, interval: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._queue = queue
        self._delay = delay
        self._interval = interval
        self._clock = clock
        self._sent: float | None = None

    def request(self) -> None:
        """Request what is needed after the transaction that is about to begin; call this before it.

        So nothing is without a request, not even if this process ends right after the commit. Raises
        ``TransientFault``; then the next call sends a request again. A request says nothing about its reason.
        """
        now = self._clock()
        if self._sent is None or not 0 <= now - self._sent < self._interval:
            self._queue.send([{}], self._delay)
            self._sent = now
