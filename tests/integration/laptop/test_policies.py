"""The emulator evaluates the conditions and variables that the stack's policies use, as IAM does."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.emulator import Emulator

BUCKET = "policies"
ARN = f"arn:aws:s3:::{BUCKET}"

type Write = Callable[..., bool]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as server:
        server.client("s3").create_bucket(Bucket=BUCKET)
        yield server


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def allow(resource: str) -> str:
    return document({"Effect": "Allow", "Action": "s3:*", "Resource": resource})


def session_of(emulator: Emulator, name: str, policy: str, service: str = "s3", **tags: str) -> Any:
    """Create a role, and return a client with a session of it."""
    iam = emulator.client("iam")
    trust = document({"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"})
    role = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=trust,
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy)
    given = emulator.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    return emulator.client(
        service,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )


def writes(client: Any, key: str, **condition: str) -> bool:
    try:
        client.put_object(Bucket=BUCKET, Key=key, Body=b"", **condition)
    except ClientError as error:
        if error.response["Error"]["Code"] == "AccessDenied":
            return False
        raise
    return True


def test_a_variable_in_a_resource_is_the_caller_s_tag_and_without_one_matches_nothing(
    emulator: Emulator,
) -> None:
    policy = allow(f"{ARN}/${{aws:PrincipalTag/line}}/*")
    tagged = session_of(emulator, "tagged", policy, line="motor")
    untagged = session_of(emulator, "untagged", policy)

    assert writes(tagged, "motor/x")
    assert not writes(tagged, "home/x")
    assert not writes(untagged, "motor/x")
    assert not writes(untagged, "/x")


def test_a_bucket_recognizes_the_role_of_a_session(emulator: Emulator) -> None:
    named = session_of(emulator, "named", allow("*"))
    other = session_of(emulator, "other", allow("*"))
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"{ARN}/code/*",
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": "arn:aws:iam::000000000000:role/named"}},
    }
    emulator.client("s3").put_bucket_policy(Bucket=BUCKET, Policy=document(deny))

    assert writes(named, "code/x")
    assert not writes(other, "code/x")
    assert writes(other, "elsewhere/x")


def test_a_bucket_can_demand_conditional_writes(emulator: Emulator) -> None:
    client = session_of(emulator, "writer", allow("*"))
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"{ARN}/models/*",
        "Condition": {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}},
    }
    emulator.client("s3").put_bucket_policy(Bucket=BUCKET, Policy=document(deny))
    address = {"Bucket": BUCKET, "Key": "models/y"}

    assert not writes(client, "models/x")
    assert writes(client, "models/x", IfNoneMatch="*")
    upload = client.create_multipart_upload(**address)["UploadId"]
    tag = client.upload_part(**address, UploadId=upload, PartNumber=1, Body=b"1")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": tag}]}
    with pytest.raises(ClientError, match="AccessDenied"):
        client.complete_multipart_upload(**address, UploadId=upload, MultipartUpload=parts)
    client.complete_multipart_upload(**address, UploadId=upload, MultipartUpload=parts, IfNoneMatch="*")


def test_a_policy_can_name_the_events_that_may_be_published(emulator: Emulator) -> None:
    iam = emulator.client("iam")
    iam.create_user(UserName="publisher")
    condition = {"StringEquals": {"events:source": "claimwatch", "events:detail-type": ["A", "B"]}}
    statement = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": "*", "Condition": condition}
    iam.put_user_policy(UserName="publisher", PolicyName="own", PolicyDocument=document(statement))
    key = iam.create_access_key(UserName="publisher")["AccessKey"]
    events = emulator.client(
        "events", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )

    def publish(kind: str, bus: str = "default") -> None:
        event = {"Source": "claimwatch", "DetailType": kind, "Detail": "{}", "EventBusName": bus}
        events.put_events(Entries=[event])

    publish("A")
    with pytest.raises(ClientError, match="AccessDenied"):
        publish("C")


def test_a_policy_can_name_the_path_of_parameters(emulator: Emulator) -> None:
    root = emulator.client("ssm")
    for name in ("/own/live/motor", "/own/live/home", "/others/live/motor"):
        root.put_parameter(Name=name, Value="1", Type="String")
    statement = {"Effect": "Allow", "Action": "ssm:*", "Resource": "arn:aws:ssm:*:*:parameter/own/*"}
    own = session_of(emulator, "parameters", document(statement), "ssm")

    assert len(own.get_parameters_by_path(Path="/own/live")["Parameters"]) == 2
    assert len(own.get_parameters(Names=["/own/live/motor", "/own/live/home"])["Parameters"]) == 2
    denied: list[Callable[[], object]] = [
        lambda: own.get_parameters_by_path(Path="/others/live"),
        lambda: own.get_parameters_by_path(Path="/"),
        lambda: own.get_parameters(Names=["/own/live/motor", "/others/live/motor"]),
        lambda: own.delete_parameters(Names=["/others/live/motor"]),
    ]
    for call in denied:
        with pytest.raises(ClientError, match="AccessDenied"):
            call()
