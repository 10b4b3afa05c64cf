"""A process that runs one pipeline step after another, like a function's warm environment.

Run as ``python -m benchmarks.worker``: each request is a line of JSON and is answered with a line of JSON.
This module imports nothing that the functions would not import, because its memory is measured.
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

from benchmarks.null_services import NullServices
from claimwatch.ingest import commit, inspect, load
from claimwatch.malloc import disable_heap_trim
from claimwatch.storage.connection import Database
from local.filesystem_object_store import FilesystemObjectStore

PERSONAL_DATA_KEY = b"a key of a benchmark"


def peak_memory() -> int:
    """Return the peak memory of this process in bytes."""
    try:
        # Not ru_maxrss, which a process inherits from the process that started it.
        for line in Path("/proc/self/status").read_text("ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def serve(url: str, steps_of: Callable[[Database], dict[str, Callable[..., Any]]]) -> None:
    """Run the steps that are requested on standard input, and ``peak``, until its end.

    ``steps_of`` returns the steps by name, for a connected database.
    """
    disable_heap_trim()  # as claimwatch.runtime does
    # Standard output is for answers only; anything else that is printed goes to standard error.
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
    inspecting = inspect.Dependencies(database, objects, NullServices(), "artifacts")
    committing = commit.Dependencies(database, objects, NullServices())
    return {
        "inspect": partial(inspect.inspect, inspecting),
        "load": lambda *chunk: load.load_chunk(loading, *chunk).read,
        "commit": partial(commit.commit_file, committing),
    }


if __name__ == "__main__":
    serve(sys.argv[1], partial(_steps, folder=Path(sys.argv[2])))
