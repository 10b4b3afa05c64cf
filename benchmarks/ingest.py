"""Compares loading a million claims with raw COPY, pandas and awswrangler, on one server in one run.

python -m benchmarks.ingest              the command of `make bench-ingest`; writes benchmarks/results.json
python -m benchmarks.ingest --rows 100000 --rounds 2 --skip-10m      a quick comparison; writes nothing
python -m benchmarks.ingest --profile    the processor seconds of each step of a worker
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.book import BAD_SHARE, BookFile, book_file, good_rows
from benchmarks.command import Figures, argument_parser, discarding, run, say
from benchmarks.database import DURABLE, Bench, bench
from benchmarks.pipeline import LOADERS, warm_pipeline
from benchmarks.processor import processor_seconds
from benchmarks.profile import profile
from benchmarks.results import circumstances, median, megabytes, table

ROWS, ROUNDS, SEED = 1_000_000, 5, 7
CONTESTANTS = ("claimwatch", "raw_copy", "pandas", "awswrangler", "awswrangler_chunked")
MEMORY_ROWS = {"100k": 100_000, "1m": 1_000_000, "10m": 10_000_000}
PACKAGES = ("duckdb", "numpy", "pandas", "pyarrow", "awswrangler", "pg8000", "psycopg2-binary")


def main() -> None:
    """Measure the contestants, print the figures and record them."""
    options = _arguments()
    if options.profile:
        with discarding(options), bench(options.folder) as place:
            print(profile(place, options.folder, book_file(options.folder, options.rows, SEED)))
        return
    complete = not options.only and not options.skip_10m and (options.rows, options.rounds) == (ROWS, ROUNDS)
    run("ingest", options, _measured, _report, complete=complete)


def _arguments() -> argparse.Namespace:
    parser = argument_parser("ingest", __doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of the file (default %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="runs of each contestant (default %(default)s)"
    )
    parser.add_argument("--only", choices=CONTESTANTS, action="append", help="run only these contestants")
    parser.add_argument(
        "--skip-10m", action="store_true", help="measure memory with 100,000 and 1,000,000 rows only"
    )
    parser.add_argument("--profile", action="store_true", help="measure the steps of a worker instead")
    return parser.parse_args()


def _measured(options: argparse.Namespace) -> Figures:
    with bench(options.folder) as place:
        return _compare(place, book_file(options.folder, options.rows, SEED), options)


def _compare(place: Bench, book: BookFile, options: argparse.Namespace) -> Figures:
    chosen = options.only or CONTESTANTS
    say(f"{book.rows:,} rows, {len(book.bad):,} bad, {megabytes(book.size):,} MB, {options.rounds} times")
    runs = _run_in_turns(
        place, book, options.folder, [name for name in CONTESTANTS if name in chosen], options.rounds
    )
    rates = {
        name: round(median([run["rows"] / run["seconds"] for run in own_runs]))
        for name, own_runs in runs.items()
    }
    processor = {
        name: round(median([run["processor"] / run["rows"] for run in own_runs]) * 1e6, 2)
        for name, own_runs in runs.items()
    }
    ratios = {
        f"vs_{name}": round(rates["claimwatch"] / rates[name], 2)
        for name in CONTESTANTS[1:]
        if "claimwatch" in rates and name in rates
    }
    if "vs_raw_copy" in ratios:
        ratios["processor_vs_raw_copy"] = round(processor["claimwatch"] / processor["raw_copy"], 2)
    peaks = {}
    if "claimwatch" in chosen:
        for name, rows in MEMORY_ROWS.items():
            if name != "10m" or not options.skip_10m:
                peaks[name] = _peaks(place, options.folder, rows)
    return {
        **ratios,
        **{f"peak_mb_{name}": max(steps.values()) for name, steps in peaks.items()},
        "rows_per_second": rates,
        "processor_seconds_a_million": processor,
        "peak_mb_by_step": peaks,
        "input": {
            "rows": book.rows,
            "columns": len(place.contract.columns),
            "bytes": book.size,
            "bad_share": BAD_SHARE,
            "bad_rows": len(book.bad),
        },
        "workers": LOADERS,
        "server": {"version": place.version(), **DURABLE},
        "runs": runs,
        **circumstances(*PACKAGES),
    }


def _run_in_turns(
    place: Bench, book: BookFile, folder: Path, names: list[str], rounds: int
) -> dict[str, list[dict[str, Any]]]:
    """Run the contestants in turns; return rows and seconds of every run."""
    good_rows(book)
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    with warm_pipeline(place, folder) as pipeline:

        def claimwatch() -> dict[str, Any]:
            steps = pipeline.run(book)
            return {"rows": book.rows, "seconds": steps.pop("total"), "steps": steps}

        def raw_copy() -> dict[str, Any]:
            return {"rows": book.good, "seconds": peers.raw_copy(place, book)}

        def pandas() -> dict[str, Any]:
            seconds, missed = peers.pandas(place, book)
            return {"rows": book.rows, "seconds": seconds, "bad_rows_missed": missed}

        def awswrangler(**options: Any) -> dict[str, Any]:
            wrangler = peers.Wrangler(place, book, **options)
            return {"rows": wrangler.rows, "seconds": wrangler.run()}

        def awswrangler_chunked() -> dict[str, Any]:
            return awswrangler(chunksize=peers.WRANGLER_MOST)

        contestants: dict[str, Callable[[], dict[str, Any]]] = {
            "claimwatch": claimwatch,
            "raw_copy": raw_copy,
            "pandas": pandas,
            "awswrangler": awswrangler,
            "awswrangler_chunked": awswrangler_chunked,
        }
        pipeline.run(book)  # not counted: the first run waits until files and log segments are created
        for number in range(1, rounds + 1):
            for name in names:
                place.empty()
                _into_memory(book.path, good_rows(book))
                before = processor_seconds()
                run = contestants[name]()
                run["processor"] = processor_seconds() - before
                runs[name].append(run := _rounded(run))
                rate, used = run["rows"] / run["seconds"], run["processor"]
                say(
                    f"round {number}  {name:20}{run['seconds']:8.2f} s {rate:10,.0f} rows/s {used:8.2f} CPU s"
                )
        place.empty()
    return runs


def _into_memory(*files: Path) -> None:
    """Read the input, so that no contestant waits for the local disk, which replaces S3."""
    for path in files:
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 20):
                pass


def _rounded(run: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {step: round(seconds, 3) for step, seconds in value.items()}
        if name == "steps"
        else round(value, 3)
        for name, value in run.items()
    }


def _peaks(place: Bench, folder: Path, rows: int) -> dict[str, float]:
    """Load this many rows with new processes; return the peak MB of each step."""
    book = book_file(folder, rows, SEED)
    place.empty()
    with warm_pipeline(place, folder) as pipeline:
        seconds = pipeline.run(book)["total"]
        peaks = {step: megabytes(peak) for step, peak in pipeline.peaks().items()}
    place.empty()
    say(f"memory    {rows:>10,} rows  {max(peaks.values()):6.1f} MB at most, in {seconds:.0f} s")
    return peaks


def _report(figures: Figures) -> str:
    lines = [
        [
            name,
            f"{rate:,}",
            f"{figures[f'vs_{name}']:.2f} x" if f"vs_{name}" in figures else "",
            f"{figures['processor_seconds_a_million'][name]:.1f}",
        ]
        for name, rate in figures["rows_per_second"].items()
    ]
    parts = [table(["", "rows/s", "claimwatch is", "CPU s per million"], lines)]
    if figures["peak_mb_by_step"]:
        steps = ("inspect", "load", "commit")
        by_step = [
            [f"{MEMORY_ROWS[name]:,} rows", *(peaks[step] for step in steps)]
            for name, peaks in figures["peak_mb_by_step"].items()
        ]
        parts.append(table(["peak MB of a process", *steps], by_step))
    return "\n\n".join(parts)


if __name__ == "__main__":
    main()
