"""A stand-in for CodePipeline's API on loopback: JSON 1.1, for the models of the pipelines in this process.

It answers StartPipelineExecution, RollbackStage, GetPipeline, GetPipelineState, GetPipelineExecution,
ListPipelineExecutions and ListActionExecutions. The emulator forwards requests to it and enforces IAM, see
local/emulator_server/releases.py. Unlike CodePipeline, it returns everything in one page.
"""

import http.server
import json
import threading
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Self

from local.emulator import REGION
from local.rehearsal.pipeline import (
    Action,
    ActionRun,
    Execution,
    PipelineModel,
    RefusedPipeline,
    Stage,
)


class Refused(Exception):
    """The request is refused, with an error code of CodePipeline and a message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class CodePipeline:
    """The pipelines of an account: starts executions, and describes them as the API does."""

    def __init__(self) -> None:
        """Prepare an account without pipelines."""
        self.models: dict[str, PipelineModel] = {}
        self.threads: list[threading.Thread] = []
        self._tokens: dict[str, str] = {}
        self._lock = threading.Lock()

    def add(self, model: PipelineModel) -> PipelineModel:
        """Add a pipeline."""
        self.models[model.pipeline.name] = model
        return model

    def wait(self) -> None:
        """Wait until every execution that was started through the API has ended."""
        for thread in self.threads:
            thread.join()

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a request; raises `Refused`."""
        operations: dict[str, Callable[[PipelineModel, Mapping[str, Any]], dict[str, Any]]] = {
            "StartPipelineExecution": self._start,
            "RollbackStage": self._roll_back,
            "GetPipeline": self._pipeline,
            "GetPipelineState": self._state,
            "GetPipelineExecution": self._execution,
            "ListPipelineExecutions": self._executions,
            "ListActionExecutions": self._action_executions,
        }
        if operation not in operations:
            raise Refused("InvalidActionException", f"{operation} is not known here")
        name = str(request.get("pipelineName", request.get("name", "")))
        model = self.models.get(name)
        if model is None:
            raise Refused("PipelineNotFoundException", f"there is no pipeline {name}")
        return operations[operation](model, request)

    # -- operations ----------------------------------------------------------------------------------------

    def _start(self, model: PipelineModel, request: Mapping[str, Any]) -> dict[str, Any]:
        token = str(request.get("clientRequestToken", uuid.uuid4()))
        variables = {each["name"]: each["value"] for each in request.get("variables", [])}
        revisions = {each["actionName"]: each["revisionValue"] for each in request.get("sourceRevisions", [])}
        with self._lock:
            if token in self._tokens:  # the same request again, which starts nothing
                return {"pipelineExecutionId": self._tokens[token]}
            try:
                execution = model.start(variables, revisions)
            except RefusedPipeline as refused:
                raise Refused("ValidationException", str(refused)) from None
            self._tokens[token] = execution.execution_id
        self._run(lambda: model.run(execution), execution)
        return {"pipelineExecutionId": execution.execution_id}

    def _roll_back(self, model: PipelineModel, request: Mapping[str, Any]) -> dict[str, Any]:
        stage, target = str(request["stageName"]), str(request["targetPipelineExecutionId"])
        try:
            execution = model.start_rollback(stage, target=target)
        except RefusedPipeline as refused:
            raise Refused("UnableToRollbackStageException", str(refused)) from None
        self._run(lambda: model.run_rollback(execution, stage), execution)
        return {"pipelineExecutionId": execution.execution_id}

    def _run(self, work: Callable[[], object], execution: Execution) -> None:
        thread = threading.Thread(target=work, name=execution.execution_id, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _pipeline(self, model: PipelineModel, _request: Mapping[str, Any]) -> dict[str, Any]:
        stages = [
            {"name": stage.name, "actions": [_declaration(action) for action in stage.actions]}
            for stage in model.pipeline.stages
        ]
        pipeline = {"name": model.pipeline.name, "roleArn": model.pipeline.role, "version": 1}
        return {"pipeline": pipeline | {"stages": stages}}

    def _state(self, model: PipelineModel, _request: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "pipelineName": model.pipeline.name,
            "pipelineVersion": 1,
            "stageStates": [_stage_state(model, stage) for stage in model.pipeline.stages],
        }

    def _execution(self, model: PipelineModel, request: Mapping[str, Any]) -> dict[str, Any]:
        found = model.find(str(request["pipelineExecutionId"]))
        if found is None:
            raise Refused("PipelineExecutionNotFoundException", "there is no such execution")
        return {"pipelineExecution": {"pipelineName": model.pipeline.name, **_summary(found)}}

    def _executions(self, model: PipelineModel, request: Mapping[str, Any]) -> dict[str, Any]:
        stage = request.get("filter", {}).get("succeededInStage", {}).get("stageName")
        found = [
            execution
            for execution in reversed(model.executions)
            if stage is None
            or any(run.name == stage and run.status == "Succeeded" for run in execution.stages)
        ]
        return {"pipelineExecutionSummaries": [_summary(execution) for execution in found]}

    def _action_executions(self, model: PipelineModel, request: Mapping[str, Any]) -> dict[str, Any]:
        wanted = request.get("filter", {}).get("pipelineExecutionId")
        found = [
            run
            for execution in reversed(model.executions)
            if wanted in (None, execution.execution_id)
            for run in reversed(execution.actions)
        ]
        return {"actionExecutionDetails": [_detail(run) for run in found]}


# -- documents ---------------------------------------------------------------------------------------------


def _summary(execution: Execution) -> dict[str, Any]:
    revisions = [
        {"actionName": run.action.name, "revisionId": run.performed.external_id}
        for run in execution.actions
        if run.action.category == "Source"
    ]
    rollback = {"rollbackTargetPipelineExecutionId": execution.target} if execution.target else {}
    return {
        "pipelineExecutionId": execution.execution_id,
        "status": execution.status,
        "startTime": execution.started,
        "lastUpdateTime": execution.ended or execution.started,
        "sourceRevisions": revisions,
        "executionMode": "PARALLEL" if execution.given else "SUPERSEDED",
        "executionType": "ROLLBACK" if execution.target else "STANDARD",
        "variables": [{"name": name, "resolvedValue": value} for name, value in execution.given.items()],
        "rollbackMetadata": rollback,
        "trigger": {"triggerType": "ManualRollback" if execution.target else "StartPipelineExecution"},
    }


def _stage_state(model: PipelineModel, stage: Stage) -> dict[str, Any]:
    state: dict[str, Any] = {"stageName": stage.name, "actionStates": []}
    reached = [
        (execution, run)
        for execution in model.executions
        for run in execution.stages
        if run.name == stage.name
    ]
    if reached:
        execution, run = reached[-1]
        kind = "ROLLBACK" if execution.target else "STANDARD"
        state["latestExecution"] = {
            "pipelineExecutionId": execution.execution_id,
            "status": run.status,
            "type": kind,
        }
    state["actionStates"] = [_action_state(model, stage, action) for action in stage.actions]
    return state


def _action_state(model: PipelineModel, stage: Stage, action: Action) -> dict[str, Any]:
    runs = [
        run
        for execution in model.executions
        for run in execution.actions
        if (run.stage, run.action.name) == (stage.name, action.name)
    ]
    if not runs:
        return {"actionName": action.name}
    latest = runs[-1]
    state: dict[str, Any] = {
        "actionExecutionId": latest.run_id,
        "status": latest.status,
        "summary": latest.performed.summary or latest.problem,
        "lastStatusChange": latest.ended or latest.started,
        "externalExecutionId": latest.performed.external_id,
    }
    if latest.performed.by:
        state["lastUpdatedBy"] = latest.performed.by
    if latest.problem:
        state["errorDetails"] = {"code": "JobFailed", "message": latest.problem}
    return {"actionName": action.name, "latestExecution": state}


def _declaration(action: Action) -> dict[str, Any]:
    return {
        "name": action.name,
        "actionTypeId": _kind(action),
        "runOrder": action.run_order,
        "configuration": dict(action.configuration),
        "inputArtifacts": [{"name": name} for name in action.inputs],
        "outputArtifacts": [{"name": name} for name in action.outputs],
    }


def _kind(action: Action) -> dict[str, str]:
    return {"category": action.category, "owner": "AWS", "provider": action.provider, "version": "1"}


def _detail(run: ActionRun) -> dict[str, Any]:
    result = {
        "externalExecutionId": run.performed.external_id,
        "externalExecutionSummary": run.performed.summary or run.problem,
    }
    detail: dict[str, Any] = {
        "pipelineExecutionId": run.execution_id,
        "actionExecutionId": run.run_id,
        "pipelineVersion": 1,
        "stageName": run.stage,
        "actionName": run.action.name,
        "startTime": run.started,
        "lastUpdateTime": run.ended or run.started,
        "status": run.status,
        "input": {
            "actionTypeId": _kind(run.action),
            "configuration": dict(run.action.configuration),
            "resolvedConfiguration": dict(run.resolved),
            "region": REGION,
            "inputArtifacts": [{"name": name} for name in run.action.inputs],
        },
        "output": {
            "outputArtifacts": [{"name": name} for name in run.action.outputs],
            "executionResult": result,
            "outputVariables": dict(run.performed.variables),
        },
    }
    if run.performed.by:
        detail["updatedBy"] = run.performed.by
    return detail


# -- HTTP --------------------------------------------------------------------------------------------------


class Service(http.server.ThreadingHTTPServer):
    """The API on a loopback port; usable as a context manager."""

    daemon_threads = True

    def __init__(self, account: CodePipeline) -> None:
        """Listen on a free port."""
        super().__init__(("127.0.0.1", 0), _Request)
        self.account = account
        self._thread = threading.Thread(target=self.serve_forever, name="codepipeline", daemon=True)

    @property
    def url(self) -> str:
        """The endpoint for the SDKs."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Self:
        """Start answering."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop answering."""
        self.shutdown()
        self.server_close()


class _Request(http.server.BaseHTTPRequestHandler):
    """One call."""

    server: Service

    def do_POST(self) -> None:
        """Answer a call, which names its operation in a header."""
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        operation = self.headers.get("x-amz-target", "").rpartition(".")[2]
        try:
            answer = self.server.account.call(operation, json.loads(body or b"{}"))
        except Refused as refused:
            self._answer(HTTPStatus.BAD_REQUEST, {"__type": refused.code, "message": str(refused)})
        else:
            self._answer(HTTPStatus.OK, answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing; the executions are in the log of the rehearsal."""

    def _answer(self, status: HTTPStatus, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/x-amz-json-1.1")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
