"""The queue of photos and its consumer: batches, partial failures, dead letters."""

import threading
from collections import deque
from dataclasses import dataclass, field

from tests.cluster import Cluster
from tests.faults.photos.function import BatchResult
from tests.faults.photos.schedule import Message, PhotoSchedule
from tests.faults.worker import Done, Workspace
from tests.faults.workers import LAMBDA_DIED, PATIENCE, RECEIVES, WORKERS, Hangs, Invocations, Notes, Workers

ROUND = 100
"""After the n-th redrive of a dead letter, its receives are counted from n times this number on."""


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


class ImagesQueue(Invocations[QueueNotes]):
    """Delivers messages until each is processed or a dead letter.

    A failed message returns to the end of the queue at once, because waiting would test nothing.
    """

    def __init__(
        self, schedule: PhotoSchedule, cluster: Cluster, workspace: Workspace, workers: Workers
    ) -> None:
        super().__init__(schedule, workspace, cluster, workers, QueueNotes())
        self._schedule = schedule
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
                    raise Hangs("a batch of photos is never processed")
            batch: dict[str, Received] = {}
            most = self._schedule.batch(*self._next()) if self._waiting else 0
            while self._waiting and len(batch) < most and self._next()[0] not in batch:
                message, receive = self._waiting.popleft()
                reappears = receive % ROUND + 1 < RECEIVES and self._schedule.reappears(
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
        arguments = {
            "bodies": {received.message.label: received.message.body for received in batch},
            "faults": {
                received.message.label: self._schedule.faults(received.message, received.receive)
                for received in batch
            },
            "forbids": self._schedule.forbids,
        }
        answer = self._invoke("process_image", arguments)
        if not isinstance(answer, Done):
            self._note_bug(answer, {LAMBDA_DIED}, "process_image")
            return batch
        result: BatchResult = answer.value
        expected = {"TransientFault", "UnexpectedError"} if self._schedule.forbids else {"TransientFault"}
        for raised in result.errors:
            self._note_bug(raised, expected, "process_image")
        if len(result.errors) != len(result.failed):
            self.notes.bugs.append(f"{len(result.failed)} messages failed with {len(result.errors)} errors")
        return [received for received in batch if received.message.label in result.failed]
