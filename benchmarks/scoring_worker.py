"""A process that scores chunks, one after the other, as a function's warm environment does.

Run as ``python -m benchmarks.scoring_worker URL BUNDLE SHA256``: requests come as lines of JSON, and each is
answered with one.
"""

import json
import os
import sys
from contextlib import closing
from pathlib import Path

from benchmarks.silence import NobodyToTell
from benchmarks.worker import peak_memory
from claimwatch.allocation import keep_freed_memory
from claimwatch.scoring.bundle import Bundle
from claimwatch.scoring.score_rows import Workplace, score_chunk
from claimwatch.scoring.scorer import Scorer
from claimwatch.storage.connection import Database


def _serve(url: str, bundle: Path, sha256: str) -> None:
    keep_freed_memory()  # as claimwatch.runtime does
    # Answers have the standard output for themselves; what anything prints goes to the errors.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    scorer = Scorer(Bundle.read(lambda name: (bundle / name).read_bytes(), sha256))
    with closing(Database({"dsn": url})) as database:
        with database.transaction() as cursor:
            cursor.execute("SELECT 1")  # warm: connected
        at = Workplace(database, NobodyToTell(), lambda _live: scorer, "benchmark")
        for line in sys.stdin:
            step, *arguments = json.loads(line)
            answer = peak_memory() if step == "peak" else score_chunk(at, *arguments).referred
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


if __name__ == "__main__":
    _serve(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
