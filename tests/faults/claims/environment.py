"""The environment of a schedule of claims: queue, Lambda, Step Functions and people."""

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from tests.cluster import Cluster
from tests.faults.claims.schedule import ClaimsSchedule, SampleFile
from tests.faults.seed import Disturbance
from tests.faults.states import Definition, Executions, StepFailed, Task
from tests.faults.worker import Done, ExecutionRequested, Workspace
from tests.faults.workers import LAMBDA_DIED, RECEIVES, Hangs, Notes, Workers

_DEFINITION = Definition.of("claims_pipeline")
_STATES = {"inspect": "InspectFile", "load": "LoadChunk", "commit": "CommitFile", "fail": "RecordFailure"}


@dataclass
class ClaimsNotes(Notes):
    """What happened to files."""

    unrecorded: set[int] = field(default_factory=set)
    """Files whose failure could not be recorded; the alarm on failed executions reports them."""
    dead_letters: list[str] = field(default_factory=list)


class ClaimsEnvironment(Executions[ClaimsNotes]):
    """Runs the pipeline of one schedule: at least once, in parallel, with the retries of its definition."""

    def __init__(
        self,
        schedule: ClaimsSchedule,
        cluster: Cluster,
        workspace: Workspace,
        workers: Workers,
        files: Mapping[str, SampleFile],
    ) -> None:
        super().__init__(schedule, workspace, cluster, workers, ClaimsNotes())
        self._schedule = schedule
        self._labels: dict[int, str] = {}
        self._impatient = {label: schedule.impatient(label) for label in files}
        self._loaded: Counter[str] = Counter()

    # -- Events ------------------------------------------------------------------------------------------

    def deliver(self, label: str, event: dict[str, Any], copy: int) -> Future[None]:
        """Deliver a message until it is processed, at most RECEIVES times."""
        return self._spawn(self._receive, label, event, copy)

    def _receive(self, label: str, event: dict[str, Any], copy: int) -> None:
        for receive in range(RECEIVES):
            faults = self._schedule.disturbance("register", label, copy, 1, receive).faults
            answer = self._invoke("register", {"event": event}, faults)
            if isinstance(answer, Done):
                with self._lock:
                    self._labels[answer.value] = label
                return
            self._note_bug(answer, {"TransientFault", LAMBDA_DIED}, f"register {label}")
        with self._lock:
            self.notes.dead_letters.append(label)

    # -- Executions --------------------------------------------------------------------------------------

    def _start(self, request: object) -> None:
        assert isinstance(request, ExecutionRequested)
        if self._is_new(request.name):
            self._spawn(self._execute, request.file_id, request.attempt)

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
                self._step("fail", reference | failure.caught)
            except StepFailed:
                with self._lock:
                    self.notes.unrecorded.add(file_id)

    def _step(self, step: str, arguments: dict[str, Any]) -> Any:
        label = self._label(arguments["file_id"])
        chunk, attempt = arguments.get("number", -1), arguments["attempt"]

        def disturbance(number: int) -> Disturbance:
            return self._schedule.disturbance(step, label, chunk, attempt, number)

        where = f"{step} {label} {chunk}"
        done = self._task(
            Task(_DEFINITION, _STATES[step], step, arguments, disturbance, where, frozenset({"Superseded"}))
        )
        if step == "load":
            self._maybe_replay(label, arguments["file_id"])
        return done

    def _label(self, file_id: int) -> str:
        with self._lock:
            return self._labels.get(file_id, f"file {file_id}")

    # -- People ------------------------------------------------------------------------------------------

    def replay(self, file_id: int, attempt: int) -> None:
        """Run the replay command, again if it dies."""
        label = self._label(file_id)
        for number in range(20):
            faults = self._schedule.disturbance("replay", label, 0, attempt, number).faults
            answer = self._invoke("replay", {"file_id": file_id}, faults)
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
