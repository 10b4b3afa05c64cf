"""The queue of photos and the function that it feeds: batches, partial answers, dead letters."""

import threading
from collections import deque
from dataclasses import dataclass, field

from tests.cluster import Cluster
from tests.faults.photos.function import Taken
from tests.faults.photos.schedule import Message, PhotoSchedule
from tests.faults.worker import Done, Place
from tests.faults.workers import LAMBDA_DIED, PATIENCE, RECEIVES, WORKERS, Hangs, Invocations, Notes, Workers

ROUND = 100
"""Receives are counted from here on, and from twice that, when dead letters are sent again."""


@dataclass
class QueueNotes(Notes):
    """What happened to messages, for the verdict."""

    dead_letters: list[Message] = field(default_factory=list)


@dataclass(frozen=True)
class Received:
    """A message in somebody's hands."""

    message: Message
    receive: int
    reappears: bool
    """It is visible to others already: it took too long."""


class ImagesQueue(Invocations[QueueNotes]):
    """Hands messages to the workers until each is taken, or is among the dead letters.

    What comes back does so at once, behind what waits: nothing is learned from waiting.
    """

    def __init__(self, schedule: PhotoSchedule, cluster: Cluster, place: Place, workers: Workers) -> None:
        super().__init__(schedule, place, cluster, workers, QueueNotes())
        self._schedule = schedule
        self._waiting: deque[tuple[Message, int]] = deque()
        self._batches = 0
        self._changed = threading.Condition(self._lock)

    def deliver(self, messages: list[Message], redrives: int = 0) -> None:
        """Send messages, and wait until none is left and nobody is at one."""
        self._waiting.extend((message, redrives * ROUND) for message in messages)
        for _ in range(WORKERS):
            self._spawn(self._poll)
        self.settle()

    def _poll(self) -> None:
        while batch := self._receive():
            failed: list[Received] = []
            try:
                failed = self._take(batch)
            finally:
                with self._changed:
                    for received in failed:
                        if not received.reappears:
                            self._put_back(received.message, received.receive)
                    self._batches -= 1
                    self._changed.notify_all()

    def _receive(self) -> list[Received]:
        """The next batch; an empty one when all is done."""
        with self._changed:
            while not self._waiting and self._batches:
                if not self._changed.wait(PATIENCE):
                    raise Hangs("a batch of photos is never done")
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

    def _take(self, batch: list[Received]) -> list[Received]:
        """Those that failed; all of them if the function died."""
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
        taken: Taken = answer.value
        expected = {"TransientFault", "ClientError"} if self._schedule.forbids else {"TransientFault"}
        for raised in taken.errors:
            self._note_bug(raised, expected, "process_image")
        if len(taken.errors) != len(taken.failed):
            self.notes.bugs.append(f"{len(taken.failed)} messages failed with {len(taken.errors)} errors")
        return [received for received in batch if received.message.label in taken.failed]
