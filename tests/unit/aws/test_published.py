"""Pointers are stored as they are read; whatever else a parameter holds is not taken for one."""

import json
from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from claimwatch.aws import published
from claimwatch.aws.published import Pointer, PointerParameters, UnusablePointer
from claimwatch.errors import TransientFault

PREFIX = "/claimwatch/prod/live"
POINTER = Pointer("motor", "3", "s3://artifacts/models/motor/3/", "a" * 64)


@pytest.fixture
def ssm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    client = boto3.client(
        "ssm", region_name="eu-central-1", aws_access_key_id="key", aws_secret_access_key="secret"
    )
    monkeypatch.setattr(published, "client", lambda _: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def test_a_pointer_is_stored_below_the_prefix_and_read_back(ssm: Stubber) -> None:
    text = json.dumps({"line": "motor", "version": "3", "uri": POINTER.uri, "sha256": POINTER.sha256})
    ssm.add_response(
        "put_parameter",
        {"Version": 3},
        {
            "Name": f"{PREFIX}/motor",
            "Description": "Claimwatch - what the line uses now. Only the application writes it.",
            "Value": text,
            "Type": "String",
            "Overwrite": True,
        },
    )
    ssm.add_response("get_parameter", {"Parameter": {"Value": text}}, {"Name": f"{PREFIX}/motor"})

    PointerParameters(PREFIX).put(POINTER)

    assert PointerParameters(PREFIX).read("motor") == POINTER


def test_a_line_without_a_parameter_or_without_a_version_has_no_pointer(ssm: Stubber) -> None:
    ssm.add_client_error("get_parameter", "ParameterNotFound")
    text = json.dumps({"line": "motor", "version": None})
    ssm.add_response("get_parameter", {"Parameter": {"Value": text}})

    assert [PointerParameters(PREFIX).read("motor") for _ in range(2)] == [None, None]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3",
        '{"line": "motor", "version": 3, "uri": "s3://a/b", "sha256": "c"}',
        '{"line": "motor", "version": "3", "uri": "s3://a/b"}',
        '{"line": "home", "version": "3", "uri": "s3://a/b", "sha256": "c"}',
    ],
)
def test_a_parameter_that_holds_something_else_is_not_used_and_not_quoted(text: str) -> None:
    with pytest.raises(UnusablePointer) as refused:
        Pointer.parse(text, "motor")
    assert "s3://" not in str(refused.value)


def test_a_store_that_does_not_answer_is_a_transient_fault_and_a_denial_is_not(ssm: Stubber) -> None:
    ssm.add_client_error("put_parameter", "ThrottlingException", http_status_code=400)
    ssm.add_client_error("get_parameter", "InternalServerError", http_status_code=500)
    ssm.add_client_error("put_parameter", "AccessDeniedException", http_status_code=400)
    store = PointerParameters(PREFIX)

    with pytest.raises(TransientFault):
        store.put(POINTER)
    with pytest.raises(TransientFault):
        store.read("motor")
    with pytest.raises(ClientError):
        store.put(POINTER)


def test_all_lines_with_a_pointer_are_listed_and_deleted_ten_at_a_time(ssm: Stubber) -> None:
    names = [f"{PREFIX}/line{number:02}" for number in range(12)]
    pages = [[{"Name": name} for name in names[:10]], [{"Name": name} for name in names[10:]]]
    ssm.add_response("get_parameters_by_path", {"Parameters": pages[0], "NextToken": "n"}, {"Path": PREFIX})
    ssm.add_response("get_parameters_by_path", {"Parameters": pages[1]}, {"Path": PREFIX, "NextToken": "n"})
    ssm.add_response("delete_parameters", {}, {"Names": names[:10]})
    ssm.add_response("delete_parameters", {}, {"Names": names[10:]})

    lines = PointerParameters(PREFIX).lines()
    PointerParameters(PREFIX).delete(sorted(lines))

    assert lines == {f"line{number:02}" for number in range(12)}
