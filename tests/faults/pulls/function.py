"""The steps of pulls in a worker, with dependencies that inject faults."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claimwatch.aws.alerts import Alerts
from claimwatch.aws.objects import ObjectRef
from claimwatch.aws.pull_events import FailedPull, PullRequest, WindowRef
from claimwatch.domain.sources.source import Source
from claimwatch.sources import commit_window, extract_window, plan_pull, record_pull_failure
from claimwatch.sources.open_reader import open_reader
from claimwatch.sources.reader import Column, Cycle, Key, RemoteFile, Row, SourceUnreachable
from claimwatch.storage.connection import Database
from local.filesystem_object_store import FilesystemObjectStore
from tests.faults.fault_injection import fail_as, trap

LANDING = "landing"
BLOCK = 600
"""Bytes of a block of CSV; a window takes several."""
BATCH = 5
"""Rows of a batch."""
HASH_KEY = b"the key of the fault simulation"
STEP_SECONDS = 900.0


class Pulls:
    """The use cases of pulls."""

    def __init__(self, alerts: Alerts) -> None:
        self._alerts = alerts

    def steps(self, database: Database, folder: Path) -> dict[str, Callable[..., Any]]:
        """Return the steps by name; each gets its event and the source's secret."""
        objects = BreakingUploads(folder)
        extract_window.FIRST = BLOCK  # so that small windows are streamed, too

        def plan(event: Any, secret: Mapping[str, Any]) -> Any:
            deps = plan_pull.Dependencies(database, self._alerts, _opener(secret))
            return plan_pull.plan_pull(deps, PullRequest.parse(event)).to_event()

        def extract(event: Any, secret: Mapping[str, Any]) -> Any:
            clock = _Clock()
            deps = extract_window.Dependencies(
                database, objects, LANDING, _opener(secret, clock), lambda: HASH_KEY, clock=clock.now
            )
            ref = WindowRef.parse(event)
            return extract_window.extract_window(deps, ref, lambda: STEP_SECONDS).to_event()

        def commit(event: Any, secret: Mapping[str, Any]) -> Any:
            deps = commit_window.Dependencies(database, objects, self._alerts, LANDING)
            return commit_window.commit_window(deps, WindowRef.parse(event)).to_event()

        def fail(event: Any, secret: Mapping[str, Any]) -> Any:
            deps = record_pull_failure.Dependencies(database, self._alerts)
            return record_pull_failure.record_pull_failure(deps, FailedPull.parse(event))

        return {
            "plan_pull": plan,
            "extract_window": extract,
            "commit_window": commit,
            "record_pull_failure": fail,
        }


@dataclass
class _Clock:
    """A clock that a fault moves beyond the time of a step."""

    ahead: float = 0.0

    def now(self) -> float:
        """Return the time in seconds."""
        return time.monotonic() + self.ahead


def _opener(secret: Mapping[str, Any], clock: _Clock | None = None) -> Callable[[Source], Any]:
    return lambda source: BreakingReader(source, secret, clock or _Clock())


class BreakingReader:
    """The reader of a source, whose connection can break before and between all that it returns."""

    def __init__(self, source: Source, secret: Mapping[str, Any], clock: _Clock) -> None:
        self._clock = clock
        self._pass("connect")
        self._reader: Any = open_reader(source, secret)
        if hasattr(self._reader, "copy"):
            self.copy = self._copy

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def columns(self) -> tuple[Column, ...]:
        """Return the columns."""
        columns: tuple[Column, ...] = self._reader.columns()
        return columns

    def begin_cycle(self, previous: Cycle | None) -> Cycle:
        """Begin a cycle, before and after which a fault may strike."""
        self._pass("keys")
        cycle: Cycle = self._reader.begin_cycle(previous)
        return cycle

    def last_key(self, cycle: Cycle, after: Key | None, rows: int) -> tuple[Key | None, bool]:
        """Return the end of a window; a fault may strike before."""
        self._pass("keys")
        found: tuple[Key | None, bool] = self._reader.last_key(cycle, after, rows)
        return found

    def rows(self, cycle: Cycle, after: Key | None, upto: Key) -> Iterator[list[Row]]:
        """Yield small batches."""
        for batch in self._reader.rows(cycle, after, upto):
            for at in range(0, len(batch), BATCH):
                self._pass("block")
                yield batch[at : at + BATCH]

    def files(self) -> list[RemoteFile]:
        """Return the files; a fault may strike before."""
        self._pass("keys")
        files: list[RemoteFile] = self._reader.files()
        return files

    def read(self, file: RemoteFile) -> Iterator[bytes]:
        """Yield small blocks of a file."""
        return self._in_blocks(self._reader.read(file))

    def _copy(self, cycle: Cycle, after: Key | None, upto: Key) -> Iterator[bytes]:
        return self._in_blocks(self._reader.copy(cycle, after, upto))

    def _in_blocks(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        for block in blocks:
            for at in range(0, len(block), BLOCK):
                self._pass("block")
                yield block[at : at + BLOCK]

    def _pass(self, point: str) -> None:
        fault = trap.spring(point)
        match fault.kind if fault else None:
            case "source_lost":
                raise SourceUnreachable("the connection to the source broke off")
            case "source_terminate":
                time.sleep(0.1)  # the caller ends the connections meanwhile
            case "out_of_time":
                self._clock.ahead = 2 * STEP_SECONDS


class BreakingUploads(FilesystemObjectStore):
    """A landing bucket that can fail in the middle of an upload, before it completes and after it has."""

    def store(self, bucket: str, key: str, blocks: Iterable[bytes], version: int | None) -> ObjectRef:
        """Store a version, unless a fault strikes."""

        def breaking() -> Iterator[bytes]:
            yield from blocks
            self._complete()

        return super().store(bucket, key, breaking(), version)

    def write_unless_same(
        self, bucket: str, key: str, blocks: Iterable[bytes], mark: str | None
    ) -> ObjectRef:
        """Write a new version if it differs, unless a fault strikes."""

        def breaking() -> Iterator[bytes]:
            for block in blocks:
                yield block
                fail_as(trap.spring("write"))

        ref = super().write_unless_same(bucket, key, breaking(), mark)
        fail_as(trap.spring("written"))
        return ref

    def listed_size(self, ref: ObjectRef) -> int:
        """Return the size, unless a fault strikes."""
        fail_as(trap.spring("head"))
        return super().listed_size(ref)

    def _complete(self) -> None:
        fault = trap.spring("complete")
        fail_as(fault)
        if fault is not None and fault.kind == "late":
            time.sleep(0.7)  # the process is frozen while others go on
