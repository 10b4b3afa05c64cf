"""Releases: what the pipeline, CodeDeploy and aliases say of them, and the way back to the one before."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from claimwatch.errors import RefusedData
from cli.stack import StackUnreachable

PRODUCTION = "Production"
"""The stage that a rollback returns to an earlier release."""

MOST_LISTED = 10
"""Executions and rollbacks that are listed."""

_SHIFTING = ["Created", "Queued", "InProgress", "Baking", "Ready"]
"""States of a deployment that has not ended."""

_ABSENT = {"PipelineNotFoundException", "ParameterNotFound", "ApplicationDoesNotExistException"}
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")

type Client = Callable[[str], Any]
"""Returns a client of a service."""


@dataclass(frozen=True)
class Execution:
    """An execution of the pipeline; one that rolls back names the execution whose release it brings back."""

    id: str
    status: str
    trigger: str
    started: datetime
    revision: str
    rolls_back_to: str | None = None


@dataclass(frozen=True)
class Approval:
    """An action of the pipeline that waits for a person."""

    stage: str
    action: str
    since: datetime | None
    url: str | None


@dataclass(frozen=True)
class Stage:
    """A stage of the pipeline with the execution that it has, or had last."""

    name: str
    execution: str | None
    status: str | None


@dataclass(frozen=True)
class Alias:
    """An alias of a function: its version, and the share of requests that go to others."""

    name: str
    function: str
    version: str
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Rollback:
    """A rollback by hand: what was done, by whom, when and why."""

    at: datetime
    by: str
    what: str
    why: str


@dataclass(frozen=True)
class DeployedRelease:
    """What a stack runs; ``problem`` says why that is not known."""

    stage: str
    stack: str
    status: str | None = None
    code_version: str | None = None
    tree_sha256: str | None = None
    aliases: Sequence[Alias] = ()
    deployments: Sequence[str] = ()
    problem: str | None = None


@dataclass(frozen=True)
class Pipeline:
    """The pipeline of a name; ``stacks`` are those that its stages deploy, by stage."""

    name: str
    stacks: Mapping[str, str]
    stages: Sequence[Stage] = ()
    approvals: Sequence[Approval] = ()
    executions: Sequence[Execution] = ()


@dataclass(frozen=True)
class Releases:
    """Reads and rolls back releases with the clients of an account and region."""

    client: Client

    def pipeline(self, name: str) -> Pipeline | None:
        """Return a pipeline; None if the account has none of that name in this region."""
        codepipeline = self.client("codepipeline")
        with _aws("codepipeline"):
            try:
                structure = codepipeline.get_pipeline(name=name)["pipeline"]
            except ClientError as error:
                # The emulator of the laptop has no such service, and answers with a status alone.
                if _code(error) in _ABSENT or _code(error).isdecimal():
                    return None
                raise
            state = codepipeline.get_pipeline_state(name=name)
            executions = codepipeline.list_pipeline_executions(pipelineName=name, maxResults=MOST_LISTED)
        return Pipeline(
            name,
            dict(_stacks(structure)),
            [_stage(stage) for stage in state["stageStates"]],
            list(_approvals(structure, state)),
            [_execution(each) for each in executions["pipelineExecutionSummaries"]],
        )

    def deployed(self, stage: str, stack: str) -> DeployedRelease:
        """Return what a stack runs; one of another account cannot be read from here, which is no error."""
        cloudformation, functions = self.client("cloudformation"), self.client("lambda")
        try:
            with _aws("cloudformation"):
                (found,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
                aliases = self._resources(stack, "AWS::Lambda::Alias")
            with _aws("lambda"):
                carried = [_alias(name, arn, functions) for name, arn in sorted(aliases.items())]
            deployments = self.shifting(stack)
        except (RefusedData, StackUnreachable) as problem:
            return DeployedRelease(stage, stack, problem=str(problem))
        parameters = {
            each["ParameterKey"]: each.get("ParameterValue") for each in found.get("Parameters", [])
        }
        return DeployedRelease(
            stage,
            stack,
            found["StackStatus"],
            parameters.get("CodeVersion"),
            parameters.get("TreeSha256"),
            carried,
            deployments,
        )

    def shifting(self, stack: str) -> list[str]:
        """Return the ids of the deployments of a stack that shift traffic now."""
        codedeploy, found = self.client("codedeploy"), list[str]()
        with _aws("cloudformation"):
            applications = self._resources(stack, "AWS::CodeDeploy::Application")
            groups = self._resources(stack, "AWS::CodeDeploy::DeploymentGroup")
        for application in applications.values():
            for group in groups.values():
                with _aws("codedeploy"):
                    pages = codedeploy.get_paginator("list_deployments").paginate(
                        applicationName=application,
                        deploymentGroupName=group.rsplit("/", 1)[-1],
                        includeOnlyStatuses=_SHIFTING,
                    )
                    found += [deployment for page in pages for deployment in page["deployments"]]
        return sorted(set(found))

    def stop(self, deployments: Sequence[str]) -> None:
        """Stop deployments; each brings back the version before. One that has just ended is left alone."""
        for deployment in deployments:
            with _aws("codedeploy"):
                try:
                    self.client("codedeploy").stop_deployment(
                        deploymentId=deployment, autoRollbackEnabled=True
                    )
                except ClientError as error:
                    if _code(error) != "DeploymentAlreadyCompletedException":
                        raise

    def release_before(self, pipeline: Pipeline) -> Execution:
        """Return the execution whose release production had before the one that it has now.

        A rollback counts as the release that it brought back, so the next one goes further back in time.
        """
        with _aws("codepipeline"):
            pages = (
                self.client("codepipeline")
                .get_paginator("list_pipeline_executions")
                .paginate(pipelineName=pipeline.name, filter={"succeededInStage": {"stageName": PRODUCTION}})
            )
            succeeded = [_execution(each) for page in pages for each in page["pipelineExecutionSummaries"]]
        succeeded.sort(key=lambda execution: execution.started, reverse=True)
        tried = next((stage.execution for stage in pipeline.stages if stage.name == PRODUCTION), None)
        if succeeded and tried not in {execution.id for execution in succeeded}:
            # The newest release failed in production, so the one before is the last that succeeded.
            current = succeeded[0].rolls_back_to or succeeded[0].id
            return _standard(succeeded, current)
        by_id = {execution.id: execution for execution in succeeded}
        now = by_id.get(tried or "")
        now = by_id.get(now.rolls_back_to or now.id, now) if now else None
        for execution in succeeded:
            if now and execution.rolls_back_to is None and execution.started < now.started:
                return execution
        raise RefusedData(
            f"pipeline {pipeline.name} has no release before the one in production: deploy an earlier commit"
        )

    def roll_back(self, pipeline: Pipeline, target: str) -> str:
        """Start the rollback of production to an execution, and return the id of the new execution."""
        with _aws("codepipeline"):
            started = self.client("codepipeline").rollback_stage(
                pipelineName=pipeline.name, stageName=PRODUCTION, targetPipelineExecutionId=target
            )
        return str(started["pipelineExecutionId"])

    def record(self, stack: str, what: str, why: str) -> Rollback:
        """Store who rolls back what, and why; Systems Manager keeps the last hundred with their authors."""
        with _aws("sts"):
            caller = self.client("sts").get_caller_identity()["Arn"]
        done = Rollback(datetime.now(UTC).replace(microsecond=0), caller, what, why)
        with _aws("ssm"):
            self.client("ssm").put_parameter(
                Name=_history(stack),
                Type="String",
                Overwrite=True,
                Value=json.dumps(asdict(done) | {"at": done.at.isoformat()}),
            )
        return done

    def rollbacks(self, stack: str) -> list[Rollback]:
        """Return the last rollbacks of a stack by hand, the newest first."""
        with _aws("ssm"):
            try:
                pages = (
                    self.client("ssm").get_paginator("get_parameter_history").paginate(Name=_history(stack))
                )
                versions = [version for page in pages for version in page["Parameters"]]
            except ClientError as error:
                if _code(error) in _ABSENT:
                    return []
                raise
        newest = sorted(versions, key=lambda version: version["Version"], reverse=True)
        return [_rollback(version) for version in newest[:MOST_LISTED]]

    def _resources(self, stack: str, kind: str) -> dict[str, str]:
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
        return {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for page in pages
            for each in page["StackResourceSummaries"]
            if each["ResourceType"] == kind and each.get("PhysicalResourceId")
        }


def _history(stack: str) -> str:
    return f"/claimwatch/{stack}/rollbacks"


def _standard(succeeded: Sequence[Execution], wanted: str) -> Execution:
    for execution in succeeded:
        if execution.id == wanted:
            return execution
    raise RefusedData("the last release in production is too old for the pipeline: deploy its commit again")


def _stacks(structure: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each stage that deploys a stack, with the stack."""
    for stage in structure["stages"]:
        for action in stage["actions"]:
            configuration = action.get("configuration", {})
            if action["actionTypeId"]["provider"] == "CloudFormation" and stage["name"] in (
                "Staging",
                PRODUCTION,
            ):
                yield stage["name"], configuration["StackName"]


def _stage(state: Mapping[str, Any]) -> Stage:
    latest = state.get("latestExecution", {})
    return Stage(state["stageName"], latest.get("pipelineExecutionId"), latest.get("status"))


def _approvals(structure: Mapping[str, Any], state: Mapping[str, Any]) -> Iterator[Approval]:
    """Yield the manual approvals that wait now."""
    manual = {
        (stage["name"], action["name"])
        for stage in structure["stages"]
        for action in stage["actions"]
        if action["actionTypeId"]["category"] == "Approval"
    }
    for stage in state["stageStates"]:
        for action in stage.get("actionStates", []):
            latest = action.get("latestExecution", {})
            if (stage["stageName"], action["actionName"]) in manual and latest.get("status") == "InProgress":
                yield Approval(
                    stage["stageName"],
                    action["actionName"],
                    latest.get("lastStatusChange"),
                    latest.get("externalExecutionUrl") or action.get("entityUrl"),
                )


def _execution(summary: Mapping[str, Any]) -> Execution:
    revisions = summary.get("sourceRevisions") or [{}]
    return Execution(
        summary["pipelineExecutionId"],
        summary["status"],
        summary.get("trigger", {}).get("triggerType", ""),
        summary["startTime"],
        revisions[0].get("revisionId", ""),
        summary.get("rollbackMetadata", {}).get("rollbackTargetPipelineExecutionId"),
    )


def _alias(name: str, arn: str, functions: Any) -> Alias:
    function, alias = arn.split(":")[-2:]
    found = functions.get_alias(FunctionName=function, Name=alias)
    weights = found.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    return Alias(name, function, found["FunctionVersion"], weights)


def _rollback(version: Mapping[str, Any]) -> Rollback:
    """Return a record, with the author that Systems Manager names if it does."""
    value = json.loads(version["Value"])
    by = version.get("LastModifiedUser") or value["by"]
    return Rollback(datetime.fromisoformat(value["at"]), by, value["what"], value["why"])


def _code(error: ClientError) -> str:
    return str(error.response["Error"].get("Code", ""))


@contextmanager
def _aws(service: str) -> Iterator[None]:
    """Turn the errors of a service into sentences."""
    try:
        yield
    except ClientError as error:
        message = error.response["Error"].get("Message", "").rstrip(".")
        if _code(error) in _DENIED:
            raise RefusedData(f"your identity may not do this: {message}") from None
        raise RefusedData(f"{service} refuses it: {_code(error)}: {message}") from None
    except BotoCoreError as error:
        raise StackUnreachable(f"{service} cannot be called: {error}") from error
