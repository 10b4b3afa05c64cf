"""The command line that benchmarks share: common options, progress messages, and recording of the figures."""

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.results import RESULTS, record

type Figures = dict[str, Any]

_FOLDER = Path(__file__).resolve().parent.parent / ".local" / "bench"


def say(text: str) -> None:
    """Print a line of progress to standard error; standard output is for results."""
    print(text, file=sys.stderr, flush=True)


def argument_parser(name: str, documentation: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options that all benchmarks have."""
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}", description=(documentation or "").splitlines()[0]
    )
    parser.add_argument(
        "--folder", type=Path, default=_FOLDER, help="folder of files and server (default .local/bench)"
    )
    parser.add_argument("--discard", action="store_true", help="delete the folder afterwards")
    parser.add_argument("--results", type=Path, help="file for the figures")
    return parser


@contextmanager
def discarding(options: argparse.Namespace) -> Iterator[None]:
    """Delete the folder of the benchmark afterwards if the option --discard is set."""
    try:
        yield
    finally:
        if options.discard:
            shutil.rmtree(options.folder, ignore_errors=True)


def run(
    name: str,
    options: argparse.Namespace,
    measure: Callable[[argparse.Namespace], Figures],
    report: Callable[[Figures], str],
    *,
    complete: bool,
) -> None:
    """Measure, print and record the figures; those of an incomplete run are recorded only on request."""
    with discarding(options):
        figures = measure(options)
    print(report(figures))
    path = options.results or (RESULTS if complete else None)
    if path:
        record(name, figures, path)
        say(f"written to {path}")
    else:
        say("This was only a part of the benchmark; nothing is written without --results FILE.")
