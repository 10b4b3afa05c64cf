"""A command works on the named stack, otherwise on the laptop's, otherwise on the default stack on AWS."""

import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, NoRegionError

from claimwatch.errors import RefusedData, TransientFault
from claimwatch.storage.connection import Database
from cli import stack
from cli.stack import StackUnreachable, find_stack

OUTPUTS = {
    "LandingBucket": "landing",
    "ArtifactBucket": "artifacts",
    "ClaimsPipelineArn": "arn:aws:states:eu-central-1:123456789012:stateMachine:claims",
    "DatabaseParameters": "/claimwatch/claims/database",
}
DATABASE = {"host": "db.internal", "port": 5432, "dbname": "claims", "username": "u", "password": "p"}

type Parameters = Mapping[str, Any]


class Account:
    """An AWS account, as far as the command line uses it: a session, and the client of every service."""

    region_name = "eu-central-1"

    def __init__(self) -> None:
        self.stacks: dict[str, dict[str, str]] = {}
        self.region_known = True

    def client(self, *_: Any, **__: Any) -> "Account":
        if not self.region_known:
            raise NoRegionError
        return self

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        if StackName not in self.stacks:
            message = f"Stack with id {StackName} does not exist"
            raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "DescribeStacks")
        outputs = [{"OutputKey": name, "OutputValue": it} for name, it in self.stacks[StackName].items()]
        return {"Stacks": [{"Outputs": outputs}]}

    def get_parameter(self, Name: str, WithDecryption: bool) -> dict[str, Any]:  # noqa: N803 - boto3's names
        assert (Name, WithDecryption) == ("/claimwatch/claims/database/read", True)
        return {"Parameter": {"Value": json.dumps(DATABASE)}}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Account:
    account = Account()
    monkeypatch.setattr(boto3, "Session", lambda **_: account)
    monkeypatch.setattr(stack, "LAPTOP_FILE", Path(".test", "stack.json"))  # not the file of this project
    return account


@pytest.fixture
def asleep(monkeypatch: pytest.MonkeyPatch) -> list[Parameters]:
    """The parameters of the databases that were connected to; none of them answers."""
    asked: list[Parameters] = []

    def transaction(database: Database) -> None:
        parameters = database.parameters
        asked.append(parameters() if callable(parameters) else parameters)
        raise TransientFault("PostgreSQL broke off: timeout expired")

    monkeypatch.setattr(Database, "transaction", transaction)
    return asked


def test_a_named_stack_is_looked_up_in_cloudformation(
    aws: Account, tmp_path: Path, asleep: list[Parameters]
) -> None:
    aws.stacks["claims-prod"] = OUTPUTS
    with pytest.raises(StackUnreachable, match="private network"):
        find_stack("claims-prod", None, tmp_path)
    assert asleep[0]["host"] == "db.internal"
    assert asleep[0]["sslmode"] == "verify-full"


def test_a_name_takes_precedence_over_a_running_laptop_stack(
    aws: Account, tmp_path: Path, asleep: list[Parameters]
) -> None:
    aws.stacks["claims-prod"] = OUTPUTS
    laptop_in(tmp_path)
    with pytest.raises(StackUnreachable, match="private network"):
        find_stack("claims-prod", None, tmp_path)
    assert len(asleep) == 1


def test_without_a_name_and_a_laptop_stack_the_default_stack_is_used(
    aws: Account, tmp_path: Path, asleep: list[Parameters]
) -> None:
    aws.stacks["claimwatch"] = OUTPUTS
    with pytest.raises(StackUnreachable, match="private network"):
        find_stack(None, None, tmp_path)
    assert len(asleep) == 1


def test_the_laptop_stack_is_found_from_any_folder_below(
    aws: Account, tmp_path: Path, asleep: list[Parameters]
) -> None:
    laptop_in(tmp_path)
    below = tmp_path / "claims" / "today"
    below.mkdir(parents=True)
    with pytest.raises(StackUnreachable, match="Is it running"):
        find_stack(None, None, below)
    assert (len(asleep), aws.stacks) == (1, {})


def test_a_forwarded_port_replaces_the_address(
    aws: Account, tmp_path: Path, asleep: list[Parameters]
) -> None:
    aws.stacks["claimwatch"] = OUTPUTS
    with pytest.raises(StackUnreachable, match=r"127\.0\.0\.1:15432"):
        find_stack(None, "127.0.0.1:15432", tmp_path)
    # The certificate is verified for the host, whatever the address.
    found = (asleep[0]["host"], asleep[0]["hostaddr"], asleep[0]["port"])
    assert found == ("db.internal", "127.0.0.1", 15432)
    with pytest.raises(StackUnreachable, match="write it as host:port"):
        find_stack(None, "localhost", tmp_path)


@pytest.mark.usefixtures("aws")
def test_a_missing_stack_is_named(tmp_path: Path) -> None:
    with pytest.raises(StackUnreachable, match=r"claims-test.*--stack or CLAIMWATCH_STACK"):
        find_stack("claims-test", None, tmp_path)


def test_another_application_s_stack_is_rejected(aws: Account, tmp_path: Path) -> None:
    aws.stacks["website"] = {"Url": "https://example.com"}
    with pytest.raises(StackUnreachable, match="it is not a Claimwatch stack"):
        find_stack("website", None, tmp_path)


def test_a_machine_without_a_region_gets_advice_for_laptop_and_aws(aws: Account, tmp_path: Path) -> None:
    aws.region_known = False
    with pytest.raises(StackUnreachable, match=r"make up.*region"):
        find_stack(None, None, tmp_path)
    with pytest.raises(StackUnreachable, match=r"^stack claims-prod cannot be looked up"):
        find_stack("claims-prod", None, tmp_path)


def laptop_in(folder: Path) -> None:
    file = folder / stack.LAPTOP_FILE
    file.parent.mkdir()
    described = {"endpoint_url": "http://127.0.0.1:1", "region": "us-east-1", "outputs": OUTPUTS}
    file.write_text(json.dumps(described))


class SourceServices:
    """CheckSource, PullSource and the identity of the caller, as the command line asks them."""

    def __init__(self, answer: Mapping[str, Any], **other: Any) -> None:
        self.answer, self.other = answer, other
        self.calls: list[Mapping[str, Any]] = []

    def __call__(self, _service: str) -> "SourceServices":
        return self

    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": "arn:aws:iam::123456789012:user/ann"}

    def invoke(self, **call: Any) -> dict[str, Any]:
        self.calls.append(call)
        return {"Payload": BytesIO(json.dumps(self.answer).encode()), **self.other}

    def start_execution(self, **call: Any) -> dict[str, str]:
        self.calls.append(call)
        return {"executionArn": "arn:e"}

    def describe_execution(self, **call: Any) -> dict[str, str]:
        return {"status": "RUNNING", **call}

    def delete_object(self, **call: Any) -> None:
        self.calls.append(call)


SOURCES = OUTPUTS | {"CheckSourceFunction": "stack-CheckSource", "PullSourceArn": "arn:pull"}


def test_sources_are_checked_pulled_and_removed_with_the_outputs_of_the_stack() -> None:
    services = SourceServices({"columns": []})
    sources = stack._sources(SOURCES, services)
    assert sources.caller == "arn:aws:iam::123456789012:user/ann"
    assert sources.check({"source": "policies"}) == {"columns": []}
    assert services.calls.pop() == {
        "FunctionName": "stack-CheckSource",
        "Payload": b'{"source": "policies"}',
    }
    assert sources.pulls.start("policies", "1", from_start=True) == "arn:e"
    started = services.calls.pop()
    assert (started["stateMachineArn"], started["name"]) == ("arn:pull", "policies-1")
    assert json.loads(started["input"]) == {"source": "policies", "from_start": True}
    assert sources.pulls.status("arn:e") == "RUNNING"
    sources.remove("sources/policies.yaml")
    assert services.calls.pop() == {"Bucket": "artifacts", "Key": "sources/policies.yaml"}


def test_a_refused_check_is_a_sentence_and_a_failed_one_shows_nothing_of_it() -> None:
    refused = stack._sources(SOURCES, SourceServices({"refused": "the login may change data"}))
    with pytest.raises(RefusedData, match="the login may change data"):
        refused.check({})
    broken = SourceServices(
        {"errorType": "KeyError", "errorMessage": "Jane Smith"}, FunctionError="Unhandled"
    )
    with pytest.raises(StackUnreachable, match="KeyError: see the logs of CheckSource") as failure:
        stack._sources(SOURCES, broken).check({})
    assert "Jane" not in str(failure.value)


def test_a_stack_of_an_earlier_version_has_no_sources() -> None:
    with pytest.raises(StackUnreachable, match="does not pull from sources yet"):
        stack._sources(OUTPUTS, SourceServices({}))
