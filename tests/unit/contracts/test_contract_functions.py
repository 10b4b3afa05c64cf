"""Handlers of contracts parse, call and respond; duplicate and unknown messages do no harm."""

import importlib.util
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from claimwatch.aws.custom_resource import Request
from claimwatch.aws.events import CreatedObject, parse_object_event
from claimwatch.aws.objects import ObjectRef
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.errors import TransientFault
from claimwatch.ingest.apply_contract import Applied
from claimwatch.ingest.contract_keys import line_of
from claimwatch.ingest.publish_contract import packaged_contract, publish_contract
from claimwatch.observability import (
    UnexpectedError,
    tracer,  # noqa: F401 - it opens a socket, which tests must not do
)
from claimwatch.storage.connection import Database
from claimwatch.storage.logins import TASKS

FUNCTIONS = Path(__file__).parents[3] / "functions"


class Context:
    function_name = "test"
    function_version = "1"
    memory_limit_in_mb = 128
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:test"
    aws_request_id = "request"


def loaded(folder: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(folder.replace("/", "_"), FUNCTIONS / folder / "handler.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def apply_contract(monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, list[Any]]:
    module = loaded("contracts/apply_contract")
    calls: list[Any] = []

    def apply(deps: object, created: Any) -> Applied:
        calls.append(created)
        if "fault" in created.ref.key:
            raise TransientFault("busy")
        return Applied("applied", "motor", "1.0.0")

    monkeypatch.setattr(module, "dependencies", lambda: None)
    monkeypatch.setattr(module, "apply_contract", apply)
    return module, calls


def message(body: str, number: int = 0) -> dict[str, Any]:
    return {
        "messageId": f"m{number}",
        "body": body,
        "eventSource": "aws:sqs",
        "attributes": {},
        "receiptHandle": "h",
    }


def created(key: str) -> str:
    return json.dumps(
        {
            "source": "aws.s3",
            "detail-type": "Object Created",
            "time": "2024-01-31T10:00:00Z",
            "detail": {
                "bucket": {"name": "b"},
                "object": {"key": key, "version-id": "v", "size": 1, "sequencer": "0A"},
            },
        }
    )


def test_a_stored_contract_is_applied(apply_contract: tuple[ModuleType, list[Any]]) -> None:
    module, calls = apply_contract
    answer = module.handler({"Records": [message(created("contracts/a+b%20c.yaml"))]}, Context())
    assert answer == {"batchItemFailures": []}
    assert [call.ref for call in calls] == [ObjectRef("b", "contracts/a+b%20c.yaml", "v")]


def test_only_messages_that_hit_a_transient_fault_are_retried(
    apply_contract: tuple[ModuleType, list[Any]],
) -> None:
    module, _ = apply_contract
    records = [message(created("contracts/motor.yaml"), 1), message(created("contracts/fault.yaml"), 2)]
    assert module.handler({"Records": records}, Context()) == {
        "batchItemFailures": [{"itemIdentifier": "m2"}]
    }
    try:
        alone = module.handler({"Records": records[1:]}, Context())
    except BatchProcessingError:
        pytest.fail("a failed batch of one must be reported, not raised")
    assert alone == {"batchItemFailures": [{"itemIdentifier": "m2"}]}


@pytest.mark.parametrize(
    "body",
    [
        "not json",
        "[]",
        "null",
        '"text"',
        '{"Service": "Amazon S3", "Event": "s3:TestEvent"}',
        created("contracts/motor.yaml").replace("Created", "Deleted"),
        '{"source": "aws.s3", "detail-type": "Object Created"}',
        '{"source": "aws.s3", "detail-type": "Object Created", "time": "x", "detail": {"bucket": 1}}',
    ],
)
def test_unrelated_messages_are_ignored(apply_contract: tuple[ModuleType, list[Any]], body: str) -> None:
    module, calls = apply_contract
    assert module.handler({"Records": [message(body)]}, Context()) == {"batchItemFailures": []}
    assert calls == []


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("contracts/motor.yaml", "motor"),
        ("contracts/motor.yml", "motor"),
        ("contracts/motor.draft.yaml", None),
        ("contracts/old/motor.yaml", None),
        ("contracts/README.md", None),
        ("staging/contracts/motor.yaml", None),
        ("contracts/.yaml", None),
    ],
)
def test_the_line_of_a_contract_comes_from_its_key(key: str, line: str | None) -> None:
    assert line_of(key) == line


class Bucket:
    """A fake of the object store methods that publishing uses."""

    def __init__(self, **objects: bytes) -> None:
        self.objects = dict(objects)

    def latest(self, bucket: str, key: str) -> tuple[ObjectRef, datetime] | None:
        return (ObjectRef(bucket, key, "1"), STORED_AT) if key in self.objects else None

    def write(self, bucket: str, key: str, blocks: Iterable[bytes]) -> ObjectRef:
        self.objects[key] = b"".join(blocks)
        return ObjectRef(bucket, key, "1")

    def size(self, ref: ObjectRef) -> int:
        return len(self.objects[ref.key])

    def read(self, ref: ObjectRef, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        yield self.objects[ref.key][start:end]


STORED_AT = datetime(2026, 1, 5, 12, tzinfo=UTC)


class Queue:
    """A queue that keeps its messages."""

    def __init__(self) -> None:
        self.messages: list[Mapping[str, Any]] = []

    def send(self, messages: list[Mapping[str, Any]]) -> None:
        self.messages += messages


def test_the_sample_contract_is_announced_in_the_form_of_an_event_of_s3() -> None:
    queue = Queue()
    publish_contract(Bucket(), queue, "artifacts", "motor")
    [message] = queue.messages
    assert parse_object_event(message) == CreatedObject(
        ObjectRef("artifacts", "contracts/motor.yaml", "1"), 0, "", STORED_AT
    )


def test_a_contract_that_exists_is_announced_again() -> None:
    """A deployment may have ended between the two, and applying a contract again has no effect."""
    queue = Queue()
    assert not publish_contract(
        Bucket(**{"contracts/motor.yaml": b"an existing contract"}), queue, "artifacts", "motor"
    )
    assert len(queue.messages) == 1


def test_the_sample_contract_never_overwrites_an_existing_one() -> None:
    bucket = Bucket()
    assert publish_contract(bucket, Queue(), "artifacts", "motor")
    assert parse_contract(bucket.objects["contracts/motor.yaml"].decode(), "motor").line == "motor"
    bucket.objects["contracts/motor.yaml"] = b"an existing contract"
    assert not publish_contract(bucket, Queue(), "artifacts", "motor")
    assert bucket.objects["contracts/motor.yaml"] == b"an existing contract"


@pytest.mark.parametrize("line", ["home", "", "../claimwatch/outcome_contract", "Motor"])
def test_a_line_without_a_packaged_contract_is_an_error(line: str) -> None:
    with pytest.raises(LookupError, match="ships with the code"):
        packaged_contract(line)


@pytest.fixture
def run_work(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Request], Any]:
    """Run the work of a custom resource."""

    def run(folder: str, request: Request) -> Any:
        module = loaded(folder)
        monkeypatch.setattr(module, "runtime", FakeRuntime())
        found: list[Any] = []
        monkeypatch.setattr(module, "respond", lambda *given: found.append(given[-1](request)))
        monkeypatch.setattr(module, "migrate_with_retry", lambda *_: [], raising=False)
        monkeypatch.setattr(module, "complete_lines", lambda *_: [], raising=False)
        monkeypatch.setattr(module, "check_stack", lambda *_: None, raising=False)
        monkeypatch.setattr(module, "keep_stack", lambda *_: None, raising=False)
        monkeypatch.setattr(module, "renew_logins", lambda *_: None, raising=False)
        monkeypatch.setattr(module, "draw_key_of", lambda *_: b"key", raising=False)
        monkeypatch.setattr(module, "separate_duties", FakeRuntime.separate_duties, raising=False)
        module.handler({}, Context())
        return found[0]

    return run


@pytest.fixture(autouse=True)
def stack_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARTIFACT_BUCKET", "artifacts")


DEPLOYED = {"SeparationOfDuties": "relaxed", "Stack": "arn:aws:cloudformation:::stack/claimwatch/1"}


class FakeRuntime:
    bucket = Bucket()
    separations: ClassVar[list[tuple[str, str]]] = []

    @classmethod
    def separate_duties(cls, _database: Database, separation: str, actor: str) -> None:
        cls.separations.append((separation, actor))

    def contracts_queue(self) -> Queue:
        return Queue()

    def objects(self) -> Bucket:
        return self.bucket

    def owned_database(self) -> Database:
        return Database({})

    def owner_secret(self) -> dict[str, Any]:
        return {}

    def logins(self) -> "FakeLogins":
        return FakeLogins()

    def draw_key(self) -> "FakeDrawKey":
        return FakeDrawKey()


class FakeLogins:
    def delete(self, tasks: Iterable[str]) -> None:
        assert set(tasks) == set(TASKS)


class FakeDrawKey:
    stored: ClassVar[bytes | None] = b"of an earlier deployment"

    def put(self, key: bytes) -> None:
        FakeDrawKey.stored = key

    def delete(self) -> None:
        FakeDrawKey.stored = None


@pytest.mark.parametrize(
    "folder", ["contracts/publish_contract", "database/migrate_schema", "models/publish_training"]
)
def test_deleting_the_stack_deletes_no_data(run_work: Callable[[str, Request], Any], folder: str) -> None:
    FakeRuntime.bucket = Bucket()
    assert run_work(folder, Request("Delete", {"Line": "motor"})) == {}
    assert FakeRuntime.bucket.objects == {}
    assert (FakeDrawKey.stored is None) == (folder == "database/migrate_schema")
    FakeDrawKey.stored = b"of an earlier deployment"


def test_a_deployment_publishes_the_contract(run_work: Callable[[str, Request], Any]) -> None:
    FakeRuntime.bucket = Bucket()
    assert run_work("contracts/publish_contract", Request("Create", {"Line": "motor"})) == {
        "Published": "true"
    }
    assert run_work("contracts/publish_contract", Request("Update", {"Line": "motor"})) == {
        "Published": "false"
    }


def test_a_deployment_runs_the_migrations_and_stores_the_draw_key(
    run_work: Callable[[str, Request], Any],
) -> None:
    FakeRuntime.separations.clear()
    assert run_work("database/migrate_schema", Request("Update", DEPLOYED)) == {"Migrations": ""}
    assert FakeDrawKey.stored == b"key"
    assert FakeRuntime.separations == [("relaxed", DEPLOYED["Stack"])]


def test_an_unexpected_error_names_the_line_of_the_handler(
    run_work: Callable[[str, Request], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(FakeRuntime, "owned_database")
    with pytest.raises(UnexpectedError, match=r"^AttributeError in handler\.bring_up_to_date, line \d+$"):
        run_work("database/migrate_schema", Request("Update", DEPLOYED))
