"""Stands in for CodeDeploy on the laptop: shifts the traffic of a Lambda alias to another version.

CloudFormation asks for a deployment when it updates an alias whose UpdatePolicy is
CodeDeployLambdaAliasUpdate. A deployment calls the hook before traffic, shifts the weights of the alias as
its configuration says, calls the hook after traffic, and watches the alarms of its group throughout. A hook
that fails or does not answer within an hour, an alarm, and StopDeployment end the deployment and return the
traffic to the version that had it. All calls go to the emulator's endpoint with the service role of the
deployment group, so that IAM refuses what it would refuse on AWS.

What this proves: the template's roles, hooks, alarms and weights work together, no request is lost while
traffic shifts, and a stack rolls back. What it does not prove: how CodeDeploy itself behaves. In particular,

- a minute lasts CLAIMWATCH_CODE_DEPLOY_MINUTE seconds (60 by default), also in the time-out of a hook;
- the emulator updates the aliases of a stack one after another; CloudFormation shifts their traffic at once;
- a deployment ends as its own rollback; CodeDeploy starts another deployment that rolls back;
- when CloudFormation rolls back an alias whose deployment has succeeded, it is set back at once.

The API has GetDeployment, BatchGetDeployments, ListDeployments, PutLifecycleEventHookExecutionStatus and
StopDeployment.
"""

import json
import os
import re
import secrets
import string
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from local.emulator import aws_client

HOOK_MINUTES = 60
PRINCIPAL = "codedeploy.amazonaws.com"
ENDED = ("Succeeded", "Failed", "Stopped")
CANARY = re.compile(r"CodeDeployDefault\.LambdaCanary(\d+)Percent(\d+)Minutes?")
LINEAR = re.compile(r"CodeDeployDefault\.LambdaLinear(\d+)PercentEvery(\d+)Minutes?")
ALL_AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"

type Record = dict[str, Any]


class DeploymentFailed(Exception):
    """A deployment did not shift the traffic; `code` is one of CodeDeploy's error codes."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Refused(Exception):
    """A request to the API that is answered with the error `code`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class DeploymentGroup:
    """What AWS::CodeDeploy::DeploymentGroup says about deployments."""

    application: str
    name: str
    configuration: str
    role: str
    alarms: tuple[str, ...]
    ignores_alarm_failures: bool
    rolls_back_on: frozenset[str]
    """Of DEPLOYMENT_FAILURE, DEPLOYMENT_STOP_ON_ALARM and DEPLOYMENT_STOP_ON_REQUEST."""

    @classmethod
    def of(cls, name: str, properties: Mapping[str, Any]) -> "DeploymentGroup":
        """Return the group that a resource describes; raise ValueError if it cannot shift traffic here."""
        alarms = properties.get("AlarmConfiguration") or {}
        rollback = properties.get("AutoRollbackConfiguration") or {}
        configuration = properties.get("DeploymentConfigName") or ALL_AT_ONCE
        shifts(configuration)
        return cls(
            application=properties["ApplicationName"],
            name=name,
            configuration=configuration,
            role=properties["ServiceRoleArn"],
            alarms=tuple(alarm["Name"] for alarm in alarms.get("Alarms", ()) if is_true(alarms, "Enabled")),
            ignores_alarm_failures=is_true(alarms, "IgnorePollAlarmFailure"),
            rolls_back_on=frozenset(rollback.get("Events", ()) if is_true(rollback, "Enabled") else ()),
        )


@dataclass
class Hook:
    """One call of a hook, and what PutLifecycleEventHookExecutionStatus says about it."""

    event: str
    execution_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "InProgress"


@dataclass
class Deployment:
    """One deployment, and the state that requests and its own thread share."""

    group: DeploymentGroup
    function: str
    alias: str
    current: str
    target: str
    deployment_id: str = field(default_factory=lambda: "d-" + random_id())
    status: str = "Created"
    created: float = field(default_factory=time.time)
    completed: float | None = None
    error: DeploymentFailed | None = None
    rolled_back: bool = False
    hooks: list[Hook] = field(default_factory=list)
    stop_requested: bool = False
    stop_rolls_back: bool = False
    changed: threading.Condition = field(default_factory=threading.Condition)

    def information(self) -> Record:
        """Return the deploymentInfo of the API."""
        info: Record = {
            "applicationName": self.group.application,
            "deploymentGroupName": self.group.name,
            "deploymentConfigName": self.group.configuration,
            "deploymentId": self.deployment_id,
            "status": self.status,
            "createTime": self.created,
            "startTime": self.created,
            "creator": "CloudFormation",
            "description": f"{self.function}:{self.alias} from version {self.current} to {self.target}",
            "deploymentStyle": {
                "deploymentType": "BLUE_GREEN",
                "deploymentOption": "WITH_TRAFFIC_CONTROL",
            },
            "computePlatform": "Lambda",
        }
        if self.completed is not None:
            info["completeTime"] = self.completed
        if self.error is not None:
            info["errorInformation"] = {"code": self.error.code, "message": str(self.error)}
        if self.rolled_back:
            info["rollbackInfo"] = {"rollbackMessage": f"all traffic reaches version {self.current} again"}
        return info


class CodeDeploy:
    """The deployment groups and deployments of an emulator."""

    def __init__(self, endpoint_url: str, minute: float | None = None) -> None:
        """Prepare a stand-in that calls the services at `endpoint_url`; `minute` is in seconds."""
        self.endpoint_url = endpoint_url
        self.minute = (
            float(os.environ.get("CLAIMWATCH_CODE_DEPLOY_MINUTE", "60")) if minute is None else minute
        )
        self.applications: set[str] = set()
        self.groups: dict[tuple[str, str], DeploymentGroup] = {}
        self.deployments: dict[str, Deployment] = {}

    # -- Deployments ---------------------------------------------------------------------------------------

    def deploy(
        self,
        group: tuple[str, str],
        function: str,
        alias: str,
        current: str,
        target: str,
        before: str | None = None,
        after: str | None = None,
    ) -> Deployment:
        """Shift the traffic of an alias to the version `target`, and return when all of it has shifted.

        `group` is the name of an application and one of its groups; `before` and `after` are hooks. Raises
        `DeploymentFailed`, after the traffic has returned to the version `current` if the group rolls back.
        """
        if group not in self.groups:
            raise DeploymentFailed("DEPLOYMENT_GROUP_MISSING", f"there is no deployment group {group[1]}")
        deployment = Deployment(self.groups[group], function, alias, current, target)
        self.deployments[deployment.deployment_id] = deployment
        shift = Shift(self, deployment)
        deployment.status = "InProgress"
        try:
            shift.run(before, after)
        except DeploymentFailed as error:
            shift.end(error)
            raise
        except Exception as error:
            shift.end(DeploymentFailed("INTERNAL_ERROR", f"{type(error).__name__}: {error}"))
            raise
        shift.end(None)
        return deployment

    # -- Requests ------------------------------------------------------------------------------------------

    def answer(self, action: str, request: Record) -> Record:
        """Return the answer to a request; raise `Refused` if it is not valid."""
        operations = {
            "GetDeployment": self._get,
            "BatchGetDeployments": self._get_several,
            "ListDeployments": self._list,
            "PutLifecycleEventHookExecutionStatus": self._put_status,
            "StopDeployment": self._stop,
        }
        if action not in operations:
            raise Refused("UnknownOperationException", f"{action} is not implemented by local/code_deploy.py")
        return operations[action](request)

    def group_of_request(self, action: str, request: Record) -> tuple[str, str]:
        """Return the application and the group of a request; "*" for what it does not name."""
        found = self.deployments.get(str(request.get("deploymentId")))
        if action == "BatchGetDeployments":
            several = {
                deployment.group
                for name in request.get("deploymentIds", ())
                if (deployment := self.deployments.get(name))
            }
            if len(several) == 1:
                [group] = several
                return group.application, group.name
        if found is not None:
            return found.group.application, found.group.name
        return str(request.get("applicationName", "*")), str(request.get("deploymentGroupName", "*"))

    def _find(self, request: Record) -> Deployment:
        name = request.get("deploymentId")
        if not name:
            raise Refused("DeploymentIdRequiredException", "The deployment ID must be specified.")
        if name not in self.deployments:
            raise Refused("DeploymentDoesNotExistException", f"The deployment {name} could not be found")
        return self.deployments[name]

    def _get(self, request: Record) -> Record:
        return {"deploymentInfo": self._find(request).information()}

    def _get_several(self, request: Record) -> Record:
        found = (self.deployments.get(name) for name in request.get("deploymentIds", ()))
        return {"deploymentsInfo": [deployment.information() for deployment in found if deployment]}

    def _list(self, request: Record) -> Record:
        application, group = request.get("applicationName"), request.get("deploymentGroupName")
        if application is not None and application not in self.applications:
            raise Refused("ApplicationDoesNotExistException", f"No application found for name: {application}")
        if (application is None) != (group is None):
            raise Refused("DeploymentGroupNameRequiredException", "Name both an application and its group.")
        if application is not None and (application, group) not in self.groups:
            raise Refused("DeploymentGroupDoesNotExistException", f"No deployment group found: {group}")
        wanted = request.get("includeOnlyStatuses") or []
        return {
            "deployments": [
                deployment.deployment_id
                for deployment in reversed(self.deployments.values())
                if application is None
                or (deployment.group.application, deployment.group.name) == (application, group)
                if not wanted or deployment.status in wanted
            ]
        }

    def _put_status(self, request: Record) -> Record:
        deployment, name = self._find(request), request.get("lifecycleEventHookExecutionId")
        status = request.get("status")
        hook = next((hook for hook in deployment.hooks if hook.execution_id == name), None)
        if hook is None:
            raise Refused("InvalidLifecycleEventHookExecutionIdException", "The execution ID is not valid.")
        if status not in ("Succeeded", "Failed"):
            raise Refused(
                "InvalidLifecycleEventHookExecutionStatusException", "The status must be Succeeded or Failed."
            )
        with deployment.changed:
            if hook.status != "InProgress":
                raise Refused("LifecycleEventAlreadyCompletedException", f"{hook.event} has ended.")
            hook.status = status
            deployment.changed.notify_all()
        return {"lifecycleEventHookExecutionId": name}

    def _stop(self, request: Record) -> Record:
        deployment = self._find(request)
        with deployment.changed:
            if deployment.status in ENDED:
                raise Refused("DeploymentAlreadyCompletedException", f"{deployment.deployment_id} has ended.")
            deployment.stop_requested = True
            deployment.stop_rolls_back = bool(request.get("autoRollbackEnabled"))
            deployment.changed.notify_all()
        return {"status": "Pending", "statusMessage": "No more traffic is shifted."}


class Shift:
    """One run of a deployment, with the credentials of its service role."""

    def __init__(self, service: CodeDeploy, deployment: Deployment) -> None:
        self.deployment = deployment
        self._endpoint_url = service.endpoint_url
        self._minute = service.minute
        self._clients: dict[str, Any] = {}

    def run(self, before: str | None, after: str | None) -> None:
        """Call the hooks and shift the traffic; raise `DeploymentFailed` if it must not go on."""
        self._assume_role()
        self._check()
        if before:
            self._call("BeforeAllowTraffic", before)
        for weight, minutes in shifts(self.deployment.group.configuration):
            self._allow(weight)
            self._wait(minutes)
        if after:
            self._call("AfterAllowTraffic", after)
        self._check()

    def end(self, error: DeploymentFailed | None) -> None:
        """Record how the deployment ended, after returning the traffic if it failed and its group says so."""
        deployment = self.deployment
        if error is not None:
            event = {
                "ALARM_ACTIVE": "DEPLOYMENT_STOP_ON_ALARM",
                "MANUAL_STOP": "DEPLOYMENT_STOP_ON_REQUEST",
            }.get(error.code, "DEPLOYMENT_FAILURE")
            if event in deployment.group.rolls_back_on or deployment.stop_rolls_back:
                deployment.rolled_back = self._allow_nothing()
        with deployment.changed:
            deployment.error = error
            deployment.completed = time.time()
            deployment.status = {None: "Succeeded", "MANUAL_STOP": "Stopped", "ALARM_ACTIVE": "Stopped"}.get(
                error.code if error else None, "Failed"
            )

    # -- Steps ---------------------------------------------------------------------------------------------

    def _assume_role(self) -> None:
        """Create the clients, with a session of the service role if CodeDeploy may assume it."""
        role = self.deployment.group.role
        try:
            trust = aws_client("iam", self._endpoint_url).get_role(RoleName=role.rsplit("/", 1)[-1])["Role"]
            given = aws_client("sts", self._endpoint_url).assume_role(
                RoleArn=role, RoleSessionName="codedeploy"
            )
        except ClientError as error:
            raise DeploymentFailed(
                "IAM_ROLE_MISSING", f"the service role cannot be assumed: {error}"
            ) from None
        if PRINCIPAL not in json.dumps(trust["AssumeRolePolicyDocument"]):
            raise DeploymentFailed("IAM_ROLE_PERMISSIONS", f"{role} does not trust {PRINCIPAL}")
        session = given["Credentials"]
        for service in ("lambda", "cloudwatch"):
            self._clients[service] = aws_client(
                service,
                self._endpoint_url,
                aws_access_key_id=session["AccessKeyId"],
                aws_secret_access_key=session["SecretAccessKey"],
                aws_session_token=session["SessionToken"],
            )

    def _call(self, event: str, function: str) -> None:
        """Invoke a hook and wait for its answer."""
        hook = Hook(event)
        self.deployment.hooks.append(hook)
        payload = {
            "DeploymentId": self.deployment.deployment_id,
            "LifecycleEventHookExecutionId": hook.execution_id,
        }
        try:
            self._clients["lambda"].invoke(
                FunctionName=function, InvocationType="Event", Payload=json.dumps(payload).encode()
            )
        except ClientError as error:
            raise DeploymentFailed("HOOK_EXECUTION_FAILURE", f"{event}: {error}") from None
        self._wait(HOOK_MINUTES, hook)
        with self.deployment.changed:
            answered, hook.status = hook.status, "Failed" if hook.status == "InProgress" else hook.status
        if answered == "InProgress":
            raise DeploymentFailed("TIMEOUT", f"{event}: {function} did not answer within an hour")
        if answered == "Failed":
            raise DeploymentFailed("HOOK_EXECUTION_FAILURE", f"{event}: {function} answered Failed")

    def _wait(self, minutes: float, hook: Hook | None = None) -> None:
        """Wait for some minutes, or until a hook has answered; watch the alarms and requests to stop."""
        deadline = time.monotonic() + minutes * self._minute
        while (left := deadline - time.monotonic()) > 0:
            with self.deployment.changed:
                if hook is not None and hook.status != "InProgress":
                    return
                if not self.deployment.stop_requested:
                    self.deployment.changed.wait(min(left, max(0.2, min(5.0, self._minute / 12))))
            self._check()

    def _check(self) -> None:
        """Raise `DeploymentFailed` if an alarm of the group is active or somebody stops the deployment."""
        deployment = self.deployment
        if deployment.stop_requested:
            raise DeploymentFailed("MANUAL_STOP", "the deployment was stopped by StopDeployment")
        names = list(deployment.group.alarms)
        if not names:
            return
        try:
            found = self._clients["cloudwatch"].describe_alarms(AlarmNames=names)["MetricAlarms"]
        except ClientError as error:
            if deployment.group.ignores_alarm_failures:
                return
            raise DeploymentFailed("IAM_ROLE_PERMISSIONS", f"the alarms cannot be read: {error}") from None
        active = [alarm["AlarmName"] for alarm in found if alarm["StateValue"] == "ALARM"]
        if active:
            raise DeploymentFailed("ALARM_ACTIVE", f"alarms are active: {', '.join(active)}")
        missing = set(names) - {alarm["AlarmName"] for alarm in found}
        if missing and not deployment.group.ignores_alarm_failures:
            raise DeploymentFailed("ALARM_ACTIVE", f"alarms are missing: {', '.join(sorted(missing))}")

    def _allow(self, weight: float) -> None:
        """Send this share of the traffic to the target version."""
        deployment = self.deployment
        all_of_it = weight >= 1
        try:
            self._clients["lambda"].update_alias(
                FunctionName=deployment.function,
                Name=deployment.alias,
                FunctionVersion=deployment.target if all_of_it else deployment.current,
                RoutingConfig={
                    "AdditionalVersionWeights": {}
                    if all_of_it or weight <= 0
                    else {deployment.target: weight}
                },
            )
        except ClientError as error:
            raise DeploymentFailed(
                "INVALID_LAMBDA_FUNCTION", f"the alias cannot be updated: {error}"
            ) from None

    def _allow_nothing(self) -> bool:
        """Return all traffic to the version that had it; return whether that succeeded."""
        if "lambda" not in self._clients:
            return False  # nothing was shifted
        try:
            self._allow(0)
        except DeploymentFailed:
            return False
        return True


def shifts(configuration: str) -> Iterator[tuple[float, float]]:
    """Return the steps of a configuration: the share of the new version, the minutes until the next step."""
    if configuration == ALL_AT_ONCE:
        return iter([(1.0, 0.0)])
    if found := CANARY.fullmatch(configuration):
        return iter([(int(found[1]) / 100, float(found[2])), (1.0, 0.0)])
    if found := LINEAR.fullmatch(configuration):
        percent, minutes = int(found[1]), float(found[2])
        return iter(
            [(share / 100, minutes if share < 100 else 0.0) for share in [*range(percent, 100, percent), 100]]
        )
    raise ValueError(f"the deployment configuration {configuration} is not known to local/code_deploy.py")


def is_true(properties: Mapping[str, Any], name: str) -> bool:
    """Return whether a property is true, as a boolean or as the text of a parameter."""
    return str(properties.get(name, "false")).lower() == "true"


def random_id() -> str:
    """Return nine characters, as in the ids of CodeDeploy."""
    return "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(9))
