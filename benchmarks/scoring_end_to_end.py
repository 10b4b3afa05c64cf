"""End to end: each contestant scores the claims of a loaded file, from PostgreSQL to PostgreSQL.

Claimwatch does what its function does, including reasons, with two workers that take one chunk after the
other, as in the state machine, and with one worker. The peer reads with pandas' read_sql, predicts with
MLflow's pyfunc, and writes with COPY to a table with the same key, in one process and without reasons.
"""

import io
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import pandas as pd
import sqlalchemy

from benchmarks.book import book_file
from benchmarks.database import Bench
from benchmarks.null_services import NullServices
from benchmarks.pipeline import Step, warm_pipeline
from benchmarks.results import median
from benchmarks.scoring_model import VERSION, Served
from claimwatch.scoring.plan_scoring import ChunkToScore, Dependencies, plan_file
from claimwatch.storage import models
from claimwatch.storage.connection import Database
from claimwatch.storage.models import NewVersion

WORKERS = 2

PEER_ROWS = 100_000
"""Claims that the peer reads at a time: a million at once would need gigabytes."""

_TABLES = "claimwatch.score, claimwatch.scored_chunk, claimwatch.profile, peers.score"


def measure(
    place: Bench, folder: Path, served: Served, rows: int, rounds: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Measure rows per second; the contestants take turns."""
    book = book_file(folder, rows, 7)
    place.empty()
    with warm_pipeline(place, folder) as pipeline:
        pipeline.run(book)
    ((file_id,),) = place.ask("SELECT file_id FROM claimwatch.file WHERE status = 'committed'")
    pyfunc = mlflow.pyfunc.load_model(str(served.pyfunc))
    with closing(Database({"dsn": place.url})) as database, ExitStack() as stack:
        _make_live(place, database, served)
        workers = [
            Step("benchmarks.scoring_worker", place.url, str(served.bundle), served.sha256)
            for _ in range(WORKERS)
        ]
        for worker in workers:
            stack.callback(worker.close)
        deps = Dependencies(database, NullServices())
        contestants: dict[str, Callable[[], None]] = {
            "claimwatch": lambda: _claimwatch(deps, workers, file_id),
            "one_worker": lambda: _claimwatch(deps, workers[:1], file_id),
            "pyfunc": lambda: _pyfunc(place, pyfunc, served, file_id, book.rows),
        }
        runs: dict[str, list[float]] = {name: [] for name in contestants}
        for number in range(1, rounds + 1):
            for name, score in contestants.items():
                _empty(place)
                begun = time.perf_counter()
                score()
                runs[name].append(time.perf_counter() - begun)
                seconds = runs[name][-1]
                say(f"round {number}  {name:12}{seconds:8.2f} s {book.good / seconds:10,.0f} rows/s")
                table = "peers.score" if name == "pyfunc" else "claimwatch.score"
                assert place.count(table) == book.good
    (referred,) = place.ask("SELECT count(*) FROM peers.score WHERE referred")[0]
    return {
        "rows_per_second": {name: round(book.good / median(found)) for name, found in runs.items()},
        "rows": book.good,
        "referred": referred,
        "seconds": {name: [round(one, 2) for one in found] for name, found in runs.items()},
    }


def _make_live(place: Bench, database: Database, served: Served) -> None:
    uri = f"s3://artifacts/models/motor/{VERSION}"
    new = NewVersion("motor", VERSION, {}, "0" * 64, "benchmark", "1.0.0", uri, served.sha256)
    with database.transaction() as cursor:
        version = models.add_version(cursor, new)
        models.add_promotion(
            cursor,
            "benchmark",
            "motor",
            "champion",
            "promote",
            version,
            by="benchmark",
            why="to be measured",
            caller="benchmark",
        )
    with place.connected() as connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS peers.score (line text NOT NULL, claim_id text NOT NULL,"
            " file_id bigint NOT NULL, model_version text NOT NULL, probability double precision NOT NULL,"
            " referred boolean NOT NULL, scored_at timestamptz NOT NULL DEFAULT now(),"
            " PRIMARY KEY (claim_id, file_id, model_version))"
        )
        connection.commit()


def _empty(place: Bench) -> None:
    with place.connected() as connection, connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {_TABLES}")
        connection.commit()


def _claimwatch(deps: Dependencies, workers: list[Step], file_id: int) -> None:
    chunks = iter(plan_file(deps, file_id).units)
    with ThreadPoolExecutor(len(workers)) as threads:
        for scoring in [threads.submit(_score, worker, chunks) for worker in workers]:
            scoring.result()


def _score(worker: Step, chunks: Iterator[ChunkToScore]) -> None:
    for chunk in chunks:  # as in a Map state, a free worker takes the next chunk
        worker.ask("score", chunk.file_id, chunk.number)


def _pyfunc(place: Bench, pyfunc: Any, served: Served, file_id: int, rows: int) -> None:
    kinds = served.spec.kinds
    wanted = ", ".join(f'"{name}"' for name in ("claim_id", *kinds))
    query = sqlalchemy.text(
        f"SELECT {wanted} FROM claimwatch.claim_motor"
        " WHERE file_id = :file_id AND row_number BETWEEN :first AND :last"
    )
    dates = {name: {"utc": True} for name, kind in kinds.items() if kind in ("days", "hour", "weekday")}
    flags = [name for name, kind in kinds.items() if kind == "flag"]
    threshold = 0.5
    engine = sqlalchemy.create_engine("postgresql+psycopg2://", creator=lambda: _connection(place))
    with engine.connect() as connection:
        for first in range(1, rows + 1, PEER_ROWS):
            window = {"file_id": file_id, "first": first, "last": first + PEER_ROWS - 1}
            frame = pd.read_sql(query, connection, params=window, parse_dates=dates)
            for name in dates:
                frame[name] = frame[name].dt.tz_localize(None)
            frame[flags] = frame[flags].astype(float)
            found = pyfunc.predict(frame[list(kinds)])[:, 1]
            scores = pd.DataFrame(
                {
                    "line": "motor",
                    "claim_id": frame["claim_id"],
                    "file_id": file_id,
                    "model_version": VERSION,
                    "probability": found,
                    "referred": found >= threshold,
                }
            )
            text = io.StringIO()
            scores.to_csv(text, header=False, index=False)
            text.seek(0)
            raw = connection.connection.cursor()
            raw.copy_expert(
                f"COPY peers.score ({', '.join(scores.columns)}) FROM STDIN (FORMAT csv)", text, 1 << 20
            )
            connection.commit()
    engine.dispose()


def _connection(place: Bench) -> Any:
    import psycopg2  # noqa: PLC0415

    return psycopg2.connect(place.url, options="-c timezone=UTC")
