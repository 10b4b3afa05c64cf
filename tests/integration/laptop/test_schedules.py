"""The emulator's schedules call their targets with their role, in groups that policies tell apart."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.emulator import REGION, Emulator
from local.processes import wait_until
from tests.integration.laptop.test_policies import document, session_of

SCHEDULES = f"arn:aws:scheduler:{REGION}:000000000000:schedule/own/*"
TRUST = document(
    {
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {
                "aws:SourceAccount": "000000000000",
                "aws:SourceArn": f"arn:aws:scheduler:{REGION}:000000000000:schedule-group/own",
            }
        },
    }
)
MACHINE = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as server:
        for group in ("own", "other"):
            server.client("scheduler").create_schedule_group(Name=group)
        yield server


@pytest.fixture(scope="module")
def machine(emulator: Emulator) -> str:
    role = emulator.client("iam").create_role(
        RoleName="machine", AssumeRolePolicyDocument=TRUST.replace("scheduler.", "states.")
    )["Role"]["Arn"]
    made = emulator.client("stepfunctions").create_state_machine(
        name="machine", definition=MACHINE, roleArn=role
    )
    arn: str = made["stateMachineArn"]
    return arn


@pytest.fixture(scope="module")
def letters(emulator: Emulator) -> tuple[str, str]:
    """Return the URL and the ARN of a dead-letter queue."""
    queues = emulator.client("sqs")
    url = queues.create_queue(QueueName="letters")["QueueUrl"]
    attributes = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    return url, attributes["QueueArn"]


def role_of_schedules(emulator: Emulator, name: str, *allowed: dict[str, Any], trust: str = TRUST) -> str:
    iam = emulator.client("iam")
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*allowed))
    return arn


def allow(action: str, resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def schedule(client: Any, name: str, group: str, **target: Any) -> bool:
    """Make a schedule that is due, and return whether the caller may."""
    try:
        client.create_schedule(
            Name=name,
            GroupName=group,
            ScheduleExpression=f"at({datetime.now(UTC):%Y-%m-%dT%H:%M:%S})",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target=target,
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "AccessDeniedException":
            return False
        raise
    return True


def test_a_caller_makes_schedules_in_its_group_and_with_the_role_that_it_may_pass(
    emulator: Emulator, machine: str
) -> None:
    role = role_of_schedules(emulator, "passed", allow("states:StartExecution", machine))
    other = role_of_schedules(emulator, "not-passed", allow("states:StartExecution", machine))
    change = allow("scheduler:*", SCHEDULES)
    passing = allow("iam:PassRole", role) | {
        "Condition": {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}
    }
    client = session_of(emulator, "caller", document(change, passing), "scheduler")

    assert schedule(client, "first", "own", Arn=machine, RoleArn=role)
    assert not schedule(client, "second", "other", Arn=machine, RoleArn=role)
    assert not schedule(client, "third", "own", Arn=machine, RoleArn=other)
    client.get_schedule(Name="first", GroupName="own")
    with pytest.raises(ClientError, match="AccessDenied"):
        client.get_schedule(Name="first", GroupName="other")
    client.delete_schedule(Name="first", GroupName="own")


def test_a_schedule_starts_an_execution_with_its_input(emulator: Emulator, machine: str) -> None:
    role = role_of_schedules(emulator, "may-start", allow("states:StartExecution", machine))
    schedule(emulator.client("scheduler"), "due", "own", Arn=machine, RoleArn=role, Input='{"source": "due"}')
    executions = emulator.client("stepfunctions")

    def inputs() -> list[str]:
        found = executions.list_executions(stateMachineArn=machine)["executions"]
        return [executions.describe_execution(executionArn=each["executionArn"])["input"] for each in found]

    assert wait_until(lambda: '{"source": "due"}' in inputs(), 20)


def test_what_the_role_may_not_do_ends_in_the_dead_letter_queue(
    emulator: Emulator, machine: str, letters: tuple[str, str]
) -> None:
    url, arn = letters
    role = role_of_schedules(emulator, "may-send", allow("sqs:SendMessage", arn))
    target = {"Arn": machine, "RoleArn": role, "DeadLetterConfig": {"Arn": arn}}
    schedule(emulator.client("scheduler"), "refused", "own", **target, Input='{"source": "refused"}')
    queues = emulator.client("sqs")
    received: list[str] = []

    def arrived() -> bool:
        messages = queues.receive_message(QueueUrl=url).get("Messages", ())
        received.extend(message["Body"] for message in messages)
        return bool(received)

    assert wait_until(arrived, 20)
    assert received == ['{"source": "refused"}']


@pytest.mark.parametrize(
    ("name", "trusted", "other"),
    [
        ("elsewhere", "scheduler.amazonaws", "lambda.amazonaws"),
        ("astray", "schedule-group/own", "schedule-group/other"),
    ],
    ids=["another service", "another group"],
)
def test_a_role_that_trusts_others_is_not_assumed(
    emulator: Emulator, machine: str, name: str, trusted: str, other: str
) -> None:
    trust = TRUST.replace(trusted, other)
    role = role_of_schedules(emulator, name, allow("states:StartExecution", machine), trust=trust)
    schedule(emulator.client("scheduler"), name, "own", Arn=machine, RoleArn=role, Input='"no"')

    assert wait_until(lambda: f"{role} does not trust" in emulator.log.read_text(), 20)
