"""Patches for EventBridge Scheduler. Each removes one of these differences from AWS.

- The resource of a request for a schedule is always in the group `default`.
- A schedule reaches its target whatever its role may do, and what it cannot deliver is lost. Here, it calls
  the API with its role, which has to trust Scheduler for this group of schedules, and puts what failed into
  its dead-letter queue. It does not retry first.
- Whoever may make a schedule may give it any role, without iam:PassRole.
- Due schedules start every ten seconds; here, every second.
"""

import json
import logging
import os
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from botocore.exceptions import ClientError
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.core.router import extract_access_key_id
from ministack.services import eventbridge, iam, scheduler

from local.emulator import REGION, aws_client

PRINCIPAL = "scheduler.amazonaws.com"
DEFAULT_GROUP = "default"
logger = logging.getLogger("scheduler")

type Record = dict[str, Any]


def name_schedules_with_groups() -> None:
    """Name the group of a schedule in the resource of a request, and require iam:PassRole for its role."""
    resource_of: Callable[..., str] = iam_actions.extract_resource_arn
    if ":schedule/default/{parts[si + 1]}" not in inspect_source(iam_actions):
        raise SystemExit("ministack's resources of schedules have changed: see local/emulator_server")

    def resource_with_group(service: str, *args: Any, **kwargs: Any) -> str:
        found = resource_of(service, *args, **kwargs)
        _, separator, name = found.partition(f":schedule/{DEFAULT_GROUP}/")
        if service != "scheduler" or not separator:
            return found
        method, _, headers, body, query, region, account = args
        asked = json.loads(body) if body else {}
        given = (query or {}).get("groupName", DEFAULT_GROUP)
        group = asked.get("GroupName") or (given[0] if isinstance(given, list) else given)
        role = (asked.get("Target") or {}).get("RoleArn")
        if role and method in ("POST", "PUT") and not may_pass(role, headers, query, region):
            return f"arn:aws:scheduler:{region}:{account}:role-may-not-be-passed"
        return f"arn:aws:scheduler:{region}:{account}:schedule/{group}/{name}"

    iam_actions.extract_resource_arn = resource_with_group


def inspect_source(module: Any) -> str:
    """Return the source of a module."""
    with open(module.__file__, encoding="utf-8") as source:
        return source.read()


def may_pass(role: str, headers: Mapping[str, str], query: Mapping[str, Any], region: str) -> bool:
    """Return whether the caller may pass a role to Scheduler."""
    caller = extract_access_key_id(headers, query)
    context = {"iam:PassedToService": PRINCIPAL}
    refused = iam_evaluator.enforce(
        caller, "iam:PassRole", "iam", region, resource_arn=role, service_context=context
    )
    return refused is None


def call_targets_with_roles() -> None:
    """Start executions and invoke functions with the role of the schedule."""
    tick: Callable[[], None] = scheduler._tick_schedules
    invoke: Callable[..., None] = eventbridge._invoke_target
    ticking: ContextVar[bool] = ContextVar("schedules_tick", default=False)
    if "_eb._invoke_target(target, event, sched)" not in inspect_source(scheduler):
        raise SystemExit("ministack's schedules have changed: see local/emulator_server")

    def tick_with_roles() -> None:
        token = ticking.set(True)
        try:
            tick()
        finally:
            ticking.reset(token)

    def invoke_with_role(target: Record, event: Record, rule: Record, *args: Any, **kwargs: Any) -> None:
        if not ticking.get():
            invoke(target, event, rule, *args, **kwargs)
            return
        deliver(os.environ["AWS_ENDPOINT_URL"], rule, target.get("Input") or json.dumps(event))

    scheduler._tick_schedules = tick_with_roles
    eventbridge._invoke_target = invoke_with_role
    scheduler._SCHEDULE_TICK_INTERVAL = 1


def deliver(endpoint_url: str, schedule: Record, text: str) -> None:
    """Call the target with the role of the schedule, or put the input into the dead-letter queue."""
    target = schedule["Target"]
    arn = target["Arn"]
    try:
        session = session_of(schedule)
    except PermissionError as error:
        logger.warning("a schedule could not call %s: %s", arn, error)
        return  # nor send to the dead-letter queue
    try:
        if ":states:" in arn:
            aws_client("stepfunctions", endpoint_url, **session).start_execution(
                stateMachineArn=arn, input=text
            )
        elif ":lambda:" in arn:
            aws_client("lambda", endpoint_url, **session).invoke(
                FunctionName=arn, InvocationType="Event", Payload=text.encode()
            )
        else:
            raise ValueError(f"no schedule of the application has such a target: {arn}")
    except ClientError as error:
        logger.warning("a schedule could not call %s: %s", arn, error)
        letters = (target.get("DeadLetterConfig") or {}).get("Arn")
        if letters:
            _, account, name = letters.rsplit(":", 2)
            aws_client("sqs", endpoint_url, **session).send_message(
                QueueUrl=f"{endpoint_url}/{account}/{name}", MessageBody=text
            )


def session_of(schedule: Record) -> dict[str, str]:
    """Return credentials of the role of a schedule; raise PermissionError if it does not trust its group."""
    role = schedule["Target"]["RoleArn"]
    _, _, _, region, account, _ = role.split(":", 5)
    found = iam._roles.get_scoped(account, None, role.rpartition("/")[2])
    group = scheduler._group_arn(schedule["GroupName"])
    context = iam_evaluator.EvalContext(
        principal_arn=PRINCIPAL,
        principal_type="AWSService",
        principal_account=account,
        action="sts:AssumeRole",
        resource_arn=role,
        region=region,
        service_context={"aws:sourcearn": group, "aws:sourceaccount": account},
    )
    trust = found["AssumeRolePolicyDocument"] if found else "{}"
    # To the emulator, its own services are the root user; that the role names Scheduler is checked besides.
    caller = f"arn:aws:iam::{account}:root"
    if PRINCIPAL not in json.dumps(trust) or not iam_evaluator.evaluate_trust_policy(trust, caller, context):
        raise PermissionError(f"{role} does not trust {PRINCIPAL} for {group}")
    given = lambda_runtime.execution_credentials(
        {"FunctionArn": f"arn:aws:lambda:{REGION}:{account}:function:schedule", "Role": role}
    )
    return {name.lower(): value for name, value in given.items()}
