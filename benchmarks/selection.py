"""Which rule chooses the family of a model that is worth the most on later claims.

    python -m benchmarks.selection                                what `make bench-selection` runs
    python -m benchmarks.selection --setting small --books 20     another kind of books; writes nothing

Books are simulated with three strengths of interaction. The families of a training are searched and fitted
to each by the training's own code. Each rule chooses one; the choice is worth what it brings at capacity on
30,000 later claims, judged by their true chances of fraud, relative to the family that brings the most.
A book that was measured is kept in the folder, so an interrupted run continues; delete the folder after a
change to the training.
"""

import argparse
import pickle
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.command import argument_parser, run, say
from benchmarks.results import circumstances, table
from benchmarks.selection_books import CAPACITY, COST, SETTINGS, STRENGTHS
from benchmarks.selection_measure import Measured, measure_book
from claimwatch.domain.evaluation.cohort import Cohort
from claimwatch.domain.evaluation.ranking import Influence, pr_auc_influence, roc_auc_influence
from training.candidates import CANDIDATES
from training.scored_sample import ScoredSample
from training.select import Contender, Measure, choose, over_periods, value_at

type Floats = npt.NDArray[np.float64]
type Rule = Callable[[Measured], str]

BOOKS, SEED = 40, 7
PACKAGES = ("numpy", "scikit-learn", "lightgbm", "optuna")


def _highest(measure: Measure) -> Rule:
    """Return the rule that chooses the family with the highest mean over all periods."""
    return lambda found: max(found.contenders, key=lambda each: over_periods(each, None, measure).value).name


def _pr_area(sample: ScoredSample) -> tuple[Cohort, Influence | None, float]:
    return sample.investigated, pr_auc_influence(sample.investigated), len(sample.investigated.outcome)


def _book_area(sample: ScoredSample) -> tuple[Cohort, Influence | None, float]:
    return sample.book, roc_auc_influence(sample.book), len(sample.book.outcome)


def _within_one_error(found: Measured) -> list[Contender]:
    """Return the families whose ROC-AUC is within one standard error of the best (Breiman et al., 1984)."""
    choice = choose(found.contenders, CAPACITY, COST)
    behind = choice.behind
    return [each for each in found.contenders if behind[each.name].value <= behind[each.name].error]


def _area_then_smallest(found: Measured) -> str:
    return min(_within_one_error(found), key=lambda each: each.size).name


def _area_then_value(found: Measured) -> str:
    return max(_within_one_error(found), key=lambda each: over_periods(each, None, VALUE).value).name


def _area_then_ties_then_smallest(found: Measured) -> str:
    """Return the smallest of the families that rank well and whose value ties with the best of them."""
    eligible = _within_one_error(found)
    best = max(eligible, key=lambda each: over_periods(each, None, VALUE).value)
    ties = [
        each
        for each in eligible
        if each is best or (over_periods(best, each, VALUE).interval.low or 0.0) <= 0.0
    ]
    return min(ties, key=lambda each: each.size).name


def _losses(each: Contender) -> Floats:
    """Return the log-loss of every claim with an outcome, over all periods."""
    parts = []
    for period in each.periods:
        seen = period.investigated
        chance = np.clip(seen.probability, 1e-6, 1.0 - 1e-6)
        parts.append(-np.where(seen.outcome > 0.5, np.log(chance), np.log1p(-chance)))
    return np.concatenate(parts)


def _lowest_loss(found: Measured) -> str:
    return min(found.contenders, key=lambda each: float(_losses(each).mean())).name


def _loss_then_smallest(found: Measured) -> str:
    """Return the smallest of the families whose log-loss is within one standard error of the lowest."""
    losses = {each.name: _losses(each) for each in found.contenders}
    lowest = losses[_lowest_loss(found)]
    behind = {name: own - lowest for name, own in losses.items()}
    ties = [
        each
        for each in found.contenders
        if behind[each.name].mean() <= behind[each.name].std() / np.sqrt(len(lowest))
    ]
    return min(ties, key=lambda each: each.size).name


def _always(name: str) -> Rule:
    return lambda _: name


VALUE = value_at(CAPACITY, COST)
CHOSEN = "highest ROC-AUC"
RULES: Mapping[str, Rule] = {
    CHOSEN: lambda found: choose(found.contenders, CAPACITY, COST).name,
    "highest ROC-AUC, weighted to the book": _highest(_book_area),
    "ROC-AUC within 1 SE, value ties, smallest": _area_then_ties_then_smallest,
    "ROC-AUC within 1 SE, smallest": _area_then_smallest,
    "ROC-AUC within 1 SE, highest value": _area_then_value,
    "highest PR-AUC": _highest(_pr_area),
    "highest value": _highest(VALUE),
    "lowest log-loss": _lowest_loss,
    "lowest log-loss of the search": lambda found: min(found.losses, key=lambda name: found.losses[name]),
    "log-loss within 1 SE, smallest": _loss_then_smallest,
    **{f"always {each.name}": _always(each.name) for each in CANDIDATES},
}
REFITTED = f"{CHOSEN}, fitted again on all claims"
BLENDS = ("average of all", "stacked")


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """Measure all books, and return the figures of every rule."""
    folder: Path = options.folder / "selection"
    folder.mkdir(parents=True, exist_ok=True)
    tasks = [(strength, book) for book in range(options.books) for strength in STRENGTHS]
    started = time.monotonic()
    work = partial(_kept, folder, options.setting, options.seed)
    found: dict[str, list[Measured]] = {strength: [] for strength in STRENGTHS}
    with ProcessPoolExecutor(options.processes) as pool:
        for done, ((strength, _), each) in enumerate(zip(tasks, pool.map(work, tasks), strict=True), 1):
            found[strength].append(each)
            if not done % 10:
                say(f"{done} of {len(tasks)} books, {time.monotonic() - started:.0f} s")
    return {
        "setting": options.setting,
        "books": options.books,
        **figures_of(found),
        **circumstances(*PACKAGES),
    }


def _kept(folder: Path, setting: str, seed: int, task: tuple[str, int]) -> Measured:
    strength, book = task
    path = folder / f"{setting}-{strength}-{seed}-{book}.pickle"
    if path.exists():
        kept: Measured = pickle.loads(path.read_bytes())  # noqa: S301 - written by this command
        return kept
    found = measure_book(setting, strength, book, seed)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_bytes(pickle.dumps(found))
    unfinished.replace(path)
    return found


def figures_of(found: Mapping[str, Sequence[Measured]]) -> dict[str, Any]:
    """Return the mean share of the best family's value, by rule and strength."""
    rules: dict[str, dict[str, Any]] = {}
    gathered = {strength: _shares(books) for strength, books in found.items()}
    chosen = np.concatenate([np.array(shares[CHOSEN]) for shares in gathered.values()])
    for name in next(iter(gathered.values())):
        by_strength = {strength: np.array(shares[name]) for strength, shares in gathered.items()}
        everything = np.concatenate(list(by_strength.values()))
        rules[name] = {
            **{strength: round(float(shares.mean()), 4) for strength, shares in by_strength.items()},
            "mean": round(float(everything.mean()), 4),
            "error": round(float(everything.std(ddof=1) / np.sqrt(len(everything))), 4),
            "worst_tenth": round(float(np.quantile(everything, 0.1)), 4),
            "against_chosen": _paired(everything - chosen),
        }
    return {"rules": rules}


def _paired(apart: Floats) -> list[float]:
    """Return the mean difference to the chosen rule over the same books, and its standard error."""
    return [round(float(apart.mean()), 4), round(float(apart.std(ddof=1) / np.sqrt(len(apart))), 4)]


def _shares(books: Sequence[Measured]) -> dict[str, list[float]]:
    shares: dict[str, list[float]] = {name: [] for name in RULES}
    for extra in (*BLENDS, REFITTED):
        shares[extra] = []
    for book in books:
        best = max(book.value.values())
        for name, rule in RULES.items():
            shares[name].append(book.value[rule(book)] / best)
        for name, value in book.blends.items():
            shares[name].append(value / best)
        shares[REFITTED].append(book.refitted[RULES[CHOSEN](book)] / best)
    return shares


def report(figures: dict[str, Any]) -> str:
    """Return the table of the rules."""
    columns = [*STRENGTHS, "mean", "error", "worst_tenth"]
    rows = [[name, *(f"{each[column]:.3f}" for column in columns)] for name, each in figures["rules"].items()]
    return table(["share of the best family's value", *columns], rows)


def main() -> None:
    """Measure, print and record the figures."""
    parser = argument_parser("selection", __doc__)
    parser.add_argument("--setting", choices=SETTINGS, default="usual")
    parser.add_argument("--books", type=int, default=BOOKS, help="of each strength (default %(default)s)")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    complete = (options.setting, options.books, options.seed) == ("usual", BOOKS, SEED)
    run("selection", options, measured, report, complete=complete)


if __name__ == "__main__":
    main()
