"""The environment of a schedule of pulls: scheduler, Step Functions and Lambda, and the source's server."""

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.cluster import Cluster
from tests.faults.interpreter import Execution, ExecutionFailed
from tests.faults.pulls.schedule import CALM_EXECUTION, PullSchedule
from tests.faults.seed import Disturbance
from tests.faults.states import Definition, Executions, Task
from tests.faults.worker import Workspace
from tests.faults.workers import Notes, Workers

SOURCE = "policy-system"

_EXPECTED = frozenset({"SourceUnreachable", "FileChanged", "WindowTooLarge", "Superseded"})
"""Errors of steps that faults of a source cause."""
_LONGEST_WAIT = 1.2


@dataclass
class PullNotes(Notes):
    """What happened to executions."""

    failed: list[str] = field(default_factory=list)
    """Executions that ended in a state Fail."""
    observed: Counter[str] = field(default_factory=Counter)
    recorded: int = 0
    """Failures that were recorded with the source, of which people are notified."""


class PullsEnvironment(Executions[PullNotes]):
    """Runs executions of the state machine, with the retries of its definition."""

    def __init__(
        self,
        schedule: PullSchedule,
        cluster: Cluster,
        workspace: Workspace,
        workers: Workers,
        secret: Mapping[str, Any],
        strike_source: Callable[[str], None],
    ) -> None:
        super().__init__(schedule, workspace, cluster, workers, PullNotes())
        self._schedule, self._secret, self._strike_source = schedule, secret, strike_source
        self._definition = Definition.of("pull_source")
        self._source_lock = threading.Lock()

    def fire(self, name: str, executions: int = 1) -> None:
        """Start an execution, or several at the same moment."""
        with self._lock:
            self.notes.injected["doubled execution"] += executions - 1
        for number in range(executions):
            self._spawn(self._execute, f"{name}-{number}")

    def strike_source(self, kind: str) -> None:
        """Let a fault strike the source's server, one at a time."""
        with self._source_lock:
            self._strike_source(kind)
        with self._lock:
            self.notes.injected[kind] += 1

    def _fired(self, kind: str) -> None:
        if kind == "source_terminate":
            self._spawn(self._strike_source, kind)
        else:
            super()._fired(kind)

    def _execute(self, name: str) -> None:
        numbers = iter(range(1_000_000))

        def run(state: str, payload: Any) -> Any:
            number = next(numbers)
            step = _snake(self._definition.states[state]["Parameters"]["FunctionName"])

            def disturbance(attempt: int) -> Disturbance:
                return self._schedule.disturbance(name, step, number, attempt)

            arguments = {"event": payload, "secret": self._secret}
            where = f"{step} {number} of {name}"
            task = Task(self._definition, state, step, arguments, disturbance, where, _EXPECTED)
            answer = self._task(task, lambda attempt: time.sleep(min(0.02 * 2**attempt, 0.3)))
            if answer == "failing":
                with self._lock:
                    self.notes.recorded += 1
            return answer

        execution = Execution(
            self._definition,
            name,
            {"source": SOURCE},
            run,
            lambda seconds: time.sleep(min(seconds, _LONGEST_WAIT)),
        )
        try:
            execution.run()
        except ExecutionFailed:
            with self._lock:
                self.notes.failed.append(name)
                if name.startswith(CALM_EXECUTION):
                    self.notes.bugs.append(f"{name} failed without a fault, after {execution.entered[-6:]}")


def _snake(function: str) -> str:
    """Return the folder of a function, such as ``plan_pull`` for ``${PlanPull}``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", function.strip("${}")).lower()
