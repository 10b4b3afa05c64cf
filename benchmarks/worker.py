"""A process that stays, as a function's warm environment does, and takes one step after another.

Run as ``python -m benchmarks.worker``: requests come as lines of JSON, and each is answered with one.
Nothing is imported here that the functions would not import, for this process's memory is measured.
"""

import json
import os
import resource
import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.silence import NobodyToTell
from claimwatch.ingest import commit, inspect, load
from claimwatch.malloc import disable_heap_trim
from claimwatch.storage.connection import Database
from local.filesystem_object_store import FilesystemObjectStore

PERSONAL_DATA_KEY = b"a key of a benchmark"


def peak_memory() -> int:
    """The most bytes that this process has ever had in memory."""
    try:
        # Not ru_maxrss, which a process takes over from the one that started it.
        for line in Path("/proc/self/status").read_text("ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def serve(url: str, steps_of: Callable[[Database], dict[str, Callable[..., Any]]]) -> None:
    """Take the steps that the standard input asks for, and ``peak``, until it ends.

    ``steps_of`` makes them, by their names, for a database that is connected.
    """
    disable_heap_trim()  # as claimwatch.runtime does
    # Answers have the standard output for themselves; what anything prints goes to the errors.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with closing(Database({"dsn": url})) as database:
        with database.transaction() as cursor:
            cursor.execute("SELECT 1")  # warm: connected
        steps = steps_of(database) | {"peak": peak_memory}
        for line in sys.stdin:
            step, *arguments = json.loads(line)
            answers.write(json.dumps(steps[step](*arguments)) + "\n")
            answers.flush()


def _steps(database: Database, folder: Path) -> dict[str, Callable[..., Any]]:
    objects = FilesystemObjectStore(folder)
    loading = load.Dependencies(database, objects, PERSONAL_DATA_KEY)
    inspecting = inspect.Dependencies(database, objects, NobodyToTell(), "artifacts")
    committing = commit.Dependencies(database, objects)
    return {
        "inspect": partial(inspect.inspect, inspecting),
        "load": lambda *chunk: load.load_chunk(loading, *chunk).read,
        "commit": partial(commit.commit_file, committing),
    }


if __name__ == "__main__":
    serve(sys.argv[1], partial(_steps, folder=Path(sys.argv[2])))
