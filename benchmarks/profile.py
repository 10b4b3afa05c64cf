"""Where the time of a worker goes, in processor seconds: waiting, and others' work, do not count."""

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
from benchmarks.results import table
from benchmarks.silence import NobodyToTell
from benchmarks.worker import PERSONAL_DATA_KEY
from claimwatch.aws.events import CreatedObject
from claimwatch.domain.files.records import RecordCutter
from claimwatch.domain.validation.fast_path.cells import Table
from claimwatch.domain.validation.fast_path.fast_path import FastPath
from claimwatch.ingest import commit, inspect, load
from claimwatch.ingest.register import register
from claimwatch.ingest.validation import DuckDbValidator, Validator
from claimwatch.storage import ledger, quarantine, rows
from claimwatch.storage.connection import Database
from local.filesystem_object_store import FilesystemObjectStore

LOADING: tuple[tuple[str, Any, str], ...] = (
    ("cut into records", RecordCutter, "feed"),
    ("check every cell", Validator, "check"),
    ("  first look", FastPath, "at"),
    ("    find the cells", Table, "__init__"),
    ("    hash", FastPath, "_hashes"),
    ("  look at the others", DuckDbValidator, "examine"),
    ("COPY, the worker's part", rows, "copy"),
    ("quarantine", quarantine, "add"),
    ("ledger", ledger, "add_chunk"),
)


def profile(bench: Bench, folder: Path, book: BookFile) -> str:
    """A table of seconds for a million rows, one worker doing everything."""
    objects, quiet = FilesystemObjectStore(folder), NobodyToTell()
    bench.empty()
    with closing(Database({"dsn": bench.url})) as database:
        created = CreatedObject(book.ref, book.size, "1", datetime.now(UTC))
        file = register(database, quiet, quiet, created)
        with database.transaction() as cursor:
            backend = cursor.connection.info.backend_pid

        lines: list[tuple[str, float]] = []
        begun = time.process_time()
        ready = inspect.inspect(
            inspect.Dependencies(database, objects, quiet, "artifacts"), file.file_id, file.attempt
        )
        lines.append(("inspect", time.process_time() - begun))

        loading = load.Dependencies(database, objects, PERSONAL_DATA_KEY)
        before, begun = _seconds_of(backend), time.process_time()
        with _timed() as parts:
            for chunk in ready["chunks"]:
                load.load_chunk(loading, file.file_id, file.attempt, chunk["number"])
        lines.append(("load", time.process_time() - begun))
        lines += [(f"  {told}", seconds) for told, seconds in parts.items()]
        lines.append(("PostgreSQL, while loading", _seconds_of(backend) - before))

        begun = time.process_time()
        commit.commit_file(commit.Dependencies(database, objects), file.file_id, file.attempt)
        lines.append(("commit", time.process_time() - begun))
    scale = 1e6 / book.rows
    return table(
        ["processor seconds a million rows", "s"],
        [[told, f"{seconds * scale:.2f}"] for told, seconds in lines],
    )


@contextmanager
def _timed() -> Iterator[dict[str, float]]:
    """Seconds of each part of loading. A profiler would count its own work for each of a million names."""
    parts = {told: 0.0 for told, _, _ in LOADING}

    def timed(told: str, function: Any) -> Any:
        def run(*arguments: Any, **named: Any) -> Any:
            begun = time.process_time()
            try:
                return function(*arguments, **named)
            finally:
                parts[told] += time.process_time() - begun

        return run

    with ExitStack() as stack:
        for told, place, name in LOADING:
            stack.enter_context(patch.object(place, name, timed(told, getattr(place, name))))
        yield parts


def _seconds_of(process: int) -> float:
    """Processor seconds of another process so far."""
    times = psutil.Process(process).cpu_times()
    return float(times.user + times.system)
