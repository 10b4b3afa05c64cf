"""Only identities with the operators' policy may send requests, and the history names who sent one."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from claimwatch.errors import RefusedData
from claimwatch.storage import models
from claimwatch.storage.models import NewVersion
from cli.api import Api, ApiUnavailable
from local.emulator import REGION
from tests.cluster import database_at
from tests.deployed import Deployed

COLLECTIONS = ("promotions", "trainings", "evaluations", "exceptions")

type Caller = Callable[[str, str | None], Api]


@pytest.fixture(scope="module")
def caller(deployed: Deployed) -> Caller:
    """Create users with a managed policy, or with none, and return the API with their credentials."""
    iam = deployed.client("iam")

    def create(name: str, policy: str | None) -> Api:
        iam.create_user(UserName=name)
        if policy:
            iam.attach_user_policy(UserName=name, PolicyArn=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        session = boto3.Session(
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
            region_name=REGION,
        )
        return Api(deployed.outputs["ApiUrl"], session, deployed.stack.endpoint_url)

    return create


@pytest.fixture(scope="module")
def operator(caller: Caller, deployed: Deployed) -> Api:
    return caller("olga", deployed.outputs["OperatorPolicyArn"])


@pytest.fixture(scope="module")
def stranger(caller: Caller) -> Api:
    return caller("stranger", None)


@pytest.fixture(scope="module")
def approver(caller: Caller, deployed: Deployed) -> Api:
    return caller("rita", deployed.outputs["ApproverPolicyArn"])


@pytest.fixture(scope="module")
def version(deployed: Deployed) -> str:
    """Register a model whose bundle does not exist, so that it can never go live."""
    name = f"iam-{uuid.uuid4().hex[:8]}"
    uri = f"s3://{deployed.outputs['ArtifactBucket']}/models/motor/{name}/"
    new = NewVersion("motor", name, {}, "0" * 64, "test", "1.0.0", uri, "0" * 64)
    with database_at(deployed.stack.database_url).transaction() as cursor:
        models.add_version(cursor, new)
    return name


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_an_identity_without_the_policy_is_denied(stranger: Api, collection: str) -> None:
    with pytest.raises(ApiUnavailable, match="403"):
        stranger.post("motor", collection, {"why": "curiosity", "by": "the boss", "asked_by": "the boss"})


def test_a_request_that_changes_nothing_is_refused_with_a_reason(operator: Api, version: str) -> None:
    request = {"by": "Olga", "why": "a test", "version": version, "role": "champion"}

    with pytest.raises(RefusedData, match=r"manifest\.json"):
        operator.post("motor", "promotions", request)
    with pytest.raises(RefusedData, match="'role' must be one of"):
        operator.post("motor", "promotions", request | {"role": "king"})
    with pytest.raises(RefusedData, match="'by' must be a name"):
        operator.post("motor", "promotions", request | {"by": "\x1b[2J"})
    with pytest.raises(RefusedData, match="not the name of a line"):
        operator.post("Motor", "promotions", request)
    with pytest.raises(RefusedData, match="no champion"):
        operator.post("iam_no_line", "evaluations", {})


def test_the_caller_of_a_training_is_the_identity_that_signed(operator: Api, deployed: Deployed) -> None:
    training_id = str(uuid.uuid4())
    request = {"asked_by": "the boss", "why": "a test", "training_id": training_id, "caller": "the boss"}

    answers = [operator.post("motor", "trainings", request) for _ in range(2)]

    deployed.query("UPDATE claimwatch.training SET deadline = now() WHERE training_id = %s", training_id)
    deployed.invoke("WatchTrainings", {})
    [row] = deployed.query("SELECT * FROM claimwatch.training WHERE training_id = %s", training_id)
    assert (row["asked_by"], row["caller"]) == ("the boss", "arn:aws:iam::000000000000:user/olga")
    assert answers[0]["version"] == answers[1]["version"]


def test_only_an_approver_approves_an_exception_and_an_approver_promotes_nothing(
    operator: Api, approver: Api, deployed: Deployed
) -> None:
    version = f"iam-{uuid.uuid4().hex[:8]}"
    uri = f"s3://{deployed.outputs['ArtifactBucket']}/models/motor/{version}/"
    new = NewVersion(
        "motor", version, {}, "0" * 64, "test", "1.0.0", uri, "0" * 64, "bias: women", failed_gates=["bias"]
    )
    with database_at(deployed.stack.database_url).transaction() as cursor:
        models.add_version(cursor, new)
    exception = {"version": version, "gate": "bias", "by": "Rita", "why": "a test"}
    promotion = {"version": version, "role": "champion", "by": "Olga", "why": "a test"}

    with pytest.raises(ApiUnavailable, match=r"403.*ApproverPolicyArn"):
        operator.post("motor", "exceptions", exception | {"by": "the boss"})
    with pytest.raises(RefusedData, match="may approve an exception"):
        operator.post("motor", "promotions", promotion)
    with pytest.raises(ApiUnavailable, match=r"403.*OperatorPolicyArn"):
        approver.post("motor", "promotions", promotion)

    assert approver.post("motor", "exceptions", exception | {"caller": "the boss"})["changed"] is True

    [record] = deployed.query("SELECT * FROM claimwatch.model_exception WHERE version = %s", version)
    assert (record["by"], record["caller"]) == ("Rita", "arn:aws:iam::000000000000:user/rita")
    with pytest.raises(RefusedData, match=r"manifest\.json"):  # the exception is no obstacle any more
        operator.post("motor", "promotions", promotion)


def test_a_function_refuses_a_promotion_without_a_verified_caller(deployed: Deployed) -> None:
    event = {
        "requestContext": {"requestId": "r", "authorizer": {"jwt": {}}},
        "pathParameters": {"line": "motor"},
        "body": json.dumps({"by": "ann", "why": "a test"}),
    }

    answer: dict[str, Any] = deployed.invoke("PromoteModel", event)

    assert answer["statusCode"] == 403
    assert deployed.query("SELECT FROM claimwatch.promotion WHERE request_id = 'r'") == []


def test_an_unsigned_request_is_denied(deployed: Deployed) -> None:
    unsigned = boto3.Session(aws_access_key_id="AKIAUNKNOWN", aws_secret_access_key="s", region_name=REGION)
    api = Api(deployed.outputs["ApiUrl"], unsigned, deployed.stack.endpoint_url)

    with pytest.raises(ApiUnavailable, match=r"40[13]"):
        api.post("motor", "promotions", {"by": "ann", "why": "a test"})
