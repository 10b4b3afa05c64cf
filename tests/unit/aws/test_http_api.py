"""Requests to the API: the caller is the one that API Gateway has verified, and errors quote no value."""

import base64
import json
from http import HTTPStatus
from typing import Any

import pytest

from claimwatch.aws.http_api import (
    HttpRequest,
    RawRequest,
    RequestProblem,
    UnknownCaller,
    is_http,
    serve,
    serve_raw,
)
from claimwatch.errors import MalformedEvent, RefusedData, TransientFault

ANN = "arn:aws:sts::123456789012:assumed-role/data-science/ann"


def event(body: object = None, *, caller: object = ANN, **changes: object) -> dict[str, Any]:
    """A request as API Gateway sends it to a function."""
    authorizer = {"iam": {"accountId": "123456789012", "userArn": caller, "userId": "AROA:ann"}}
    return {
        "version": "2.0",
        "routeKey": "POST /v1/lines/{line}/promotions",
        "requestContext": {"requestId": "Abc=", "authorizer": authorizer},
        "pathParameters": {"line": "motor"},
        "body": json.dumps(body or {"why": "better"}),
        "isBase64Encoded": False,
    } | changes


def problem(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["headers"]["content-type"] == "application/problem+json"
    content: dict[str, Any] = json.loads(answer["body"])
    assert content["status"] == answer["statusCode"]
    assert content["title"]
    return content


def test_a_request_has_the_verified_caller_and_the_fields_of_path_and_body() -> None:
    request = HttpRequest.parse(event({"why": "better", "line": "home"}))

    assert request == HttpRequest(ANN, "Abc=", {"why": "better", "line": "motor"})


def test_a_body_in_base64_is_decoded() -> None:
    body = base64.b64encode(b'{"why": "better"}').decode()

    assert HttpRequest.parse(event(body=None) | {"body": body, "isBase64Encoded": True}).fields == {
        "why": "better",
        "line": "motor",
    }


@pytest.mark.parametrize(
    "context",
    [
        {"requestId": "r"},
        {"requestId": "r", "authorizer": None},
        {"requestId": "r", "authorizer": {}},
        {"requestId": "r", "authorizer": {"iam": {}}},
        {"requestId": "r", "authorizer": {"iam": {"userArn": None}}},
        {"requestId": "r", "authorizer": {"iam": {"userArn": ""}}},
        {"requestId": "r", "authorizer": {"iam": {"userArn": "ann"}}},
        {"requestId": "r", "authorizer": {"jwt": {"claims": {"sub": "ann"}}}},
        {"requestId": "r", "authorizer": {"lambda": {"userArn": ANN}}},
    ],
)
def test_a_request_without_a_verified_caller_is_refused_before_anything_is_done(context: object) -> None:
    def never(_: HttpRequest) -> dict[str, Any]:
        raise AssertionError("the use case must not run")

    answer = serve(event(requestContext=context), never)

    assert answer["statusCode"] == 403
    assert "verified caller" in problem(answer)["detail"]


@pytest.mark.parametrize("body", ["secret", "[]", '"secret"', "[" * 100_000, "\ud800", "null"])
def test_a_body_that_is_not_an_object_is_refused_without_its_content(body: str) -> None:
    answer = serve(event() | {"body": body}, lambda _: {})

    assert answer["statusCode"] == 400
    assert "secret" not in answer["body"]
    assert "object in JSON" in problem(answer)["detail"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MalformedEvent("field 'role' must be one of champion, challenger"), 400),
        (RefusedData("line motor has no model 7"), 422),
        (TransientFault("PostgreSQL broke off: FATAL secret"), 503),
    ],
)
def test_an_error_is_a_problem_document(error: Exception, status: int) -> None:
    def fails(_: HttpRequest) -> dict[str, Any]:
        raise error

    answer = serve(event(), fails)

    assert answer["statusCode"] == status
    assert "secret" not in answer["body"]
    assert problem(answer)["detail"]
    assert (status == 503) == ("retry-after" in answer["headers"])


def test_a_bug_is_not_hidden() -> None:
    def fails(_: HttpRequest) -> dict[str, Any]:
        raise KeyError("x")

    with pytest.raises(KeyError):
        serve(event(), fails)


def test_the_result_is_answered_as_json() -> None:
    answer = serve(event(), lambda request: {"caller": request.caller})

    assert (answer["statusCode"], json.loads(answer["body"])) == (200, {"caller": ANN})
    assert answer["headers"] == {"content-type": "application/json", "cache-control": "no-store"}


def test_an_event_of_the_event_bus_is_not_a_request() -> None:
    assert not is_http({"line": "motor", "why": "drift"})
    assert not is_http(["requestContext"])
    assert is_http(event())


def test_a_problem_has_a_code_for_programs_and_says_when_to_try_again() -> None:
    def busy(_: RawRequest) -> tuple[HTTPStatus, dict[str, Any]]:
        raise RequestProblem.unavailable("the queue does not respond")

    answer = serve_raw(event(), busy)

    assert answer["headers"]["retry-after"] == "5"
    assert problem(answer) == {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "the queue does not respond",
        "code": "unavailable",
    }


def test_a_raw_request_has_its_body_byte_by_byte_and_its_headers_in_lower_case() -> None:
    body = base64.b64encode(b'\xff{"a": 1e400}').decode()
    given = event() | {"body": body, "isBase64Encoded": True, "headers": {"X-Purpose": "audit", "n": None}}

    request = RawRequest.parse(given)

    assert request == RawRequest(
        ANN,
        "Abc=",
        "POST /v1/lines/{line}/promotions",
        {"line": "motor"},
        {"x-purpose": "audit"},
        b'\xff{"a": 1e400}',
    )


@pytest.mark.parametrize("context", [{"requestId": "r"}, {"requestId": "r", "authorizer": {"jwt": {}}}])
def test_a_raw_request_without_a_verified_caller_has_none(context: object) -> None:
    request = RawRequest.parse(event(requestContext=context))

    assert request.caller is None
    with pytest.raises(UnknownCaller):
        request.verified_caller()


@pytest.mark.parametrize("body", ["%%%", "é", "="])
def test_a_body_that_is_not_base64_although_the_event_says_so_is_malformed(body: str) -> None:
    answer = serve_raw(event() | {"body": body, "isBase64Encoded": True}, lambda _: (HTTPStatus.OK, {}))

    assert answer["statusCode"] == 400
    assert problem(answer)["code"] == "malformed"
