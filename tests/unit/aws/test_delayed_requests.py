"""Every event is followed by a request to seal it, every decision by one to publish it, and they are few."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.aws.publication_requests import MARGIN, PublicationRequests
from claimwatch.aws.seal_requests import DELAY, INTERVAL, SealRequests
from claimwatch.errors import TransientFault


class Sent:
    """A queue that remembers when its messages will be delivered."""

    def __init__(self, delay: float = 0.0) -> None:
        self.delay = delay
        self.now = 0.0
        self.broken = False
        self.delivered: list[float] = []

    def send(self, messages: list[Mapping[str, Any]], delay_seconds: int | None = None) -> None:
        """Remember a message, or fail."""
        if self.broken:
            raise TransientFault("SQS did not answer")
        assert messages == [{}]
        self.delivered.append(self.now + (self.delay if delay_seconds is None else delay_seconds))


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


@given(st.sampled_from([1.0, 5.0, 119.0, 121.0, 900.0]), st.lists(st.integers(0, 1000), max_size=30))
def test_a_decision_is_followed_by_a_request_and_time_is_left_to_undo_it(
    delay: float, pauses: list[int]
) -> None:
    queue = Sent(delay)
    requests = PublicationRequests(queue, delay, lambda: queue.now)
    for pause in pauses:
        queue.now += pause
        requests.request()
        assert any(min(delay, MARGIN) <= moment - queue.now <= delay for moment in queue.delivered)
    assert len(queue.delivered) <= (sum(pauses) / (delay - MARGIN) + 1 if delay > MARGIN else len(pauses))


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
