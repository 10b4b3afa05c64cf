"""The review reads a real change set of CloudFormation, here the emulator's."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.emulator import Emulator
from release.errors import ReleaseRefused
from release.review import one_line, read_review

TRUST = {
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    ]
}


def template(*actions: str, extra: bool = False) -> str:
    """Return a template with a bucket, a role that may do some actions to it, and perhaps a queue."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": {"Fn::Sub": "${Bucket.Arn}/*"}}
    policy = {"PolicyName": "work", "PolicyDocument": {"Statement": [statement]}}
    resources: dict[str, Any] = {
        "Bucket": {"Type": "AWS::S3::Bucket"},
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {"AssumeRolePolicyDocument": TRUST, "Policies": [policy]},
        },
    }
    if extra:
        resources["Queue"] = {"Type": "AWS::SQS::Queue"}
    return json.dumps(
        {"Parameters": {"CodeVersion": {"Type": "String", "Default": "a"}}, "Resources": resources}
    )


@pytest.fixture(scope="module")
def cloudformation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as emulator:
        yield emulator.client("cloudformation")


def request(client: Any, kind: str, body: str, **parameters: str) -> None:
    client.create_change_set(
        StackName="reviewed",
        ChangeSetName="release",
        ChangeSetType=kind,
        TemplateBody=body,
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
    )
    client.get_waiter("change_set_create_complete").wait(
        StackName="reviewed", ChangeSetName="release", WaiterConfig={"Delay": 1}
    )


def test_the_first_release_and_the_next_one_are_put_into_words(cloudformation: Any, tmp_path: Path) -> None:
    request(cloudformation, "CREATE", template("s3:GetObject", extra=True))
    first = read_review(cloudformation, "reviewed", "release")
    assert {change.action for change in first.changes} == {"Add"}
    assert "Role gains Allow s3:GetObject on ${Bucket.Arn}/*." in one_line(first)
    cloudformation.execute_change_set(StackName="reviewed", ChangeSetName="release")
    cloudformation.get_waiter("stack_create_complete").wait(StackName="reviewed", WaiterConfig={"Delay": 1})

    # CodePipeline's action CHANGE_SET_REPLACE removes an earlier one of the same name.
    cloudformation.delete_change_set(StackName="reviewed", ChangeSetName="release")
    request(cloudformation, "UPDATE", template("s3:GetObject", "s3:PutObject"), CodeVersion="b")
    found = read_review(cloudformation, "reviewed", "release")
    assert [(change.action, change.name) for change in found.changes] == [
        ("Modify", "Role"),
        ("Remove", "Queue"),
    ]
    [rights] = found.rights
    assert (rights.gained, rights.lost) == (("Allow s3:PutObject on ${Bucket.Arn}/*",), ())
    assert found.parameters == (("CodeVersion", "a", "b"),)
    assert "MAY LOSE DATA: Queue." in one_line(found)


def test_a_change_set_that_does_not_exist_ends_the_step_with_a_sentence(cloudformation: Any) -> None:
    with pytest.raises(ReleaseRefused, match=r"the change set gone of nothing cannot be read \(\w+\)"):
        read_review(cloudformation, "nothing", "gone")
