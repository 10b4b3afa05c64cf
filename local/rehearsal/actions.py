"""What the actions of a pipeline do, with the rights of their roles: source, build, deployment, approval.

Services that the emulator has are called as the action would call them. For CodeBuild, which it does not
have, IAM is asked whether the pipeline may start the build; the buildspec then runs by `local/buildspec.py`.
"""

import json
import re
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local.buildspec import PRIMARY, BuildResult, run_buildspec
from local.emulator import REGION
from local.rehearsal.artifacts import Artifact, ArtifactStore, packed, read
from local.rehearsal.environments import share_environment
from local.rehearsal.pipeline import ActionFailed, ActionRun, Execution, Performed, Stage
from local.rehearsal.sessions import Sessions
from local.rehearsal.tools import ACCOUNT, Project, first_failure, plain_variables

LONGEST_INLINE_TEMPLATE = 51_200
"""Bytes of a template in a call of CloudFormation; a larger one is read from S3."""

DEPLOYMENT_TIMEOUT = 1_800.0
"""Seconds."""


@dataclass(frozen=True)
class ApprovalRequest:
    """What a person is shown who is asked to approve."""

    pipeline: str
    stage: str
    text: str
    link: str


@dataclass(frozen=True)
class Decision:
    """What the person decided: who, whether, and the comment."""

    approved: bool
    by: str
    comment: str


type Approver = Callable[[ApprovalRequest], Decision]


@dataclass(frozen=True)
class Actions:
    """Performs actions; what they print goes to `show`, line by line."""

    sessions: Sessions
    store: ArtifactStore
    projects: Mapping[str, Project]
    approver: Approver
    variables: Mapping[str, str]
    show: Callable[[str], None]

    def __call__(
        self, execution: Execution, stage: Stage, run: ActionRun, inputs: Mapping[str, Any]
    ) -> Performed:
        """Perform one action; raises `ActionFailed`."""
        action = run.action
        self.show(f"=== {execution.pipeline.name} {stage.name}/{action.name} ({action.provider})")
        try:
            match action.category, action.provider:
                case "Source", "S3":
                    return self._fetch(execution, run)
                case (("Build" | "Test"), "CodeBuild"):
                    return self._build(execution, run, inputs)
                case "Deploy", "CloudFormation":
                    return self._deploy(execution, run, inputs)
                case "Approval", "Manual":
                    return self._ask(execution, stage, run)
        except ClientError as error:
            raise ActionFailed(str(error)) from None
        raise ActionFailed(f"{action.category} by {action.provider} is not known here")

    # -- source --------------------------------------------------------------------------------------------

    def _fetch(self, execution: Execution, run: ActionRun) -> Performed:
        bucket, key = run.resolved["S3Bucket"], run.resolved["S3ObjectKey"]
        wanted = execution.revisions.get(run.action.name)
        found = self._client("s3", execution, run).get_object(
            Bucket=bucket, Key=key, **({"VersionId": wanted} if wanted else {})
        )
        version = found.get("VersionId", "")
        if not version:
            raise ActionFailed(f"the bucket {bucket} keeps no versions, which CodePipeline requires")
        own = self.sessions.client("s3", execution.pipeline.role)
        [name] = run.action.outputs
        stored = self.store.put(own, execution.pipeline.name, name, found["Body"].read(), version)
        variables = {"BucketName": bucket, "ObjectKey": key, "VersionId": version, "ETag": found["ETag"]}
        return Performed({name: stored}, variables, version, f"version {version} of s3://{bucket}/{key}")

    # -- build ---------------------------------------------------------------------------------------------

    def _build(self, execution: Execution, run: ActionRun, inputs: Mapping[str, Artifact]) -> Performed:
        project = self.projects.get(run.resolved["ProjectName"])
        if project is None:
            raise ActionFailed(f"there is no project {run.resolved['ProjectName']}")
        arn = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{project.name}"
        for permission in ("codebuild:StartBuild", "codebuild:BatchGetBuilds"):
            self.sessions.require(run.action.role or execution.pipeline.role, permission, arn)
        s3 = self.sessions.client("s3", project.role)
        primary = run.resolved.get("PrimarySource") or run.action.inputs[0]
        with tempfile.TemporaryDirectory(prefix="claimwatch-inputs-") as name:
            folder = Path(name).resolve()
            for each, artifact in inputs.items():
                read(s3, artifact).extractall(folder / each)
            result = run_buildspec(
                project.buildspec,
                folder / primary,
                self._environment(project, run, inputs[primary]),
                folder / "outputs",
                {each: folder / each for each in inputs if each != primary},
                timeout=project.timeout,
                show=self.show,
                prepare=share_environment,
            )
            if not result.succeeded:
                raise ActionFailed(_problem(result))
            made = {
                each: self.store.put(
                    s3, execution.pipeline.name, each, packed(_output(result, each, run.action.outputs))
                )
                for each in run.action.outputs
            }
        return Performed(made, dict(result.exported), project.name, "the build succeeded")

    def _environment(self, project: Project, run: ActionRun, source: Artifact) -> dict[str, str]:
        keys = {name.upper(): value for name, value in self.sessions.keys(project.role).items()}
        given = json.loads(run.resolved.get("EnvironmentVariables", "[]"))
        version = {"CODEBUILD_RESOLVED_SOURCE_VERSION": source.revision} if source.revision else {}
        return dict(project.variables) | plain_variables(given) | version | keys | dict(self.variables)

    # -- deployment ----------------------------------------------------------------------------------------

    def _deploy(self, execution: Execution, run: ActionRun, inputs: Mapping[str, Artifact]) -> Performed:
        client = self._client("cloudformation", execution, run)
        stack, mode = run.resolved["StackName"], run.resolved["ActionMode"]
        change_set = run.resolved.get("ChangeSetName", "")
        if mode == "CHANGE_SET_REPLACE":
            request = self._request(execution, run, inputs)
            return self._replace_change_set(client, stack, change_set, request)
        if mode == "CHANGE_SET_EXECUTE":
            return self._execute(client, stack, change_set)
        if mode == "CREATE_UPDATE":
            request = self._request(execution, run, inputs)
            self._replace_change_set(client, stack, "create-update", request)
            return self._execute(client, stack, "create-update")
        raise ActionFailed(f"the action mode {mode} is not known here")

    def _request(
        self, execution: Execution, run: ActionRun, inputs: Mapping[str, Artifact]
    ) -> dict[str, Any]:
        """Return the options of CreateChangeSet from the configuration of the action."""
        s3 = self._client("s3", execution, run)
        template = _member(s3, inputs, run.resolved["TemplatePath"])
        request: dict[str, Any] = {"RoleARN": run.resolved["RoleArn"]}
        if len(template) > LONGEST_INLINE_TEMPLATE:
            key = self.store.put(self.sessions.root("s3"), execution.pipeline.name, "template", template).key
            request["TemplateURL"] = f"https://s3.{REGION}.amazonaws.com/{self.store.bucket}/{key}"
        else:
            request["TemplateBody"] = template.decode()
        parameters: dict[str, str] = {}
        if path := run.resolved.get("TemplateConfiguration"):
            configuration = json.loads(_member(s3, inputs, path))
            parameters |= configuration.get("Parameters", {})
            tags = configuration.get("Tags", {})
            request["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
        parameters |= json.loads(run.resolved.get("ParameterOverrides", "{}"))
        request["Parameters"] = [
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ]
        request["Capabilities"] = [
            each.strip() for each in run.resolved.get("Capabilities", "").split(",") if each.strip()
        ]
        return request

    def _replace_change_set(
        self, client: Any, stack: str, name: str, request: Mapping[str, Any]
    ) -> Performed:
        status = _status(client, stack)
        if status:
            client.delete_change_set(StackName=stack, ChangeSetName=name)
        # A stack that has had change sets only is created by the first one that is executed.
        kind = "CREATE" if status in ("", "REVIEW_IN_PROGRESS") else "UPDATE"
        made = client.create_change_set(StackName=stack, ChangeSetName=name, ChangeSetType=kind, **request)
        deadline = time.monotonic() + DEPLOYMENT_TIMEOUT
        while True:
            described = client.describe_change_set(StackName=stack, ChangeSetName=name)
            if not described["Status"].endswith(("_PENDING", "_IN_PROGRESS")):
                break
            if time.monotonic() > deadline:
                raise ActionFailed(f"the change set {name} of {stack} was not made in time")
            time.sleep(0.3)
        reason = described.get("StatusReason", "")
        if described["Status"] == "FAILED" and not _empty(reason):
            raise ActionFailed(f"the change set {name} of {stack} cannot be made: {reason}")
        count = len(described.get("Changes", []))
        return Performed({}, {}, made["Id"], f"{kind.lower()}, {count} changes on the first page")

    def _execute(self, client: Any, stack: str, name: str) -> Performed:
        described = client.describe_change_set(StackName=stack, ChangeSetName=name)
        if described["Status"] == "FAILED" and _empty(described.get("StatusReason", "")):
            return Performed(external_id=described["ChangeSetId"], summary="no changes")
        started = datetime.now(UTC)
        client.execute_change_set(StackName=stack, ChangeSetName=name)
        deadline = time.monotonic() + DEPLOYMENT_TIMEOUT
        while True:
            found = client.describe_stacks(StackName=stack)["Stacks"][0]
            status = found["StackStatus"]
            if not status.endswith("_IN_PROGRESS"):
                break
            if time.monotonic() > deadline:
                raise ActionFailed(f"the stack {stack} was still {status} after its time limit")
            time.sleep(0.3)
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise ActionFailed(f"{stack} is {status}: {first_failure(client, stack, started)}")
        outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
        return Performed({}, outputs, described["ChangeSetId"], status)

    # -- approval ------------------------------------------------------------------------------------------

    def _ask(self, execution: Execution, stage: Stage, run: ActionRun) -> Performed:
        text = run.resolved.get("CustomData", "")
        if topic := run.resolved.get("NotificationArn"):
            sns = self.sessions.client("sns", execution.pipeline.role)
            sns.publish(TopicArn=topic, Subject="APPROVAL NEEDED", Message=text or stage.name)
        link = run.resolved.get("ExternalEntityLink", "")
        decision = self.approver(ApprovalRequest(execution.pipeline.name, stage.name, text, link))
        self.show(f"shown: {text}")
        self.show(f"{decision.by}: {'approved' if decision.approved else 'rejected'}: {decision.comment}")
        if not decision.approved:
            raise ActionFailed(f"rejected by {decision.by}: {decision.comment}")
        return Performed(summary=decision.comment, by=decision.by)

    def _client(self, service: str, execution: Execution, run: ActionRun) -> Any:
        """Return a client with the rights of the action: its own role, assumed by that of the pipeline."""
        own = execution.pipeline.role
        role = run.action.role or own
        return self.sessions.client(service, role, own if role != own else None)


def _member(s3: Any, inputs: Mapping[str, Artifact], path: str) -> bytes:
    """Return the file that a path such as `Release::packaged.yaml` names."""
    artifact, _, name = path.partition("::")
    if artifact not in inputs:
        raise ActionFailed(f"{path}: {artifact} is no input artifact of the action")
    try:
        return read(s3, inputs[artifact]).read(name)
    except KeyError:
        raise ActionFailed(f"{path}: the artifact has no such file") from None


def _output(result: BuildResult, name: str, outputs: tuple[str, ...]) -> Path:
    """Return the folder of an output artifact: a single one is the primary artifact of the buildspec."""
    wanted = PRIMARY if len(outputs) == 1 else name
    if wanted not in result.artifacts:
        raise ActionFailed(f"the build made no artifact {wanted}")
    return result.artifacts[wanted]


def _problem(result: BuildResult) -> str:
    """Return why a build failed: the command, and what it said about that."""
    failed = [phase for phase in result.phases if not phase.succeeded]
    if not failed:
        return "; ".join(result.problems)
    command = failed[0].message.partition(" of: ")[2].removesuffix(" ...")
    said = complaint(output_of(result.log, command))
    return f"phase {failed[0].name}: {failed[0].message}" + (f" ({said})" if said else "")


def output_of(log: str, command: str) -> list[str]:
    """Return what a command of a build printed, line by line."""
    _, _, after = log.rpartition(f"[build] $ {command}\n")
    lines = after.splitlines()
    end = next(
        (place for place, line in enumerate(lines) if re.match(r"\[build\] (phase|\$ (?!  ))", line)),
        len(lines),
    )
    return [line for line in lines[:end] if line.strip() and not line.startswith("[build]")]


def complaint(lines: list[str]) -> str:
    """Return the sentence that says what is wrong: of a failed test or step, otherwise the last line."""
    for place, line in enumerate(lines):
        if line.startswith("FAILED "):
            more = lines[place + 1].strip() if lines[place + 1 : place + 2] != [] else ""
            indented = bool(more) and lines[place + 1].startswith(" ")
            return f"{line}: {more}"[:400] if indented else line[:400]
    said = [line for line in lines if not line.startswith(("make:", "make[", "====="))]
    return said[-1].strip()[:400] if said else ""


def _status(client: Any, stack: str) -> str:
    """Return the status of a stack, or nothing if there is none."""
    try:
        return str(client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
    except ClientError as error:
        if "does not exist" in str(error):
            return ""
        raise


def _empty(reason: str) -> bool:
    return "didn't contain changes" in reason or "No updates" in reason
