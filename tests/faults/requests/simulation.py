"""The simulation of requests for scores: PostgreSQL does not run, the queue repeats, consumers are killed."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.aws.http_api import RequestProblem
from claimwatch.errors import TransientFault
from claimwatch.scoring.score_request import score_claims
from tests.cluster import Cluster
from tests.faults.invariants import Invariants
from tests.faults.message_queue import Message, MessageQueue, Received
from tests.faults.requests.schedule import REQUESTS, RequestSchedule
from tests.faults.simulation import Simulation
from tests.faults.watcher import Watcher
from tests.faults.worker import Workspace
from tests.faults.workers import Workers
from tests.unit.access.environment import Scoring, request

type Row = tuple[str, int, str]
"""A claim on record: request, position, outcome. A refused request has the position -1."""


class RecordsQueue(MessageQueue):
    """The queue of records and its consumer."""

    def _process(self, batch: list[Received]) -> list[Received]:
        return self._call("record_scores", batch, {"TransientFault", "MalformedEvent", "UnexpectedError"})


class RequestsSimulation(Simulation):
    """Requests to one line; nobody reads the database to answer them."""

    environment: RecordsQueue

    def __init__(self, seed: int, url: str, folder: Path, cluster: Cluster, workers: Workers) -> None:
        self._schedule = RequestSchedule(seed)
        self._sent: list[Message] = []
        self._on_record: Counter[Row] = Counter()
        self._answered: Counter[Row] = Counter()
        self._scoring = Scoring(send=self._send)
        workspace = Workspace.of(cluster, url, folder)
        self.environment = RecordsQueue(self._schedule, self._schedule, cluster, workspace, workers)
        self.watcher = RequestsWatcher(url)

    def run_waves(self) -> None:
        """Ask for scores while PostgreSQL does not run, and then while the records are stored."""
        with self.environment.outage():
            self._ask(range(self._schedule.before_start))
        first, self._sent = self._sent, []
        self._ask(range(self._schedule.before_start, REQUESTS))
        noise = [Message(f"noise-{number}", body) for number, body in enumerate(self._schedule.noise)]
        self._deliver([*first, *noise])
        self._deliver(self._sent)

    def _ask(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            body = json.dumps({"claims": self._schedule.claims(number)}).encode()
            given = request(body, request_id=f"request-{number}", x_purpose=self._schedule.purpose(number))
            try:
                answer = score_claims(self._scoring.deps, given).document
            except (RequestProblem, TransientFault):
                continue
            self._answered.update(
                (
                    given.request_id,
                    result["position"],
                    "answered" if result["status"] == "scored" else "rejected",
                )
                for result in answer["results"]
            )

    def _send(self, messages: list[Mapping[str, Any]]) -> None:
        for message in messages:
            request_id, part = message["request_id"], message["part"]
            sending = self._schedule.sending(int(request_id.partition("-")[2]), part)
            if sending != "refused":
                self._sent.append(Message(f"{request_id}/{part}", json.dumps(message)))
                self._on_record.update(_rows(message))
            if sending != "taken":
                self.environment.notes.injected[f"record {sending}"] += 1
                raise TransientFault("SQS did not answer")

    def _deliver(self, messages: list[Message]) -> None:
        copies = [
            Message(f"{message.label}/{copy}", message.body)
            for message in messages
            for copy in range(self._schedule.copies(message.label))
        ]
        self.environment.notes.injected["doubled message"] += len(copies) - len(messages)
        self._schedule.random("order", len(messages)).shuffle(copies)
        self.environment.deliver(copies)

    def repair(self, round_number: int) -> bool:
        """Redrive the dead letters that can be read."""
        notes = self.environment.notes
        letters = [letter for letter in notes.dead_letters if not letter.label.startswith("noise")]
        self._unread = [letter for letter in notes.dead_letters if letter.label.startswith("noise")]
        notes.dead_letters = self._unread
        self.environment.deliver(letters, round_number)
        return bool(letters)

    def invariants(self, cursor: Cursor) -> "RequestsInvariants":
        """Return the invariants of records and events."""
        unread = {letter.body for letter in self.environment.notes.dead_letters}
        return RequestsInvariants(cursor, self._answered, self._on_record, set(self._schedule.noise) - unread)


class RequestsInvariants(Invariants):
    """Compares what is on record with what was sent and answered, and events with what is on record."""

    def __init__(
        self, cursor: Cursor, answered: Counter[Row], sent: Counter[Row], swallowed: set[str]
    ) -> None:
        super().__init__(cursor)
        self._answered, self._sent, self._swallowed = answered, sent, swallowed

    def check(self) -> None:
        """Check that every answer and every record is stored once, with one event each."""
        rows = Counter(self.rows("SELECT request_id, position, outcome FROM claimwatch.score_request"))
        self.compare("records", rows, Counter(dict.fromkeys(self._sent, 1)))
        self.compare("answers without a record", rows & self._answered, self._answered)
        self.compare("events", _events(self), _expected_events(self))
        self.expect("messages that nobody can read and that are no dead letters", self._swallowed, set())


class RequestsWatcher(Watcher):
    """Expects as many events as rows at every moment."""

    def look(self, cursor: Cursor) -> list[str]:
        """Compare the claims on record with the events at this moment."""
        invariants = Invariants(cursor)
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        try:
            invariants.compare("events", _events(invariants), _expected_events(invariants))
        finally:
            cursor.execute("ROLLBACK")
        return invariants.problems


def _events(database: Invariants) -> Counter[Any]:
    return Counter(
        database.rows("SELECT request_id, object, outcome, actor, purpose FROM claimwatch.access_event")
    )


def _expected_events(database: Invariants) -> Counter[Any]:
    return Counter(
        database.rows("SELECT request_id, claim_id, outcome, actor, purpose FROM claimwatch.score_request")
    )


def _rows(message: Mapping[str, Any]) -> list[Row]:
    request_id = message["request_id"]
    if not message["claims"]:
        return [(request_id, -1, "refused")]
    return [
        (request_id, claim["position"], "rejected" if "rules" in claim else "answered")
        for claim in message["claims"]
    ]
