"""Compares pulling a table of PostgreSQL into S3 with `COPY … TO STDOUT` into a file, in one run.

python -m benchmarks.pull              the command of `make bench-pull`; writes benchmarks/results.json
python -m benchmarks.pull --rows 100000 --rounds 2 --skip-10m      a quick comparison; writes nothing
"""

import argparse
import contextlib
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb

from benchmarks.book import book_file
from benchmarks.command import Figures, argument_parser, run, say
from benchmarks.database import DURABLE, Bench, bench
from benchmarks.pipeline import Step
from benchmarks.processor import processor_seconds
from benchmarks.pull_source import COPIES, TABLE, PullSource
from benchmarks.results import circumstances, median, megabytes, table

ROWS, ROUNDS, SEED, MANY = 1_000_000, 5, 7, 10_000_000
CONTESTANTS = ("claimwatch", "claimwatch_folder", "psql", "psycopg2")
PACKAGES = ("psycopg2-binary", "boto3")


def main() -> None:
    """Measure the contestants, print the figures and record them."""
    parser = argument_parser("pull", __doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of the table (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="runs of each (default %(default)s)")
    parser.add_argument("--skip-10m", action="store_true", help="do not load ten million rows")
    options = parser.parse_args()
    complete = not options.skip_10m and (options.rows, options.rounds) == (ROWS, ROUNDS)
    run("pull", options, _measured, _report, complete=complete)


def _measured(options: argparse.Namespace) -> Figures:
    with bench(options.folder) as place:
        source = PullSource(place)
        rows = source.fill(book_file(options.folder, options.rows, SEED))
        figures = _compare(place, source, rows, options)
        if not options.skip_10m:
            figures["first_load"] = _first_load(place, source, options.folder)
        return {**figures, "server": {"version": place.version(), **DURABLE}, **circumstances(*PACKAGES)}


def _compare(place: Bench, source: PullSource, rows: int, options: argparse.Namespace) -> Figures:
    """Run the contestants in turns; return rates, ratios and peaks."""
    target = options.folder / "copied.csv"
    objects = options.folder / "pulled"
    with (
        stand_in() as endpoint,
        worker(place, source, objects, endpoint) as to_s3,
        worker(place, source, objects, None) as to_folder,
    ):
        contestants: dict[str, Callable[[], float]] = {
            "claimwatch": lambda: _pull(to_s3, TABLE, rows),
            "claimwatch_folder": lambda: _pull(to_folder, TABLE, rows),
            "psql": lambda: source.psql_to_file(target),
            "psycopg2": lambda: source.psycopg2_to_file(target),
        }
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in CONTESTANTS}
        for number in range(options.rounds + 1):
            for name in CONTESTANTS:
                before = processor_seconds()
                seconds = contestants[name]()
                used = processor_seconds() - before
                shutil.rmtree(objects, ignore_errors=True)
                if number:  # the first round is not counted: it fills caches
                    runs[name].append({"seconds": round(seconds, 3), "processor": round(used, 3)})
                rate = rows / seconds
                say(f"round {number}  {name:20}{seconds:8.2f} s {rate:10,.0f} rows/s {used:6.2f} CPU s")
        peak = megabytes(max(to_s3.ask("peak"), to_folder.ask("peak")))
    size = target.stat().st_size
    target.unlink()
    rates = {name: round(rows / median([run["seconds"] for run in of])) for name, of in runs.items()}
    processor = {name: round(median([run["processor"] for run in of]), 2) for name, of in runs.items()}
    incremental = _incremental(place, source, objects)
    shutil.rmtree(objects)
    return {
        "rows_per_second": rates["claimwatch"],
        "vs_psql": round(rates["claimwatch"] / rates["psql"], 2),
        "vs_psycopg2": round(rates["claimwatch"] / rates["psycopg2"], 2),
        "peak_mb": peak,
        "rates": rates,
        "processor_seconds": processor,
        **incremental,
        "input": {"rows": rows, "columns": len(place.contract.columns), "bytes": size},
        "runs": runs,
    }


def _incremental(place: Bench, source: PullSource, folder: Path) -> Figures:
    """Pull again after 1,000 rows have changed, and after none has; return the seconds."""
    with worker(place, source, folder, None) as pulling:
        pulling.ask("define", _definition(TABLE))
        pulling.ask("pull")
        source.touch(1_000)
        begun = time.perf_counter()
        changed = pulling.ask("pull")
        seconds = time.perf_counter() - begun
        assert changed["rows"] == 1_000, changed
        begun = time.perf_counter()
        unchanged = pulling.ask("pull")
        idle = time.perf_counter() - begun
        assert (unchanged["rows"], unchanged["status"]) == (0, "idle"), unchanged
    say(f"again     1,000 changed rows in {seconds:.2f} s, none in {idle:.2f} s")
    return {"seconds_for_1000_changes": round(seconds, 2), "seconds_without_changes": round(idle, 2)}


def _pull(pulling: Step, name: str, rows: int) -> float:
    """Pull a table from the beginning; return the seconds of all steps."""
    pulling.ask("define", _definition(name))
    begun = time.perf_counter()
    pulled = pulling.ask("pull")
    seconds = time.perf_counter() - begun
    assert pulled["rows"] == rows, pulled
    return seconds


def _first_load(place: Bench, source: PullSource, folder: Path) -> Figures:
    """Pull ten million rows with a new process, and compare the identifiers in the objects with the table."""
    rows = source.multiply(MANY)
    objects = folder / "pulled"
    with worker(place, source, objects, None) as pulling:
        pulling.ask("define", _definition(COPIES))
        begun = time.perf_counter()
        pulled = pulling.ask("pull")
        seconds = time.perf_counter() - begun
        peak = megabytes(pulling.ask("peak"))
    say(
        f"first load {pulled['rows']:,} rows, {pulled['windows']} windows, {seconds:.0f} s, {peak} MB at most"
    )
    key = place.contract.identifier.name
    ids = duckdb.execute(
        f"SELECT count(*), count(DISTINCT {key})"
        f" FROM read_csv('{objects}/landing/*/*', header = true, all_varchar = true)"
    ).fetchone()
    assert ids == (rows, rows), ids
    found = {
        "rows": pulled["rows"],
        "bytes": pulled["bytes"],
        "windows": pulled["windows"],
        "seconds": round(seconds, 1),
        "rows_per_second": round(rows / seconds),
        "peak_mb": peak,
        "rows_missing": rows - ids[1],
        "rows_doubled": ids[0] - ids[1],
    }
    shutil.rmtree(objects)
    return found


def _definition(name: str) -> str:
    return (
        f"kind: postgresql\nline: motor\ntable: {name}\nkey: [claim_id]\nschedule: rate(15 minutes)\n"
        "secret: claimwatch/bench/sources/policies\n"
    )


@contextlib.contextmanager
def worker(place: Bench, source: PullSource, folder: Path, endpoint: str | None) -> Iterator[Step]:
    """Run a warm process that pulls, into a folder or to S3 at an endpoint."""
    arguments = [place.url, str(folder), *([endpoint] if endpoint else [])]
    step = Step("benchmarks.pull_worker", *arguments)
    step.ask("open", source.secret)
    try:
        yield step
    finally:
        step.close()


@contextlib.contextmanager
def stand_in() -> Iterator[str]:
    """Run the stand-in for S3; yield its address."""
    command = [sys.executable, "-m", "benchmarks.pull_stand_in"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


def _report(figures: Figures) -> str:
    lines = [
        [name, f"{rate:,}", f"{figures['processor_seconds'][name]:.1f}"]
        for name, rate in figures["rates"].items()
    ]
    parts = [table(["", "rows/s", "CPU s"], lines)]
    parts.append(
        f"{figures['vs_psql']:.2f} x psql, {figures['vs_psycopg2']:.2f} x psycopg2,"
        f" {figures['peak_mb']} MB at most"
    )
    return "\n\n".join(parts)


if __name__ == "__main__":
    main()
