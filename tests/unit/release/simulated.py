"""A pipeline and a stack in memory, which end the process that uses them at any point that is asked for.

They are small models of what the real ones promise: CodePipeline starts one execution for each token, and
the application one training for each id, one of a line at a time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from release.errors import ReleaseRefused
from release.experiments import Dependencies
from release.line_models import LineModels, Model, StackUnavailable, Training
from release.training_state import Request, State, state_from_json, state_to_json


class Crash(BaseException):
    """The end of a process; no code may catch it."""


@dataclass
class Crashes:
    """Ends the process at a call from outside, before or after its effect; with None, never."""

    at: int | None = None
    after: bool = False
    calls: int = 0

    def call[T](self, effect: Callable[[], T]) -> T:
        self.calls += 1
        due = self.calls == self.at
        if due and not self.after:
            raise Crash
        result = effect()
        if due:
            raise Crash
        return result


@dataclass
class Production:
    """A production stack and the pipeline of models, which live on when a process ends."""

    in_force: dict[str, str]
    """The contracts that are in force, by line."""
    refuses: set[str] = field(default_factory=set)
    """Texts of contracts that the application refuses."""
    tokens_are_kept: bool = True
    state: str | None = None
    applied: list[tuple[str, str]] = field(default_factory=list)
    executions: list[Request] = field(default_factory=list)

    def dependencies(self, crashes: Crashes) -> Dependencies:
        return Dependencies(
            state=_State(self, crashes),
            lines_in_force=lambda: crashes.call(lambda: set(self.in_force)),
            apply_contract=lambda line, text: crashes.call(lambda: self._apply(line, text)),
            start=lambda request: crashes.call(lambda: self._start(request)),
            report=lambda _: None,
        )

    def trainings(self) -> list[str]:
        """The ids of the trainings that the application starts for the executions: each id once."""
        return list(dict.fromkeys(request.training_id for request in self.executions))

    def _apply(self, line: str, text: str) -> None:
        if text in self.refuses:
            raise ReleaseRefused("schema: the column is missing")
        if self.in_force[line] != text:
            self.in_force[line] = text
            self.applied.append((line, text))

    def _start(self, request: Request) -> None:
        known = {each.training_id for each in self.executions}
        if not (self.tokens_are_kept and request.training_id in known):
            self.executions.append(request)


@dataclass
class _State:
    production: Production
    crashes: Crashes

    def read(self) -> State | None:
        text = self.crashes.call(lambda: self.production.state)
        return None if text is None else state_from_json(text)

    def write(self, state: State) -> None:
        def put() -> None:
            self.production.state = state_to_json(state)

        self.crashes.call(put)


@dataclass
class Registry:
    """The application's API: trainings take their time, and one of a line runs at a time."""

    now: float = 0.0
    seconds: float = 600.0
    ends_as: str = "registered"
    warnings: list[dict[str, str]] = field(default_factory=list)
    sleeping_until: float = 0.0
    """Until then the database wakes up."""
    requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What was requested, by the id of the training."""
    begun: dict[str, float] = field(default_factory=dict)
    promoted: list[dict[str, Any]] = field(default_factory=list)
    champion: Model | None = None
    crashes: Crashes = field(default_factory=Crashes)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def models(self, line: str) -> LineModels:
        return self.crashes.call(lambda: self._listed(line))

    def post(
        self,
        line: str,  # noqa: ARG002 - it has one line
        collection: str,
        fields: Mapping[str, Any],
    ) -> dict[str, Any]:
        if self.now < self.sleeping_until:
            raise StackUnavailable("the database is waking up")
        return self.crashes.call(
            lambda: {"trainings": self._train, "promotions": self._promote}[collection](fields)
        )

    def _listed(self, line: str) -> LineModels:
        if self.now < self.sleeping_until:
            raise StackUnavailable("the database is waking up")
        trainings = tuple(
            Training(training_id, str(number), self._status(training_id), self._error(training_id))
            for number, training_id in reversed(list(enumerate(self.begun, start=2)))
        )
        made = tuple(
            Model(
                each.version,
                each.status,
                f"s3://b/models/{line}/{each.version}/",
                METRICS,
                self.warnings,
                frozenset(),
            )
            for each in trainings
            if each.status == "registered"
        )
        return LineModels(line, (*made, *([self.champion] if self.champion else [])), trainings)

    def _status(self, training_id: str) -> str:
        return "running" if self.now < self.begun[training_id] + self.seconds else self.ends_as

    def _error(self, training_id: str) -> str | None:
        failed = self._status(training_id) in ("refused", "failed")
        return "worse than the champion" if failed else None

    def _train(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        training_id = fields["training_id"]
        if training_id not in self.begun:
            if any(self._status(each) == "running" for each in self.begun):
                raise ReleaseRefused("a model of line motor is already being trained")
            self.begun[training_id] = self.now
            self.requests[training_id] = dict(fields)
        return {}

    def _promote(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        if fields not in self.promoted:
            self.promoted.append(dict(fields))
        return {"changed": True, "remarks": []}


METRICS = {
    "roc_auc": 0.861,
    "pr_auc": 0.402,
    "lift_top_decile": 5.2,
    "recall_at_capacity": 0.31,
    "observed_to_expected": None,
}
