"""Queue, Lambda and Step Functions of a schedule: at least once, side by side, retrying as defined."""

import json
import re
import threading
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.cluster import PROJECT, Cluster
from tests.faults.borders import Raised
from tests.faults.schedule import Calling, SampleFile, Schedule
from tests.faults.worker import Alerted, Done, Place, Started
from tests.faults.workers import LAMBDA_DIED, RECEIVES, Hangs, Invocations, Notes, Slot, Workers

DEFINITION = PROJECT / "statemachines" / "claims_pipeline.asl.json"

_STATES = {"inspect": "InspectFile", "load": "LoadChunk", "commit": "CommitFile", "fail": "RecordFailure"}


class StepFailed(Exception):
    """A step ended with an error that its state does not retry, or not any more."""

    def __init__(self, raised: Raised) -> None:
        super().__init__(f"{raised.error}: {raised.cause}")
        self.raised = raised


@dataclass
class LedgerNotes(Notes):
    """What happened to files, for the verdict."""

    alerts: list[Alerted] = field(default_factory=list)
    unrecorded: set[int] = field(default_factory=set)
    """Files whose failure the ledger could not be told: the alarm on failed executions speaks for them."""
    dead_letters: list[str] = field(default_factory=list)


class Orchestrator(Invocations[LedgerNotes]):
    """Runs the pipeline of one schedule."""

    def __init__(
        self,
        schedule: Schedule,
        cluster: Cluster,
        place: Place,
        workers: Workers,
        files: Mapping[str, SampleFile],
    ) -> None:
        super().__init__(schedule, place, cluster, workers, LedgerNotes())
        self._schedule = schedule
        self._labels: dict[int, str] = {}
        self._executions: set[str] = set()
        self._impatient = {label: schedule.impatient(label) for label in files}
        self._loaded: Counter[str] = Counter()

    def _hear(self, slot: Slot, said: object) -> None:
        match said:
            case Started() as asked:
                self._start_execution(asked)
                slot.pipe.send(True)
            case Alerted() as alert:
                with self._lock:
                    self.notes.alerts.append(alert)

    # -- Events ------------------------------------------------------------------------------------------

    def deliver(self, label: str, event: dict[str, Any], copy: int) -> Future[None]:
        """The queue hands on a message until it is taken, at most RECEIVES times."""
        return self._spawn(self._receive, label, event, copy)

    def _receive(self, label: str, event: dict[str, Any], copy: int) -> None:
        for receive in range(RECEIVES):
            calling = self._schedule.calling("register", label, copy, 1, receive)
            answer = self._invoke("register", {"event": event}, calling.faults)
            if isinstance(answer, Done):
                with self._lock:
                    self._labels[answer.value] = label
                return
            self._note_bug(answer, {"TransientFault", LAMBDA_DIED}, f"register {label}")
        with self._lock:
            self.notes.dead_letters.append(label)

    # -- Executions --------------------------------------------------------------------------------------

    def _start_execution(self, asked: Started) -> None:
        with self._lock:
            if asked.name in self._executions:  # ExecutionAlreadyExists
                return
            self._executions.add(asked.name)
        self._spawn(self._execute, asked.file_id, asked.attempt)

    def _execute(self, file_id: int, attempt: int) -> None:
        reference = {"file_id": file_id, "attempt": attempt}
        try:
            found = self._step("inspect", reference)
            if found["status"] != "ready":
                return
            self._map(found["chunks"])
            self._step("commit", reference)
        except StepFailed as failure:
            told = {
                "error": failure.raised.error,
                "cause": json.dumps({"errorMessage": failure.raised.cause}),
            }
            try:
                self._step("fail", reference | told)
            except StepFailed:
                with self._lock:
                    self.notes.unrecorded.add(file_id)

    def _map(self, chunks: list[dict[str, Any]]) -> None:
        """All chunks side by side; when one fails, no more are begun, and those that run are left alone."""
        futures = []
        with ThreadPoolExecutor(_concurrency()) as threads:
            failed = threading.Event()

            def item(chunk: dict[str, Any]) -> None:
                if failed.is_set():
                    return
                try:
                    self._step("load", chunk)
                except StepFailed:
                    failed.set()
                    raise

            futures = [threads.submit(item, chunk) for chunk in chunks]
            wait(futures, return_when=FIRST_EXCEPTION)
        for future in futures:
            future.result()

    def _step(self, step: str, arguments: dict[str, Any]) -> Any:
        """A task state: invoke, and retry as the definition says."""
        label = self._label(arguments["file_id"])
        chunk, attempt = arguments.get("number", -1), arguments["attempt"]
        retried: Counter[int] = Counter()
        for number in range(1000):
            calling = self._schedule.calling(step, label, chunk, attempt, number)
            answer = self._call(step, arguments, calling)
            if isinstance(answer, Done):
                if step == "load":
                    self._maybe_replay(label, arguments["file_id"])
                return answer.value
            self._note_bug(
                answer,
                {"TransientFault", LAMBDA_DIED, "Superseded", "States.Timeout"},
                f"{step} {label} {chunk}",
            )
            retrier = _retrier(_STATES[step], answer.error)
            if retrier is None or retried[retrier[0]] == retrier[1]:
                raise StepFailed(answer)
            retried[retrier[0]] += 1
        raise Hangs(f"{step} of {label} is retried for ever")

    def _call(self, step: str, arguments: dict[str, Any], calling: Calling) -> Done | Raised:
        """Invoke: once, or twice at once, or without waiting for the end."""
        if not (calling.twice or calling.abandoned):
            return self._invoke(step, arguments, calling.faults)
        with self._lock:
            self.notes.injected["abandoned" if calling.abandoned else "doubled message"] += 1
        first = self._spawn(self._invoke, step, arguments, calling.faults)
        if calling.twice:
            second = self._spawn(self._invoke, step, arguments)
            answers: list[Done | Raised] = [first.result(), second.result()]
            return next((answer for answer in answers if isinstance(answer, Done)), answers[0])
        wait([first], 0.05)
        return Raised("States.Timeout", "the caller's time ran out")

    def _label(self, file_id: int) -> str:
        with self._lock:
            known = self._labels.get(file_id)
        return known or f"file {file_id}"

    # -- People ------------------------------------------------------------------------------------------

    def replay(self, file_id: int, attempt: int) -> None:
        """Somebody types the command, again if it dies."""
        label = self._label(file_id)
        for number in range(20):
            calling = self._schedule.calling("replay", label, 0, attempt, number)
            answer = self._invoke("replay", {"file_id": file_id}, calling.faults)
            if isinstance(answer, Done) or answer.error == "RefusedData":
                return
            self._note_bug(answer, {"TransientFault", LAMBDA_DIED}, f"replay {label}")
        raise Hangs(f"the replay of {label} does not succeed")

    def _maybe_replay(self, label: str, file_id: int) -> None:
        with self._lock:
            self._loaded[label] += 1
            if self._impatient.get(label) is None or self._loaded[label] <= (self._impatient[label] or 0):
                return
            self._impatient[label] = None
            self.notes.injected["replay of a running file"] += 1
        self._spawn(self.replay, file_id, 1)


@cache
def _definition() -> dict[str, Any]:
    text = re.sub(r":\s*\$\{\w+\}", ": 4", DEFINITION.read_text(encoding="utf-8"))
    states: dict[str, Any] = json.loads(text)["States"]
    of_the_map: dict[str, Any] = states["LoadChunks"]["ItemProcessor"]["States"]
    return states | of_the_map


def _concurrency() -> int:
    return int(_definition()["LoadChunks"]["MaxConcurrency"])


def _retrier(state: str, error: str) -> tuple[int, int] | None:
    """(place, most attempts) of the first retrier of a state that takes this error."""
    for place, retrier in enumerate(_definition()[state]["Retry"]):
        if error in retrier["ErrorEquals"] or "States.ALL" in retrier["ErrorEquals"]:
            return place, retrier["MaxAttempts"]
    return None
