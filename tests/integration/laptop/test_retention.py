"""The buckets and the key outlive the stack, except a stack whose creation failed."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.emulator import Emulator
from local.processes import wait_until
from tests.template.application import deployed_resources

KEPT = ("LandingBucket", "ArtifactBucket", "PersonalDataKey")
FAILS = {
    "Type": "Custom::Failure",
    "DependsOn": KEPT,
    "Properties": {"ServiceToken": "arn:aws:lambda:::none"},
}


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


def create(emulator: Emulator, name: str, more: dict[str, Any]) -> dict[str, str]:
    """Create a stack of the kept resources, and return their physical ids."""
    ours = deployed_resources()
    resources = {kept: ours[kept] for kept in KEPT} | more
    cloudformation = emulator.client("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))
    assert wait_until(lambda: not status(emulator, name).endswith("_IN_PROGRESS"), 60, every=0.2)
    return {
        event["LogicalResourceId"]: event["PhysicalResourceId"]
        for event in cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        if event["LogicalResourceId"] in KEPT and event.get("PhysicalResourceId")
    }


def status(emulator: Emulator, name: str) -> str:
    [stack] = emulator.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    return str(stack["StackStatus"])


def existing(emulator: Emulator, created: dict[str, str]) -> set[str]:
    buckets = {bucket["Name"] for bucket in emulator.client("s3").list_buckets()["Buckets"]}
    found = {name for name, physical_id in created.items() if physical_id in buckets}
    try:
        emulator.client("secretsmanager").get_secret_value(SecretId=created["PersonalDataKey"])
    except ClientError:
        return found
    return found | {"PersonalDataKey"}


def test_a_deleted_stack_leaves_its_buckets_and_its_key(emulator: Emulator) -> None:
    created = create(emulator, "deleted", {})
    assert created.keys() == set(KEPT)

    emulator.client("cloudformation").delete_stack(StackName="deleted")
    emulator.client("cloudformation").get_waiter("stack_delete_complete").wait(
        StackName="deleted", WaiterConfig={"Delay": 1}
    )

    assert existing(emulator, created) == set(KEPT)


def test_a_failed_first_deployment_leaves_no_buckets_and_no_key(emulator: Emulator) -> None:
    created = create(emulator, "failed", {"Failure": FAILS})
    assert status(emulator, "failed") == "ROLLBACK_COMPLETE"

    assert created.keys() == set(KEPT)
    assert existing(emulator, created) == set()
