"""Patches for IAM. Each removes one of these differences from AWS.

- Bucket, queue and topic policies refuse requests without TLS. Here, nothing leaves the loopback interface,
  so requests count as secure, and the policies stay unchanged.
- IAM has no condition keys for the namespace of PutMetricData, for the source and the detail-type of
  PutEvents, and for conditional writes to S3.
- A policy compares aws:PrincipalArn with the session instead of its role, and does not replace variables,
  such as ${aws:PrincipalTag/claimwatch-line}, in resources.
- Calls of Systems Manager that name several parameters, or the path of some, have no resource, so that
  only a policy for all resources allows them.
- Reading, updating and deleting an alias is lambda:ListAliases, and the resource of an invocation does not
  contain the alias or version that Qualifier names.
- DescribeAlarms has no resource, so that only a policy for all resources allows it.
"""

import contextlib
import dataclasses
import inspect
import json
import re
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any
from urllib.parse import parse_qs

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.router import extract_access_key_id
from ministack.services import iam


def treat_loopback_as_secure() -> None:
    """Set aws:SecureTransport to true for requests and for deliveries by the emulator itself."""
    pin: Callable[[str, bool], None] = iam_evaluator.pin_request_origin
    origin: ContextVar[tuple[str, bool]] = ContextVar("ministack_request_origin", default=("127.0.0.1", True))
    if iam_evaluator._request_origin.get() != ("127.0.0.1", False) or app.pin_request_origin is not pin:
        raise SystemExit("ministack's request origin has changed: see local/emulator_server")
    iam_evaluator._request_origin = origin

    def pin_secure(source_ip: str, _secure_transport: bool) -> None:
        pin(source_ip, True)

    app.pin_request_origin = pin_secure


def add_condition_keys() -> None:
    """Set the condition keys of PutMetricData, PutEvents and PutObject from the request."""
    context: Callable[..., dict[str, Any]] = iam_actions.request_tag_context
    if "body" not in inspect.signature(context).parameters:
        raise SystemExit("ministack's condition keys have changed: see local/emulator_server")

    def context_with_names(
        service: str, action: str, body: bytes, *args: Any, **kwargs: Any
    ) -> dict[str, Any]:
        found = context(service, action, body, *args, **kwargs)
        if action == "cloudwatch:PutMetricData":
            found = found | {"cloudwatch:namespace": namespace_of(body)}
        if action == "events:PutEvents":
            sources = {entry.get("Source", "") for entry in json.loads(body).get("Entries", [])}
            kinds = {entry.get("DetailType", "") for entry in json.loads(body).get("Entries", [])}
            found = found | {
                "events:source": ", ".join(sorted(sources)),
                "events:detail-type": ", ".join(sorted(kinds)),
            }
        return found

    s3_context: Callable[..., dict[str, Any]] = iam_actions.s3_service_context
    if list(inspect.signature(s3_context).parameters) != ["iam_action", "query_params", "path", "headers"]:
        raise SystemExit("ministack's condition keys have changed: see local/emulator_server")

    def s3_context_with_creation(
        action: str, query: dict[str, Any] | None, path: str = "", headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        found = s3_context(action, query, path, headers)
        if action == "s3:PutObject":
            # Beginning a multipart upload and uploading a part create no object.
            creates = not {"uploads", "partNumber"} & set(query or {})
            found = found | {"s3:ObjectCreationOperation": str(creates).lower()}
            if condition := (headers or {}).get("if-none-match"):
                found = found | {"s3:if-none-match": condition}
        return found

    iam_actions.request_tag_context = context_with_names
    iam_actions.s3_service_context = s3_context_with_creation


def namespace_of(body: bytes) -> str:
    """Return the namespace of a request, which is JSON or, from older SDKs, a form."""
    with contextlib.suppress(ValueError):
        return str(json.loads(body).get("Namespace", ""))
    return parse_qs(body.decode("utf-8", "replace")).get("Namespace", [""])[0]


def resolve_principals_and_variables() -> None:
    """Compare aws:PrincipalArn with the role of a session, and replace variables in resources of policies."""
    resolve: Callable[[str, Any], Any] = iam_evaluator._resolve_condition_key
    first_match: Callable[..., Any] = iam_evaluator._first_match
    if list(inspect.signature(first_match).parameters) != ["ctx", "stmts", "effect"]:
        raise SystemExit("ministack's evaluation of policies has changed: see local/emulator_server")

    def resolve_role(key: str, context: Any) -> Any:
        if key.lower() != "aws:principalarn" or context.principal_type != "AssumedRole":
            return resolve(key, context)
        name = iam_evaluator._role_name_from_assumed_arn(context.principal_arn)
        role = iam._roles.get_scoped(context.principal_account, None, name)
        return role["Arn"] if role else context.principal_arn

    def replaced(resource: str, context: Any) -> str:
        values = {
            match: resolve_role(match, context) for match in re.findall(r"\$\{([^}*?$][^}]*)\}", resource)
        }
        if None in values.values():
            return ""  # equals no resource: a variable without a value never matches
        for name, value in values.items():
            resource = resource.replace(f"${{{name}}}", str(value))
        return resource

    def first_match_of_replaced(context: Any, statements: list[Any], effect: str) -> Any:
        resolved = [
            dataclasses.replace(
                statement,
                resources=[replaced(resource, context) for resource in statement.resources],
                not_resources=[replaced(resource, context) for resource in statement.not_resources],
            )
            for statement in statements
        ]
        return first_match(context, resolved, effect)

    iam_evaluator._resolve_condition_key = resolve_role
    iam_evaluator._first_match = first_match_of_replaced


def name_resources_of_parameters() -> None:
    """Make the path of parameters the resource of a call, and of several parameters one that is denied."""
    resource_of: Callable[..., str] = iam_actions.extract_resource_arn
    if 'name = _param(body, query_params, "Name")' not in inspect.getsource(iam_actions):
        raise SystemExit("ministack's resources of parameters have changed: see local/emulator_server")

    def resource_with_parameters(service: str, *args: Any, **kwargs: Any) -> str:
        found = resource_of(service, *args, **kwargs)
        body = next((value for value in (*args, *kwargs.values()) if isinstance(value, bytes)), b"")
        if service != "ssm" or found != "*" or not body:
            return found
        _, _, headers, _, query, region, account = args
        asked = json.loads(body)
        names = asked.get("Names") or [asked.get("Path")]
        arns = [f"arn:aws:ssm:{region}:{account}:parameter/{name.strip('/')}" for name in names if name]
        action = f"ssm:{headers.get('x-amz-target', '').rpartition('.')[2]}"
        caller = extract_access_key_id(headers, query)
        denied = (
            arn for arn in arns if iam_evaluator.enforce(caller, action, "ssm", region, resource_arn=arn)
        )
        return next(denied, arns[0] if arns else found)

    iam_actions.extract_resource_arn = resource_with_parameters


def name_alarms() -> None:
    """Make all alarms the resource of DescribeAlarms, whether or not it names some."""
    resource_of: Callable[..., str] = iam_actions.extract_resource_arn
    if 'name = _param(body, query_params, "AlarmName")' not in inspect.getsource(iam_actions):
        raise SystemExit("ministack's resources of alarms have changed: see local/emulator_server")

    def resource_with_alarms(service: str, *args: Any, **kwargs: Any) -> str:
        found = resource_of(service, *args, **kwargs)
        if service != "monitoring" or found != "*":
            return found
        method, path, headers, body, query, region, account = args
        action = iam_actions.extract_iam_action(service, method, path, headers, body, query)
        everything = f"arn:aws:cloudwatch:{region}:{account}:alarm:*"
        return everything if action == "cloudwatch:DescribeAlarms" else found

    iam_actions.extract_resource_arn = resource_with_alarms


def name_aliases_of_functions() -> None:
    """Name the action of a request for one alias, and the alias or version that is invoked."""
    action_of: Callable[[str, str], str | None] = iam_actions._lambda_action
    resource_of: Callable[..., str] = iam_actions.extract_resource_arn
    if '"aliases": "CreateAlias" if method == "POST" else "ListAliases"' not in inspect.getsource(action_of):
        raise SystemExit("ministack's actions of Lambda have changed: see local/emulator_server")

    def action_of_alias(method: str, path: str) -> str | None:
        _, found, alias = path.rstrip("/").rpartition("/aliases/")
        named = {"GET": "GetAlias", "PUT": "UpdateAlias", "DELETE": "DeleteAlias"}
        return named.get(method) if found and alias else action_of(method, path)

    def resource_with_qualifier(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: Any, *scope: str
    ) -> str:
        arn = resource_of(service, method, path, headers, body, query, *scope)
        qualifier = (query or {}).get("Qualifier")
        if service != "lambda" or not qualifier or not path.endswith("/invocations"):
            return arn
        named = qualifier[0] if isinstance(qualifier, list) else qualifier
        return arn if arn.endswith(f":{named}") else f"{arn}:{named}"

    iam_actions._lambda_action = action_of_alias
    iam_actions.extract_resource_arn = resource_with_qualifier
