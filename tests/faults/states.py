"""State machines as they are defined, and what Step Functions makes of them: retries, maps, time-outs."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.cluster import PROJECT
from tests.faults.fault_injection import Raised
from tests.faults.schedule import Calling
from tests.faults.worker import Done
from tests.faults.workers import LAMBDA_DIED, Hangs, Invocations, Notes

CONCURRENCY = 4
"""Items of a Map that run at the same time; the default of the template's ClaimsConcurrency."""

PASSING = {"TransientFault", LAMBDA_DIED, "States.Timeout"}
"""Errors that the faults bring about, whatever is at work."""


class StepFailed(Exception):
    """A step ended with an error that its state does not retry, or not any more."""

    def __init__(self, raised: Raised) -> None:
        super().__init__(f"{raised.error}: {raised.cause}")
        self.raised = raised

    @property
    def told(self) -> dict[str, str]:
        """The error as a Catch path has it."""
        return {
            "error": self.raised.error,
            "cause": json.dumps({"errorMessage": self.raised.cause}),
        }


@dataclass(frozen=True)
class Definition:
    """A state machine's states, those of its maps among them."""

    states: Mapping[str, Any]

    @classmethod
    @cache
    def of(cls, name: str) -> "Definition":
        """Return the definition in statemachines/."""
        file = PROJECT / "statemachines" / f"{name}.asl.json"
        states = json.loads(file.read_text(encoding="utf-8"))["States"]
        mapped = [state["ItemProcessor"]["States"] for state in states.values() if state["Type"] == "Map"]
        return cls({name: state for group in (states, *mapped) for name, state in group.items()})

    def retrier(self, state: str, error: str) -> tuple[int, int] | None:
        """(place, most attempts) of the first retrier of a state that takes this error."""
        for place, retrier in enumerate(self.states[state]["Retry"]):
            if error in retrier["ErrorEquals"] or "States.ALL" in retrier["ErrorEquals"]:
                return place, retrier["MaxAttempts"]
        return None


@dataclass(frozen=True)
class Task:
    """A task state that runs a step; ``calling`` says how each of its tries is to go."""

    definition: Definition
    state: str
    step: str
    arguments: Mapping[str, Any]
    calling: Callable[[int], Calling]
    where: str
    expected: frozenset[str] = frozenset()
    """Errors that are no bug, beside those that the faults bring about."""


class Executions[N: Notes](Invocations[N]):
    """Invocations by Step Functions."""

    def _task(self, task: Task, between: Callable[[int], None] = lambda _: None) -> Any:
        """Invoke, and retry as the definition says; ``between`` is called before each further try."""
        retried: Counter[int] = Counter()
        for number in range(1000):
            answer = self._call(task.step, dict(task.arguments), task.calling(number))
            if isinstance(answer, Done):
                return answer.value
            self._note_bug(answer, PASSING | task.expected, task.where)
            retrier = task.definition.retrier(task.state, answer.error)
            if retrier is None or retried[retrier[0]] == retrier[1]:
                raise StepFailed(answer)
            retried[retrier[0]] += 1
            between(number)
        raise Hangs(f"{task.where} is retried for ever")

    def _map(self, items: Sequence[Mapping[str, Any]], do: Callable[[Any], Any]) -> None:
        """All items side by side; when one fails, no more are begun, and those that run are left alone."""
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
