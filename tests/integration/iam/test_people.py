"""Identities outside of the stack write only what the stack's policies and buckets let them write."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.servers import STACK_NAME
from tests.deployed import Deployed

EVERYTHING = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
)
KEYS = ("claims/motor/x.txt", "claims/home/x.txt", "outcomes/motor/x.txt", "images/x/x.txt", "x.txt")

type User = Callable[..., Any]


@pytest.fixture(scope="module")
def user(service: Callable[..., Any]) -> User:
    """Create a user and return its S3 client."""
    return lambda *policies, **tags: service(*policies, **tags)("s3")


@pytest.fixture(scope="module")
def service(deployed: Deployed) -> Callable[..., Callable[[str], Any]]:
    """Create a user and return its clients."""
    iam = deployed.client("iam")
    names = iter(f"person-{number}" for number in range(1000))

    def create(output: str | None, document: str | None = None, **tags: str) -> Callable[[str], Any]:
        name = next(names)
        iam.create_user(
            UserName=name,
            Tags=[{"Key": f"claimwatch-{key}", "Value": value} for key, value in tags.items()],
        )
        if output:
            iam.attach_user_policy(UserName=name, PolicyArn=deployed.outputs[output])
        if document:
            iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        given = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
        return lambda service: deployed.client(service, **given)

    return create


def may_write(client: Any, bucket: str, key: str, **condition: str) -> bool:
    """Return whether an identity may write a key; beginning an upload leaves no object behind."""
    try:
        if condition:
            client.put_object(Bucket=bucket, Key=key, Body=b"", **condition)
        else:
            client.create_multipart_upload(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] == "AccessDenied":
            return False
        raise
    return True


def writable(client: Any, deployed: Deployed) -> set[str]:
    return {key for key in KEYS if may_write(client, deployed.outputs["LandingBucket"], key)}


@pytest.mark.parametrize(
    ("output", "tags", "expected"),
    [
        ("SendClaimsPolicyArn", {"sender": "claims", "line": "motor"}, {"claims/motor/x.txt"}),
        ("SendOutcomesPolicyArn", {"sender": "outcomes", "line": "motor"}, {"outcomes/motor/x.txt"}),
        ("SendPhotosPolicyArn", {"sender": "photos"}, {"images/x/x.txt"}),
        ("SendClaimsPolicyArn", {}, set()),
        ("SendClaimsPolicyArn", {"line": "motor"}, set()),
        ("SendClaimsPolicyArn", {"sender": "claims"}, set()),
        ("SendClaimsPolicyArn", {"sender": "claims", "line": "mot"}, set()),
        ("SendClaimsPolicyArn", {"sender": "outcomes", "line": "motor"}, set()),
        ("SendClaimsPolicyArn", {"sender": "claim", "line": "motor"}, set()),
        ("SendPhotosPolicyArn", {}, set()),
    ],
)
def test_a_sender_writes_only_the_prefix_of_its_tags(
    user: User, deployed: Deployed, output: str, tags: Mapping[str, str], expected: set[str]
) -> None:
    client = user(output, **tags)

    assert {key for key in KEYS if may_write(client, deployed.outputs["LandingBucket"], key)} == expected


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("claims", {"claims/motor/x.txt", "claims/home/x.txt", "x.txt"}),
        ("outcomes", {"outcomes/motor/x.txt", "x.txt"}),
        ("photos", {"images/x/x.txt", "x.txt"}),
        ("misspelt", set()),
    ],
)
def test_the_bucket_denies_a_sender_the_other_prefixes_whatever_its_own_policies_allow(
    user: User, deployed: Deployed, sender: str, expected: set[str]
) -> None:
    client = user(None, EVERYTHING, sender=sender)

    assert writable(client, deployed) == expected
    with pytest.raises(ClientError, match="AccessDenied"):
        client.get_object(
            Bucket=deployed.outputs["LandingBucket"],
            Key="outcomes/motor/x.txt" if sender != "outcomes" else "claims/motor/x.txt",
        )


def test_an_identity_without_a_tag_is_not_restricted_by_the_bucket(user: User, deployed: Deployed) -> None:
    assert writable(user(None, EVERYTHING), deployed) == set(KEYS)


def test_an_identity_with_every_permission_writes_no_model_data_code_or_contract(
    user: User, deployed: Deployed
) -> None:
    client, bucket = user(None, EVERYTHING), deployed.outputs["ArtifactBucket"]

    for prefix in (
        "models/motor/1",
        "snapshots/motor",
        "mlflow/1",
        "code/1",
        "compiled/motor",
        "contracts",
        "sources",
    ):
        assert not may_write(client, bucket, f"{prefix}/x.txt"), prefix
        assert not may_write(client, bucket, f"{prefix}/x.txt", IfNoneMatch="*"), prefix
    assert may_write(client, bucket, "elsewhere/x.txt")


@pytest.mark.parametrize(
    ("duty", "expected"), [("contracts", True), ("contract", False), (None, False)], ids=str
)
def test_a_contract_is_written_with_the_policy_and_the_tag(
    user: User, deployed: Deployed, duty: str | None, expected: bool
) -> None:
    client = user("PutContractsPolicyArn", **({"duty": duty} if duty else {}))
    bucket = deployed.outputs["ArtifactBucket"]

    assert may_write(client, bucket, "contracts/iam.yaml") == expected
    assert not may_write(client, bucket, "models/motor/1/model.onnx")


def test_an_identity_with_every_permission_writes_no_window_of_a_source(
    user: User, deployed: Deployed
) -> None:
    client, bucket = user(None, EVERYTHING), deployed.outputs["LandingBucket"]

    for key in ("claims/motor/pull/policies/00000001.csv", "outcomes/motor/pull/decided/out/a.csv"):
        assert not may_write(client, bucket, key), key
    sender = user("SendClaimsPolicyArn", sender="claims", line="motor")
    assert not may_write(sender, bucket, "claims/motor/pull/policies/00000001.csv")


@pytest.mark.parametrize(
    ("duty", "expected"), [("sources", True), ("contracts", False), (None, False)], ids=str
)
def test_a_source_is_changed_and_pulled_with_the_policy_and_the_tag(
    service: Callable[..., Any], deployed: Deployed, duty: str | None, expected: bool
) -> None:
    client = service("ManageSourcesPolicyArn", **({"duty": duty} if duty else {}))
    bucket = deployed.outputs["ArtifactBucket"]

    def may(call: Callable[[], object]) -> bool:
        try:
            call()
        except ClientError as error:
            return error.response["Error"]["Code"] not in ("AccessDenied", "AccessDeniedException")
        return True

    s3 = client("s3")
    assert may_write(s3, bucket, "sources/iam.yaml") == expected
    assert may(lambda: s3.delete_object(Bucket=bucket, Key="sources/iam-person.yaml")) == expected
    assert not may_write(s3, bucket, "contracts/iam.yaml")
    start = client("stepfunctions").start_execution
    for output, own in (("PullSourceArn", expected), ("ClaimsPipelineArn", False)):
        arn = deployed.outputs[output]
        assert may(partial(start, stateMachineArn=arn, name="not a name", input="{}")) == own, output
    functions = client("lambda")
    checked, other = deployed.outputs["CheckSourceFunction"], deployed.resource("PlanPull")
    assert may(lambda: functions.invoke(FunctionName=checked, Payload=b"{}")) == expected
    assert not may(lambda: functions.invoke(FunctionName=other, Payload=b"{}"))
    name = f"claimwatch/{STACK_NAME}/sources/person"
    assert not may(lambda: client("secretsmanager").get_secret_value(SecretId=name))


def test_a_training_writes_a_model_once(deployed: Deployed) -> None:
    role = deployed.client("iam").get_role(RoleName=deployed.resource("TrainingRole"))["Role"]["Arn"]
    given = deployed.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    client = deployed.client(
        "s3",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    address = {"Bucket": deployed.outputs["ArtifactBucket"], "Key": "models/iam/1/once"}

    with pytest.raises(ClientError, match="AccessDenied"):
        client.put_object(**address, Body=b"1")
    client.put_object(**address, Body=b"1", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        client.put_object(**address, Body=b"2", IfNoneMatch="*")
    upload = client.create_multipart_upload(**address)["UploadId"]
    tag = client.upload_part(**address, UploadId=upload, PartNumber=1, Body=b"2")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": tag}]}
    with pytest.raises(ClientError, match="AccessDenied"):
        client.complete_multipart_upload(**address, UploadId=upload, MultipartUpload=parts)
    with pytest.raises(ClientError, match="PreconditionFailed"):
        client.complete_multipart_upload(**address, UploadId=upload, MultipartUpload=parts, IfNoneMatch="*")
    assert client.get_object(**address)["Body"].read() == b"1"
