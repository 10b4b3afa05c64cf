"""The model of CodePipeline runs a definition as CodePipeline would, and refuses what it does not know."""

from collections.abc import Mapping
from typing import Any

import pytest

from local.rehearsal.pipeline import (
    ActionFailed,
    ActionRun,
    Execution,
    Performed,
    PipelineModel,
    RefusedPipeline,
    Stage,
    read_pipeline,
)


def action(name: str, order: int = 1, **more: Any) -> dict[str, Any]:
    kind = {"Category": "Build", "Owner": "AWS", "Provider": "CodeBuild", "Version": "1"}
    return {"Name": name, "ActionTypeId": kind, "RunOrder": order} | more


def definition(*stages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"PipelineType": "V2", "RoleArn": "arn:role", "Stages": list(stages)} | more


def stage(name: str, *actions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Name": name, "Actions": list(actions)} | more


def artifacts(*names: str) -> list[dict[str, str]]:
    return [{"Name": name} for name in names]


TWO_STAGES = definition(
    stage("Source", action("Fetch", OutputArtifacts=artifacts("Source"), Namespace="Source")),
    stage(
        "Deploy",
        action(
            "Second",
            2,
            InputArtifacts=artifacts("Release"),
            Configuration={"Why": "commit #{Source.Commit} as #{variables.why}"},
        ),
        action("First", 1, InputArtifacts=artifacts("Source"), OutputArtifacts=artifacts("Release")),
        OnFailure={"Result": "ROLLBACK"},
    ),
    stage("Later", action("Last")),
    Variables=[{"Name": "why", "DefaultValue": "a release"}],
)


class Recorder:
    """Performs actions: remembers what they were given, and fails those that are named."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Mapping[str, Any], Mapping[str, str]]] = []
        self.failing: set[str] = set()
        self.commit = "one"

    def __call__(
        self, _execution: Execution, _stage: Stage, run: ActionRun, inputs: Mapping[str, Any]
    ) -> Performed:
        self.seen.append((run.action.name, dict(inputs), run.resolved))
        if run.action.name in self.failing:
            self.failing.discard(run.action.name)
            raise ActionFailed(f"{run.action.name} does not work")
        made = {name: f"{name} of {self.commit}" for name in run.action.outputs}
        return Performed(made, {"Commit": self.commit})


def model(recorder: Recorder) -> PipelineModel:
    return PipelineModel(read_pipeline(TWO_STAGES, "claimwatch"), recorder)


def test_actions_run_in_the_order_of_stages_and_run_orders_with_artifacts_and_variables() -> None:
    recorder = Recorder()
    pipeline = model(recorder)
    execution = pipeline.run(pipeline.start())
    assert execution.status == "Succeeded"
    assert recorder.seen == [
        ("Fetch", {}, {}),
        ("First", {"Source": "Source of one"}, {}),
        ("Second", {"Release": "Release of one"}, {"Why": "commit one as a release"}),
        ("Last", {}, {}),
    ]


def test_the_first_failure_ends_the_execution_with_its_sentence() -> None:
    recorder = Recorder()
    recorder.failing = {"First"}
    pipeline = model(recorder)
    execution = pipeline.run(pipeline.start())
    assert (execution.status, execution.stopped_at, execution.problem) == (
        "Failed",
        "Deploy/First",
        "First does not work",
    )
    assert [name for name, *_ in recorder.seen] == ["Fetch", "First"]
    assert pipeline.executions == [execution]  # nothing to roll back to: it was the first


def test_a_failed_stage_brings_back_what_the_last_successful_execution_deployed() -> None:
    recorder = Recorder()
    pipeline = model(recorder)
    good = pipeline.run(pipeline.start({"why": "it is good"}))
    recorder.commit, recorder.failing = "two", {"Second"}
    recorder.seen.clear()
    broken = pipeline.run(pipeline.start())
    assert broken.stopped_at == "Deploy/Second"
    rollback = pipeline.executions[-1]
    assert (rollback.status, rollback.target) == ("Succeeded", good.execution_id)
    assert [run.name for run in rollback.stages] == ["Deploy"]
    name, _, resolved = recorder.seen[-1]
    assert (name, resolved) == ("Second", {"Why": "commit one as it is good"})
    assert recorder.seen[-2][:2] == ("First", {"Source": "Source of one"})


def test_a_rollback_by_hand_takes_the_release_that_is_named() -> None:
    recorder = Recorder()
    pipeline = model(recorder)
    first = pipeline.run(pipeline.start())
    recorder.commit = "two"
    second = pipeline.run(pipeline.start())
    assert pipeline.last_success("Deploy") is second
    again = pipeline.roll_back("Deploy", target=first.execution_id)
    assert again.artifacts["Source"] == "Source of one"
    with pytest.raises(RefusedPipeline, match="no execution to roll back to"):
        pipeline.roll_back("Deploy", target="unknown")


def test_a_variable_without_a_value_fails_the_action_instead_of_passing_its_name_on() -> None:
    of = stage("Only", action("Act", Configuration={"Text": "#{Nobody.Name}"}))
    pipeline = PipelineModel(read_pipeline(definition(of), "claimwatch"), Recorder())
    execution = pipeline.run(pipeline.start())
    assert execution.problem == "the variable #{Nobody.Name} has no value"


def test_an_action_that_leaves_no_artifact_fails() -> None:
    of = stage("Only", action("Act", OutputArtifacts=artifacts("Release")))
    pipeline = PipelineModel(read_pipeline(definition(of), "claimwatch"), lambda *_: Performed())
    assert pipeline.run(pipeline.start()).problem == "the artifact Release was not made"


def test_an_execution_needs_the_variables_without_default_and_no_other() -> None:
    pipeline = PipelineModel(
        read_pipeline(definition(stage("Only", action("Act")), Variables=[{"Name": "line"}]), "models"),
        Recorder(),
    )
    with pytest.raises(RefusedPipeline, match="variable line is missing"):
        pipeline.start()
    with pytest.raises(RefusedPipeline, match="variable lime is unknown"):
        pipeline.start({"line": "motor", "lime": "motor"})
    assert pipeline.start({"line": "motor"}).values("variables") == {"line": "motor"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (definition(stage("A", action("B", RunOrders=2))), "action A/B: 'RunOrders' is not known here"),
        (definition(stage("A", action("B"), OnFailure={"Result": "RETRY"})), "OnFailure RETRY is not known"),
        (
            definition(stage("A", action("B", InputArtifacts=artifacts("X")))),
            "nothing has made the artifact X",
        ),
        (definition(stage("A", action("B"), action("B"))), "every action needs a name of its own"),
        (definition(stage("A", action("B")), PipelineType="V1"), "PipelineType must be V2"),
        (
            definition(
                stage("A", action("B", OutputArtifacts=artifacts("X"))),
                stage("C", action("D", OutputArtifacts=artifacts("X"))),
            ),
            "the artifact X is made twice",
        ),
    ],
)
def test_a_definition_that_is_not_understood_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(RefusedPipeline, match=message):
        read_pipeline(wrong, "claimwatch")
