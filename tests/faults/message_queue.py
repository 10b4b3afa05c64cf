"""A queue and its consumer: batches, partial failures, messages that come twice, dead letters."""

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.cluster import Cluster
from tests.faults.seed import Fault, Seeded
from tests.faults.worker import Done, Workspace
from tests.faults.workers import LAMBDA_DIED, PATIENCE, RECEIVES, WORKERS, Hangs, Invocations, Notes, Workers

ROUND = 100
"""After the n-th redrive of a dead letter, its receives are counted from n times this number on."""


@dataclass(frozen=True)
class Message:
    """A message of the queue."""

    label: str
    body: str


class Deliveries(Protocol):
    """How the messages of a schedule are delivered, by their labels and the number of receives before."""

    def batch(self, label: str, receive: int) -> int:
        """Return the size of the batch that starts with the message of this label."""

    def reappears(self, label: str, receive: int) -> bool:
        """Return whether a message becomes visible again while it is being processed."""

    def faults(self, message: Message, receive: int) -> tuple[Fault, ...]:
        """Return the faults that strike while a message is processed."""


@dataclass
class QueueNotes(Notes):
    """What happened to messages."""

    dead_letters: list[Message] = field(default_factory=list)


@dataclass(frozen=True)
class Received:
    """A message that a poller has received."""

    message: Message
    receive: int
    reappears: bool
    """The message takes too long, so that it becomes visible to other pollers."""


class MessageQueue(Invocations[QueueNotes]):
    """Delivers messages until each is processed or a dead letter.

    A failed message returns to the end of the queue at once, because waiting would test nothing.
    """

    def __init__(
        self, seeded: Seeded, deliveries: Deliveries, cluster: Cluster, workspace: Workspace, workers: Workers
    ) -> None:
        super().__init__(seeded, workspace, cluster, workers, QueueNotes())
        self._deliveries = deliveries
        self._waiting: deque[tuple[Message, int]] = deque()
        self._batches = 0
        self._changed = threading.Condition(self._lock)

    def deliver(self, messages: list[Message], redrives: int = 0) -> None:
        """Send messages and wait until all are processed."""
        self._waiting.extend((message, redrives * ROUND) for message in messages)
        for _ in range(WORKERS):
            self._spawn(self._poll)
        self.settle()

    def _poll(self) -> None:
        while batch := self._receive():
            failed: list[Received] = []
            try:
                failed = self._process(batch)
            finally:
                with self._changed:
                    for received in failed:
                        if not received.reappears:
                            self._put_back(received.message, received.receive)
                    self._batches -= 1
                    self._changed.notify_all()

    def _receive(self) -> list[Received]:
        """Return the next batch, which is empty when all messages are processed."""
        with self._changed:
            while not self._waiting and self._batches:
                if not self._changed.wait(PATIENCE):
                    raise Hangs("a batch is never processed")
            batch: dict[str, Received] = {}
            most = self._deliveries.batch(*self._next()) if self._waiting else 0
            while self._waiting and len(batch) < most and self._next()[0] not in batch:
                message, receive = self._waiting.popleft()
                reappears = receive % ROUND + 1 < RECEIVES and self._deliveries.reappears(
                    message.label, receive
                )
                batch[message.label] = Received(message, receive, reappears)
            for received in batch.values():
                if received.reappears:
                    self.notes.injected["doubled message"] += 1
                    self._put_back(received.message, received.receive)
            self._batches += bool(batch)
            return list(batch.values())

    def _next(self) -> tuple[str, int]:
        message, receive = self._waiting[0]
        return message.label, receive

    def _put_back(self, message: Message, receive: int) -> None:
        if receive % ROUND + 1 >= RECEIVES:
            self.notes.dead_letters.append(message)
        else:
            self._waiting.append((message, receive + 1))
            self._changed.notify()

    def _process(self, batch: list[Received]) -> list[Received]:
        """Process a batch and return the failed messages: all of them if the function died."""
        raise NotImplementedError

    def _call(self, step: str, batch: list[Received], expected: set[str], **arguments: Any) -> list[Received]:
        """Run a step with the messages of a batch and their faults; return the messages that failed."""
        bodies = {received.message.label: received.message.body for received in batch}
        faults = {
            received.message.label: self._deliveries.faults(received.message, received.receive)
            for received in batch
        }
        answer = self._invoke(step, {"bodies": bodies, "faults": faults, **arguments})
        if not isinstance(answer, Done):
            self._note_bug(answer, {LAMBDA_DIED}, step)
            return batch
        failed, errors = answer.value.failed, answer.value.errors
        for raised in errors:
            self._note_bug(raised, expected, step)
        if len(errors) != len(failed):
            self.notes.bugs.append(f"{len(failed)} messages failed with {len(errors)} errors")
        return [received for received in batch if received.message.label in failed]
