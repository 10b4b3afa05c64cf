"""The laptop's servers are isolated, reachable with credentials only, and end with their owner."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest
from botocore.exceptions import ClientError

from claimwatch.aws.objects import ObjectMissing, ObjectRef, S3Objects
from local.emulator import Emulator
from local.postgres import PostgresServer
from local.processes import wait_until

OWNER = """
import sys, time
from pathlib import Path
from local.servers import Servers
running = Servers(Path(sys.argv[1])).start()
print(running.guards[0].pid, running.guards[1].pid, flush=True)
time.sleep(300)
"""

RAISES = """
import os, sys
class TransientFault(Exception):
    pass
def handler(event, context):
    if event.get("die"):
        os._exit(1)
    if event.get("modules"):
        return [path for path in sys.path if path.endswith("site-packages")]
    raise TransientFault("the database is away")
"""


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with PostgresServer(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as server:
        yield server


@pytest.fixture(scope="module")
def function(emulator: Emulator) -> str:
    """A function that raises, dies or returns its import path."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("handler.py", RAISES)
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    role = emulator.client("iam").create_role(RoleName="raises", AssumeRolePolicyDocument=json.dumps(trust))
    emulator.client("lambda").create_function(
        FunctionName="raises",
        Runtime="python3.13",
        Handler="handler.handler",
        Role=role["Role"]["Arn"],
        Code={"ZipFile": archive.getvalue()},
    )
    return "raises"


def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    with contextlib.closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_keeps_committed_rows_and_the_address(postgres: PostgresServer, mode: str) -> None:
    before = postgres.url
    rows(postgres.url, f"CREATE TABLE kept_{mode} AS SELECT 1 AS one")
    postgres.restart("fast" if mode == "fast" else "immediate")
    assert postgres.url == before
    assert rows(postgres.url, f"SELECT one FROM kept_{mode}") == [(1,)]


def test_the_database_requires_its_password_and_listens_on_loopback_only(postgres: PostgresServer) -> None:
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(postgres.url.replace(postgres.password, "guess"))
    assert rows(postgres.superuser_url, "SHOW listen_addresses") == [("127.0.0.1",)]
    assert (postgres.folder / "credentials.json").stat().st_mode & 0o777 == 0o600


def test_the_database_never_runs_as_root(postgres: PostgresServer) -> None:
    assert psutil.Process(postgres.pid).uids().real != 0


def test_the_error_type_of_a_function_is_the_class_of_its_exception(
    emulator: Emulator, function: str
) -> None:
    answer = emulator.client("lambda").invoke(FunctionName=function, Payload=b"{}")
    assert json.loads(answer["Payload"].read())["errorType"] == "TransientFault"


def test_a_function_whose_process_dies_has_another_error_type(emulator: Emulator, function: str) -> None:
    answer = emulator.client("lambda").invoke(FunctionName=function, Payload=b'{"die": true}')
    assert json.loads(answer["Payload"].read())["errorType"] == "Runtime.ExitError"


def test_a_function_cannot_import_the_packages_of_this_environment(emulator: Emulator, function: str) -> None:
    answer = emulator.client("lambda").invoke(FunctionName=function, Payload=b'{"modules": true}')
    assert json.loads(answer["Payload"].read()) == []


def test_the_event_of_an_object_contains_its_version(emulator: Emulator) -> None:
    s3, sqs, events = (emulator.client(service) for service in ("s3", "sqs", "events"))
    s3.create_bucket(Bucket="versions")
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(
        Bucket="versions", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    queue = sqs.create_queue(QueueName="versions")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [{**allow, "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    events.put_rule(Name="versions", EventPattern=json.dumps({"source": ["aws.s3"]}))
    events.put_targets(Rule="versions", Targets=[{"Id": "queue", "Arn": arn}])

    put = s3.put_object(Bucket="versions", Key="a+b 100%25.csv", Body=b"1")

    messages = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10)["Messages"]
    described = json.loads(messages[0]["Body"])["detail"]["object"]
    assert described["version-id"] == put["VersionId"]
    assert described["key"] == "a+b 100%25.csv"


def test_a_range_of_an_earlier_version_can_be_read(emulator: Emulator) -> None:
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket="ranges")
    s3.put_bucket_versioning(Bucket="ranges", VersioningConfiguration={"Status": "Enabled"})
    earlier = s3.put_object(Bucket="ranges", Key="digits", Body=b"0123456789")["VersionId"]
    s3.put_object(Bucket="ranges", Key="digits", Body=b"abcdefghij")
    address = {"Bucket": "ranges", "Key": "digits", "VersionId": earlier}
    assert s3.get_object(**address, Range="bytes=3-5")["Body"].read() == b"345"
    assert s3.get_object(**address, Range="bytes=8-99")["Body"].read() == b"89"
    assert s3.get_object(**address)["Body"].read() == b"0123456789"
    with pytest.raises(ClientError, match="InvalidRange"):
        s3.get_object(**address, Range="bytes=10-12")


@pytest.mark.parametrize(
    ("listable", "found"),
    [
        (None, ("403", "AccessDenied")),
        ({"StringLike": {"s3:prefix": "claims/*"}}, ("403", "AccessDenied")),
        ({}, ("404", "NoSuchVersion")),
    ],
    ids=["nothing", "a prefix", "the bucket"],
)
def test_only_whoever_may_list_the_bucket_is_told_that_an_object_is_missing(
    emulator: Emulator, listable: dict[str, Any] | None, found: tuple[str, str]
) -> None:
    bucket = f"missing-{found[0]}-{listable is None}".lower()
    reader = user_of(emulator, bucket, listable)
    gone = {"Bucket": bucket, "Key": "claims/motor/a.csv", "VersionId": version_gone(emulator, bucket)}
    for call, code in ((reader.head_object, found[0]), (reader.get_object, found[1])):
        with pytest.raises(ClientError) as raised:
            call(**gone)
        assert raised.value.response["Error"]["Code"] == code


def test_a_reader_that_may_list_its_prefix_finds_out_that_an_object_is_missing(emulator: Emulator) -> None:
    bucket = "found-out"
    gone = ObjectRef(bucket, "claims/motor/a.csv", version_gone(emulator, bucket))
    objects = S3Objects(user_of(emulator, bucket, {"StringLike": {"s3:prefix": "claims/*"}}))
    other = objects.write(bucket, "claims/motor/a.csv.2", [b"1"])  # sorts after the missing key

    assert b"".join(objects.read(other)) == b"1"
    for call in (
        lambda: objects.size(gone),
        lambda: list(objects.read(gone)),
        lambda: objects.newest(bucket, gone.key),
    ):
        with pytest.raises(ObjectMissing) as raised:
            call()
        assert gone.key not in str(raised.value)


def test_a_denied_read_is_not_mistaken_for_a_missing_object(emulator: Emulator) -> None:
    bucket = "not-mistaken"
    emulator.client("s3").create_bucket(Bucket=bucket)
    emulator.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = emulator.client("s3").put_object(Bucket=bucket, Key="images/a", Body=b"1")["VersionId"]
    objects = S3Objects(user_of(emulator, bucket, {"StringLike": {"s3:prefix": "images/*"}}))
    for call in (
        lambda: list(objects.read(ObjectRef(bucket, "images/a", version))),
        lambda: objects.newest(bucket, "images/a"),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            call()


def version_gone(emulator: Emulator, bucket: str) -> str:
    """Return the version of an object that was deleted for good."""
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version: str = s3.put_object(Bucket=bucket, Key="claims/motor/a.csv", Body=b"1")["VersionId"]
    s3.delete_object(Bucket=bucket, Key="claims/motor/a.csv", VersionId=version)
    return version


def user_of(emulator: Emulator, bucket: str, listable: dict[str, Any] | None) -> Any:
    """Return an S3 client of a user that reads and writes claims/ and may list as the condition says."""
    statements: list[dict[str, Any]] = [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
            "Resource": f"arn:aws:s3:::{bucket}/claims/*",
        }
    ]
    if listable is not None:
        statements.append(
            {
                "Effect": "Allow",
                "Action": ["s3:ListBucket", "s3:ListBucketVersions"],
                "Resource": f"arn:aws:s3:::{bucket}",
                "Condition": listable,
            }
        )
    iam = emulator.client("iam")
    iam.create_user(UserName=bucket)
    policy = {"Version": "2012-10-17", "Statement": statements}
    iam.put_user_policy(UserName=bucket, PolicyName="read", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=bucket)["AccessKey"]
    return emulator.client(
        "s3", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )


def test_two_stacks_are_independent_and_end_when_their_owner_is_killed(tmp_path: Path) -> None:
    owners = [
        subprocess.Popen(
            [sys.executable, "-c", OWNER, str(tmp_path / name)], stdout=subprocess.PIPE, text=True
        )
        for name in ("one", "other")
    ]
    try:
        guards = [int(pid) for owner in owners if owner.stdout for pid in owner.stdout.readline().split()]
        records = [json.loads((tmp_path / name / "servers.json").read_text()) for name in ("one", "other")]
        assert records[0]["endpoint_url"] != records[1]["endpoint_url"]
        assert records[0]["databases"] != records[1]["databases"]
        tree = {child.pid for pid in guards for child in psutil.Process(pid).children(recursive=True)} | {
            *guards
        }
        assert len(guards) == 4
        assert len(tree) > 8
    finally:
        for owner in owners:
            os.kill(owner.pid, signal.SIGKILL)
            owner.communicate()
    assert wait_until(lambda: not any(running(pid) for pid in tree), seconds=30)


def running(pid: int) -> bool:
    """Return whether a process exists and is not a zombie."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
