"""The photo function parses AWS messages and reports failures for each message separately."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from claimwatch.aws.events import CreatedObject, DeletedObject, parse_object_event
from claimwatch.aws.objects import ObjectRef
from claimwatch.errors import TransientFault
from claimwatch.observability import tracer  # noqa: F401 - it opens a socket, which tests must not do
from claimwatch.photos.receive import Outcome, event_id_of
from tests.unit.contracts.test_contract_functions import Context, loaded

EVENTS = Path(__file__).parents[3] / "events"
KEY = "images/MTR-00000000002A/front+left 100%25.jpg"
PHOTO = ObjectRef("claimwatch-landing", KEY, "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e")


def sample(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text("utf-8"))
    return event


def body(name: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(sample(name)["Records"][0]["body"])
    return parsed


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

    def receive(_deps: object, created: CreatedObject) -> Outcome:
        calls.append(created)
        if "fault" in created.ref.key:
            raise TransientFault("busy")
        if "bad" in created.ref.key:
            return Outcome("refused", reason="it is not a photo")
        return Outcome("stored", 1)

    monkeypatch.setattr(module, "dependencies", lambda: None)
    monkeypatch.setattr(module.runtime, "database", lambda: None)
    monkeypatch.setattr(module, "receive", receive)
    monkeypatch.setattr(module, "withdraw", lambda _, deleted: calls.append(deleted))
    return module, calls


def test_the_key_of_a_dropped_photo_is_not_decoded(
    function: tuple[ModuleType, list[Any]],
) -> None:
    module, calls = function
    assert module.handler(sample("ImageCreated"), Context()) == {"batchItemFailures": []}
    at = datetime(2026, 3, 2, 8, 15, 30, tzinfo=UTC)
    assert calls == [CreatedObject(PHOTO, 3481211, "0066A1B2C3D4E5F607", at)]


def test_delete_markers_and_permanent_deletions_are_distinguished(
    function: tuple[ModuleType, list[Any]],
) -> None:
    module, calls = function
    for name in ("ImageDeleted", "ImageVersionDeleted"):
        assert module.handler(sample(name), Context()) == {"batchItemFailures": []}
    marker, permanent = calls
    assert isinstance(marker, DeletedObject)
    assert isinstance(permanent, DeletedObject)
    assert (marker.ref.key, marker.permanent) == (KEY, False)
    assert (permanent.ref, permanent.permanent) == (PHOTO, True)


def test_only_messages_with_a_transient_fault_are_retried(
    function: tuple[ModuleType, list[Any]],
) -> None:
    module, calls = function
    text = json.dumps(body("ImageCreated"))
    names = ("good.jpg", "fault.jpg", "bad.jpg", "good.jpg")
    event = records(*(text.replace("front+left 100%25.jpg", name) for name in names))
    assert module.handler(event, Context()) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert len(calls) == 4


def test_a_batch_whose_every_message_failed_raises(function: tuple[ModuleType, list[Any]]) -> None:
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
def test_unknown_messages_are_ignored_and_the_rest_of_the_batch_is_processed(
    function: tuple[ModuleType, list[Any]], text: str
) -> None:
    module, calls = function
    event = records(text, json.dumps(body("ImageCreated")))
    assert module.handler(event, Context()) == {"batchItemFailures": []}
    assert [call.ref for call in calls] == [PHOTO]


def test_the_test_event_of_s3_is_ignored(function: tuple[ModuleType, list[Any]]) -> None:
    module, calls = function
    assert module.handler(sample("S3TestEvent"), Context()) == {"batchItemFailures": []}
    assert calls == []


def test_the_event_of_a_claims_file_has_its_key_unchanged() -> None:
    claims = parse_object_event(body("ClaimsCreated"))
    assert isinstance(claims, CreatedObject)
    assert claims.ref.key == "claims/motor/2026-W09 a+b.csv"


def test_without_a_version_id_in_the_event_the_version_is_null() -> None:
    event = body("ImageDeleted")
    del event["detail"]["object"]["version-id"]
    deleted = parse_object_event(event)
    assert isinstance(deleted, DeletedObject)
    assert deleted.ref.version_id == "null"


@pytest.mark.parametrize("path", sorted(EVENTS.glob("*.json")), ids=lambda path: path.stem)
def test_every_sample_event_is_an_sqs_batch_and_is_documented(path: Path) -> None:
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
def test_the_event_id_is_the_first_segment_of_the_key(key: str, event_id: str | None) -> None:
    assert event_id_of(key) == event_id
