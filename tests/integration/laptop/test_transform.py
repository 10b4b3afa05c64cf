"""The SAM transform of the emulator sees the values of parameters, as CloudFormation's does."""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from local.emulator import Emulator

BUCKET = "code"
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
TEMPLATE = json.dumps(
    {
        "Transform": "AWS::Serverless-2016-10-31",
        "Parameters": {
            "Tree": {"Type": "String", "Default": "0" * 64},
            "Timeout": {"Type": "Number", "Default": 3},
        },
        "Resources": {
            "Answer": {
                "Type": "AWS::Serverless::Function",
                "Properties": {
                    "Runtime": "python3.13",
                    "Handler": "handler.handler",
                    "CodeUri": {"Bucket": BUCKET, "Key": "code.zip"},
                    "Timeout": {"Ref": "Timeout"},
                    "Environment": {"Variables": {"TREE": {"Ref": "Tree"}}},
                    "AutoPublishAlias": "live",
                    "AutoPublishCodeSha256": {"Ref": "Tree"},
                },
            }
        },
    }
)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as server:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as code:
            code.writestr("handler.py", "def handler(event, context):\n    return context.function_version\n")
        server.client("s3").create_bucket(Bucket=BUCKET)
        server.client("s3").put_object(Bucket=BUCKET, Key="code.zip", Body=archive.getvalue())
        yield server


def given(**values: str | None) -> list[dict[str, Any]]:
    """Parameters with these values; None stands for the previous value."""
    return [
        {"ParameterKey": name, "UsePreviousValue": True}
        if value is None
        else {"ParameterKey": name, "ParameterValue": value}
        for name, value in values.items()
    ]


def apply_change_set(emulator: Emulator, kind: str, name: str, **values: str | None) -> None:
    formation = emulator.client("cloudformation")
    address = {"StackName": "changed", "ChangeSetName": name}
    formation.create_change_set(
        **address,
        ChangeSetType=kind,
        TemplateBody=TEMPLATE,
        Parameters=given(**values),
        Capabilities=CAPABILITIES,
    )
    formation.execute_change_set(**address)
    formation.get_waiter(f"stack_{kind.lower()}_complete").wait(
        StackName="changed", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )


def live_version(emulator: Emulator, stack: str) -> str:
    function = emulator.client("cloudformation").describe_stack_resource(
        StackName=stack, LogicalResourceId="Answer"
    )["StackResourceDetail"]["PhysicalResourceId"]
    answer = emulator.client("lambda").invoke(FunctionName=function, Qualifier="live")
    version: str = json.loads(answer["Payload"].read())
    return version


def test_another_value_of_the_hash_publishes_a_version_and_the_previous_value_does_not(
    emulator: Emulator,
) -> None:
    formation = emulator.client("cloudformation")
    stack = {"StackName": "stack", "TemplateBody": TEMPLATE, "Capabilities": CAPABILITIES}
    done = {"StackName": "stack", "WaiterConfig": {"Delay": 1, "MaxAttempts": 30}}
    formation.create_stack(**stack, Parameters=given(Tree="a" * 64))
    formation.get_waiter("stack_create_complete").wait(**done)
    assert live_version(emulator, "stack") == "1"

    formation.update_stack(**stack, Parameters=given(Tree="b" * 64))
    formation.get_waiter("stack_update_complete").wait(**done)
    assert live_version(emulator, "stack") == "2"

    formation.update_stack(**stack, Parameters=given(Tree=None, Timeout="4"))
    formation.get_waiter("stack_update_complete").wait(**done)
    assert live_version(emulator, "stack") == "2"


def test_the_transform_of_a_change_set_sees_the_same_values(emulator: Emulator) -> None:
    apply_change_set(emulator, "CREATE", "first", Tree="a" * 64)
    assert live_version(emulator, "changed") == "1"

    apply_change_set(emulator, "UPDATE", "other-hash", Tree="b" * 64)
    assert live_version(emulator, "changed") == "2"

    apply_change_set(emulator, "UPDATE", "previous-hash", Tree=None, Timeout="5")
    assert live_version(emulator, "changed") == "2"
