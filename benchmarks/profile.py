"""Where the time of a worker goes, in processor seconds: waiting, and others' work, do not count."""

import cProfile
import pstats
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from benchmarks.book import BookFile
from benchmarks.database import Bench
from benchmarks.results import table
from benchmarks.silence import NobodyToTell
from benchmarks.worker import PERSONAL_DATA_KEY
from claimwatch.aws.events import CreatedObject
from claimwatch.ingest import commit, inspect, load
from claimwatch.ingest.register import register
from claimwatch.storage.connection import Database
from local.folder_objects import FolderObjects

LOADING = (
    ("cut into records", "records.py", "_cut"),
    ("gather a batch", "records.py", "joined"),
    ("check every cell", "validation.py", "check"),
    ("COPY, the worker's part", "rows.py", "copy"),
    ("quarantine", "quarantine.py", "add"),
    ("ledger", "ledger.py", "add_chunk"),
)


def profile(bench: Bench, folder: Path, book: BookFile) -> str:
    """A table of seconds for a million rows, one worker doing everything."""
    objects, quiet = FolderObjects(folder), NobodyToTell()
    bench.empty()
    with closing(Database({"dsn": bench.url})) as database:
        created = CreatedObject(book.ref, book.size, "1", datetime.now(UTC))
        file = register(database, quiet, quiet, created)
        with database.transaction() as cursor:
            backend = cursor.connection.info.backend_pid

        lines: list[tuple[str, float]] = []
        begun = time.process_time()
        ready = inspect.inspect(
            inspect.Workplace(database, objects, quiet, "artifacts"), file.file_id, file.attempt
        )
        lines.append(("inspect", time.process_time() - begun))

        loading = load.Workplace(database, objects, PERSONAL_DATA_KEY)
        profiler = cProfile.Profile(time.process_time)
        before, begun = _seconds_of(backend), time.process_time()
        profiler.enable()
        for chunk in ready["chunks"]:
            load.load_chunk(loading, file.file_id, file.attempt, chunk["number"])
        profiler.disable()
        lines.append(("load", time.process_time() - begun))
        lines += [(f"  {told}", _cumulative(profiler, module, name)) for told, module, name in LOADING]
        lines.append(("PostgreSQL, while loading", _seconds_of(backend) - before))

        begun = time.process_time()
        commit.commit_file(commit.Workplace(database, objects), file.file_id, file.attempt)
        lines.append(("commit", time.process_time() - begun))
    scale = 1e6 / book.rows
    return table(
        ["processor seconds a million rows", "s"],
        [[told, f"{seconds * scale:.2f}"] for told, seconds in lines],
    )


def _cumulative(profiler: cProfile.Profile, module: str, name: str) -> float:
    stats: dict[tuple[str, int, str], Any] = vars(pstats.Stats(profiler))["stats"]
    return sum(
        float(figures[3])
        for (path, _, function), figures in stats.items()
        if Path(path).name == module and function == name and "claimwatch" in path
    )


def _seconds_of(process: int) -> float:
    """Processor seconds of another process so far."""
    times = psutil.Process(process).cpu_times()
    return float(times.user + times.system)
