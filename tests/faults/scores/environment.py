"""Step Functions, Lambda and people of a schedule: files are committed, models go live, claims are scored."""

import time
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from claimwatch.models.promote import Promoted
from tests.cluster import Cluster
from tests.faults.schedule import Calling
from tests.faults.scores.model import Asked
from tests.faults.scores.schedule import ScoreSchedule
from tests.faults.scores.steps import BackfillAsked
from tests.faults.states import PASSING, Definition, Executions, StepFailed, Task
from tests.faults.worker import Alerted, Done, Place, Started
from tests.faults.workers import Hangs, Notes, Slot, Workers

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
    """What happened, for the verdict."""

    alerts: list[Alerted] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    answers: dict[str, list[Promoted | None]] = field(default_factory=lambda: defaultdict(list))
    """Of each request; None for a refusal."""
    given_up: set[str] = field(default_factory=set)
    """Requests of which a copy that nobody waits for may still be at work, and change something."""
    untold: set[str] = field(default_factory=set)
    """Executions that failed and could not say so: the alarm on failed executions speaks for them."""

    def speaks_of(self, file_id: int, champion: bool) -> bool:
        """Whether people have heard that claims of a file may have no score.

        That there is no model is said with the promise that a promotion has them scored.
        """
        spoken = [f"File {file_id}:", f"could not score the claims of line {LINE}"]
        spoken += [] if champion else [f"line {LINE} has no model"]
        told = [f"{alert.subject}\n{alert.message}" for alert in self.alerts]
        return bool(self.untold) or any(words in text for words in spoken for text in told)


class ScoringHouse(Executions[ScoreNotes]):
    """Runs what one schedule has."""

    def __init__(self, schedule: ScoreSchedule, cluster: Cluster, place: Place, workers: Workers) -> None:
        super().__init__(schedule, place, cluster, workers, ScoreNotes())
        self._schedule = schedule
        self._executions: set[str] = set()
        self._patience = 0

    def _hear(self, slot: Slot, said: object) -> None:
        match said:
            case Started():
                slot.pipe.send(True)
            case BackfillAsked() as asked:
                self._start(asked)
                slot.pipe.send(True)
            case Alerted() as alert:
                with self._lock:
                    self.notes.alerts.append(alert)

    # -- Files -------------------------------------------------------------------------------------------

    def load(self, event: Mapping[str, Any]) -> int:
        """Take a file to where only its commit is left; its number."""
        file_id: int = self._quietly("register", event=event)
        found = self._quietly("inspect", file_id=file_id, attempt=1)
        for chunk in found["chunks"]:
            self._quietly("load", **chunk)
        return file_id

    def _quietly(self, step: str, **arguments: Any) -> Any:
        answer = self._invoke(step, arguments)
        assert isinstance(answer, Done), answer
        return answer.value

    def commit(self, label: str, file_id: int) -> Future[None]:
        """The execution of a file goes on from here, a little later."""
        return self._spawn(self._finish, label, file_id)

    def _finish(self, label: str, file_id: int) -> None:
        time.sleep(self._schedule.delay(label))
        with suppress(StepFailed):
            self._step(_PIPELINE, label, "commit", {"file_id": file_id, "attempt": 1})
        # Retries may have ended; what people do then is in the schedules of claims.
        tries = (self._invoke("commit", {"file_id": file_id, "attempt": 1}) for _ in range(20))
        if not any(isinstance(answer, Done) for answer in tries):
            raise Hangs(f"{label} is never committed")
        self._score(_PIPELINE, label, {"file_id": file_id}, {"file_id": file_id})

    # -- Scoring -----------------------------------------------------------------------------------------

    def score_all(self, request_id: str) -> None:
        """Somebody has scored what is stored: `claimwatch score`."""
        self._start(BackfillAsked(request_id, LINE, None, only_unscored=False))

    def _start(self, asked: BackfillAsked) -> None:
        with self._lock:
            if asked.request_id in self._executions:  # ExecutionAlreadyExists
                return
            self._executions.add(asked.request_id)
        about = {"line": asked.line}
        which = about | {"since": asked.since, "only_unscored": asked.only_unscored}
        self._spawn(self._score, _BACKFILL, asked.request_id, which, about)

    def _score(
        self, definition: Definition, execution: str, which: dict[str, Any], about: dict[str, Any]
    ) -> None:
        """Plan and score until nothing is left."""
        try:
            while (planned := self._step(definition, execution, "plan_scoring", which))["status"] == "ready":
                self._map(
                    planned["units"], lambda unit: self._step(definition, execution, "score_chunk", unit)
                )
        except StepFailed as failure:
            told = about | {"error": failure.raised.error}
            try:
                self._step(definition, execution, "record_unscored", told)
            except StepFailed:
                with self._lock:
                    self.notes.untold.add(execution)

    def _step(self, definition: Definition, execution: str, step: str, arguments: dict[str, Any]) -> Any:
        about = f"{execution}/{arguments.get('number', '')}"

        def calling(number: int) -> Calling:
            return self._schedule.calling(step, about, number, self._patience)

        def between(number: int) -> None:
            if step == "score_chunk" and not self._patience:
                asked = self._schedule.between(execution, arguments["number"], number)
                if asked is not None:
                    with self._lock:
                        self.notes.injected["promotion between two tries"] += 1
                    self._ask(asked, 0)

        where, expected = f"{step} of {about}", frozenset({"BundleMismatch"})
        task = Task(definition, _STATES[step], step, arguments, calling, where, expected)
        return self._task(task, between)

    # -- People ------------------------------------------------------------------------------------------

    def ask(self, asked: Asked) -> Future[None]:
        """Somebody promotes a model, or rolls back."""
        return self._spawn(self._ask, asked, 0)

    def _ask(self, asked: Asked, patience: int) -> None:
        """Until there is an answer: the same request comes again, or the command is typed once more."""
        types_again = self._schedule.types_again(asked.request_id)
        for number in range(20):
            if number and types_again:
                self.notes.given_up.add(asked.request_id)
                asked = replace(asked, request_id=f"{asked.request_id}+")
            arguments = {"line": LINE, **asdict(asked)}
            with self._lock:
                self.notes.asked.append(asked)
            calling = self._schedule.calling("change", asked.request_id, number, patience)
            if calling.abandoned:
                with self._lock:
                    self.notes.given_up.add(asked.request_id)
            answer = self._call("change", arguments, calling)
            if isinstance(answer, Done):
                return self._note(asked, answer.value)
            if answer.error == "RefusedData":
                return self._note(asked, None)
            # A bundle whose bytes differ is refused too; who asks once more finds them as they were.
            self._note_bug(answer, PASSING | _REFUSALS, f"promotion {asked}")
        raise Hangs(f"{asked} is never answered")

    def _note(self, asked: Asked, answer: Promoted | None) -> None:
        with self._lock:
            self.notes.answers[asked.request_id].append(answer)

    def people_come_again(self, patience: int) -> None:
        """Another round of people; from some round on nothing disturbs them."""
        self._patience = patience

    def promote_calmly(self, asked: Asked) -> None:
        """A promotion that nothing disturbs."""
        self._ask(asked, 100)
