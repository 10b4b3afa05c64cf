"""State machines from their definitions, run as Step Functions does: retries, Maps, timeouts."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.cluster import PROJECT, Cluster
from tests.faults.fault_injection import Raised
from tests.faults.seed import Disturbance, Seeded
from tests.faults.worker import Done, Workspace
from tests.faults.workers import LAMBDA_DIED, Hangs, Invocations, Notes, Workers

CONCURRENCY = 4
"""Items of a Map that run at the same time; the default of the template's ClaimsConcurrency."""

FAULT_ERRORS = {"TransientFault", LAMBDA_DIED, "States.Timeout"}
"""Errors that injected faults cause in any step."""


class StepFailed(Exception):
    """A step failed with an error that its state does not retry, or no longer retries."""

    def __init__(self, raised: Raised) -> None:
        super().__init__(f"{raised.error}: {raised.cause}")
        self.raised = raised

    @property
    def caught(self) -> dict[str, str]:
        """The error as a Catch path receives it."""
        return {"error": self.raised.error, "cause": json.dumps({"errorMessage": self.raised.cause})}


@dataclass(frozen=True)
class Definition:
    """The states of a state machine, including the states inside Maps."""

    states: Mapping[str, Any]
    start: str = ""

    @classmethod
    @cache
    def of(cls, name: str) -> "Definition":
        """Return the definition in statemachines/."""
        file = PROJECT / "statemachines" / f"{name}.asl.json"
        machine = json.loads(file.read_text(encoding="utf-8"))
        states = machine["States"]
        mapped = [state["ItemProcessor"]["States"] for state in states.values() if state["Type"] == "Map"]
        return cls(
            {name: state for group in (states, *mapped) for name, state in group.items()}, machine["StartAt"]
        )

    def retrier(self, state: str, error: str) -> tuple[int, int] | None:
        """Return (index, MaxAttempts) of the first retrier of a state that matches an error."""
        for index, retrier in enumerate(self.states[state].get("Retry", ())):
            if error in retrier["ErrorEquals"] or "States.ALL" in retrier["ErrorEquals"]:
                return index, retrier["MaxAttempts"]
        return None


@dataclass(frozen=True)
class Task:
    """A Task state that runs a step; ``disturbance`` returns what disturbs each attempt (from 0)."""

    definition: Definition
    state: str
    step: str
    arguments: Mapping[str, Any]
    disturbance: Callable[[int], Disturbance]
    where: str
    expected: frozenset[str] = frozenset()
    """Errors that are not bugs, in addition to those that injected faults cause."""


class Executions[N: Notes](Invocations[N]):
    """Invocations by Step Functions."""

    def __init__(
        self, seeded: Seeded, workspace: Workspace, cluster: Cluster, workers: Workers, notes: N
    ) -> None:
        super().__init__(seeded, workspace, cluster, workers, notes)
        self._executions: set[str] = set()

    def _is_new(self, execution: str) -> bool:
        """Register the name of an execution; return False if it already exists (ExecutionAlreadyExists)."""
        with self._lock:
            is_new = execution not in self._executions
            self._executions.add(execution)
            return is_new

    def _task(self, task: Task, between: Callable[[int], None] = lambda _: None) -> Any:
        """Invoke a step and retry it as the definition says; call ``between`` before each further attempt."""
        retried: Counter[int] = Counter()
        for number in range(1000):
            answer = self._call(task.step, dict(task.arguments), task.disturbance(number))
            if isinstance(answer, Done):
                return answer.value
            self._note_bug(answer, FAULT_ERRORS | task.expected, task.where)
            retrier = task.definition.retrier(task.state, answer.error)
            if retrier is None or retried[retrier[0]] == retrier[1]:
                raise StepFailed(answer)
            retried[retrier[0]] += 1
            between(number)
        raise Hangs(f"{task.where} is retried without end")

    def _map(self, items: Sequence[Mapping[str, Any]], do: Callable[[Any], Any]) -> None:
        """Process items in parallel; after a failure, start no more items but let running ones finish."""
        futures = []
        with ThreadPoolExecutor(CONCURRENCY) as threads:
            failed = threading.Event()

            def one(item: Mapping[str, Any]) -> None:
                if failed.is_set():
                    return
                try:
                    do(item)
                except StepFailed:
                    failed.set()
                    raise

            futures = [threads.submit(one, item) for item in items]
            wait(futures, return_when=FIRST_EXCEPTION)
        for future in futures:
            future.result()

    def _call(self, step: str, arguments: dict[str, Any], disturbance: Disturbance) -> Done | Raised:
        """Invoke a step once, twice at the same time, or without waiting for its end."""
        if not (disturbance.twice or disturbance.abandoned):
            return self._invoke(step, arguments, disturbance.faults)
        with self._lock:
            self.notes.injected["abandoned" if disturbance.abandoned else "doubled message"] += 1
        first = self._spawn(self._invoke, step, arguments, disturbance.faults)
        if disturbance.twice:
            second = self._spawn(self._invoke, step, arguments)
            answers: list[Done | Raised] = [first.result(), second.result()]
            return next((answer for answer in answers if isinstance(answer, Done)), answers[0])
        wait([first], 0.05)
        return Raised("States.Timeout", "the caller timed out")
