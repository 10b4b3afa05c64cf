"""The function process_image in a worker: its real handler with dependencies that inject faults."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

from botocore.exceptions import ClientError

from claimwatch.aws.objects import ObjectMissing, ObjectRef
from claimwatch.domain.photos.photo import Photo
from claimwatch.photos.decoder import Decoder
from claimwatch.photos.receive import Dependencies
from claimwatch.storage.connection import Database
from tests.faults.batch_function import BatchFunction, BatchResult
from tests.faults.fault_injection import BreakingObjects, trap
from tests.faults.seed import Fault


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
        objects = LandingBucket(folder, forbids=forbids)
        module = _FUNCTION.module
        module.runtime.database = lambda: database
        vars(module)["dependencies"] = lambda: Dependencies(database, objects, self._decoder)
        return _FUNCTION.run(url, bodies, faults)


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


_FUNCTION = BatchFunction("images/process_image", "process_image")
