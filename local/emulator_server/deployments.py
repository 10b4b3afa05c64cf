"""Patches for deployments of functions. Each removes one of these differences from AWS.

- There is no CodeDeploy: no API, no resource types, and no managed policy for its service role. See
  local/code_deploy.py for what stands in for it.
- CloudFormation updates an alias at once, whatever its UpdatePolicy is, and does not wait for the resources
  to which the policy refers.
"""

import copy
import inspect
import json
import os
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import cache
from typing import Any

from ministack.services import iam
from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks

from local.code_deploy import CodeDeploy, DeploymentFailed, DeploymentGroup, Refused
from local.emulator_server.services import JSON_HEADERS, Answer, add_service

ALIAS = "AWS::Lambda::Alias"
UPDATE_POLICY = "CodeDeployLambdaAliasUpdate"
SERVICE_POLICY = [
    {
        "Effect": "Allow",
        "Action": [
            "cloudwatch:DescribeAlarms",
            "lambda:UpdateAlias",
            "lambda:GetAlias",
            "lambda:GetProvisionedConcurrencyConfig",
        ],
        "Resource": "*",
    },
    {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:GetObjectVersion"],
        "Resource": "arn:aws:s3:::*/CodeDeploy/*",
    },
    {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:GetObjectVersion"],
        "Resource": "*",
        "Condition": {"StringEquals": {"s3:ExistingObjectTag/UseWithCodeDeploy": "true"}},
    },
    {
        "Effect": "Allow",
        "Action": ["lambda:InvokeFunction"],
        "Resource": "arn:aws:lambda:*:*:function:CodeDeployHook_*",
    },
]

type Record = dict[str, Any]


@cache
def code_deploy() -> CodeDeploy:
    """Return the stand-in for CodeDeploy, which calls this emulator."""
    return CodeDeploy(os.environ["AWS_ENDPOINT_URL"])


def serve_code_deploy() -> None:
    """Answer requests to CodeDeploy, with IAM enforced on the deployment group that a request is about."""

    async def handle(
        _method: str, _path: str, headers: Mapping[str, str], body: bytes, _query: Mapping[str, Any]
    ) -> Answer:
        try:
            answer = code_deploy().answer(action_of(headers), json.loads(body or b"{}"))
        except Refused as refused:
            problem = {"__type": refused.code, "message": str(refused)}
            return 400, dict(JSON_HEADERS), json.dumps(problem).encode()
        return 200, dict(JSON_HEADERS), json.dumps(answer).encode()

    def resource(headers: Mapping[str, str], body: bytes) -> str:
        group = code_deploy().group_of_request(action_of(headers), json.loads(body or b"{}"))
        return f"deploymentgroup:{'/'.join(group)}"

    add_service("codedeploy", "CodeDeploy_20141006", handle, resource)
    document = json.dumps({"Version": "2012-10-17", "Statement": SERVICE_POLICY})
    for name in ("AWSCodeDeployRoleForLambda", "AWSCodeDeployRoleForLambdaLimited"):
        record = iam._make_aws_managed_record(f"service-role/{name}", document)
        iam._aws_managed_policies[record["Arn"]] = record


def action_of(headers: Mapping[str, str]) -> str:
    """Return the operation of a request."""
    return headers.get("x-amz-target", "").rpartition(".")[2]


def create_deployment_groups() -> None:
    """Add the resource types of CodeDeploy; each update of a group applies to later deployments."""
    groups, applications = code_deploy().groups, code_deploy().applications

    def create_application(logical_id: str, properties: Record, stack: str) -> tuple[str, Record]:
        name = properties.get("ApplicationName") or provisioners._physical_name(stack, logical_id)
        if properties.get("ComputePlatform") != "Lambda":
            raise ValueError("local/code_deploy.py shifts the traffic of Lambda only")
        applications.add(name)
        return name, {}

    def create_group(logical_id: str, properties: Record, stack: str) -> tuple[str, Record]:
        name = properties.get("DeploymentGroupName") or provisioners._physical_name(stack, logical_id)
        groups[properties["ApplicationName"], name] = DeploymentGroup.of(name, properties)
        return name, {}

    def update_group(name: str, _old: Record, properties: Record, _stack: str) -> tuple[str, Record]:
        groups[properties["ApplicationName"], name] = DeploymentGroup.of(name, properties)
        return name, {}

    provisioners._RESOURCE_HANDLERS["AWS::CodeDeploy::Application"] = {
        "create": create_application,
        "delete": lambda name, _properties: applications.discard(name),
    }
    provisioners._RESOURCE_HANDLERS["AWS::CodeDeploy::DeploymentGroup"] = {
        "create": create_group,
        "update": update_group,
        "delete": lambda name, properties: groups.pop((properties["ApplicationName"], name), None),
    }


def shift_aliases() -> None:
    """Shift the traffic of an alias by a deployment when its version changes and its UpdatePolicy says so."""
    handler = provisioners._RESOURCE_HANDLERS[ALIAS]
    update: Callable[..., tuple[str, Record]] = handler["update"]
    deploy: Callable[..., Any] = stacks._deploy_stack_async
    on_thread: Callable[[str], bool] = stacks._runs_on_worker_thread
    dependencies: Callable[[Record, set[str]], set[str]] = engine._extract_deps
    operation: ContextVar[tuple[str, Record, Record]] = ContextVar("stack_operation")
    if (
        not handler.get("update_with_logical_id")
        or list(inspect.signature(deploy).parameters)[:4]
        != ["stack_name", "stack_id", "template", "param_values"]
        or "_runs_on_worker_thread(resource_type)" not in inspect.getsource(deploy)
        or "_extract_deps(resources[name], active)" not in inspect.getsource(engine._topological_sort)
    ):
        raise SystemExit("ministack's updates of stacks have changed: see local/emulator_server")

    async def deploy_known(
        stack: str, stack_id: str, template: Record, values: Record, *args: Any, **kwargs: Any
    ) -> None:
        operation.set((stack, template, values))
        await deploy(stack, stack_id, template, values, *args, **kwargs)

    def dependencies_with_policy(resource: Record, names: set[str]) -> set[str]:
        referred = {name for name, _ in engine._intrinsic_references(resource.get("UpdatePolicy") or {})}
        return dependencies(resource, names) | (referred & names)

    def policy_of(stack: Record, logical_id: str) -> Record | None:
        """Return the UpdatePolicy of an alias in the template that is deployed; nested stacks have none."""
        name, template, values = operation.get()
        if name != stack["StackName"]:
            return None
        conditions = engine._evaluate_conditions(template, values)
        mappings = template.get("Mappings", {})
        policy = copy.deepcopy(template["Resources"][logical_id].get("UpdatePolicy"))
        resolved = engine._resolve_refs(
            policy, stack["_resources"], values, conditions, mappings, stack["StackName"], stack["StackId"]
        )
        found: Record | None = (resolved or {}).get(UPDATE_POLICY) if isinstance(resolved, dict) else None
        return found

    def update_by_deployment(
        alias: str, old: Record, new: Record, stack_name: str, logical_id: str
    ) -> tuple[str, Record]:
        stack = handlers._resolve_stack(stack_name)
        shifting = (
            stack is not None
            and "ROLLBACK" not in stack["StackStatus"]
            and old["FunctionVersion"] != new["FunctionVersion"]
            and all(old.get(name) == new.get(name) for name in ("FunctionName", "Name"))
        )
        policy = policy_of(stack, logical_id) if shifting else None
        if policy is None:
            return update(alias, old, new, stack_name, logical_id)
        try:
            code_deploy().deploy(
                (policy["ApplicationName"], policy["DeploymentGroupName"]),
                new["FunctionName"],
                new["Name"],
                old["FunctionVersion"],
                new["FunctionVersion"],
                before=policy.get("BeforeAllowTrafficHook"),
                after=policy.get("AfterAllowTrafficHook"),
            )
        except DeploymentFailed as error:
            # As the rollback of the stack does, also with the weights of a group that does not roll back.
            update(alias, new | {"RoutingConfig": {}}, old, stack_name, logical_id)
            raise ValueError(f"CodeDeploy: {error.code}: {error}") from error
        return update(alias, old, new, stack_name, logical_id)

    handler["update"] = update_by_deployment
    handlers._deploy_stack_async = changesets._deploy_stack_async = deploy_known
    stacks._runs_on_worker_thread = lambda kind: kind == ALIAS or on_thread(kind)
    engine._extract_deps = stacks._extract_deps = dependencies_with_policy
