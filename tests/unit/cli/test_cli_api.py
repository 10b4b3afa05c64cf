"""Requests to the API are signed, and repeated unchanged while the database wakes up."""

import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.httpsession
import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from claimwatch.errors import RefusedData
from cli.api import LONGEST_PAUSE, PATIENCE, Api, ApiUnavailable, path_of

URL = "https://a1b2.execute-api.eu-central-1.amazonaws.com"


@dataclass
class Gateway:
    """Answers requests in turn: a status and a document, or an error."""

    answers: list[tuple[int, Any] | Exception]
    requests: list[Any] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    now: float = 0.0

    def send(self, request: Any) -> SimpleNamespace:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        status, content = answer
        return SimpleNamespace(status_code=status, content=json.dumps(content).encode(), headers=self.headers)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def api_of(
    monkeypatch: pytest.MonkeyPatch, *answers: tuple[int, Any] | Exception, address: str = ""
) -> tuple[Api, Gateway]:
    gateway = Gateway(list(answers))
    monkeypatch.setattr(botocore.httpsession.URLLib3Session, "send", gateway.send)
    monkeypatch.setattr("cli.api.time.monotonic", lambda: gateway.now)
    session = boto3.Session(aws_access_key_id="AKIA", aws_secret_access_key="s", region_name="eu-central-1")
    return Api(URL, session, address, gateway.sleep), gateway


def test_a_request_is_signed_for_its_path_and_body(monkeypatch: pytest.MonkeyPatch) -> None:
    api, gateway = api_of(monkeypatch, (200, {"changed": True}))

    assert api.post("motor", "promotions", {"why": "better", "version": None}) == {"changed": True}

    [request] = gateway.requests
    assert (request.method, request.url) == ("POST", f"{URL}/v1/lines/motor/promotions")
    assert json.loads(request.body) == {"why": "better"}
    signed = request.headers["authorization"]
    assert signed.startswith("AWS4-HMAC-SHA256 Credential=AKIA/")
    assert "/eu-central-1/execute-api/aws4_request" in signed


def test_a_line_cannot_name_another_path(monkeypatch: pytest.MonkeyPatch) -> None:
    api, gateway = api_of(monkeypatch, (200, {}))

    api.post("../x?y", "promotions", {})

    assert gateway.requests[0].url == f"{URL}/v1/lines/..%2Fx%3Fy/promotions"


@pytest.mark.parametrize(
    "busy",
    [(503, {"message": "Service Unavailable"}), (504, {}), (429, {}), ReadTimeoutError(endpoint_url=URL)],
    ids=["503", "504", "429", "no answer"],
)
def test_a_request_is_repeated_with_the_same_body_while_the_database_wakes_up(
    monkeypatch: pytest.MonkeyPatch, busy: Any
) -> None:
    api, gateway = api_of(monkeypatch, busy, busy, (200, {"changed": True}))

    assert api.post("motor", "promotions", {"request_id": "r1"}) == {"changed": True}

    assert len(gateway.requests) == 3
    assert {request.body for request in gateway.requests} == {b'{"request_id": "r1"}'}
    assert len(gateway.slept) == 2


def test_a_service_that_stays_away_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    api, gateway = api_of(monkeypatch, (503, {"message": "Service Unavailable"}))

    with pytest.raises(ApiUnavailable, match=r"503: Service Unavailable.*runbook"):
        api.post("motor", "promotions", {})
    assert PATIENCE <= gateway.now < PATIENCE + 10


@pytest.mark.parametrize("status", [400, 422])
def test_a_refusal_is_not_repeated(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    api, gateway = api_of(monkeypatch, (status, {"detail": "line motor has no model 7"}))

    with pytest.raises(RefusedData, match="has no model 7"):
        api.post("motor", "promotions", {})
    assert len(gateway.requests) == 1


def test_an_identity_without_permission_is_told_which_policy_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api, gateway = api_of(monkeypatch, (403, {"message": "Forbidden"}))

    with pytest.raises(ApiUnavailable, match="OperatorPolicyArn"):
        api.post("motor", "promotions", {})
    assert len(gateway.requests) == 1


def test_on_the_laptop_a_request_goes_to_the_emulator_with_the_name_of_the_api(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api, gateway = api_of(monkeypatch, (200, {}), address="http://127.0.0.1:4566")

    api.post("motor", "trainings", {})

    [request] = gateway.requests
    assert request.url == "http://127.0.0.1:4566/v1/lines/motor/trainings"
    assert request.headers["host"] == "a1b2.execute-api.eu-central-1.amazonaws.com"


def test_a_read_is_signed_with_its_headers_and_without_a_body(monkeypatch: pytest.MonkeyPatch) -> None:
    api, gateway = api_of(monkeypatch, (200, {"status": "scored"}))

    answer = api.request("GET", path_of("motor", "claims", "A/1 ?"), headers={"x-purpose": "testing"})

    assert answer.content == {"status": "scored"}
    [request] = gateway.requests
    assert (request.method, request.url) == ("GET", f"{URL}/v1/lines/motor/claims/A%2F1%20%3F")
    assert request.headers["x-purpose"] == "testing"
    assert "x-purpose" in request.headers["authorization"]


def test_an_answer_that_says_when_to_come_back_is_obeyed_within_bounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api, gateway = api_of(monkeypatch, (503, {"code": "waking"}), (202, {}))
    gateway.headers = {"retry-after": "7"}
    api.request("POST", path_of("motor", "claims"), b"{}")
    assert gateway.slept == [7.0]

    gateway.answers, gateway.headers = [(429, {}), (200, {})], {"retry-after": "86400"}
    api.request("POST", path_of("motor", "scores"), b"{}")
    assert gateway.slept == [7.0, LONGEST_PAUSE]


@pytest.mark.parametrize("status", [403, 404, 409, 413])
def test_a_problem_with_a_code_is_a_refusal_with_its_sentence(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    api, gateway = api_of(monkeypatch, (status, {"detail": "no such line", "code": "not_found"}))

    with pytest.raises(RefusedData, match="no such line"):
        api.request("GET", path_of("motor", "models"))
    assert len(gateway.requests) == 1


def test_a_stack_without_the_route_is_told_from_something_that_is_not_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api, _ = api_of(monkeypatch, (404, {"message": "Not Found"}))

    with pytest.raises(ApiUnavailable, match="deploy this version"):
        api.request("GET", path_of("motor", "models"))


@pytest.mark.parametrize(
    ("path", "policy"),
    [
        (path_of("motor", "scores"), "CallScoresPolicyArn"),
        ("/v1/ready", "CallScoresPolicyArn"),
        (path_of("motor", "claims"), "CallClaimsPolicyArn"),
        (path_of("motor", "claims", "C1"), "CallReadsPolicyArn"),
        (path_of("motor", "models"), "CallReadsPolicyArn"),
        ("/v1/permissions/revocations", "ManagePermissionsPolicyArn"),
        (path_of("motor", "exceptions"), "ApproverPolicyArn"),
    ],
)
def test_whoever_may_not_call_a_route_is_told_its_policy(
    monkeypatch: pytest.MonkeyPatch, path: str, policy: str
) -> None:
    api, _ = api_of(monkeypatch, (403, {"message": "Forbidden"}))

    with pytest.raises(ApiUnavailable, match=policy):
        api.request("GET", path)


def test_an_api_that_cannot_be_reached_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    api, gateway = api_of(monkeypatch, EndpointConnectionError(endpoint_url=URL))

    with pytest.raises(ApiUnavailable, match=f"{URL} cannot be reached: .*Check the network"):
        api.request("GET", "/v1/ready")

    assert gateway.slept == []
