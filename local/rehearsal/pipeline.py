"""A model of CodePipeline (V2): stages and actions in their order, artifacts, variables, failures, rollback.

It reads the resolved properties of an `AWS::CodePipeline::Pipeline` and refuses what it does not know, so
that a misspelt key does not pass. What an action does is not known here: `Perform` does it.

What differs from AWS: actions of one RunOrder run one after the other, in the order of the template; a
superseding execution does not exist, because a rehearsal releases one commit after the other.
"""

import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_REFERENCE = re.compile(r"#\{([A-Za-z0-9_@-]+)\.([A-Za-z0-9_@-]+)\}")


class RefusedPipeline(ValueError):
    """The pipeline's definition is not understood; the message names the place."""


class ActionFailed(Exception):
    """The action failed; the message is the sentence that CodePipeline would show."""


@dataclass(frozen=True)
class Action:
    """One action of a stage. `run_order` starts at 1; `role` is the ARN that the pipeline assumes for it."""

    name: str
    category: str
    provider: str
    configuration: Mapping[str, str]
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    namespace: str | None = None
    run_order: int = 1
    role: str | None = None


@dataclass(frozen=True)
class Stage:
    """One stage: its actions in the order in which they run, and whether a failure rolls it back."""

    name: str
    actions: tuple[Action, ...]
    rolls_back: bool = False


@dataclass(frozen=True)
class Pipeline:
    """A pipeline; `variables` are those of an execution, with defaults (None: it must be given)."""

    name: str
    role: str
    stages: tuple[Stage, ...]
    variables: Mapping[str, str | None] = field(default_factory=dict)

    def stage(self, name: str) -> Stage:
        """Return a stage by its name."""
        return next(stage for stage in self.stages if stage.name == name)


@dataclass(frozen=True)
class Performed:
    """What an action left: the artifact of each output, its variables, an id and a summary of its work."""

    artifacts: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    external_id: str = ""
    summary: str = ""
    by: str = ""


@dataclass
class ActionRun:
    """One execution of an action; `status` is InProgress, Succeeded or Failed, times are Unix seconds."""

    execution_id: str
    stage: str
    action: Action
    resolved: Mapping[str, str]
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "InProgress"
    started: float = field(default_factory=time.time)
    ended: float | None = None
    performed: Performed = field(default_factory=Performed)
    problem: str = ""

    @property
    def seconds(self) -> float:
        """Seconds from the start to the end, or until now."""
        return (self.ended or time.time()) - self.started


@dataclass
class StageRun:
    """One execution of a stage; `status` is InProgress, Succeeded or Failed."""

    name: str
    status: str = "InProgress"
    started: float = field(default_factory=time.time)
    ended: float | None = None

    @property
    def seconds(self) -> float:
        """Seconds from the start to the end, or until now."""
        return (self.ended or time.time()) - self.started


@dataclass
class Execution:
    """One execution of a pipeline, and what its actions handed over until now.

    `status` is InProgress, Succeeded or Failed. `target` is the execution that a rollback brings back.
    `revisions` names the state of a source, by its action, that is taken instead of the newest one.
    """

    pipeline: Pipeline
    given: Mapping[str, str] = field(default_factory=dict)
    revisions: Mapping[str, str] = field(default_factory=dict)
    execution_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "InProgress"
    started: float = field(default_factory=time.time)
    ended: float | None = None
    stages: list[StageRun] = field(default_factory=list)
    actions: list[ActionRun] = field(default_factory=list)
    artifacts: dict[str, Any] = field(default_factory=dict)
    namespaces: dict[str, Mapping[str, str]] = field(default_factory=dict)
    target: str | None = None

    @property
    def stopped_at(self) -> str | None:
        """The stage and action that failed, such as "Smoke/Smoke"."""
        failed = next((run for run in self.actions if run.status == "Failed"), None)
        return f"{failed.stage}/{failed.action.name}" if failed else None

    @property
    def problem(self) -> str:
        """The sentence of the action that failed."""
        return next((run.problem for run in self.actions if run.status == "Failed"), "")

    def values(self, namespace: str) -> Mapping[str, str]:
        """Return the variables of a namespace at this moment."""
        if namespace == "variables":
            return {
                name: value
                for name, default in self.pipeline.variables.items()
                if (value := self.given.get(name, default)) is not None
            }
        if namespace == "codepipeline":
            return {"PipelineExecutionId": self.execution_id}
        return self.namespaces.get(namespace, {})


type Perform = Callable[[Execution, Stage, ActionRun, Mapping[str, Any]], Performed]
"""Does the work of an action with its input artifacts by name; raises `ActionFailed`."""


class PipelineModel:
    """Runs executions of one pipeline and remembers them, the newest last."""

    def __init__(self, pipeline: Pipeline, perform: Perform) -> None:
        """Prepare a pipeline without executions."""
        self.pipeline = pipeline
        self.executions: list[Execution] = []
        self._perform = perform
        self._lock = threading.Lock()

    def start(
        self, variables: Mapping[str, str] | None = None, revisions: Mapping[str, str] | None = None
    ) -> Execution:
        """Return a new execution, which `run` carries out; raises `RefusedPipeline` without a variable."""
        given = dict(variables or {})
        unknown = given.keys() - self.pipeline.variables.keys()
        missing = [
            name for name, default in self.pipeline.variables.items() if default is None and name not in given
        ]
        if unknown or missing:
            name = min(unknown) if unknown else missing[0]
            raise RefusedPipeline(
                f"{self.pipeline.name}: variable {name} is {'unknown' if unknown else 'missing'}"
            )
        return self._remember(Execution(self.pipeline, given, revisions or {}))

    def run(self, execution: Execution) -> Execution:
        """Run the stages of an execution in their order, up to the first failure."""
        for stage in self.pipeline.stages:
            if self._run_stage(execution, stage):
                continue
            self._end(execution, "Failed")
            if stage.rolls_back and self.last_success(stage.name, before=execution):
                self.roll_back(stage.name, before=execution)
            return execution
        return self._end(execution, "Succeeded")

    def roll_back(
        self, stage: str, *, target: str | None = None, before: Execution | None = None
    ) -> Execution:
        """Run one stage with what an earlier execution handed to it; return that rollback's execution.

        Without `target`, the last execution that passed the stage is taken. Raises `RefusedPipeline`.
        """
        return self.run_rollback(self.start_rollback(stage, target=target, before=before), stage)

    def start_rollback(
        self, stage: str, *, target: str | None = None, before: Execution | None = None
    ) -> Execution:
        """Return the execution of a rollback, which `run_rollback` carries out."""
        found = self.find(target) if target else self.last_success(stage, before=before)
        if found is None or not _passed(found, stage):
            raise RefusedPipeline(f"{self.pipeline.name}: no execution to roll back to has passed {stage}")
        again = Execution(self.pipeline, found.given, target=found.execution_id)
        made_here = {action.namespace for action in self.pipeline.stage(stage).actions}
        again.artifacts = dict(found.artifacts)
        again.namespaces = {
            name: values for name, values in found.namespaces.items() if name not in made_here
        }
        return self._remember(again)

    def run_rollback(self, execution: Execution, stage: str) -> Execution:
        """Run the only stage of a rollback."""
        succeeded = self._run_stage(execution, self.pipeline.stage(stage))
        return self._end(execution, "Succeeded" if succeeded else "Failed")

    def find(self, execution_id: str) -> Execution | None:
        """Return an execution by its id."""
        return next((each for each in self.executions if each.execution_id == execution_id), None)

    def last_success(self, stage: str, *, before: Execution | None = None) -> Execution | None:
        """Return the last execution that passed a stage, other than `before`."""
        passed = (each for each in reversed(self.executions) if each is not before and _passed(each, stage))
        return next(passed, None)

    def _remember(self, execution: Execution) -> Execution:
        with self._lock:
            self.executions.append(execution)
        return execution

    def _end(self, execution: Execution, status: str) -> Execution:
        execution.status, execution.ended = status, time.time()
        return execution

    def _run_stage(self, execution: Execution, stage: Stage) -> bool:
        """Run the actions of a stage in their order, up to the first failure; return False if one failed."""
        run = StageRun(stage.name)
        execution.stages.append(run)
        succeeded = all(self._run_action(execution, stage, action) for action in stage.actions)
        run.status, run.ended = "Succeeded" if succeeded else "Failed", time.time()
        return succeeded

    def _run_action(self, execution: Execution, stage: Stage, action: Action) -> bool:
        run = ActionRun(execution.execution_id, stage.name, action, {})
        execution.actions.append(run)
        try:
            run.resolved = resolve(action.configuration, execution)
            missing = [name for name in action.inputs if name not in execution.artifacts]
            if missing:
                raise ActionFailed(f"the artifact {missing[0]} was not handed over")
            inputs = {name: execution.artifacts[name] for name in action.inputs}
            run.performed = self._perform(execution, stage, run, inputs)
            owed = [name for name in action.outputs if name not in run.performed.artifacts]
            if owed:
                raise ActionFailed(f"the artifact {owed[0]} was not made")
        except ActionFailed as failure:
            run.status, run.ended, run.problem = "Failed", time.time(), str(failure)
            return False
        execution.artifacts |= {name: run.performed.artifacts[name] for name in action.outputs}
        if action.namespace:
            execution.namespaces[action.namespace] = run.performed.variables
        run.status, run.ended = "Succeeded", time.time()
        return True


def resolve(configuration: Mapping[str, str], execution: Execution) -> dict[str, str]:
    """Return a configuration with the values of `#{namespace.variable}`; raises `ActionFailed`."""

    def value(match: re.Match[str]) -> str:
        namespace, name = match.groups()
        values = execution.values(namespace)
        if name not in values:
            raise ActionFailed(f"the variable #{{{namespace}.{name}}} has no value")
        return values[name]

    return {name: _REFERENCE.sub(value, text) for name, text in configuration.items()}


def _passed(execution: Execution, stage: str) -> bool:
    return any(run.name == stage and run.status == "Succeeded" for run in execution.stages)


# -- reading -----------------------------------------------------------------------------------------------


def read_pipeline(properties: Mapping[str, Any], name: str) -> Pipeline:
    """Return the pipeline of resolved properties; raises `RefusedPipeline` for what is not understood."""
    _only(
        properties,
        "the pipeline",
        "Name PipelineType ExecutionMode RoleArn ArtifactStore ArtifactStores Stages Variables Triggers Tags"
        " RestartExecutionOnUpdate",
    )
    if properties.get("PipelineType") != "V2":
        raise RefusedPipeline("PipelineType must be V2")
    stages = tuple(_stage(stage) for stage in properties["Stages"])
    _check_artifacts(stages)
    return Pipeline(
        name=properties.get("Name", name),
        role=properties["RoleArn"],
        stages=stages,
        variables={each["Name"]: each.get("DefaultValue") for each in properties.get("Variables", [])},
    )


def _stage(stage: Mapping[str, Any]) -> Stage:
    place = f"stage {stage.get('Name')}"
    _only(stage, place, "Name Actions OnFailure")
    on_failure = stage.get("OnFailure", {})
    _only(on_failure, f"{place}, OnFailure", "Result")
    if on_failure.get("Result", "FAIL") not in ("FAIL", "ROLLBACK"):
        raise RefusedPipeline(f"{place}: OnFailure {on_failure['Result']} is not known here")
    actions = [_action(action, stage["Name"]) for action in stage["Actions"]]
    names = [action.name for action in actions]
    if len(set(names)) < len(names) or not names:
        raise RefusedPipeline(f"{place}: every action needs a name of its own")
    ordered = sorted(actions, key=lambda action: action.run_order)
    return Stage(stage["Name"], tuple(ordered), on_failure.get("Result") == "ROLLBACK")


def _action(action: Mapping[str, Any], stage: str) -> Action:
    place = f"action {stage}/{action.get('Name')}"
    _only(
        action,
        place,
        "Name ActionTypeId Configuration InputArtifacts OutputArtifacts Namespace RunOrder RoleArn Region"
        " TimeoutInMinutes",
    )
    kind = action["ActionTypeId"]
    configuration = action.get("Configuration", {})
    not_text = [key for key, value in configuration.items() if not isinstance(value, str | bool | int)]
    if not_text:
        raise RefusedPipeline(f"{place}: {not_text[0]} must be a text")
    return Action(
        name=action["Name"],
        category=kind["Category"],
        provider=kind["Provider"],
        configuration={key: _text(value) for key, value in configuration.items()},
        inputs=tuple(each["Name"] for each in action.get("InputArtifacts", [])),
        outputs=tuple(each["Name"] for each in action.get("OutputArtifacts", [])),
        namespace=action.get("Namespace"),
        run_order=int(action.get("RunOrder", 1)),
        role=action.get("RoleArn"),
    )


def _check_artifacts(stages: tuple[Stage, ...]) -> None:
    """Refuse an input artifact that no earlier action makes, and an output that is made twice."""
    made: set[str] = set()
    for stage, action in _actions(stages):
        for name in action.inputs:
            if name not in made:
                raise RefusedPipeline(f"action {stage}/{action.name}: nothing has made the artifact {name}")
        for name in action.outputs:
            if name in made:
                raise RefusedPipeline(f"action {stage}/{action.name}: the artifact {name} is made twice")
        made |= set(action.outputs)


def _actions(stages: tuple[Stage, ...]) -> Iterator[tuple[str, Action]]:
    for stage in stages:
        for action in stage.actions:
            yield stage.name, action


def _only(mapping: Mapping[str, Any], place: str, known: str) -> None:
    unknown = sorted(mapping.keys() - set(known.split()))
    if unknown:
        raise RefusedPipeline(f"{place}: '{unknown[0]}' is not known here")


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
