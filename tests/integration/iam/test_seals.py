"""Seals on the deployed application: nobody deletes, replaces or unlocks one, whatever the policies allow."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.deployed import Deployed

DENIED = {"AccessDenied", "AccessDeniedException"}


@pytest.fixture(scope="module")
def sealed(deployed: Deployed) -> str:
    """Seal what the command line has looked at, and return the bucket."""
    assert "events" in deployed.command("audit", "list", "--because", "testing")
    deployed.invoke("SealAudit", {})
    return deployed.outputs["AuditBucket"]


@pytest.fixture(scope="module")
def administrator(deployed: Deployed) -> Any:
    """Return the S3 client of somebody who may do everything that bucket policies do not deny."""
    iam = deployed.client("iam")
    iam.create_user(UserName="administrator")
    allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_user_policy(UserName="administrator", PolicyName="everything", PolicyDocument=document)
    key = iam.create_access_key(UserName="administrator")["AccessKey"]
    return deployed.client(
        "s3", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )


def first_version(deployed: Deployed, bucket: str) -> dict[str, Any]:
    versions = deployed.client("s3").list_object_versions(Bucket=bucket, Prefix="seals/1.json")["Versions"]
    [version] = versions
    return {"Bucket": bucket, "Key": "seals/1.json", "VersionId": version["VersionId"]}


@contextmanager
def without_policy(deployed: Deployed, bucket: str) -> Iterator[None]:
    """Remove the policy of a bucket, as an administrator could, until the end of the block."""
    s3 = deployed.client("s3")
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    s3.delete_bucket_policy(Bucket=bucket)
    try:
        yield
    finally:
        s3.put_bucket_policy(Bucket=bucket, Policy=policy)


def refused(call: Callable[..., Any], **arguments: Any) -> None:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    assert error.value.response["Error"]["Code"] in DENIED


def test_a_seal_is_locked_in_compliance_mode_for_the_days_of_the_parameter(
    deployed: Deployed, sealed: str
) -> None:
    retention = deployed.client("s3").get_object_retention(**first_version(deployed, sealed))["Retention"]
    assert retention["Mode"] == "COMPLIANCE"
    left = retention["RetainUntilDate"] - datetime.now(UTC)
    assert timedelta(days=399) < left <= timedelta(days=400)


def test_nobody_deletes_a_seal_or_shortens_its_retention_even_without_the_policy(
    deployed: Deployed, sealed: str
) -> None:
    s3, version = deployed.client("s3"), first_version(deployed, sealed)
    shorter = {"Mode": "COMPLIANCE", "RetainUntilDate": datetime.now(UTC) + timedelta(days=1)}
    weaker = {"Mode": "GOVERNANCE", "RetainUntilDate": datetime.now(UTC) + timedelta(days=1)}
    with without_policy(deployed, sealed):
        refused(s3.delete_object, **version)
        refused(s3.delete_object, **version, BypassGovernanceRetention=True)
        refused(s3.put_object_retention, **version, Retention=shorter)
        refused(s3.put_object_retention, **version, Retention=weaker, BypassGovernanceRetention=True)
    assert s3.get_object(**version)["Body"].read().startswith(b'{"v":1,"number":1,')


def test_the_policy_refuses_even_administrators_to_write_or_hide_a_seal(
    sealed: str, administrator: Any
) -> None:
    assert administrator.list_objects_v2(Bucket=sealed)["KeyCount"] >= 1
    refused(administrator.put_object, Bucket=sealed, Key="seals/1.json", Body=b"{}")
    refused(administrator.put_object, Bucket=sealed, Key="seals/9999.json", Body=b"{}", IfNoneMatch="*")
    refused(administrator.delete_object, Bucket=sealed, Key="seals/1.json")


def test_the_record_is_verified_and_an_altered_event_is_named(deployed: Deployed, sealed: str) -> None:
    untouched = deployed.command("audit", "verify", "--because", "testing")
    assert untouched["agrees"] is True
    assert untouched["verified"] >= 1
    [listing] = deployed.query(
        "SELECT seq, actor FROM claimwatch.access_event WHERE action = 'audit.list' ORDER BY seq LIMIT 1"
    )
    change = (
        "ALTER TABLE claimwatch.access_event DISABLE TRIGGER USER;"
        "UPDATE claimwatch.access_event SET actor = %s WHERE seq = %s;"
        "ALTER TABLE claimwatch.access_event ENABLE TRIGGER USER"
    )
    deployed.query(change, "somebody else", listing["seq"])
    try:
        altered = deployed.command("audit", "verify", "--because", "testing")
    finally:
        deployed.query(change, listing["actor"], listing["seq"])
    assert (altered["agrees"], altered["first"]["kind"]) == (False, "event_altered")
    assert altered["first"]["seq"] == listing["seq"]
    assert deployed.command("audit", "verify", "--because", "testing")["agrees"] is True


def test_whoever_looks_requests_a_seal(deployed: Deployed, sealed: str) -> None:
    attributes = deployed.client("sqs").get_queue_attributes(
        QueueUrl=deployed.outputs["SealQueueUrl"], AttributeNames=["ApproximateNumberOfMessagesDelayed"]
    )["Attributes"]
    assert int(attributes["ApproximateNumberOfMessagesDelayed"]) >= 1
