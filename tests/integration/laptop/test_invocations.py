"""The emulator routes, counts and reports invocations of functions as Lambda does."""

import base64
import io
import json
import random
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from local.emulator import Emulator

SEED = "17"
SOURCE = """
import sys
def handler(event, context):
    print("a line of the function", file=sys.stderr)
    if event.get("fail"):
        raise RuntimeError("as asked")
    return {"statusCode": 200, "body": context.function_version}
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLAIMWATCH_ALIAS_SEED", SEED)
        with Emulator(tmp_path_factory.mktemp("emulator")) as server:
            role = create_role(server, "runs", "lambda.amazonaws.com")
            archive = io.BytesIO()
            with zipfile.ZipFile(archive, "w") as code:
                code.writestr("handler.py", SOURCE)
            client = server.client("lambda")
            client.create_function(
                FunctionName="shared",
                Runtime="python3.13",
                Handler="handler.handler",
                Role=role,
                Code={"ZipFile": archive.getvalue()},
            )
            assert client.publish_version(FunctionName="shared")["Version"] == "1"
            client.update_function_configuration(FunctionName="shared", Description="other")
            assert client.publish_version(FunctionName="shared")["Version"] == "2"
            weights = {"AdditionalVersionWeights": {"2": 0.25}}
            client.create_alias(
                FunctionName="shared", Name="live", FunctionVersion="1", RoutingConfig=weights
            )
            client.create_alias(FunctionName="shared", Name="counted", FunctionVersion="2")
            yield server


def create_role(emulator: Emulator, name: str, service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    role = emulator.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    arn: str = role["Role"]["Arn"]
    return arn


def drawn(draws: random.Random, number: int) -> list[str]:
    """Return the versions that a seeded emulator draws for an alias with a quarter for version 2."""
    return ["2" if draws.random() < 0.25 else "1" for _ in range(number)]


def test_invocations_and_requests_to_the_api_draw_versions_by_the_same_weights(emulator: Emulator) -> None:
    client, gateway = emulator.client("lambda"), emulator.client("apigatewayv2")
    alias = client.get_alias(FunctionName="shared", Name="live")["AliasArn"]
    api = gateway.create_api(Name="api", ProtocolType="HTTP")["ApiId"]
    integration = gateway.create_integration(
        ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=alias, PayloadFormatVersion="2.0"
    )["IntegrationId"]
    gateway.create_route(ApiId=api, RouteKey="GET /version", Target=f"integrations/{integration}")
    gateway.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    client.add_permission(
        FunctionName="shared",
        Qualifier="live",
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )

    def invoke() -> str:
        answer = client.invoke(FunctionName="shared", Qualifier="live")
        version: str = json.loads(answer["Payload"].read())["body"]
        assert answer["ExecutedVersion"] == version
        return version

    def request() -> str:
        address = f"{emulator.endpoint_url}/_aws/execute-api/{api}/$default/version"
        answer = requests.get(address, timeout=30)
        assert answer.ok, answer.text
        return answer.text

    draws = random.Random(SEED)
    assert [invoke() for _ in range(20)] == drawn(draws, 20)
    assert [request() for _ in range(20)] == drawn(draws, 20)


def test_an_alias_without_weights_reaches_its_version_only(emulator: Emulator) -> None:
    client = emulator.client("lambda")
    answers = [client.invoke(FunctionName="shared", Qualifier="counted") for _ in range(5)]
    assert {answer["ExecutedVersion"] for answer in answers} == {"2"}


def test_errors_are_counted_for_the_function_its_alias_and_its_version(emulator: Emulator) -> None:
    client, watch = emulator.client("lambda"), emulator.client("cloudwatch")
    client.create_alias(FunctionName="shared", Name="failing", FunctionVersion="1")
    for fail in (True, False, True):
        client.invoke(FunctionName="shared:failing", Payload=json.dumps({"fail": fail}).encode())

    def total(metric: str, **more: str) -> float:
        found = watch.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in more.items()],
            StartTime=datetime.now(UTC) - timedelta(minutes=10),
            EndTime=datetime.now(UTC) + timedelta(minutes=10),
            Period=3600,
            Statistics=["Sum"],
        )
        return float(sum(point["Sum"] for point in found["Datapoints"]))

    alias = {"FunctionName": "shared", "Resource": "shared:failing"}
    assert total("Invocations", **alias) == 3
    assert total("Errors", **alias) == 2
    assert total("Errors", **alias, ExecutedVersion="1") == 2
    assert total("Errors", **alias, ExecutedVersion="2") == 0
    assert total("Errors", FunctionName="shared") == 2
    assert total("Invocations", FunctionName="shared") >= 3


def test_a_tail_reports_the_start_of_a_process_once_and_its_memory(emulator: Emulator) -> None:
    client = emulator.client("lambda")
    client.update_function_configuration(FunctionName="shared", MemorySize=256)

    def tail() -> str:
        answer = client.invoke(FunctionName="shared", LogType="Tail")
        return base64.b64decode(answer["LogResult"]).decode()

    cold, warm = tail(), tail()
    assert cold.startswith("START RequestId: ")
    assert "a line of the function\nEND RequestId: " in cold
    assert re.search(
        r"\tMemory Size: 256 MB\tMax Memory Used: [1-9]\d* MB\tInit Duration: \d+\.\d\d ms\t$", cold
    )
    assert re.search(r"REPORT RequestId: \S+\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\t", warm)
    assert "Init Duration" not in warm


def test_a_policy_names_the_alias_that_may_be_invoked(emulator: Emulator) -> None:
    iam = emulator.client("iam")
    iam.create_user(UserName="caller")
    arn = "arn:aws:lambda:us-east-1:000000000000:function:shared"
    statements = [
        {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": f"{arn}:counted"},
        {"Effect": "Allow", "Action": "lambda:GetAlias", "Resource": arn},
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName="caller", PolicyName="own", PolicyDocument=document)
    key = iam.create_access_key(UserName="caller")["AccessKey"]
    keys: dict[str, Any] = {
        "aws_access_key_id": key["AccessKeyId"],
        "aws_secret_access_key": key["SecretAccessKey"],
    }
    client = emulator.client("lambda", **keys)

    assert client.invoke(FunctionName="shared", Qualifier="counted")["ExecutedVersion"] == "2"
    assert client.invoke(FunctionName="shared:counted")["ExecutedVersion"] == "2"
    assert client.get_alias(FunctionName="shared", Name="live")["FunctionVersion"] == "1"
    for refused in ({"Qualifier": "live"}, {"Qualifier": "2"}, {}):
        with pytest.raises(ClientError, match="AccessDenied"):
            client.invoke(FunctionName="shared", **refused)
    with pytest.raises(ClientError, match="AccessDenied"):
        client.update_alias(FunctionName="shared", Name="live", FunctionVersion="2")
