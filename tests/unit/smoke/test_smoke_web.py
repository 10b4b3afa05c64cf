"""Requests wait for a stack that sleeps, give up on one that is broken, and say which of both it is."""

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from smoke.steps import SmokeFailed
from smoke.web import PATIENCE, Answer, Api, Web
from tests.unit.smoke.fakes import Server, Time, answer, problem

URL = "https://abc.execute-api.eu-central-1.amazonaws.com"
UNREACHABLE = EndpointConnectionError(endpoint_url=URL)


def api(server: Server, time: Time, seconds: float = 600.0, address: str = "") -> Api:
    session = boto3.Session("key", "secret", region_name="eu-central-1")
    return Api(URL, session, Web(address, server), time.clock(seconds))


def test_a_database_that_sleeps_is_waited_for_as_long_as_the_api_says() -> None:
    time, server = Time(), Server.of(*[problem(503, "waking", retry_after="15")] * 5, answer(200, {"a": 1}))
    assert api(server, time).signed("GET", "/v1/ready").document == {"a": 1}
    assert time.slept == [15.0] * 5
    assert sum(time.slept) > PATIENCE


def test_a_database_that_does_not_wake_up_in_time_is_named() -> None:
    server = Server.of(problem(503, "waking", retry_after="20"))
    with pytest.raises(SmokeFailed, match="did not wake up in time") as failure:
        api(server, Time(), seconds=100).signed("GET", "/v1/ready")
    assert "Aurora" in str(failure.value)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (problem(503, "unavailable", "no scores are available"), "answers 503 unavailable"),
        (answer(500 + 2, {"message": "Internal Server Error"}), "answers 502"),
        (UNREACHABLE, "does not answer: EndpointConnectionError"),
    ],
)
def test_a_fault_is_waited_for_a_minute_and_then_named(fault: Answer | Exception, sentence: str) -> None:
    time = Time()
    with pytest.raises(SmokeFailed, match=sentence):
        api(Server.of(fault), time).signed("POST", "/v1/lines/smoke/scores", {"claims": []})
    assert PATIENCE - 5 < sum(time.slept) <= PATIENCE


def test_an_error_of_a_function_is_an_answer_and_not_repeated() -> None:
    time = Time()
    assert api(Server.of(answer(500, {"message": "Internal"})), time).signed("GET", "/v1/ready").status == 500
    assert time.slept == []


def test_requests_are_signed_with_a_purpose_and_keep_the_host_when_sent_elsewhere() -> None:
    server = Server.of(answer(200, {}))
    api(server, Time(), address="http://127.0.0.1:4566").signed("GET", "/v1/ready")
    [request] = server.requests
    assert request.url == "http://127.0.0.1:4566/v1/ready"
    assert request.headers["host"] == "abc.execute-api.eu-central-1.amazonaws.com"
    assert request.headers["x-purpose"] == "testing"
    assert "/eu-central-1/execute-api/aws4_request" in request.headers["Authorization"]
