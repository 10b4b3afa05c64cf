"""The environment of a schedule of scores: Step Functions, Lambda and people."""

import time
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from claimwatch.models.promote import Promoted
from tests.cluster import Cluster
from tests.faults.scores.model import Request
from tests.faults.scores.schedule import ScoreSchedule
from tests.faults.scores.steps import BackfillRequested
from tests.faults.seed import Disturbance
from tests.faults.states import FAULT_ERRORS, Definition, Executions, StepFailed, Task
from tests.faults.worker import Done, Workspace
from tests.faults.workers import Hangs, Notes, Workers

LINE = "glass"
_PIPELINE, _BACKFILL = Definition.of("claims_pipeline"), Definition.of("score_claims")
_STATES = {
    "commit": "CommitFile",
    "plan_scoring": "PlanScoring",
    "score_chunk": "ScoreChunk",
    "record_unscored": "RecordUnscored",
}
_REFUSALS = {"RefusedData", "BundleMismatch"}


@dataclass
class ScoreNotes(Notes):
    """What happened to requests and executions."""

    requests: list[Request] = field(default_factory=list)
    answers: dict[str, list[Promoted | None]] = field(default_factory=lambda: defaultdict(list))
    """Answers by request id; None for a refusal."""
    given_up: set[str] = field(default_factory=set)
    """Requests with an abandoned invocation, which may still change something."""
    unreported: set[str] = field(default_factory=set)
    """Executions whose failure could not be reported; the alarm on failed executions reports them."""

    def reported(self, file_id: int, champion: bool) -> bool:
        """Return whether an alert said that claims of a file may have no score.

        The alert that a line has no model counts only while that is true: it promises that a promotion scores
        the claims.
        """
        texts = [f"File {file_id}:", f"could not score the claims of line {LINE}"]
        texts += [] if champion else [f"line {LINE} has no model"]
        alerts = [f"{alert.subject}\n{alert.message}" for alert in self.alerts]
        return bool(self.unreported) or any(text in alert for text in texts for alert in alerts)


class ScoresEnvironment(Executions[ScoreNotes]):
    """Runs the commits, executions and requests of one schedule."""

    def __init__(
        self, schedule: ScoreSchedule, cluster: Cluster, workspace: Workspace, workers: Workers
    ) -> None:
        super().__init__(schedule, workspace, cluster, workers, ScoreNotes())
        self._schedule = schedule
        self.round_number = 0
        """The round of repairs; faults end with a certain round."""

    # -- Files -------------------------------------------------------------------------------------------

    def load(self, event: Mapping[str, Any]) -> int:
        """Load a file so that only its commit is left; return its number."""
        file_id: int = self._undisturbed("register", event=event)
        found = self._undisturbed("inspect", file_id=file_id, attempt=1)
        for chunk in found["chunks"]:
            self._undisturbed("load", **chunk)
        return file_id

    def _undisturbed(self, step: str, **arguments: Any) -> Any:
        answer = self._invoke(step, arguments)
        assert isinstance(answer, Done), answer
        return answer.value

    def commit(self, label: str, file_id: int) -> Future[None]:
        """Continue the execution of a loaded file after a delay."""
        return self._spawn(self._finish, label, file_id)

    def _finish(self, label: str, file_id: int) -> None:
        time.sleep(self._schedule.delay(label))
        with suppress(StepFailed):
            self._step(_PIPELINE, label, "commit", {"file_id": file_id, "attempt": 1})
        # The retries may be exhausted; the schedules of claims cover what people do then.
        attempts = (self._invoke("commit", {"file_id": file_id, "attempt": 1}) for _ in range(20))
        if not any(isinstance(answer, Done) for answer in attempts):
            raise Hangs(f"{label} is never committed")
        self._score(_PIPELINE, label, {"file_id": file_id}, {"file_id": file_id})

    # -- Scoring -----------------------------------------------------------------------------------------

    def score_all(self, request_id: str) -> None:
        """Run `claimwatch score` for all claims."""
        self._start(BackfillRequested(request_id, LINE, None, only_unscored=False))

    def _start(self, request: object) -> None:
        if isinstance(request, BackfillRequested) and self._is_new(request.request_id):
            subject = {"line": request.line}
            which = subject | {"since": request.since, "only_unscored": request.only_unscored}
            self._spawn(self._score, _BACKFILL, request.request_id, which, subject)

    def _score(
        self, definition: Definition, execution: str, which: dict[str, Any], subject: dict[str, Any]
    ) -> None:
        """Score one plan; if something is left, start the execution that continues."""
        try:
            planned = self._step(definition, execution, "plan_scoring", which)
            if planned["status"] == "ready":
                self._map(
                    planned["units"], lambda unit: self._step(definition, execution, "score_chunk", unit)
                )
                planned = self._step(definition, execution, "plan_scoring", which)
            if planned["status"] == "ready":
                self._spawn(self._score, _BACKFILL, execution, which, subject)
        except StepFailed as failure:
            failed = subject | {"error": failure.raised.error}
            try:
                self._step(definition, execution, "record_unscored", failed)
            except StepFailed:
                with self._lock:
                    self.notes.unreported.add(execution)

    def _step(self, definition: Definition, execution: str, step: str, arguments: dict[str, Any]) -> Any:
        about = f"{execution}/{arguments.get('number', '')}"

        def disturbance(number: int) -> Disturbance:
            return self._schedule.disturbance(step, about, number, self.round_number)

        def between(number: int) -> None:
            if step == "score_chunk" and not self.round_number:
                request = self._schedule.between(execution, arguments["number"], number)
                if request is not None:
                    with self._lock:
                        self.notes.injected["promotion between two tries"] += 1
                    self.promote(request, 0)

        where, expected = f"{step} of {about}", frozenset({"BundleMismatch"})
        task = Task(definition, _STATES[step], step, arguments, disturbance, where, expected)
        return self._task(task, between)

    # -- People ------------------------------------------------------------------------------------------

    def request(self, request: Request) -> Future[None]:
        """Promote a model or roll back, in parallel to everything else."""
        return self._spawn(self.promote, request, 0)

    def promote(self, request: Request, round_number: int) -> None:
        """Promote a model or roll back, and repeat the request or the command until it is answered."""
        repeats_command = self._schedule.repeats_command(request.request_id)
        for number in range(20):
            if number and repeats_command:
                self.notes.given_up.add(request.request_id)
                request = replace(request, request_id=f"{request.request_id}+")
            with self._lock:
                self.notes.requests.append(request)
            disturbance = self._schedule.disturbance("change", request.request_id, number, round_number)
            if disturbance.abandoned:
                with self._lock:
                    self.notes.given_up.add(request.request_id)
            answer = self._call("change", {"line": LINE, **asdict(request)}, disturbance)
            if isinstance(answer, Done) or answer.error == "RefusedData":
                with self._lock:
                    promoted = answer.value if isinstance(answer, Done) else None
                    self.notes.answers[request.request_id].append(promoted)
                return
            # A bundle with different bytes is refused too; the next attempt reads the right bytes.
            self._note_bug(answer, FAULT_ERRORS | _REFUSALS, f"promotion {request}")
        raise Hangs(f"{request} is never answered")
