"""The function process_image in a worker: its handler as Lambda calls it, working with what breaks."""

import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer
from types import ModuleType, SimpleNamespace
from typing import Any

from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from botocore.exceptions import ClientError

from claimwatch.aws.objects import ObjectMissing, ObjectRef
from claimwatch.domain.photos.photo import Photo
from claimwatch.photos.decoder import Decoder
from claimwatch.photos.receive import Dependencies
from claimwatch.storage.connection import Database
from tests.cluster import PROJECT
from tests.faults.fault_injection import BreakingObjects, Raised, trap
from tests.faults.seed import Fault

_CONTEXT = SimpleNamespace(
    function_name="process_image",
    memory_limit_in_mb=1769,
    invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:process_image",
    aws_request_id="request",
)


@dataclass(frozen=True)
class Taken:
    """What became of a batch."""

    failed: list[str] = field(default_factory=list)
    """Ids of the messages that are to come again."""
    errors: list[Raised] = field(default_factory=list)
    """Of each that failed."""


class ProcessImage:
    """One environment of the function; it keeps its decoder from batch to batch."""

    def __init__(self) -> None:
        self._decoder = BreakingDecoder()

    def take(
        self,
        database: Database,
        folder: Path,
        url: str,
        bodies: Mapping[str, str],
        faults: Mapping[str, tuple[Fault, ...]],
        forbids: bool,
    ) -> Taken:
        """Take a batch of messages, by their ids; the faults of a message wait while it is at work."""
        errors: list[Raised] = []

        def process_image(record: Any) -> None:
            trap.set(faults.get(record.message_id, ()), url)
            try:
                _PROCESS_IMAGE(record)
            except Exception as error:
                errors.append(Raised(type(error).__name__, str(error)))
                raise

        objects = LandingBucket(folder, forbids=forbids)
        _MODULE.runtime.database = lambda: database
        vars(_MODULE)["dependencies"] = lambda: Dependencies(database, objects, self._decoder)
        vars(_MODULE)["process_image"] = process_image
        records = [_record(message_id, body) for message_id, body in bodies.items()]
        try:
            answer = _MODULE.handler({"Records": records}, _CONTEXT)
        except BatchProcessingError:  # all of them: Lambda reports an error, and the queue keeps the batch
            return Taken(list(bodies), errors)
        return Taken([failure["itemIdentifier"] for failure in answer["batchItemFailures"]], errors)


class BreakingDecoder:
    """The decoder, whose process somebody kills: the kernel, short of memory.

    At most once for a photo. What kills two processes is taken for the photo's own fault, and meant to be.
    """

    def __init__(self) -> None:
        self._decoder = Decoder()

    def examine(self, data: bytes) -> Photo:
        """As the decoder does."""
        fault = trap.spring("decode")
        if fault is None:
            return self._decoder.examine(data)
        assert fault.kind == "kill_decoder", fault
        killer = Timer(fault.delay, self._decoder.start().kill)
        killer.start()
        try:
            return self._decoder.examine(data)
        finally:
            killer.join()


class LandingBucket(BreakingObjects):
    """A bucket that says of what is gone that it is missing, or, to who may not list it, forbidden."""

    def __init__(self, folder: Path, *, forbids: bool) -> None:
        super().__init__(folder)
        self._forbids = forbids

    def read(self, ref: ObjectRef, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes, in small blocks."""
        try:
            yield from super().read(ref, start, end)
        except (ObjectMissing, FileNotFoundError) as error:
            if self._forbids:
                raise ClientError(
                    {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}},  # type: ignore[typeddict-item]
                    "GetObject",
                ) from error
            raise ObjectMissing("it is gone") from error


def _record(message_id: str, body: str) -> dict[str, Any]:
    return {
        "messageId": message_id,
        "receiptHandle": message_id,
        "body": body,
        "attributes": {},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:images",
        "awsRegion": "eu-west-1",
    }


def _loaded() -> ModuleType:
    path = PROJECT / "functions" / "images" / "process_image" / "handler.py"
    spec = importlib.util.spec_from_file_location("process_image_handler", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_MODULE = _loaded()
_PROCESS_IMAGE = _MODULE.process_image
