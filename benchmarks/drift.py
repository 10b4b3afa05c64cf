"""Drift: how often it is told without any, how often it is found, how fast; Evidently and scipy beside it.

python -m benchmarks.drift                    what `make bench-drift` runs; writes benchmarks/results.json
python -m benchmarks.drift --rows 100000 --weeks 200 --rounds 1      a quick look; writes nothing
"""

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

from benchmarks import coverage, drift_peers, drift_speed
from benchmarks.database import DURABLE, bench
from benchmarks.drift_honesty import MOVED, REFERENCE, SHIFTS, SIZES, WEEKS, honesty
from benchmarks.results import RESULTS, circumstances, record, table

ROUNDS, SHIFT = 3, 0.3
EVIDENTLY_WEEKS = {100: 20, 1_000: 20, 10_000: 10, 100_000: 5}
EVIDENTLY_SHIFTED = 10
"""Weeks that Evidently reports on: it takes seconds for each."""
FOLDER = Path(__file__).resolve().parent.parent / ".local" / "bench"
PACKAGES = ("numpy", "scipy", "psycopg2-binary")


def main() -> None:
    """Measure, print, and record."""
    asked = _arguments()
    try:
        figures = _measured(asked)
    finally:
        if asked.discard:
            shutil.rmtree(asked.folder, ignore_errors=True)
    print(_report(figures))
    whole = (asked.rows, asked.rounds, asked.weeks) == (drift_speed.ROWS, ROUNDS, WEEKS)
    path = asked.results or (RESULTS if whole else None)
    if path:
        record("drift", figures, path)
        say(f"written to {path}")
    else:
        say("Not the whole benchmark, so nothing is written; --results FILE writes it there.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.drift", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument(
        "--rows", type=int, default=drift_speed.ROWS, help="rows of each side (default %(default)s)"
    )
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="runs of each but Evidently (default %(default)s)"
    )
    parser.add_argument(
        "--weeks", type=int, default=WEEKS, help="weeks without drift of each size (default %(default)s)"
    )
    parser.add_argument(
        "--folder", type=Path, default=FOLDER, help="where files and server go (default .local/bench)"
    )
    parser.add_argument(
        "--discard", action="store_true", help="delete that folder afterwards; else it is kept"
    )
    parser.add_argument("--results", type=Path, help="where the figures go")
    return parser.parse_args()


def say(text: str) -> None:
    """A line of progress. Standard output is left to results."""
    print(text, file=sys.stderr, flush=True)


def _measured(asked: argparse.Namespace) -> dict[str, Any]:
    with bench(asked.folder) as place:
        overhead = drift_speed.load_overhead(place, asked.folder, asked.rows, asked.rounds, say)
        speed = drift_speed.measure(place, asked.rows, asked.rounds, say)
        server = {"version": place.version(), **DURABLE}
    honest = honesty(say, asked.weeks, max(asked.weeks // 10, 2))
    say("The same rows for Evidently")
    beside = {
        str(claims): drift_peers.side_by_side(claims, _part(weeks, asked), REFERENCE)
        for claims, weeks in EVIDENTLY_WEEKS.items()
    }
    shifted = drift_peers.side_by_side(5_000, _part(EVIDENTLY_SHIFTED, asked), REFERENCE, SHIFT)
    say("Intervals")
    covered = coverage.coverage(_part(coverage.REPEATS, asked))
    return {
        "vs_evidently_time": speed.pop("vs_evidently_time"),
        "vs_scipy_time": speed.pop("vs_scipy_time"),
        "growth_10x": speed.pop("growth_10x"),
        "false_alarm_weeks": {size: found["alarm"] for size, found in honest["weeks"].items()},
        "power_5000": honest["power"]["5000"][str(SHIFT)]["all"],
        "evidently_false_alarm_weeks": {size: found["evidently_any"] for size, found in beside.items()},
        "interval_coverage": covered["interval_coverage"],
        "load_overhead": overhead.pop("ratio"),
        "peak_mb": speed.pop("peak_mb"),
        "honesty": honest,
        "side_by_side": {"quiet": beside, "shifted_5000": shifted},
        "coverage": covered,
        "speed": speed,
        "binned_against_exact": drift_speed.binned_against_exact(),
        "loading": overhead,
        "server": server,
        "evidently": drift_peers.version(),
        **circumstances(*PACKAGES),
    }


def _part(whole: int, asked: argparse.Namespace) -> int:
    """As much of it as is asked of the quiet weeks."""
    weeks: int = asked.weeks
    return max(whole * min(weeks, WEEKS) // WEEKS, 1)


def _report(figures: dict[str, Any]) -> str:
    honest, beside = figures["honesty"], figures["side_by_side"]
    quiet = [
        [
            f"{claims:,} claims",
            f"{honest['weeks'][str(claims)]['alarm']:.2%}",
            f"{honest['weeks'][str(claims)]['watch']:.2%}",
            f"{beside['quiet'][str(claims)]['claimwatch']:.0%}",
            f"{beside['quiet'][str(claims)]['evidently_any']:.0%}",
            f"{beside['quiet'][str(claims)]['evidently_data_set']:.0%}",
            beside["quiet"][str(claims)]["weeks"],
        ]
        for claims in SIZES
    ]
    power = [
        [
            f"{shift} sd",
            *(
                f"{honest['power'][size][str(shift)][which]:.1%}"
                for size in honest["power"]
                for which in ("any", "all")
            ),
        ]
        for shift in SHIFTS
    ]
    seconds = figures["speed"]["seconds"]
    speed = [
        ["claimwatch", seconds[drift_speed.ONCE], ""],
        ["scipy", min(seconds["scipy"]), f"{figures['vs_scipy_time']:.4f}"],
        ["evidently", seconds["evidently"], f"{figures['vs_evidently_time']:.5f}"],
    ]
    errors = [
        [metric, found["mean_value"], found["mean_error"], found["greatest_error"]]
        for metric, found in figures["binned_against_exact"].items()
    ]
    told = (
        f"Ten times the claims: {figures['growth_10x']} x, ten times the rows of profiles:"
        f" {figures['speed']['growth_10x_rows']} x; peak {figures['peak_mb']} MB;"
        f" profiles add {figures['load_overhead']:.1%} to loading;"
        f" intervals hold {figures['interval_coverage']:.1%}"
    )
    return "\n\n".join(
        [
            table(
                [
                    "weeks without drift",
                    "alarm",
                    "watch",
                    "same rows: alarm",
                    "Evidently: a column",
                    "half of them",
                    "weeks",
                ],
                quiet,
            ),
            table(
                [
                    f"{MOVED} features shifted",
                    *(f"{size}: {which}" for size in honest["power"] for which in ("any", "all")),
                ],
                power,
            ),
            table(["weekly check", "seconds", "claimwatch takes of it"], speed),
            table(["binned statistic", "mean value", "mean error", "greatest error"], errors),
            told,
        ]
    )


if __name__ == "__main__":
    main()
