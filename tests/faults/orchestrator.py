"""Queue, Lambda and Step Functions of a schedule: at least once, side by side, retrying as defined."""

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from tests.cluster import Cluster
from tests.faults.schedule import Calling, SampleFile, Schedule
from tests.faults.states import Definition, Executions, StepFailed, Task
from tests.faults.worker import Alerted, Done, Place, Started
from tests.faults.workers import LAMBDA_DIED, RECEIVES, Hangs, Notes, Slot, Workers

_DEFINITION = Definition.of("claims_pipeline")
_STATES = {"inspect": "InspectFile", "load": "LoadChunk", "commit": "CommitFile", "fail": "RecordFailure"}


@dataclass
class LedgerNotes(Notes):
    """What happened to files, for the verdict."""

    alerts: list[Alerted] = field(default_factory=list)
    unrecorded: set[int] = field(default_factory=set)
    """Files whose failure the ledger could not be told: the alarm on failed executions speaks for them."""
    dead_letters: list[str] = field(default_factory=list)


class Orchestrator(Executions[LedgerNotes]):
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
            self._map(found["chunks"], lambda chunk: self._step("load", chunk))
            self._step("commit", reference)
        except StepFailed as failure:
            try:
                self._step("fail", reference | failure.told)
            except StepFailed:
                with self._lock:
                    self.notes.unrecorded.add(file_id)

    def _step(self, step: str, arguments: dict[str, Any]) -> Any:
        label = self._label(arguments["file_id"])
        chunk, attempt = arguments.get("number", -1), arguments["attempt"]

        def calling(number: int) -> Calling:
            return self._schedule.calling(step, label, chunk, attempt, number)

        where = f"{step} {label} {chunk}"
        done = self._task(
            Task(_DEFINITION, _STATES[step], step, arguments, calling, where, frozenset({"Superseded"}))
        )
        if step == "load":
            self._maybe_replay(label, arguments["file_id"])
        return done

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
