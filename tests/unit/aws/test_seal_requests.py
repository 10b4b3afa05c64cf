"""Every event is followed by a request to seal it, and few requests are sent."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.aws.seal_requests import DELAY, INTERVAL, SealRequests
from claimwatch.errors import TransientFault


class Sent:
    """A queue that remembers when its messages will be delivered."""

    def __init__(self) -> None:
        self.now = 0.0
        self.broken = False
        self.delivered: list[float] = []

    def send(self, messages: list[Mapping[str, Any]], delay_seconds: int = 0) -> None:
        """Remember a message, or fail."""
        if self.broken:
            raise TransientFault("SQS did not answer")
        assert messages == [{}]
        self.delivered.append(self.now + delay_seconds)


@given(st.lists(st.integers(0, 1000), max_size=30))
def test_a_request_is_delivered_soon_after_each_event_and_time_is_left_for_its_transaction(
    pauses: list[int],
) -> None:
    queue = Sent()
    requests = SealRequests(queue, lambda: queue.now)
    for pause in pauses:
        queue.now += pause
        requests.request()
        assert any(DELAY - INTERVAL <= moment - queue.now <= DELAY for moment in queue.delivered)
    assert len(queue.delivered) <= sum(pauses) / INTERVAL + 1


def test_a_request_that_could_not_be_sent_is_sent_by_the_next_call() -> None:
    queue = Sent()
    requests = SealRequests(queue, lambda: queue.now)
    queue.broken = True
    with pytest.raises(TransientFault):
        requests.request()
    queue.broken = False
    requests.request()
    assert len(queue.delivered) == 1


def test_a_clock_that_was_set_back_stops_no_requests() -> None:
    queue = Sent()
    queue.now = 1e9
    requests = SealRequests(queue, lambda: queue.now)
    requests.request()
    queue.now = 0.0
    requests.request()
    assert len(queue.delivered) == 2
