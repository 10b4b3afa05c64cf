"""A process that stays, as a function's warm environment does, and takes one step after another.

Run as ``python -m benchmarks.worker``: requests come as lines of JSON, and each is answered with one.
Nothing is imported here that the functions would not import, for this process's memory is measured.
"""

import json
import os
import resource
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.silence import NobodyToTell
from claimwatch.allocation import keep_freed_memory
from claimwatch.ingest import commit, inspect, load
from claimwatch.storage.connection import Database
from local.folder_objects import FolderObjects

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


def _serve(url: str, folder: Path) -> None:
    keep_freed_memory()  # as claimwatch.runtime does
    # Answers have the standard output for themselves; what anything prints goes to the errors.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    objects = FolderObjects(folder)
    with closing(Database({"dsn": url})) as database:
        with database.transaction() as cursor:
            cursor.execute("SELECT 1")  # warm: connected
        loading = load.Workplace(database, objects, PERSONAL_DATA_KEY)
        inspecting = inspect.Workplace(database, objects, NobodyToTell(), "artifacts")
        committing = commit.Workplace(database, objects)
        for line in sys.stdin:
            step, *arguments = json.loads(line)
            answer: Any
            match step:
                case "inspect":
                    answer = inspect.inspect(inspecting, *arguments)
                case "load":
                    answer = load.load_chunk(loading, *arguments).read
                case "commit":
                    answer = commit.commit_file(committing, *arguments)
                case "peak":
                    answer = peak_memory()
                case _:
                    raise ValueError(f"there is no step {step}")
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


if __name__ == "__main__":
    _serve(sys.argv[1], Path(sys.argv[2]))
