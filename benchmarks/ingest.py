"""Loading a million rows: Claimwatch beside raw COPY, pandas with COPY, and awswrangler, in one run.

``python -m benchmarks.ingest`` prints a table and writes ``ingest`` into results.json. It reports,
and fails on nothing.
"""

import argparse
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.book import COLUMNS, BookFile, book_file, good_rows
from benchmarks.database import Bench, bench
from benchmarks.pipeline import LOADERS, warm_pipeline
from benchmarks.results import RESULTS, circumstances, median, megabytes, record, table

FOLDER = Path(__file__).parent.parent / ".local" / "bench"
WRANGLER_ROWS = 20_000
MEMORY_ROWS = {"peak_mb_100k": 100_000, "peak_mb_1m": 1_000_000, "peak_mb_10m": 10_000_000}
SEED = 7


def main() -> None:
    """Measure, print and write down."""
    asked = _arguments()
    shutil.rmtree(asked.folder / "postgres", ignore_errors=True)
    asked.folder.mkdir(parents=True, exist_ok=True)
    with bench(asked.folder) as place:
        book = book_file(asked.folder, asked.rows, SEED)
        rounds = _rounds(place, asked.folder, book, asked.rounds)
        peaks = {
            name: _peak(place, asked.folder, rows)
            for name, rows in MEMORY_ROWS.items()
            if rows <= (1_000_000 if asked.skip_10m else 10_000_000)
        }
        server = place.ask("SHOW server_version")[0][0]
    figures = _figures(book, rounds, peaks) | circumstances(
        "duckdb", "numpy", "pandas", "awswrangler", "psycopg2-binary", "pg8000"
    )
    figures["versions"]["postgresql"] = server
    record("ingest", figures, asked.results)
    print(_told(figures))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the file (default: a million)")
    parser.add_argument(
        "--rounds", type=int, default=5, help="rounds, of which the median counts (default: 5)"
    )
    parser.add_argument("--skip-10m", action="store_true", help="leave out the memory of ten million rows")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the files and the server are kept")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the file that the figures go into")
    return parser.parse_args()


def _rounds(place: Bench, folder: Path, book: BookFile, rounds: int) -> dict[str, list[float]]:
    """Seconds of every contestant in every round, and of each step of Claimwatch; the rounds take turns."""
    clean = good_rows(book)
    frame = peers.wrangler_frame(place, book, WRANGLER_ROWS)
    others: Mapping[str, Callable[[], int]] = {
        "raw_copy": lambda: peers.raw_copy(place, clean),
        "pandas": lambda: peers.pandas_copy(place, book),
        "awswrangler": lambda: peers.wrangler_to_sql(place, frame),
    }
    seconds: dict[str, list[float]] = {}
    with warm_pipeline(place, folder) as pipeline:
        for number in range(rounds):
            place.empty()
            steps = pipeline.run(book)
            for step, took in steps.items():
                seconds.setdefault("claimwatch" if step == "total" else f"claimwatch {step}", []).append(took)
            for name, load in others.items():
                place.empty()
                begun = time.perf_counter()
                loaded = load()
                seconds.setdefault(name, []).append(time.perf_counter() - begun)
                _check(name, loaded, book, len(frame))
            print(
                f"round {number + 1}: "
                + ", ".join(f"{name} {took[-1]:.1f} s" for name, took in seconds.items())
            )
    return seconds


def _check(name: str, loaded: int, book: BookFile, framed: int) -> None:
    """Everybody loads the same rows, but pandas cannot see that a row lacks its last, optional field."""
    match name:
        case "raw_copy":
            assert loaded == book.good, (name, loaded)
        case "awswrangler":
            assert loaded == framed, (name, loaded)
        case "pandas":
            assert book.good <= loaded <= book.good + 0.2 * len(book.bad), (name, loaded)


def _peak(place: Bench, folder: Path, rows: int) -> dict[str, float]:
    """MB that fresh processes have had in memory at most, step by step, for a file of so many rows."""
    place.empty()
    book = book_file(folder, rows, SEED)
    with warm_pipeline(place, folder, loaders=LOADERS) as pipeline:
        pipeline.run(book)
        return {step: megabytes(size) for step, size in pipeline.peaks().items()}


def _figures(
    book: BookFile, seconds: Mapping[str, list[float]], peaks: Mapping[str, Mapping[str, float]]
) -> dict[str, Any]:
    rate = {name: book.rows / median(took) for name, took in seconds.items() if " " not in name}
    rate["raw_copy"] = book.good / median(seconds["raw_copy"])
    rate["awswrangler"] = min(WRANGLER_ROWS, book.good) / median(seconds["awswrangler"])
    ours = rate["claimwatch"]
    return {
        "vs_raw_copy": round(ours / rate["raw_copy"], 3),
        "vs_pandas": round(ours / rate["pandas"], 2),
        "vs_awswrangler": round(ours / rate["awswrangler"], 1),
        **{name: max(steps.values()) for name, steps in peaks.items()},
        "rows_per_second": {name: round(value) for name, value in rate.items()},
        "rows": book.rows,
        "bad_rows": len(book.bad),
        "file_mb": megabytes(book.size),
        "columns": len(COLUMNS),
        "loaders": LOADERS,
        "awswrangler_rows": WRANGLER_ROWS,
        "seconds": {name: [round(value, 2) for value in took] for name, took in seconds.items()},
        "peak_mb_by_step": {name: dict(steps) for name, steps in peaks.items()},
    }


def _told(figures: Mapping[str, Any]) -> str:
    rates = figures["rows_per_second"]
    rows = [
        (
            name,
            f"{rates[name]:,}",
            f"{median(figures['seconds'][name]):.1f}",
            f"{rates['claimwatch'] / rates[name]:.2f}",
        )
        for name in rates
    ]
    head = ("loads", "rows/s", "seconds (median)", "Claimwatch is faster by")
    memory = ", ".join(f"{figures[name]:.0f} MB ({name})" for name in figures if name.startswith("peak_mb_1"))
    return f"{table(head, rows)}\n\nMost memory of a worker: {memory}"


if __name__ == "__main__":
    main()
