"""An instance on the laptop: its user data runs under its role and no other, and it ends when it should."""

import base64
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from claimwatch.aws.training_instances import Ec2TrainingInstances
from local.emulator import Emulator
from local.instances import Instances
from local.processes import wait_until

ALLOWED = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::instances-write/*"},
    ],
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}

WORKS = """\
#!/bin/bash
trap 'shutdown -h now' EXIT
imds=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}
token=$(curl -fsS -X PUT "$imds/latest/api/token" -H 'x-aws-ec2-metadata-token-ttl-seconds: 60')
meta=$imds/latest/meta-data
curl -fsS -H "x-aws-ec2-metadata-token: $token" "$meta/tags/instance/claimwatch-training" > training
curl -sS -o /dev/null -w '%{http_code}' "$meta/instance-id" > without-token
python3.13 - <<'END'
import boto3, botocore
s3 = boto3.client("s3")
s3.put_object(Bucket="instances-write", Key="mine", Body=open("training", "rb").read())
s3.put_object(Bucket="instances-write", Key="code", Body=open("without-token", "rb").read())
try:
    s3.get_object(Bucket="instances-write", Key="mine")
except botocore.exceptions.ClientError as error:
    s3.put_object(Bucket="instances-write", Key="denied", Body=error.response["Error"]["Code"].encode())
END
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as running:
        running.client("s3").create_bucket(Bucket="instances-write")
        iam = running.client("iam")
        iam.create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps(TRUST))
        iam.put_role_policy(RoleName="worker", PolicyName="writes", PolicyDocument=json.dumps(ALLOWED))
        iam.create_instance_profile(InstanceProfileName="worker")
        iam.add_role_to_instance_profile(InstanceProfileName="worker", RoleName="worker")
        yield running


@pytest.fixture
def instances(emulator: Emulator, tmp_path: Path) -> Iterator[Instances]:
    looked_after = Instances(emulator.endpoint_url, tmp_path)
    yield looked_after
    looked_after.stop()


def machines(emulator: Emulator, name: str, script: str) -> Ec2TrainingInstances:
    ec2 = emulator.client("ec2")
    template = ec2.create_launch_template(
        LaunchTemplateName=name,
        LaunchTemplateData={
            "UserData": base64.b64encode(script.encode()).decode(),
            "InstanceType": "m7i.large",
            "IamInstanceProfile": {"Name": "worker"},
        },
    )["LaunchTemplate"]["LaunchTemplateId"]
    return Ec2TrainingInstances(ec2, template)


def ended(instances: Instances, at: Ec2TrainingInstances) -> bool:
    instances.look()
    return all(machine.ended for machine in at.all())


def content(emulator: Emulator, key: str) -> Any:
    return emulator.client("s3").get_object(Bucket="instances-write", Key=key)["Body"].read()


def test_the_user_data_runs_as_the_role_of_the_profile_and_the_instance_ends_itself(
    emulator: Emulator, instances: Instances
) -> None:
    at = machines(emulator, "works", WORKS)

    at.start("training-1")

    assert wait_until(lambda: ended(instances, at), 60, every=0.2)
    assert content(emulator, "mine") == b"training-1"
    assert content(emulator, "code") == b"401"
    assert content(emulator, "denied") == b"AccessDenied"


def test_the_same_token_starts_one_instance(emulator: Emulator) -> None:
    at = machines(emulator, "once", "sleep 60")

    assert at.start("training-2") == at.start("training-2")
    assert len(at.all()) == 1
    [machine] = at.all()
    assert (machine.training_id, machine.ended) == ("training-2", False)
    at.end(machine.instance_id)
    at.end(machine.instance_id)


def test_an_instance_that_is_ended_loses_all_that_it_started(
    emulator: Emulator, instances: Instances
) -> None:
    at = machines(emulator, "hangs", "trap '' TERM; sleep 300 & echo $! > child; wait; sleep 300")
    instance_id = at.start("training-3")
    child = instances.folder / instance_id / "child"
    instances.look()
    assert wait_until(child.exists, 10)
    assert wait_until(lambda: bool(child.read_text()), 10)

    at.end(instance_id)
    instances.look()

    with suppress(psutil.NoSuchProcess):
        assert psutil.Process(int(child.read_text())).status() == psutil.STATUS_ZOMBIE


def test_a_shutdown_in_the_future_waits_for_it(emulator: Emulator, instances: Instances) -> None:
    at = machines(emulator, "later", "shutdown -h +0.03; sleep 300")

    at.start("training-4")

    assert not ended(instances, at)
    assert wait_until(lambda: ended(instances, at), 30, every=0.2)


def test_its_end_is_an_event(emulator: Emulator, instances: Instances) -> None:
    events, sqs = emulator.client("events"), emulator.client("sqs")
    queue = sqs.create_queue(QueueName="ends")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everybody]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    pattern = {"source": ["aws.ec2"], "detail": {"state": ["terminated"]}}
    events.put_rule(Name="ends", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="ends", Targets=[{"Id": "ends", "Arn": arn}])
    at = machines(emulator, "ends", "shutdown -h now")

    instance_id = at.start("training-5")

    assert wait_until(lambda: ended(instances, at), 30, every=0.2)
    [message] = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert json.loads(message["Body"])["detail"] == {"instance-id": instance_id, "state": "terminated"}
