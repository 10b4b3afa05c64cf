"""Runs a state machine as Step Functions does, from its definition in JSONPath; the caller runs its tasks."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults.states import Definition, StepFailed

MOST_STATES = 5_000
"""States that an execution may enter; more is a loop without an end."""

_ABSENT: Any = object()
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "StringEquals": lambda found, wanted: bool(found == wanted),
    "BooleanEquals": lambda found, wanted: found is wanted,
    "NumericEquals": lambda found, wanted: bool(found == wanted),
    "NumericGreaterThan": lambda found, wanted: found is not None and found > wanted,
    "NumericGreaterThanEquals": lambda found, wanted: found is not None and found >= wanted,
    "NumericLessThan": lambda found, wanted: found is not None and found < wanted,
    "IsPresent": lambda found, wanted: (found is not _ABSENT) is wanted,
    "IsNull": lambda found, wanted: (found is None) is wanted,
}
_CALL = re.compile(r"States\.(\w+)\((.*)\)$")


class ExecutionFailed(Exception):
    """An execution ended in a state Fail, or with an error that no state catches."""


@dataclass
class Execution:
    """One execution; ``task(state, payload)`` runs a Lambda function and ``wait`` lets seconds pass."""

    definition: Definition
    name: str
    given: Mapping[str, Any]
    task: Callable[[str, Any], Any]
    wait: Callable[[float], None]
    entered: list[str] = field(default_factory=list)

    def run(self) -> Any:
        """Run to the end and return the output; raises ``ExecutionFailed``."""
        state, data = self.definition.start, dict(self.given)
        while state:
            self.entered.append(state)
            if len(self.entered) > MOST_STATES:
                raise AssertionError(f"the execution does not end; its last states are {self.entered[-8:]}")
            state, data = self._enter(state, self.definition.states[state], data)
        return data

    def _enter(self, name: str, state: Mapping[str, Any], data: Any) -> tuple[str, Any]:
        """Run a state and return the next one, or an empty name, and the data."""
        match state["Type"]:
            case "Task":
                return self._run_task(name, state, data)
            case "Choice":
                for choice in state["Choices"]:
                    if self._holds(choice, data):
                        return choice["Next"], data
                return state["Default"], data
            case "Wait":
                self.wait(
                    float(
                        self._at(state["SecondsPath"], data) if "SecondsPath" in state else state["Seconds"]
                    )
                )
                return state.get("Next", ""), data
            case "Pass":
                given = self._at(state.get("InputPath", "$"), data)
                filled = self._filled(state["Parameters"], given) if "Parameters" in state else given
                result = state.get("Result", filled)
                return state.get("Next", ""), _placed(state.get("ResultPath", "$"), data, result)
            case "Succeed":
                return "", data
            case "Fail":
                raise ExecutionFailed(state.get("Error", "Failed"))
        raise AssertionError(f"states of type {state['Type']} are not interpreted")

    def _run_task(self, name: str, state: Mapping[str, Any], data: Any) -> tuple[str, Any]:
        assert state["Resource"].endswith(":lambda:invoke"), f"{name} invokes no function"
        try:
            payload = self.task(name, self._filled(state["Parameters"], data)["Payload"])
        except StepFailed as failure:
            raised = failure.raised
            caught = {"Error": raised.error, "Cause": json.dumps({"errorMessage": raised.cause})}
            for catcher in state.get("Catch", ()):
                if raised.error in catcher["ErrorEquals"] or "States.ALL" in catcher["ErrorEquals"]:
                    return catcher["Next"], _placed(catcher.get("ResultPath", "$"), data, caught)
            raise ExecutionFailed(raised.error) from failure
        result: Any = {"Payload": payload}
        if "ResultSelector" in state:
            result = self._filled(state["ResultSelector"], result)
        after = _placed(state.get("ResultPath", "$"), data, result)
        return state.get("Next", ""), self._at(state.get("OutputPath", "$"), after)

    def _holds(self, choice: Mapping[str, Any], data: Any) -> bool:
        if "And" in choice:
            return all(self._holds(part, data) for part in choice["And"])
        if "Or" in choice:
            return any(self._holds(part, data) for part in choice["Or"])
        if "Not" in choice:
            return not self._holds(choice["Not"], data)
        found = self._at(choice["Variable"], data, _ABSENT)
        [operator] = set(choice) - {"Variable", "Next", "Comment"}
        return _COMPARISONS[operator](found, choice[operator])

    def _filled(self, template: Any, data: Any) -> Any:
        """Return a payload template with its paths replaced by values."""
        if isinstance(template, Mapping):
            return {
                key.removesuffix(".$"): self._value(item, data)
                if key.endswith(".$")
                else self._filled(item, data)
                for key, item in template.items()
            }
        if isinstance(template, Sequence) and not isinstance(template, str):
            return [self._filled(item, data) for item in template]
        return template

    def _value(self, expression: str, data: Any) -> Any:
        if expression.startswith("$"):
            return self._at(expression, data)
        call = _CALL.match(expression)
        assert call, f"{expression} is not interpreted"
        arguments = [self._argument(text.strip(), data) for text in call[2].split(",")]
        match call[1]:
            case "JsonMerge":
                return arguments[0] | arguments[1]
            case "MathAdd":
                return arguments[0] + arguments[1]
            case "StringToJson":
                return json.loads(arguments[0])
        raise AssertionError(f"States.{call[1]} is not interpreted")

    def _argument(self, text: str, data: Any) -> Any:
        if text.startswith(("$", "States.")):
            return self._value(text, data)
        return text.strip("'") if text.startswith("'") else json.loads(text)

    def _at(self, path: str, data: Any, default: Any = None) -> Any:
        """Return what a path leads to; a missing value is an error unless there is a default."""
        if path.startswith("$$"):
            data = {"Execution": {"Input": self.given, "Name": self.name, "Id": f"executions/{self.name}"}}
        found = data
        for name in path.lstrip("$").split(".")[1:]:
            if not isinstance(found, Mapping) or name not in found:
                if default is not None:
                    return default
                raise AssertionError(f"{path} leads nowhere (States.ParameterPathFailure)")
            found = found[name]
        return found


def _placed(path: str | None, data: Any, result: Any) -> Any:
    """Return the data with a result at a ResultPath."""
    if path is None:
        return data
    if path == "$":
        return result
    *parents, last = path.removeprefix("$.").split(".")
    placed = dict(data)
    inner = placed
    for name in parents:
        inner[name] = dict(inner.get(name, {}))
        inner = inner[name]
    inner[last] = result
    return placed
