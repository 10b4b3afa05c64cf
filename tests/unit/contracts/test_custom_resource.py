"""CloudFormation gets exactly one response, whatever happens."""

import http.client
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, Self

import pytest

from claimwatch.aws import custom_resource
from claimwatch.aws.custom_resource import Request, respond

EVENT: dict[str, Any] = {
    "RequestType": "Create",
    "ResponseURL": "https://answers.example/signed?secret=1",
    "StackId": "stack",
    "RequestId": "request",
    "LogicalResourceId": "SchemaMigration",
    "ResourceProperties": {"ServiceToken": "arn", "Line": "motor"},
}


class Answers:
    """A fake of the bucket that receives responses for CloudFormation."""

    def __init__(self) -> None:
        self.received: list[tuple[urllib.request.Request, dict[str, Any]]] = []
        self.faults: list[Exception] = []

    def __call__(self, request: urllib.request.Request, timeout: float) -> Self:
        assert timeout > 0
        if self.faults:
            raise self.faults.pop(0)
        assert isinstance(request.data, bytes)
        self.received.append((request, json.loads(request.data)))
        return self

    def close(self) -> None:
        pass

    @property
    def only(self) -> dict[str, Any]:
        [(_, answer)] = self.received
        return answer


class Time:
    def __init__(self, milliseconds: int = 60_000) -> None:
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self._milliseconds


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    found = Answers()
    monkeypatch.setattr(urllib.request, "urlopen", found)
    monkeypatch.setattr("time.sleep", lambda _: None)
    return found


def test_success_is_reported_with_the_attributes(answers: Answers) -> None:
    seen: list[Request] = []

    def work(request: Request) -> Mapping[str, str]:
        seen.append(request)
        return {"Migrations": "0001_ledger"}

    respond(EVENT, Time(), work)
    assert seen == [Request("Create", EVENT["ResourceProperties"])]
    assert answers.only == {
        "Status": "SUCCESS",
        "Reason": "",
        "PhysicalResourceId": "SchemaMigration",
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "SchemaMigration",
        "Data": {"Migrations": "0001_ledger"},
    }


def test_the_response_is_sent_as_the_signature_requires(answers: Answers) -> None:
    respond(EVENT, Time(), lambda _: {})
    [(request, _)] = answers.received
    assert (request.get_method(), request.full_url) == ("PUT", EVENT["ResponseURL"])
    assert request.get_header("Content-type") == ""  # the URL is signed without a content type


def test_the_resource_keeps_its_physical_id(answers: Answers) -> None:
    respond(EVENT | {"RequestType": "Update", "PhysicalResourceId": "as-before"}, Time(), lambda _: {})
    assert answers.only["PhysicalResourceId"] == "as-before"


def test_an_error_is_reported_as_a_failure_with_its_reason(answers: Answers) -> None:
    def work(request: Request) -> Mapping[str, str]:
        raise LookupError("no contract for line 'x'\nand a second line\n" + "y" * 9000)

    respond(EVENT, Time(), work)
    assert answers.only["Status"] == "FAILED"
    assert answers.only["Reason"] == "LookupError: no contract for line 'x' (more in the function's log)"


def test_a_long_reason_fits_into_a_response(answers: Answers) -> None:
    def work(request: Request) -> Mapping[str, str]:
        raise ValueError("ü" * 9000)

    respond(EVENT, Time(), work)
    [(request, _)] = answers.received
    assert isinstance(request.data, bytes)
    assert len(request.data) < 8000


def test_only_a_timeout_is_reported_when_the_function_runs_out_of_time(answers: Answers) -> None:
    answered = threading.Event()

    def work(request: Request) -> Mapping[str, str]:
        for _ in range(1000):
            if answers.received:
                break
            answered.wait(0.005)
        return {}

    respond(EVENT, Time(int(custom_resource.ANSWER_TIME * 1000) + 20), work)
    assert answers.only["Status"] == "FAILED"
    assert "time was up" in answers.only["Reason"]


def test_a_response_that_fails_is_sent_again(answers: Answers) -> None:
    answers.faults = [urllib.error.URLError("reset"), http.client.IncompleteRead(b""), TimeoutError()]
    respond(EVENT, Time(), lambda _: {})
    assert answers.only["Status"] == "SUCCESS"


def test_a_response_that_always_fails_is_an_error(answers: Answers) -> None:
    answers.faults = [urllib.error.URLError("reset")] * custom_resource.TRIES
    with pytest.raises(urllib.error.URLError):
        respond(EVENT, Time(), lambda _: {})
