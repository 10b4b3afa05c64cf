"""First models of strangers, from a raw labelled file to the verdict without hand work.

    python -m benchmarks.first_model [--honest 20] [--seed 15] [--book leaks]

Each of ten generated books is brought to a new line: its draft is applied, its claims are loaded, a model is
trained and promoted, later claims are scored, and three weeks are checked. Measured are the share of the
possible lift that the live model reaches on later claims, the traps that the product named, what trainings
refused or warned of without cause, and the weeks with an alarm without cause, also in honest books.
"""

import argparse
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.command import Figures, argument_parser, run, say
from benchmarks.first_model import kinds
from benchmarks.first_model.book import Book
from benchmarks.first_model.judged import false_alarms, false_warnings, is_named
from benchmarks.first_model.walk import Verdict, walk
from benchmarks.results import circumstances, median, table
from tests.cluster import Cluster
from tests.integration.ingest.environment import Site

HONEST = 20
SHOWN = 5


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argument_parser("first_model", __doc__)
    parser.add_argument("--honest", type=int, default=HONEST, help="honest books (default %(default)s)")
    parser.add_argument("--seed", type=int, default=15, help="seed of the books (default %(default)s)")
    parser.add_argument(
        "--book", action="append", choices=sorted(kinds.RECIPES), help="only this; repeatable"
    )
    options = parser.parse_args()
    complete = options.honest >= HONEST and not options.book
    run("first_model", options, _measure, _report, complete=complete)


def _measure(options: argparse.Namespace) -> Figures:
    options.folder.mkdir(parents=True, exist_ok=True)
    names = options.book or list(kinds.RECIPES)
    tasks = [(name, options.seed, options.folder) for name in names]
    tasks += [(str(number), options.seed, options.folder) for number in range(options.honest)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        books = dict(zip((name for name, *_ in tasks), pool.map(_judged, tasks), strict=True))
    strangers = [books[name] for name in names]
    honest = [books[str(number)] for number in range(options.honest)]
    shares = [each["lift_share"] for each in strangers if each["lift_share"] is not None]
    return {
        "lift_share_least": min(shares, default=None),
        "lift_share_median": median(shares) if shares else None,
        "traps": sum(each["traps"] for each in strangers),
        "traps_named": sum(each["named"] for each in strangers),
        "false_warnings": sum(each["false_warnings"] for each in strangers),
        "honest_books": len(honest),
        "honest_books_with_false_warnings": sum(each["false_warnings"] > 0 for each in honest),
        "weeks": sum(each["weeks"] for each in (*strangers, *honest)),
        "weeks_with_false_alarms": sum(each["weeks_with_false_alarms"] for each in (*strangers, *honest)),
        "honest_lift_share_median": median([each["lift_share"] or 0.0 for each in honest])
        if honest
        else None,
        "books": dict(zip(names, strangers, strict=True)),
        **circumstances("scikit-learn", "lightgbm"),
    }


def _book(name: str, seed: int) -> Book:
    return kinds.honest(seed, int(name)) if name.isdecimal() else kinds.stranger(name, seed)


def _judged(task: tuple[str, int, Path]) -> dict[str, Any]:
    """Walk one book on a server of its own; return its figures."""
    name, seed, folder = task
    book = _book(name, seed)
    with (
        tempfile.TemporaryDirectory(prefix="first-model-", dir=folder) as below,
        Cluster(Path(below, "postgres")) as cluster,
        cluster.clone() as url,
        closing(cluster.database(url)) as database,
    ):
        verdict = walk(Site.below(database, Path(below, "buckets")), "stranger", book)
    missed = [trap for trap in book.recipe.traps if not is_named(trap, verdict)]
    warnings = [*verdict.problems, *false_warnings(book, verdict)]
    alarms = false_alarms(book, verdict)
    lines = [f"{book.name:24}lift share {verdict.share:.3f}"]
    lines += [f"    missed: {trap.kind} {', '.join(sorted(trap.columns))}" for trap in missed]
    lines += [f"    without cause: {text}" for text in warnings[:SHOWN]]
    lines += [f"    without cause in {week}: {', '.join(found[:SHOWN])}" for week, found in alarms.items()]
    say("\n".join(lines))
    return _figures(book, verdict, len(missed), len(warnings), len(alarms))


def _figures(book: Book, verdict: Verdict, missed: int, warnings: int, weeks: int) -> dict[str, Any]:
    known = verdict.lift == verdict.lift  # nan if no model went live
    return {
        "claims": book.recipe.claims,
        "trainings": verdict.trainings,
        "lift": round(verdict.lift, 2) if known else None,
        "lift_share": round(verdict.share, 3) if known else None,
        "traps": len(book.recipe.traps),
        "named": len(book.recipe.traps) - missed,
        "false_warnings": warnings,
        "weeks": len(verdict.alarms),
        "weeks_with_false_alarms": weeks,
    }


def _report(figures: Figures) -> str:
    names = ["claims", "trainings", "lift", "lift_share", "traps", "named", "false_warnings"]
    rows = [[book, *(_shown(found[name]) for name in names)] for book, found in figures["books"].items()]
    honest = f"{figures['honest_books_with_false_warnings']} of {figures['honest_books']}"
    weeks = f"{figures['weeks_with_false_alarms']} of {figures['weeks']}"
    shares = f"{figures['lift_share_median']} (median), {figures['lift_share_least']} (least)"
    lines = [
        table(["", *(name.replace("_", " ") for name in names)], rows),
        "",
        f"share of the possible lift: {shares}",
        f"traps named: {figures['traps_named']} of {figures['traps']}",
        f"warnings without cause: {figures['false_warnings']}",
        f"honest books with such warnings: {honest}",
        f"weeks with an alarm without cause: {weeks}",
    ]
    return "\n".join(lines)


def _shown(value: object) -> str:
    return "" if value is None else str(value)


if __name__ == "__main__":
    main()
