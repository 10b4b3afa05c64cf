"""The stand-in answers as CodePipeline's API does, as far as the steps of a release use it."""

import threading
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.session import get_session
from botocore.validate import validate_parameters

from local.rehearsal.code_pipeline import CodePipeline, Refused
from local.rehearsal.pipeline import (
    Action,
    ActionFailed,
    ActionRun,
    Execution,
    Performed,
    Pipeline,
    PipelineModel,
    Stage,
)

API = get_session().get_service_model("codepipeline")


class Approvals:
    """Performs every action at once; the approval waits until it is given."""

    def __init__(self) -> None:
        self.given = threading.Event()
        self.approved = True

    def __call__(self, _e: Execution, _s: Stage, run: ActionRun, _i: Mapping[str, Any]) -> Performed:
        if run.action.category != "Approval":
            return Performed(variables={"Candidate": "version 2"}, external_id="project:1")
        self.given.wait(10)
        if not self.approved:
            raise ActionFailed("rejected by lead")
        return Performed(summary="I read its card", by="arn:aws:iam::000000000000:user/lead")


@pytest.fixture
def approvals() -> Approvals:
    return Approvals()


@pytest.fixture
def account(approvals: Approvals) -> CodePipeline:
    train = Action("Train", "Build", "CodeBuild", {"Line": "#{variables.line}"}, namespace="Train")
    approve = Action("Approve", "Approval", "Manual", {"CustomData": "#{Train.Candidate}"})
    stages = (Stage("Train", (train,)), Stage("Approve", (approve,)))
    account = CodePipeline()
    account.add(PipelineModel(Pipeline("models", "arn:role", stages, {"line": None}), approvals))
    return account


def call(account: CodePipeline, operation: str, **request: Any) -> dict[str, Any]:
    """Call an operation, with request and answer checked against the description of the API."""
    model: Any = API.operation_model(operation)
    validate_parameters(request, model.input_shape)
    answer = account.call(operation, request)
    unknown = answer.keys() - model.output_shape.members.keys()
    assert not unknown
    return answer


def start(account: CodePipeline, request: str = "one-request") -> str:
    answer = call(
        account,
        "StartPipelineExecution",
        name="models",
        variables=[{"name": "line", "value": "motor"}],
        clientRequestToken=request,
    )
    execution: str = answer["pipelineExecutionId"]
    return execution


def test_the_same_token_starts_one_execution(account: CodePipeline, approvals: Approvals) -> None:
    approvals.given.set()
    assert start(account) == start(account) != start(account, "another-request")
    account.wait()
    assert len(account.models["models"].executions) == 2


def test_an_execution_takes_the_revision_that_is_asked_for(
    account: CodePipeline, approvals: Approvals
) -> None:
    approvals.given.set()
    call(
        account,
        "StartPipelineExecution",
        name="models",
        variables=[{"name": "line", "value": "motor"}],
        sourceRevisions=[
            {"actionName": "Source", "revisionType": "S3_OBJECT_VERSION_ID", "revisionValue": "released"}
        ],
    )
    account.wait()
    assert account.models["models"].executions[0].revisions == {"Source": "released"}


def test_an_execution_waits_for_its_approval_and_says_who_gave_it(
    account: CodePipeline, approvals: Approvals
) -> None:
    execution = start(account)
    while len(account.models["models"].executions[0].actions) < 2:
        threading.Event().wait(0.01)
    states = call(account, "GetPipelineState", name="models")["stageStates"]
    assert [state["latestExecution"]["status"] for state in states] == ["Succeeded", "InProgress"]
    approvals.given.set()
    account.wait()
    details = call(
        account,
        "ListActionExecutions",
        pipelineName="models",
        filter={"pipelineExecutionId": execution},
    )["actionExecutionDetails"]
    assert [(each["actionName"], each["status"]) for each in details] == [
        ("Approve", "Succeeded"),
        ("Train", "Succeeded"),
    ]
    assert details[0]["updatedBy"] == "arn:aws:iam::000000000000:user/lead"
    assert details[0]["output"]["executionResult"]["externalExecutionSummary"] == "I read its card"
    assert details[0]["input"]["resolvedConfiguration"] == {"CustomData": "version 2"}
    assert details[1]["output"]["outputVariables"] == {"Candidate": "version 2"}


def test_a_stage_is_rolled_back_to_an_execution_that_passed_it(
    account: CodePipeline, approvals: Approvals
) -> None:
    approvals.given.set()
    first = start(account)
    account.wait()
    structure = call(account, "GetPipeline", name="models")["pipeline"]
    assert [stage["name"] for stage in structure["stages"]] == ["Train", "Approve"]
    passed = call(
        account,
        "ListPipelineExecutions",
        pipelineName="models",
        filter={"succeededInStage": {"stageName": "Train"}},
    )["pipelineExecutionSummaries"]
    assert [each["pipelineExecutionId"] for each in passed] == [first]
    again = call(
        account,
        "RollbackStage",
        pipelineName="models",
        stageName="Train",
        targetPipelineExecutionId=first,
    )["pipelineExecutionId"]
    account.wait()
    found = call(account, "GetPipelineExecution", pipelineName="models", pipelineExecutionId=again)
    assert found["pipelineExecution"]["executionType"] == "ROLLBACK"
    assert found["pipelineExecution"]["rollbackMetadata"] == {"rollbackTargetPipelineExecutionId": first}
    assert found["pipelineExecution"]["status"] == "Succeeded"


def test_requests_that_cannot_be_met_are_refused(account: CodePipeline) -> None:
    with pytest.raises(Refused, match="there is no pipeline other"):
        account.call("StartPipelineExecution", {"name": "other"})
    with pytest.raises(Refused, match="variable line is missing"):
        account.call("StartPipelineExecution", {"name": "models"})
    with pytest.raises(Refused, match="is not known here"):
        account.call("DeletePipeline", {"name": "models"})
