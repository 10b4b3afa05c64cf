"""A function that processes batches of a queue, in a worker: its real handler with other dependencies."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from tests.cluster import PROJECT
from tests.faults.fault_injection import Raised, trap
from tests.faults.seed import Fault


@dataclass(frozen=True)
class BatchResult:
    """The result of a batch."""

    failed: list[str] = field(default_factory=list)
    """Ids of the messages that must be delivered again."""
    errors: list[Raised] = field(default_factory=list)
    """The error of each failed message."""


class BatchFunction:
    """The handler in a folder below functions/; ``process`` is the name of what processes one message."""

    def __init__(self, folder: str, process: str) -> None:
        self.module = loaded(folder)
        self._process = process
        self._original = getattr(self.module, process)

    def run(
        self, url: str, bodies: Mapping[str, str], faults: Mapping[str, tuple[Fault, ...]]
    ) -> BatchResult:
        """Process a batch of messages by id; the faults of a message strike while it is processed."""
        errors: list[Raised] = []

        def process(record: Any) -> None:
            trap.set(faults.get(record.message_id, ()), url)
            try:
                self._original(record=record)  # by name, as Powertools does
            except Exception as error:
                errors.append(Raised(type(error).__name__, str(error)))
                raise

        vars(self.module)[self._process] = process
        records = [_record(message_id, body) for message_id, body in bodies.items()]
        try:
            answer = self.module.handler({"Records": records}, context(self.module.__name__))
        except BatchProcessingError:
            # All messages failed: Lambda reports an error, and the queue keeps the batch.
            return BatchResult(list(bodies), errors)
        return BatchResult([failure["itemIdentifier"] for failure in answer["batchItemFailures"]], errors)


def context(name: str) -> SimpleNamespace:
    """Return the context of an invocation with a minute left."""
    return SimpleNamespace(
        get_remaining_time_in_millis=lambda: 60_000,
        function_name=name,
        memory_limit_in_mb=1769,
        invoked_function_arn=f"arn:aws:lambda:eu-west-1:123456789012:function:{name}",
        aws_request_id="request",
    )


def _record(message_id: str, body: str) -> dict[str, Any]:
    return {
        "messageId": message_id,
        "receiptHandle": message_id,
        "body": body,
        "attributes": {},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:queue",
        "awsRegion": "eu-west-1",
    }


def loaded(folder: str) -> ModuleType:
    """Return the module of the handler in a folder below functions/."""
    path = PROJECT / "functions" / folder / "handler.py"
    spec = importlib.util.spec_from_file_location(path.parent.name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
