"""A process that scores chunks one after the other, like a function's warm environment.

Run as ``python -m benchmarks.scoring_worker URL BUNDLE SHA256``. Each request is a line of JSON, and so is
its answer.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.null_services import NullServices
from benchmarks.worker import serve
from claimwatch.scoring.bundle import Bundle
from claimwatch.scoring.score_rows import Dependencies, score_chunk
from claimwatch.scoring.scorer import Scorer
from claimwatch.storage.connection import Database


def _steps(database: Database, bundle: Path, sha256: str) -> dict[str, Callable[..., Any]]:
    scorer = Scorer(Bundle.read(lambda name: (bundle / name).read_bytes(), sha256))
    deps = Dependencies(database, NullServices(), lambda _live: scorer, "benchmark")
    return {"score": lambda *chunk: score_chunk(deps, *chunk).referred}


if __name__ == "__main__":
    serve(sys.argv[1], partial(_steps, bundle=Path(sys.argv[2]), sha256=sys.argv[3]))
