"""Whatever prevents scores is logged by the message that an alarm watches, and quotes nothing."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from claimwatch.errors import TransientFault
from claimwatch.observability import UnexpectedError
from tests.unit.access.environment import ROLE

HANDLER = Path(__file__).parents[3] / "functions" / "api" / "score_claim" / "handler.py"
CONTEXT: Any = SimpleNamespace(
    function_name="test",
    memory_limit_in_mb=128,
    invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:test",
    aws_request_id="request",
)
EVENT = {
    "routeKey": "POST /v1/lines/{line}/scores",
    "requestContext": {"requestId": "request-1", "authorizer": {"iam": {"userArn": ROLE}}},
    "pathParameters": {"line": "motor"},
}


@pytest.fixture
def function() -> ModuleType:
    spec = importlib.util.spec_from_file_location("score_claim", HANDLER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def failing_with(function: ModuleType, error: Exception, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Let each score request fail, and return what is logged as an error."""
    logged: list[Any] = []

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(function, "score_claims", fail)
    monkeypatch.setattr(function.online_runtime, "scoring", lambda: None)
    monkeypatch.setattr(function.logger, "error", lambda message, extra: logged.append((message, extra)))
    return logged


def test_a_fault_is_answered_503_and_alarms(function: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    logged = failing_with(function, TransientFault("SQS did not answer"), monkeypatch)

    answer = function.handler(EVENT, CONTEXT)

    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (503, "unavailable")
    assert [message for message, _ in logged] == ["scores unavailable"]


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "AccessDenied", "Message": "secret"}}, "SendMessage"),
        RuntimeError("secret"),
    ],
    ids=["a call that AWS refuses", "a fault of a library"],
)
def test_an_unexpected_error_alarms_too(
    function: ModuleType, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged = failing_with(function, error, monkeypatch)

    with pytest.raises(UnexpectedError):
        function.handler(EVENT, CONTEXT)

    assert [message for message, _ in logged] == ["scores unavailable"]
    assert "secret" not in str(logged)
