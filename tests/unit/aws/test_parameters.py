"""The logins of tasks are stored encrypted; one that is not there yet is worth another try."""

import json
from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from claimwatch.aws import parameters
from claimwatch.errors import TransientFault

NAME = "/claimwatch/prod/database/ingest"


@pytest.fixture
def ssm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    client = boto3.client(
        "ssm", region_name="eu-central-1", aws_access_key_id="key", aws_secret_access_key="secret"
    )
    monkeypatch.setattr(parameters, "client", lambda _: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def test_a_login_is_stored_encrypted_and_read(ssm: Stubber) -> None:
    credentials = {"username": "u", "password": "p"}
    ssm.add_response(
        "put_parameter",
        {"Version": 3},
        {
            "Name": NAME,
            "Description": "Claimwatch - login of the task ingest. Each deployment replaces it.",
            "Value": json.dumps(credentials),
            "Type": "SecureString",
            "Overwrite": True,
        },
    )
    ssm.add_response(
        "get_parameter",
        {"Parameter": {"Name": NAME, "Value": json.dumps(credentials)}},
        {"Name": NAME, "WithDecryption": True},
    )
    parameters.LoginParameters("/claimwatch/prod/database").put("ingest", credentials)
    assert parameters.read_login(NAME) == credentials


def test_a_login_that_is_not_stored_yet_is_a_transient_fault(ssm: Stubber) -> None:
    ssm.add_client_error("get_parameter", "ParameterNotFound")
    with pytest.raises(TransientFault, match="/claimwatch/prod/database/ingest does not exist"):
        parameters.read_login(NAME)


def test_a_login_that_may_not_be_read_is_an_error_that_no_retry_cures(ssm: Stubber) -> None:
    ssm.add_client_error("get_parameter", "AccessDeniedException", http_status_code=400)
    with pytest.raises(ClientError):
        parameters.read_login(NAME)


def test_logins_are_deleted_ten_at_a_time(ssm: Stubber) -> None:
    names = [f"/prefix/t{number}" for number in range(12)]
    ssm.add_response("delete_parameters", {}, {"Names": names[:10]})
    ssm.add_response("delete_parameters", {}, {"Names": names[10:]})
    parameters.LoginParameters("/prefix").delete(f"t{number}" for number in range(12))


def test_a_key_is_stored_encrypted_and_read_back(ssm: Stubber) -> None:
    key = bytes(range(32))
    ssm.add_response(
        "put_parameter",
        {"Version": 1},
        {
            "Name": "/claimwatch/prod/draw-key",
            "Description": "Claimwatch - key of draws among equal scores. Each deployment stores it.",
            "Value": key.hex(),
            "Type": "SecureString",
            "Overwrite": True,
        },
    )
    ssm.add_response(
        "get_parameter",
        {"Parameter": {"Value": key.hex()}},
        {"Name": "/claimwatch/prod/draw-key", "WithDecryption": True},
    )
    ssm.add_client_error("get_parameter", "ParameterNotFound")
    parameter = parameters.KeyParameter("/claimwatch/prod/draw-key")

    parameter.put(key)

    assert parameter.read() == key
    with pytest.raises(TransientFault, match="draw-key does not exist"):
        parameter.read()
