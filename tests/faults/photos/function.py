"""The function process_image in a worker: its real handler with dependencies that inject faults."""

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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
class BatchResult:
    """The result of a batch."""

    failed: list[str] = field(default_factory=list)
    """Ids of the messages that must be delivered again."""
    errors: list[Raised] = field(default_factory=list)
    """The error of each failed message."""


class ProcessImage:
    """An execution environment of the function, which keeps its decoder from batch to batch."""

    def __init__(self) -> None:
        self._decoder = BreakingDecoder()

    def run(
        self,
        database: Database,
        folder: Path,
        url: str,
        bodies: Mapping[str, str],
        faults: Mapping[str, tuple[Fault, ...]],
        forbids: bool,
    ) -> BatchResult:
        """Process a batch of messages by id; the faults of a message strike while it is processed."""
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
        except (
            BatchProcessingError
        ):  # all messages failed: Lambda reports an error, and the queue keeps the batch
            return BatchResult(list(bodies), errors)
        return BatchResult([failure["itemIdentifier"] for failure in answer["batchItemFailures"]], errors)


class BreakingDecoder:
    """The decoder, whose process may be killed, as the kernel does when memory runs out.

    It is killed at most once per photo: by design, a photo that kills two processes is rejected.
    """

    def __init__(self) -> None:
        self._decoder = Decoder()

    def examine(self, data: bytes) -> Photo:
        """Decode a photo."""
        with self._breaking("decode"):
            return self._decoder.examine(data)

    def compare(self, thumbnail: bytes, others: Sequence[bytes]) -> list[int | None]:
        """Compare photos."""
        with self._breaking("compare"):
            return self._decoder.compare(thumbnail, others)

    @contextmanager
    def _breaking(self, point: str) -> Iterator[None]:
        fault = trap.spring(point)
        if fault is None:
            yield
            return
        assert fault.kind == "kill_decoder", fault
        killer = Timer(fault.delay, self._decoder.start().kill)
        killer.start()
        try:
            yield
        finally:
            killer.join()


class LandingBucket(BreakingObjects):
    """A bucket where reading a deleted object fails as missing or as forbidden."""

    def __init__(self, folder: Path, *, forbids: bool) -> None:
        super().__init__(folder)
        self._forbids = forbids

    def read(self, ref: ObjectRef, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes in small blocks."""
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
