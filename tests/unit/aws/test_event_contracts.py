"""Every event that Claimwatch emits parses with the type of the function that receives it."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from claimwatch.aws.custom_resource import respond
from claimwatch.aws.events import CreatedObject, DeletedObject, object_event_of, parse_object_event
from claimwatch.aws.executions import (
    ClaimsPipeline,
    FailedAttempt,
    FailedScoring,
    FileAttempt,
    FileToScore,
    LineToScore,
    ScoreClaims,
    parse_scoring,
)
from claimwatch.aws.objects import ObjectRef
from claimwatch.domain.evaluation.finding import CHECKS, Finding
from claimwatch.errors import MalformedEvent
from claimwatch.evaluation import close, plan
from claimwatch.evaluation.plan import EvaluationRequest, Task
from claimwatch.ingest.plan import ChunkToLoad
from claimwatch.models.approve_exception import ExceptionRequest
from claimwatch.models.promote import ModelChange
from claimwatch.models.trainings import TrainingRequest
from claimwatch.scoring.plan_scoring import ChunkToScore, ScoringPlan
from claimwatch.storage import evaluations
from claimwatch.storage.evaluations import Window

PROJECT = Path(__file__).parents[3]
EVENTS = sorted((PROJECT / "events").glob("*.json"))
SINCE = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
FAILURE = {"Error": "TransientFault", "Cause": '{"errorMessage": "busy"}'}
WINDOW = Window(
    "motor", SINCE - timedelta(days=7), SINCE, "3", None, "planned", report_uri="s3://artifacts/r"
)


class StepFunctions:
    """A client that keeps the inputs of the executions it starts."""

    def __init__(self) -> None:
        self.exceptions = SimpleNamespace(ExecutionAlreadyExists=type("AlreadyExists", (Exception,), {}))
        self.inputs: list[dict[str, Any]] = []

    def start_execution(self, **request: Any) -> None:
        self.inputs.append(json.loads(request["input"]))


def pipeline_input() -> dict[str, Any]:
    client = StepFunctions()
    ClaimsPipeline(client, "arn").start(ObjectRef("b", "k", "v"), 7, 2)  # type: ignore[arg-type]
    return client.inputs[0]


def backfill_input(*, since: datetime | None, only_unscored: bool) -> dict[str, Any]:
    client = StepFunctions()
    backfill = ScoreClaims(client, "arn:stateMachine:x")  # type: ignore[arg-type]
    backfill.start("motor", "request", since=since, only_unscored=only_unscored)
    return client.inputs[0]


def function_states(machine: str) -> Iterator[tuple[str, Any]]:
    """The tasks of a state machine that call a function, each with the payload that the definition gives."""
    text = (PROJECT / "statemachines" / f"{machine}.asl.json").read_text("utf-8")
    definition = json.loads(re.sub(r"\$\{\w+\}", "4", text))
    maps = [state["ItemProcessor"] for state in definition["States"].values() if state["Type"] == "Map"]
    for group in (definition, *maps):
        for name, state in group["States"].items():
            if state.get("Resource") == "arn:aws:states:::lambda:invoke":
                parameters = state["Parameters"]
                yield name, parameters.get("Payload", parameters.get("Payload.$"))


def resolved(payload: Any, execution_input: Mapping[str, Any], item: Mapping[str, Any]) -> Any:
    """The payload as Step Functions sends it: paths replaced by values."""
    if payload == "$":
        return item
    if payload == "$$.Execution.Input":
        return execution_input
    values: dict[str, Any] = {f"$$.Execution.Input.{name}": value for name, value in execution_input.items()}
    values |= {"$$.Execution.Input": execution_input}
    values |= {"$$.Execution.Id": "arn", "$.failure.Error": FAILURE["Error"]}
    values |= {"$.failure.Cause": FAILURE["Cause"]}
    return {name.removesuffix(".$"): values[path] for name, path in payload.items()}


def in_claims_pipeline() -> dict[str, tuple[Callable[[object], object], object]]:
    failure = (FAILURE["Error"], FAILURE["Cause"])
    return {
        "InspectFile": (FileAttempt.parse, FileAttempt(7, 2)),
        "LoadChunk": (ChunkToLoad.parse, ChunkToLoad(7, 2, 5)),
        "CommitFile": (FileAttempt.parse, FileAttempt(7, 2)),
        "PlanScoring": (parse_scoring, FileToScore(7)),
        "PlanRemaining": (parse_scoring, FileToScore(7)),
        "ScoreChunk": (ChunkToScore.parse, ChunkToScore(7, 5)),
        "RecordFailure": (FailedAttempt.parse, FailedAttempt(FileAttempt(7, 2), *failure)),
        "RecordUnscored": (FailedScoring.parse, FailedScoring(FileToScore(7), *failure)),
    }


def test_every_task_of_the_claims_pipeline_gets_an_event_that_its_function_parses() -> None:
    expected = in_claims_pipeline()
    items = {
        "LoadChunk": vars(ChunkToLoad(7, 2, 5)),
        "ScoreChunk": ScoringPlan("motor", "ready", [ChunkToScore(7, 5)]).to_event()["units"][0],
    }
    states = dict(function_states("claims_pipeline"))
    assert states.keys() == expected.keys()
    for name, payload in states.items():
        parse, event = expected[name]
        assert parse(resolved(payload, pipeline_input(), items.get(name, {}))) == event, name


@pytest.mark.parametrize(("since", "only_unscored"), [(SINCE, False), (None, True)])
def test_every_task_that_scores_a_line_gets_an_event_that_its_function_parses(
    since: datetime | None, only_unscored: bool
) -> None:
    unit = ScoringPlan("motor", "ready", [ChunkToScore(7, 5)]).to_event()["units"][0]
    parsers: dict[str, tuple[Callable[[object], object], object]] = {
        "PlanScoring": (parse_scoring, LineToScore("motor", since, only_unscored)),
        "PlanRemaining": (parse_scoring, LineToScore("motor", since, only_unscored)),
        "ScoreChunk": (ChunkToScore.parse, ChunkToScore(7, 5)),
        "RecordUnscored": (
            FailedScoring.parse,
            FailedScoring(LineToScore("motor", since, only_unscored), FAILURE["Error"], FAILURE["Cause"]),
        ),
    }
    execution_input = backfill_input(since=since, only_unscored=only_unscored)
    states = dict(function_states("score_claims"))
    assert states.keys() == parsers.keys()
    for name, payload in states.items():
        parse, event = parsers[name]
        assert parse(resolved(payload, execution_input, unit)) == event, name


def test_score_claims_continues_what_the_claims_pipeline_leaves_to_score() -> None:
    text = (PROJECT / "statemachines" / "claims_pipeline.asl.json").read_text("utf-8")
    started = json.loads(text)["States"]["ContinueScoring"]["Parameters"]
    assert started["StateMachineArn"] == "${ScoreClaims}"
    continued = resolved(started["Input.$"], pipeline_input(), {})
    states = dict(function_states("score_claims"))
    assert parse_scoring(resolved(states["PlanScoring"], continued, {})) == FileToScore(7)
    failed = FailedScoring.parse(resolved(states["RecordUnscored"], continued, {}))
    assert failed.to_score == FileToScore(7)


def test_a_failure_that_an_execution_of_the_previous_version_reports_is_parsed() -> None:
    event = {"file_id": 7, "error": FAILURE["Error"], "cause": FAILURE["Cause"]}
    assert FailedScoring.parse(event).to_score == FileToScore(7)


def test_every_message_of_an_evaluation_parses_as_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    class Queue:
        def send(self, messages: list[Mapping[str, Any]], delay_seconds: int = 0) -> None:
            assert delay_seconds in (0, plan.CLOSING_DELAY)
            sent.extend(json.dumps(dict(message)) for message in messages)

    monkeypatch.setattr(evaluations, "marks", lambda *_: {})
    monkeypatch.setattr(evaluations, "refresh_statistics", lambda *_: None)
    database: Any = SimpleNamespace(transaction=nullcontext)
    plan._send(plan.Dependencies(database, Queue()), WINDOW)

    tasks = [Task.parse(json.loads(message)) for message in sent]
    assert [task.check for task in tasks] == [*CHECKS, None]
    assert {task.key.line for task in tasks} == {"motor"}
    assert {task.key.model_version for task in tasks} == {"3"}


def test_the_event_that_advises_retraining_parses_as_a_training_request() -> None:
    finding = Finding("psi", 0.4, 1000, "alarm")
    advice = json.loads(json.dumps(close._advice(WINDOW, [("feature_drift", finding)])))
    request = TrainingRequest.parse(advice)
    assert (request.line, request.training_id) == ("motor", advice["training_id"])
    assert request.why == advice["why"]


def test_the_schedule_s_input_parses_as_a_training_request() -> None:
    template = (PROJECT / "template.yaml").read_text("utf-8")
    [text] = re.findall(r"Input: !Sub '(\{.*\})'", template)
    request = TrainingRequest.parse(json.loads(text.replace("${TrainingLine}", "motor")))
    assert request == TrainingRequest("motor", "the schedule", "the schedule")


def test_what_the_command_line_sends_parses_in_the_function() -> None:
    back_test = TrainingRequest("motor", "why", "me", "id", date(2026, 3, 31), ("amount", "age"))
    for request in (back_test, TrainingRequest("motor", "why")):
        assert TrainingRequest.parse(json.loads(json.dumps(request.to_fields()))) == request
    for change in (
        ModelChange("motor", "me", "why", "3", "challenger", "id", date(2026, 3, 31), ("amount", "age")),
        ModelChange("motor", "me", "why"),
    ):
        assert ModelChange.parse(json.loads(json.dumps(change.to_fields()))) == change
    exception = ExceptionRequest("motor", "3", "bias", "me", "why", "id")
    assert ExceptionRequest.parse(exception.to_fields()) == exception
    for evaluation in (EvaluationRequest("motor", "2026-W09"), EvaluationRequest("motor")):
        assert EvaluationRequest.parse(vars(evaluation)) == evaluation


def test_the_event_of_a_schedule_plans_every_line() -> None:
    event = {"version": "0", "source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
    assert EvaluationRequest.parse(event) == EvaluationRequest()


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_every_sample_event_parses(path: Path) -> None:
    kinds = {"Created": CreatedObject, "Deleted": DeletedObject, "TestEvent": type(None)}
    expected = next(kind for suffix, kind in kinds.items() if path.stem.endswith(suffix))
    for record in json.loads(path.read_text("utf-8"))["Records"]:
        assert isinstance(parse_object_event(json.loads(record["body"])), expected)


S3_EVENT = json.loads(json.loads((PROJECT / "events/ClaimsCreated.json").read_text())["Records"][0]["body"])
MALFORMED: list[tuple[Callable[[object], object], object, str]] = [
    (FileAttempt.parse, {"attempt": 1}, "'file_id' must be an integer; it is missing"),
    (FileAttempt.parse, {"file_id": "secret", "attempt": 1}, "'file_id' must be an integer; it is str"),
    (FileAttempt.parse, {"file_id": True, "attempt": 1}, "'file_id' must be an integer; it is bool"),
    (FileAttempt.parse, ["secret"], "expected an object, not list"),
    (ChunkToLoad.parse, {"file_id": 1, "attempt": 1}, "'number'"),
    (ChunkToScore.parse, {"number": 1}, "'file_id'"),
    (parse_scoring, {}, "'line' must be a text"),
    (parse_scoring, {"line": "motor", "since": "secret"}, "'since' must be a time in ISO 8601"),
    (parse_scoring, {"line": "motor", "only_unscored": "secret"}, "'only_unscored' must be true or false"),
    (FailedAttempt.parse, {"file_id": 1, "attempt": 1, "error": "x"}, "'cause'"),
    (FailedScoring.parse, {"line": "motor", "cause": "secret"}, "'error'"),
    (TrainingRequest.parse, {"line": "secret"}, "'why'"),
    (TrainingRequest.parse, {"line": "m", "why": "w", "as_of": "secret"}, "'as_of' must be a day"),
    (TrainingRequest.parse, {"line": "m", "why": "w", "trust": "secret"}, "'trust' must be a list of texts"),
    (TrainingRequest.parse, {"line": "m", "why": "w", "trust": [["secret"]]}, "'trust' must be a list"),
    (ModelChange.parse, {"line": "motor", "by": "secret", "why": "x", "version": "1"}, "'role'"),
    (
        ModelChange.parse,
        {"line": "motor", "by": "me", "why": "x", "version": "1", "role": "secret"},
        "'role' must be one of champion, challenger",
    ),
    (
        ExceptionRequest.parse,
        {"line": "motor", "version": "3", "by": "me", "why": "x", "gate": "secret"},
        "'gate' must be one of bias",
    ),
    (EvaluationRequest.parse, {"line": 4711}, "'line' must be a text; it is int"),
    (Task.parse, {"line": "m", "window": "secret", "model_version": "1", "check": "bias"}, "'window'"),
    (Task.parse, {"line": "m", "window": "2026-W09", "model_version": "1", "check": "secret"}, "'check'"),
    (Task.parse, {"line": "m", "window": "2026-W09", "model_version": "1"}, "'check', or 'close'"),
    (parse_object_event, S3_EVENT | {"time": "secret"}, "'time'"),
    (parse_object_event, S3_EVENT | {"detail": {"bucket": {"name": "secret"}}}, "'object'"),
    (
        parse_object_event,
        S3_EVENT | {"detail": {"bucket": "secret", "object": {"key": "k"}}},
        "'bucket' must be an object",
    ),
    (lambda event: respond(event, SimpleNamespace(), dict), {"RequestType": "secret"}, "'LogicalResourceId'"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("parse", "event", "message"), MALFORMED, ids=[message for *_, message in MALFORMED])
def test_a_malformed_event_names_the_field_and_quotes_no_value(
    parse: Callable[[object], object], event: object, message: str
) -> None:
    with pytest.raises(MalformedEvent) as raised:
        parse(event)
    assert message in str(raised.value)
    assert "secret" not in str(raised.value)
    assert "4711" not in str(raised.value)


@pytest.mark.parametrize("text", ["not json", "[]", "null", json.dumps(S3_EVENT | {"detail": {}})])
def test_a_message_that_is_not_an_event_of_an_object_is_none(text: str) -> None:
    assert object_event_of(text) is None
