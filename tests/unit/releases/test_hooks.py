"""CodeDeploy gets an answer in any case; the API of cases gets traffic only if it fits the schema."""

import base64
import importlib.util
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from claimwatch import observability
from claimwatch.aws import deployment_hooks
from claimwatch.aws.deployment_hooks import answer_hook
from claimwatch.aws.function_versions import Called, Described, LambdaVersions, Report, read_report
from claimwatch.errors import MalformedEvent, TransientFault
from claimwatch.releases.check_case_api import PAUSE, SCHEMA_EVENT, Dependencies, check_case_api
from claimwatch.releases.wanted_differences import UnknownMember, wanted_differences

EVENT = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"}
FUNCTIONS = Path(__file__).parents[3] / "functions" / "releases"


class CodeDeploy:
    """Keeps the answers."""

    def __init__(self) -> None:
        self.answers: list[dict[str, str]] = []

    def put_lifecycle_event_hook_execution_status(self, **answer: str) -> None:
        self.answers.append(answer)


class Context:
    """Of a function that still has so many seconds."""

    function_name, memory_limit_in_mb, invoked_function_arn, aws_request_id = "f", 128, "arn", "r"

    def __init__(self, seconds: float = 300.0) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(1000 * self.seconds)


def answered(status: str) -> list[dict[str, str]]:
    return [{"deploymentId": "d-1", "lifecycleEventHookExecutionId": "e-1", "status": status}]


@pytest.mark.parametrize(("reasons", "status"), [([], "Succeeded"), (["line motor: it differs"], "Failed")])
def test_the_result_of_the_check_is_the_answer(reasons: list[str], status: str) -> None:
    client = CodeDeploy()
    assert answer_hook(EVENT, Context(), client, lambda _: reasons) == status
    assert client.answers == answered(status)


@pytest.mark.parametrize(
    "error",
    [
        TransientFault("S3 did not answer"),
        KeyError("secret"),
        ClientError({"Error": {"Code": "AccessDenied", "Message": "secret"}}, "Invoke"),
    ],
    ids=["a fault", "a mistake in the check", "a missing permission"],
)
def test_a_check_that_fails_itself_is_answered_and_quotes_nothing(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[str] = []
    monkeypatch.setattr(deployment_hooks.logger, "error", lambda _, extra: logged.append(str(extra)))

    def check(_: object) -> list[str]:
        raise error

    client = CodeDeploy()
    assert answer_hook(EVENT, Context(), client, check) == "Failed"
    assert client.answers == answered("Failed")
    assert len(logged) == 1
    assert "secret" not in logged[0]


def test_a_check_that_takes_too_long_is_answered_once_before_the_function_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deployment_hooks, "ANSWER_TIME", 0.2)
    client, during = CodeDeploy(), []

    def check(_: object) -> list[str]:
        deadline = time.monotonic() + 10
        while not client.answers and time.monotonic() < deadline:
            time.sleep(0.01)
        during.append(list(client.answers))
        return []

    answer_hook(EVENT, Context(0.3), client, check)
    assert during == [answered("Failed")]
    assert client.answers == answered("Failed")


def test_an_event_of_somebody_else_is_refused() -> None:
    client = CodeDeploy()
    with pytest.raises(MalformedEvent):
        answer_hook({"DeploymentId": "d-1"}, Context(), client, lambda _: [])
    assert client.answers == []


@pytest.mark.parametrize("name", ["check_scores", "check_case_api"])
def test_a_function_without_its_settings_answers_too(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    untraced = SimpleNamespace(capture_lambda_handler=lambda **_: lambda function: function)
    monkeypatch.setitem(vars(observability), "tracer", untraced)  # the tracer opens a socket
    spec = importlib.util.spec_from_file_location(name, FUNCTIONS / name / "handler.py")
    assert spec is not None
    assert spec.loader is not None
    function = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(function)
    client = CodeDeploy()
    for setting in ("NEW_VERSION", "LIVE_ALIAS"):
        monkeypatch.delenv(setting, raising=False)
    monkeypatch.setattr(function.release_runtime, "code_deploy", lambda: client)
    monkeypatch.setattr(function.release_runtime, "case_api", lambda _: None)
    assert function.handler(EVENT, Context()) == "Failed"
    assert client.answers == answered("Failed")


def test_differences_are_wanted_by_the_names_of_members() -> None:
    assert wanted_differences("none") == wanted_differences("") == frozenset()
    assert wanted_differences("reasons, probability") == {"probability", "reasons"}
    with pytest.raises(UnknownMember, match="probability, percentile, refer, reasons, problems"):
        wanted_differences("reasons,claim")


# -- The API of cases ----------------------------------------------------------------------------------------

REFUSED = {"statusCode": 403, "body": json.dumps({"code": "forbidden"})}
FITS = {"expects": 32, "finds": 32, "code_version": "abc"}
WAKING = {"problem": "the database is waking up", "retry": True}


class CaseApi:
    """A version of the function, with the answers to the question for the schema in their order."""

    def __init__(self, *schema: object, stranger: object = REFUSED, error: str | None = None) -> None:
        self.schema, self.stranger, self.error = list(schema), stranger, error
        self.report: Report | None = None
        self.clock = 0.0
        self.asked: list[Any] = []

    def call(self, _: str, event: Any) -> Called:
        self.asked.append(event)
        if event != SCHEMA_EVENT:
            return Called(self.stranger, None, self.report)
        answer = self.schema.pop(0) if len(self.schema) > 1 else self.schema[0]
        if isinstance(answer, TransientFault):
            raise answer
        return Called(answer, self.error, self.report)

    def describe(self, _: str) -> Described:
        return Described(1024, 1 << 20, "")

    def with_traffic(self, alias: str) -> str:
        raise AssertionError(alias)

    def sleep(self, seconds: float) -> None:
        self.clock += seconds

    def check(self, seconds: float = 250.0) -> list[str]:
        deps = Dependencies(self, lambda: datetime.now(UTC), self.sleep, lambda: seconds - self.clock)
        return check_case_api(deps, "d-1", "arn:case:3")


@pytest.mark.parametrize("finds", [32, 33])
def test_a_schema_with_all_that_is_expected_passes(finds: int) -> None:
    api = CaseApi(FITS | {"finds": finds})
    assert api.check() == []
    assert [event.get("routeKey") for event in api.asked] == [None, "GET /app/me", "GET /v1/permissions"]


def test_an_older_schema_is_refused() -> None:
    sentence = "the new version expects migration 32, and the database has only 31"
    assert CaseApi(FITS | {"finds": 31}).check() == [sentence]


def test_a_sleeping_database_is_waited_for() -> None:
    api = CaseApi(WAKING, TransientFault("Lambda did not answer"), WAKING, FITS)
    assert api.check() == []
    assert api.clock == 3 * PAUSE


def test_a_database_that_does_not_wake_up_is_refused_in_time() -> None:
    api = CaseApi(WAKING)
    assert api.check(60.0) == ["the database did not answer in time: the database is waking up"]
    assert api.clock <= 60.0


@pytest.mark.parametrize(
    ("api", "sentence"),
    [
        (CaseApi({"errorType": "x"}, error="StatementRefused"), "it raises StatementRefused"),
        (CaseApi({"problem": "a text cannot be stored", "retry": False}), "a text cannot be stored"),
        (CaseApi({"statusCode": 400}), "the answer is not understood"),
        (CaseApi(None), "the answer is not understood"),
    ],
)
def test_a_version_that_cannot_say_what_it_finds_is_refused(api: CaseApi, sentence: str) -> None:
    assert api.check() == [f"the new version cannot say which schema it finds: {sentence}"]


def test_a_version_that_lets_strangers_in_is_refused() -> None:
    found = CaseApi(FITS, stranger={"statusCode": 200, "body": "{}"}).check()
    assert found == [
        f"{route} answers 200 None to a caller whom nobody has verified, not 403 forbidden"
        for route in ("GET /app/me", "GET /v1/permissions")
    ]


def test_a_slow_start_of_the_api_is_refused() -> None:
    api = CaseApi(FITS)
    api.report = Report(9_000.0, 200)
    assert api.check() == ["the new version took 9000 ms to start; at most 5000 ms are allowed"]


# -- What Lambda says ----------------------------------------------------------------------------------------

TEXT = (
    "START RequestId: 1\nREPORT RequestId: 1\tDuration: 2.10 ms\tBilled Duration: 3 ms\tMemory Size: 512 MB\t"
    "Max Memory Used: 146 MB\t{}"
)
LOGS: dict[str, tuple[str, Report | None]] = {
    "a start": (TEXT.format("Init Duration: 812.34 ms\t"), Report(812.34, 146)),
    "no start": (TEXT.format(""), Report(None, 146)),
    "a snapshot": (
        TEXT.format("Restore Duration: 410.5 ms\tBilled Restore Duration: 1 ms"),
        Report(410.5, 146),
    ),
    "JSON": (
        json.dumps(
            {"type": "platform.report", "record": {"metrics": {"initDurationMs": 5, "maxMemoryUsedMB": 9}}}
        ),
        Report(5.0, 9),
    ),
    "no report": ("START RequestId: 1", None),
    "nothing": ("", None),
}


@pytest.mark.parametrize("what", LOGS)
def test_the_end_of_a_log_reports_start_and_memory(what: str) -> None:
    text, report = LOGS[what]
    assert read_report(base64.b64encode(text.encode()).decode()) == report


def test_a_version_is_called_and_described_by_its_arn() -> None:
    calls: list[tuple[str, dict[str, Any]]] = []

    def record(name: str, answer: Any) -> Callable[..., Any]:
        def call(**given: Any) -> Any:
            calls.append((name, given))
            return answer

        return call

    payload = SimpleNamespace(read=lambda: b'{"errorType": "KeyError", "errorMessage": "secret"}')
    client = SimpleNamespace(
        invoke=record("invoke", {"Payload": payload, "FunctionError": "Unhandled"}),
        get_function_configuration=record(
            "describe",
            {
                "MemorySize": 512,
                "CodeSize": 10,
                "Layers": [{"CodeSize": 20}, {"CodeSize": 3}],
                "Environment": {"Variables": {"TREE_SHA256": "abc"}},
            },
        ),
        get_alias=record("alias", {"FunctionVersion": "7"}),
    )
    versions = LambdaVersions(client)
    assert versions.call("arn:f:8", {}).error == "KeyError"
    assert versions.describe("arn:f:8") == Described(512, 33, "abc")
    assert versions.with_traffic("arn:f:live") == "arn:f:7"
    assert [given["FunctionName"] for _, given in calls] == ["arn:f:8", "arn:f:8", "arn:f"]
