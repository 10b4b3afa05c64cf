"""The function that takes photos reads its messages as AWS writes them, and answers for each alone."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

import claimwatch.observability  # noqa: F401 - the tracer opens a socket when it is imported, and tests may not
from claimwatch.aws.events import CreatedObject, DeletedObject, parse_object_event
from claimwatch.aws.objects import ObjectRef
from claimwatch.errors import TransientFault
from claimwatch.photos.receive import Outcome, event_id_of
from tests.unit.contracts.test_contract_functions import Context, loaded

EVENTS = Path(__file__).parents[3] / "events"
KEY = "images/MTR-00000000002A/front+left 100%25.jpg"
PHOTO = ObjectRef("claimwatch-landing", KEY, "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e")


def sample(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text("utf-8"))
    return event


def body(name: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(sample(name)["Records"][0]["body"])
    return told


def records(*bodies: str) -> dict[str, Any]:
    [template] = sample("ImageCreated")["Records"]
    return {
        "Records": [
            template | {"messageId": f"m{number}", "body": text} for number, text in enumerate(bodies)
        ]
    }


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, list[Any]]:
    module = loaded("images/process_image")
    calls: list[Any] = []

    def receive(at: object, created: CreatedObject) -> Outcome:
        calls.append(created)
        if "fault" in created.ref.key:
            raise TransientFault("busy")
        if "bad" in created.ref.key:
            return Outcome("refused", reason="it is no photo")
        return Outcome("stored", 1)

    monkeypatch.setattr(module, "dependencies", lambda: None)
    monkeypatch.setattr(module.runtime, "database", lambda: None)
    monkeypatch.setattr(module, "receive", receive)
    monkeypatch.setattr(module, "withdraw", lambda _, deleted: calls.append(deleted))
    return module, calls


def test_a_photo_that_was_dropped_is_received_by_its_key_as_it_stands(
    function: tuple[ModuleType, list[Any]],
) -> None:
    module, calls = function
    assert module.handler(sample("ImageCreated"), Context()) == {"batchItemFailures": []}
    at = datetime(2026, 3, 2, 8, 15, 30, tzinfo=UTC)
    assert calls == [CreatedObject(PHOTO, 3481211, "0066A1B2C3D4E5F607", at)]


def test_deletions_are_told_apart(function: tuple[ModuleType, list[Any]]) -> None:
    module, calls = function
    for name in ("ImageDeleted", "ImageVersionDeleted"):
        assert module.handler(sample(name), Context()) == {"batchItemFailures": []}
    hidden, gone = calls
    assert isinstance(hidden, DeletedObject)
    assert isinstance(gone, DeletedObject)
    assert (hidden.ref.key, hidden.permanent) == (KEY, False)
    assert (gone.ref, gone.permanent) == (PHOTO, True)


def test_only_what_met_a_passing_fault_comes_again_and_a_refused_photo_does_not(
    function: tuple[ModuleType, list[Any]],
) -> None:
    module, calls = function
    text = json.dumps(body("ImageCreated"))
    names = ("good.jpg", "fault.jpg", "bad.jpg", "good.jpg")
    event = records(*(text.replace("front+left 100%25.jpg", name) for name in names))
    assert module.handler(event, Context()) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert len(calls) == 4


def test_a_batch_of_which_nothing_could_be_done_fails(function: tuple[ModuleType, list[Any]]) -> None:
    module, _ = function
    text = json.dumps(body("ImageCreated")).replace("front+left", "fault")
    with pytest.raises(BatchProcessingError):
        module.handler(records(text), Context())


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        "null",
        '"text"',
        json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"}),
        json.dumps({"source": "aws.s3", "detail-type": "Object Restore Completed"}),
        json.dumps({"source": "aws.s3", "detail-type": "Object Created"}),
        json.dumps(
            {"source": "aws.s3", "detail-type": "Object Deleted", "time": "x", "detail": {"bucket": 1}}
        ),
    ],
)
def test_other_messages_are_ignored_and_do_not_hold_up_their_batch(
    function: tuple[ModuleType, list[Any]], text: str
) -> None:
    module, calls = function
    event = records(text, json.dumps(body("ImageCreated")))
    assert module.handler(event, Context()) == {"batchItemFailures": []}
    assert [call.ref for call in calls] == [PHOTO]


def test_a_sample_of_a_test_event_is_ignored(function: tuple[ModuleType, list[Any]]) -> None:
    module, calls = function
    assert module.handler(sample("S3TestEvent"), Context()) == {"batchItemFailures": []}
    assert calls == []


def test_the_event_of_a_claims_file_has_its_key_unchanged() -> None:
    claims = parse_object_event(body("ClaimsCreated"))
    assert isinstance(claims, CreatedObject)
    assert claims.ref.key == "claims/motor/2026-W09 a+b.csv"


def test_an_object_of_a_bucket_without_versions_has_the_version_null() -> None:
    event = body("ImageDeleted")
    del event["detail"]["object"]["version-id"]
    deleted = parse_object_event(event)
    assert isinstance(deleted, DeletedObject)
    assert deleted.ref.version_id == "null"


@pytest.mark.parametrize("path", sorted(EVENTS.glob("*.json")), ids=lambda path: path.stem)
def test_every_sample_event_is_a_batch_of_a_queue(path: Path) -> None:
    [record] = json.loads(path.read_text("utf-8"))["Records"]
    assert record["eventSource"] == "aws:sqs"
    assert isinstance(json.loads(record["body"]), dict)
    assert path.name in (EVENTS / "README.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("key", "event_id"),
    [
        ("images/E/a.jpg", "E"),
        ("images/E/b/c.jpg", "E"),
        ("images/a+b%20c/x", "a+b%20c"),
        ("images/" + "x" * 200 + "/a", "x" * 200),
        ("images/" + "x" * 201 + "/a", None),
        ("images/a.jpg", None),
        ("images//a.jpg", None),
        ("images/E/", None),
        ("images/E\x7f/a.jpg", None),
        ("images/\ud800/a.jpg", None),
    ],
)
def test_the_event_id_is_the_first_segment(key: str, event_id: str | None) -> None:
    assert event_id_of(key) == event_id
