"""Pulls are followed through all executions that continue them."""

import json

import boto3
import pytest
from botocore.stub import Stubber

from claimwatch.aws.pull_executions import PullSource

ARN = "arn:aws:states:us-east-1:000000000000:stateMachine:PullSource"


def execution(number: int) -> str:
    return f"arn:aws:states:us-east-1:000000000000:execution:PullSource:{number}"


@pytest.mark.parametrize("last", ["RUNNING", "SUCCEEDED", "FAILED"])
def test_a_pull_has_the_status_of_the_execution_that_continues_it(last: str) -> None:
    client = boto3.client(
        "stepfunctions", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    common = {"stateMachineArn": ARN, "startDate": 0}
    with Stubber(client) as stub:
        for number, output in ((1, {"continued_by": execution(2)}), (2, {"continued_by": execution(3)})):
            answer = {"executionArn": execution(number), "status": "SUCCEEDED", "output": json.dumps(output)}
            stub.add_response("describe_execution", common | answer, {"executionArn": execution(number)})
        ended = {"executionArn": execution(3), "status": last}
        if last == "SUCCEEDED":
            ended["output"] = json.dumps({"status": "idle"})
        stub.add_response("describe_execution", common | ended, {"executionArn": execution(3)})

        assert PullSource(client, ARN).status(execution(1)) == last
        stub.assert_no_pending_responses()
