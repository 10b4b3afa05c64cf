"""Drift detection: false alarms, power and speed, compared with Evidently and scipy.

python -m benchmarks.drift                    what `make bench-drift` runs; writes benchmarks/results.json
python -m benchmarks.drift --rows 100000 --weeks 200 --rounds 1      a quick run; writes nothing
"""

import argparse
from typing import Any

from benchmarks import coverage, drift_peers, drift_speed, fraud_rate
from benchmarks.command import argument_parser, run, say
from benchmarks.database import DURABLE, bench
from benchmarks.drift_honesty import MOVED, REFERENCE, SHIFTS, SIZES, WEEKS, honesty
from benchmarks.results import circumstances, table

ROUNDS, SHIFT = 3, 0.3
EVIDENTLY_WEEKS = {100: 20, 1_000: 20, 10_000: 10, 100_000: 5}
EVIDENTLY_SHIFTED = 10
"""Number of shifted weeks for Evidently, which takes seconds for each."""
PACKAGES = ("numpy", "scipy", "psycopg2-binary")


def main() -> None:
    """Measure, print and record the figures."""
    options = _arguments()
    complete = (options.rows, options.rounds, options.weeks) == (drift_speed.ROWS, ROUNDS, WEEKS)
    run("drift", options, _measured, _report, complete=complete)


def _arguments() -> argparse.Namespace:
    parser = argument_parser("drift", __doc__)
    parser.add_argument(
        "--rows",
        type=int,
        default=drift_speed.ROWS,
        help="number of reference and of current rows (default %(default)s)",
    )
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="number of runs, except of Evidently (default %(default)s)"
    )
    parser.add_argument(
        "--weeks",
        type=int,
        default=WEEKS,
        help="number of weeks without drift for each size (default %(default)s)",
    )
    return parser.parse_args()


def _measured(options: argparse.Namespace) -> dict[str, Any]:
    with bench(options.folder) as postgres:
        overhead = drift_speed.load_overhead(postgres, options.folder, options.rows, options.rounds, say)
        speed = drift_speed.measure(postgres, options.rows, options.rounds, say)
        server = {"version": postgres.version(), **DURABLE}
    rates = honesty(say, options.weeks, max(options.weeks // 10, 2))
    say("Evidently on the same rows")
    comparison = {
        str(claims): drift_peers.side_by_side(claims, _scaled(weeks, options), REFERENCE)
        for claims, weeks in EVIDENTLY_WEEKS.items()
    }
    shifted = drift_peers.side_by_side(5_000, _scaled(EVIDENTLY_SHIFTED, options), REFERENCE, SHIFT)
    say("Intervals")
    intervals = coverage.coverage(_scaled(coverage.REPEATS, options))
    say("Fraud rates")
    frauds = fraud_rate.figures(_scaled(fraud_rate.REPEATS, options), _scaled(fraud_rate.YEARS, options))
    return {
        "vs_evidently_time": speed.pop("vs_evidently_time"),
        "vs_scipy_time": speed.pop("vs_scipy_time"),
        "growth_10x": speed.pop("growth_10x"),
        "false_alarm_weeks": {size: found["alarm"] for size, found in rates["weeks"].items()},
        "power_5000": rates["power"]["5000"][str(SHIFT)]["all"],
        "evidently_false_alarm_weeks": {size: found["evidently_any"] for size, found in comparison.items()},
        "interval_coverage": intervals["interval_coverage"],
        "fraud_rate_false_alarms": frauds.pop("false_alarms"),
        "load_overhead": overhead.pop("ratio"),
        "peak_mb": speed.pop("peak_mb"),
        "honesty": rates,
        "side_by_side": {"quiet": comparison, "shifted_5000": shifted},
        "coverage": intervals,
        "fraud_rate": frauds,
        "speed": speed,
        "binned_against_exact": drift_speed.binned_against_exact(),
        "loading": overhead,
        "server": server,
        "evidently": drift_peers.version(),
        **circumstances(*PACKAGES),
    }


def _scaled(whole: int, options: argparse.Namespace) -> int:
    """Return the same share of the whole as the requested share of weeks without drift."""
    weeks: int = options.weeks
    return max(whole * min(weeks, WEEKS) // WEEKS, 1)


def _report(figures: dict[str, Any]) -> str:
    rates, comparison = figures["honesty"], figures["side_by_side"]
    quiet = [
        [
            f"{claims:,} claims",
            f"{rates['weeks'][str(claims)]['alarm']:.2%}",
            f"{rates['weeks'][str(claims)]['watch']:.2%}",
            f"{comparison['quiet'][str(claims)]['claimwatch']:.0%}",
            f"{comparison['quiet'][str(claims)]['evidently_any']:.0%}",
            f"{comparison['quiet'][str(claims)]['evidently_data_set']:.0%}",
            comparison["quiet"][str(claims)]["weeks"],
        ]
        for claims in SIZES
    ]
    power = [
        [
            f"{shift} sd",
            *(
                f"{rates['power'][size][str(shift)][which]:.1%}"
                for size in rates["power"]
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
    summary = (
        f"Ten times the claims: {figures['growth_10x']} x, ten times the profile rows:"
        f" {figures['speed']['growth_10x_rows']} x; peak {figures['peak_mb']} MB;"
        f" profiles add {figures['load_overhead']:.1%} to loading;"
        f" interval coverage {figures['interval_coverage']:.1%}"
    )
    return "\n\n".join(
        [
            table(
                [
                    "weeks without drift",
                    "alarm",
                    "watch",
                    "same rows: alarm",
                    "Evidently: any column",
                    "half of the columns",
                    "weeks",
                ],
                quiet,
            ),
            table(
                [
                    f"{MOVED} features shifted",
                    *(f"{size}: {which}" for size in rates["power"] for which in ("any", "all")),
                ],
                power,
            ),
            table(["weekly check", "seconds", "share that claimwatch takes"], speed),
            table(["binned statistic", "mean value", "mean error", "greatest error"], errors),
            summary,
        ]
    )


if __name__ == "__main__":
    main()
