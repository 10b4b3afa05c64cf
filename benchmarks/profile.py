"""Measures the processor seconds of each step of a worker; waiting, and other processes, do not count."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil

from benchmarks.book import BookFile
from benchmarks.database import Bench
from benchmarks.null_services import NullServices
from benchmarks.results import table
from benchmarks.worker import PERSONAL_DATA_KEY
from claimwatch.aws.events import CreatedObject
from claimwatch.domain.files.records import RecordCutter
from claimwatch.domain.validation.keyed_hash import KeyedHashes
from claimwatch.ingest import commit, inspect, load, validation
from claimwatch.ingest.register import register
from claimwatch.ingest.validation import Validator
from claimwatch.storage import ledger, quarantine, rows
from claimwatch.storage.connection import Database
from local.filesystem_object_store import FilesystemObjectStore

LOADING: tuple[tuple[str, Any, str], ...] = (
    ("validate, records being cut", Validator, "check"),
    ("  cut into records", RecordCutter, "feed"),
    ("  accept records and write lines, hashes included", Validator, "_accepted"),
    ("    hashes that are not cached", KeyedHashes, "__missing__"),
    ("  explain refused records", Validator, "_refused"),
    ("  hash claim ids", validation, "claim_id_hashes"),
    ("COPY, the worker's part", rows, "copy"),
    ("quarantine", quarantine, "add"),
    ("ledger", ledger, "add_chunk"),
)
"""Functions that are timed: their label in the table, and where they are defined."""


def profile(bench: Bench, folder: Path, book: BookFile) -> str:
    """Return a table of seconds per million rows, measured in one worker that does everything."""
    objects, services = FilesystemObjectStore(folder), NullServices()
    bench.empty()
    with closing(Database({"dsn": bench.url})) as database:
        created = CreatedObject(book.ref, book.size, "1", datetime.now(UTC))
        file = register(database, services, services, objects, created)
        with database.transaction() as cursor:
            backend = cursor.connection.info.backend_pid

        lines: list[tuple[str, float]] = []
        begun = time.process_time()
        ready = inspect.inspect(
            inspect.Dependencies(database, objects, services, "artifacts"), file.file_id, file.attempt
        )
        lines.append(("inspect", time.process_time() - begun))

        loading = load.Dependencies(database, objects, PERSONAL_DATA_KEY)
        before, begun = _seconds_of(backend), time.process_time()
        with _timed() as parts:
            for chunk in ready["chunks"]:
                load.load_chunk(loading, file.file_id, file.attempt, chunk["number"])
        lines.append(("load", time.process_time() - begun))
        lines += [(f"  {label}", seconds) for label, seconds in parts.items()]
        lines.append(("PostgreSQL, while loading", _seconds_of(backend) - before))

        begun = time.process_time()
        commit.commit_file(commit.Dependencies(database, objects, services), file.file_id, file.attempt)
        lines.append(("commit", time.process_time() - begun))
    scale = 1e6 / book.rows
    return table(
        ["processor seconds per million rows", "s"],
        [[label, f"{seconds * scale:.2f}"] for label, seconds in lines],
    )


@contextmanager
def _timed() -> Iterator[dict[str, float]]:
    """Measure the seconds of each part of loading.

    A profiler would add its own time to each of a million calls.
    """
    parts = {label: 0.0 for label, _, _ in LOADING}

    def timed(label: str, function: Any) -> Any:
        def run(*arguments: Any, **named: Any) -> Any:
            begun = time.process_time()
            try:
                return function(*arguments, **named)
            finally:
                parts[label] += time.process_time() - begun

        return run

    with ExitStack() as stack:
        for label, owner, name in LOADING:
            stack.enter_context(patch.object(owner, name, timed(label, getattr(owner, name))))
        yield parts


def _seconds_of(process: int) -> float:
    """Return the processor seconds that another process has used so far."""
    times = psutil.Process(process).cpu_times()
    return float(times.user + times.system)
