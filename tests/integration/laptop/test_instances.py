"""An instance on the laptop runs its user data with its own role only, and terminates on time."""

import base64
import hashlib
import io
import json
import re
import shutil
import tarfile
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
from tests.template.application import RESOURCES

ALLOWED = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::instances-write/*"},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::instances-code/*"},
    ],
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}

USES_ROLE = """\
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
        running.client("s3").create_bucket(Bucket="instances-code")
        iam = running.client("iam")
        iam.create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps(TRUST))
        iam.put_role_policy(RoleName="worker", PolicyName="writes", PolicyDocument=json.dumps(ALLOWED))
        iam.create_instance_profile(InstanceProfileName="worker")
        iam.add_role_to_instance_profile(InstanceProfileName="worker", RoleName="worker")
        yield running


@pytest.fixture
def instances(emulator: Emulator, tmp_path: Path) -> Iterator[Instances]:
    running = Instances(emulator.endpoint_url, tmp_path)
    yield running
    running.stop()


def instances_with(emulator: Emulator, name: str, script: str) -> Ec2TrainingInstances:
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


def user_data_of_the_template(**values: str) -> str:
    """Return the user data of template.yaml with its references replaced."""
    launch = RESOURCES["TrainingTemplate"]["Properties"]["LaunchTemplateData"]
    script, _ = launch["UserData"]["Fn::Base64"]["Fn::Sub"]
    replaced = re.sub(r"\$\{([A-Z][\w.:]*)\}", lambda found: values.get(found[1], "1"), script)
    return str(replaced.replace("${!", "${"))


def all_ended(instances: Instances, training_instances: Ec2TrainingInstances) -> bool:
    instances.poll()
    return all(machine.ended for machine in training_instances.all())


def content(emulator: Emulator, key: str) -> Any:
    return emulator.client("s3").get_object(Bucket="instances-write", Key=key)["Body"].read()


def test_user_data_runs_with_the_role_of_the_profile_and_the_instance_terminates_itself(
    emulator: Emulator, instances: Instances
) -> None:
    training_instances = instances_with(emulator, "works", USES_ROLE)

    training_instances.start("training-1")

    assert wait_until(lambda: all_ended(instances, training_instances), 60, every=0.2)
    assert content(emulator, "mine") == b"training-1"
    assert content(emulator, "code") == b"401"
    assert content(emulator, "denied") == b"AccessDenied"


@pytest.mark.parametrize("on_aws", [True, False], ids=["on AWS", "on the laptop"])
def test_the_training_works_on_the_disk_of_its_instance_and_not_in_memory(
    emulator: Emulator, instances: Instances, monkeypatch: pytest.MonkeyPatch, on_aws: bool
) -> None:
    """On Amazon Linux 2023, /tmp is in memory, and the disk of TrainingDiskGb would stay unused."""
    code = io.BytesIO()
    with tarfile.open(fileobj=code, mode="w:gz") as archive:
        script = b"pwd; python3.13 -c 'import tempfile; print(tempfile.gettempdir())'"
        member = tarfile.TarInfo("training/bootstrap.sh")
        member.size = len(script)
        archive.addfile(member, io.BytesIO(script))
    emulator.client("s3").put_object(Bucket="instances-code", Key="code/1", Body=code.getvalue())
    user_data = user_data_of_the_template(
        ArtifactBucket="instances-code",
        DualStack="",
        **{
            "AWS::Region": "us-east-1",
            "TrainingCode.Key": "code/1",
            "TrainingCode.Sha256": hashlib.sha256(code.getvalue()).hexdigest(),
        },
    )
    if on_aws:  # where nothing sets TMPDIR
        environment = instances._environment
        monkeypatch.setattr(
            instances,
            "_environment",
            lambda *where: {name: value for name, value in environment(*where).items() if name != "TMPDIR"},
        )
    training_instances = instances_with(emulator, f"works-on-disk-{on_aws}", user_data)

    instance_id = training_instances.start(f"training-on-disk-{on_aws}")

    assert wait_until(lambda: all_ended(instances, training_instances), 60, every=0.2)
    folder = instances.folder / instance_id
    *_, working, temporary = (folder / "output.log").read_text().splitlines()
    disk = Path("/var/tmp") if on_aws else folder  # noqa: S108 - as on the instance
    shutil.rmtree(working)
    assert Path(temporary) == disk
    assert Path(working).parent == disk


def test_requests_with_the_same_token_start_one_instance(emulator: Emulator) -> None:
    training_instances = instances_with(emulator, "once", "sleep 60")

    assert training_instances.start("training-2") == training_instances.start("training-2")
    assert len(training_instances.all()) == 1
    [machine] = training_instances.all()
    assert (machine.training_id, machine.ended) == ("training-2", False)
    training_instances.end(machine.instance_id)
    training_instances.end(machine.instance_id)


def test_terminating_an_instance_kills_all_its_processes(emulator: Emulator, instances: Instances) -> None:
    training_instances = instances_with(
        emulator, "hangs", "trap '' TERM; sleep 300 & echo $! > child; wait; sleep 300"
    )
    instance_id = training_instances.start("training-3")
    child = instances.folder / instance_id / "child"
    instances.poll()
    assert wait_until(child.exists, 10)
    assert wait_until(lambda: bool(child.read_text()), 10)

    training_instances.end(instance_id)
    instances.poll()

    with suppress(psutil.NoSuchProcess):
        assert psutil.Process(int(child.read_text())).status() == psutil.STATUS_ZOMBIE


def test_a_delayed_shutdown_terminates_the_instance_at_its_time(
    emulator: Emulator, instances: Instances
) -> None:
    training_instances = instances_with(emulator, "later", "shutdown -h +0.03; sleep 300")

    training_instances.start("training-4")

    assert not all_ended(instances, training_instances)
    assert wait_until(lambda: all_ended(instances, training_instances), 30, every=0.2)


def test_the_termination_of_an_instance_is_an_event(emulator: Emulator, instances: Instances) -> None:
    events, sqs = emulator.client("events"), emulator.client("sqs")
    queue = sqs.create_queue(QueueName="ends")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    anyone = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [anyone]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    pattern = {"source": ["aws.ec2"], "detail": {"state": ["terminated"]}}
    events.put_rule(Name="ends", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="ends", Targets=[{"Id": "ends", "Arn": arn}])
    training_instances = instances_with(emulator, "ends", "shutdown -h now")

    instance_id = training_instances.start("training-5")

    assert wait_until(lambda: all_ended(instances, training_instances), 30, every=0.2)
    [message] = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert json.loads(message["Body"])["detail"] == {"instance-id": instance_id, "state": "terminated"}
