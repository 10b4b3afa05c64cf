"""How often parts of the calendar and leaks are found, and how often honest columns are taken for them.

    python -m benchmarks.leaks [--repeats 20] [--seed 7]

All books are simulated, so it is known what each column is. Shares of columns that were found, of honest
columns that were taken for a part of the calendar, and of honest books with a warning or a refused column.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Mapping

import numpy as np

from benchmarks.calendar_columns import PARTS, honest_columns, moments, month_of_report
from benchmarks.leak_books import LeakBook, days_to_settle, feature_of_area, flag_of_outcome, honest_book
from benchmarks.results import circumstances, record
from claimwatch.domain.model.calendar import part_of_calendar
from claimwatch.domain.model.features import FeatureSpec, encode
from training.leakage import find_leaks
from training.strong_features import strong_features

REPEATS, SEED = 20, 7

TIMES = ((300, 730), (1_000, 400), (3_000, 200), (6_000, 730), (3_000, 1_300))
"""Claims, and the days that they span."""
BOOKS = ((300, 0.2), (600, 0.1), (2_000, 0.05), (2_000, 0.4), (10_000, 0.02))
"""Claims with an outcome, and the share of frauds among them."""
DELAYS = (7, 20, 30)
"""Mean days from the event to the report."""

LEAKS: dict[str, Callable[[LeakBook], np.ndarray]] = {
    "a flag that is right for 92 % of the claims": flag_of_outcome,
    "days to settle": days_to_settle,
    "a value that two in five frauds have": lambda book: np.where(
        (book.outcome == 1.0) & (book.draw.random(len(book.outcome)) < 0.4),
        book.draw.normal(size=len(book.outcome)),
        np.nan,
    ),
    "an amount paid, 0 for frauds and 30 % of the others": lambda book: np.where(
        (book.outcome == 1.0) | (book.draw.random(len(book.outcome)) < 0.3),
        0.0,
        np.exp(book.draw.normal(7.0, 1.0, len(book.outcome))),
    ),
}


def calendar(repeats: int, seed: int) -> dict[str, float]:
    """Return the share of columns that are taken for a part of the calendar, by kind of column."""
    found: dict[str, list[bool]] = defaultdict(list)
    for claims, days in TIMES:
        for repeat in range(repeats):
            draw, time = moments(claims, days, seed + repeat)
            columns: dict[str, np.ndarray] = {
                f"part: {name}": part(time) for name, (part, _) in PARTS.items()
            }
            columns |= {
                f"month of a report after {mean} days": month_of_report(draw, time, mean) for mean in DELAYS
            }
            columns |= {f"honest: {name}": values for name, values in honest_columns(draw, time).items()}
            for name, values in columns.items():
                taken = part_of_calendar(np.asarray(values, dtype=np.float64), time) is not None
                group = f"{name.split(':', maxsplit=1)[0]}, {claims:,} claims in {days:,} days"
                found[group].append(taken)
    return {group: round(float(np.mean(taken)), 4) for group, taken in found.items()}


def leaks(repeats: int, seed: int) -> dict[str, float]:
    """Return the share of books in which each leak is named, and of honest books with anything named."""
    found: dict[str, list[bool]] = defaultdict(list)
    for claims, rate in BOOKS:
        size = f"{claims:,} claims, {rate:.0%} frauds"
        for repeat in range(repeats):
            book = honest_book(claims, rate, seed + repeat)
            strong = book.with_columns(strong=feature_of_area(book, 0.8))
            found[f"honest, {size}"].append(bool(_named(strong, 0.99)))
            for name, leak in LEAKS.items():
                found[f"{name}, {size}"].append("leak" in _named(book.with_columns(leak=leak(book))))
    return {group: round(float(np.mean(named)), 3) for group, named in found.items()}


def _named(book: LeakBook, model_area: float = 0.5) -> set[str]:
    """Return the columns that are refused or warned of.

    With a model of a large area, the case is the worst for honest columns: each is taken for one without
    which the model loses all, and all pairs are judged.
    """
    claims = book.snapshot
    refused = find_leaks(book.contract, claims)
    spec = FeatureSpec.fit(book.contract, claims.columns)
    everything = dict.fromkeys((name for name in spec.names if name in book.columns), 1.0)
    warned = strong_features(spec, encode(spec, claims.columns), book.outcome, everything, model_area)
    return set(refused) | {warning.column for warning in warned}


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    figures: Mapping[str, Mapping[str, float]] = {
        "leaks": leaks(given.repeats, given.seed),
        "calendar": calendar(given.repeats, given.seed),
    }
    print(json.dumps(figures, indent=1))
    record("leaks", {"repeats": given.repeats, **figures, **circumstances("numpy", "scipy")})


if __name__ == "__main__":
    main()
