"""A stranger's book: the files that a company brings, and the truth about each claim."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit

from benchmarks.first_model.columns import Cells, Days, Floats, scaled, written
from benchmarks.first_model.companies import Company

FIRST, LAST = np.datetime64("2024-07-01"), np.datetime64("2026-06-28")
"""The days of the labelled history."""

LATEST = np.datetime64("2026-11-22")
"""The last day of the claims that arrive after the model is promoted, a Sunday."""

STRENGTH = 1.5
"""The standard deviation of the log-odds of fraud over the claims of a book."""


@dataclass(frozen=True)
class Extra:
    """A column beside those of the company, from the days of the claims, their log-odds and their frauds.

    ``draw`` returns the cells, and what the column adds to the log-odds of being called a fraud.
    """

    name: str
    draw: Callable[[np.random.Generator, Days, Floats], tuple[Cells, Floats]]


@dataclass(frozen=True)
class Tell:
    """A column that is written when the outcome is known."""

    name: str
    draw: Callable[[np.random.Generator, np.ndarray], Cells]


@dataclass(frozen=True)
class Trap:
    """Something the product must name: its kind, and the columns of which each must be named."""

    kind: str
    columns: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Recipe:
    """What is drawn: how many claims, how many of them frauds, and what is wrong with the book.

    ``known`` returns which claims have a label, from their log-odds. ``hidden`` is an effect on the log-odds
    that no column can tell of later claims, by the day. ``odds_later`` multiplies the odds of the claims
    after the history. What the product says about ``harmless`` columns is neither right nor wrong. ``moved``
    are features whose numbers are multiplied in the last three weeks.
    """

    claims: int
    base_rate: float
    traps: Sequence[Trap] = ()
    harmless: frozenset[str] = frozenset()
    extras: Sequence[Extra] = ()
    tells: Sequence[Tell] = ()
    known: Callable[[np.random.Generator, Floats], np.ndarray] | None = None
    hidden: Callable[[Days], Floats] | None = None
    odds_later: float = 1.0
    moved: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Book:
    """The files of a company, and the truth: the probability that each later claim is a fraud.

    ``probability`` is that of the best possible fair model: it leaves out effects that nobody can know of
    later claims, and those of extra columns, for which people were wrongly accused.
    """

    name: str
    company: Company
    recipe: Recipe
    history: bytes
    later: bytes
    probability: Mapping[str, float]


MOVED_SINCE = np.datetime64("2026-11-02")
"""The day from which the numbers of moved features are multiplied."""


def draw(name: str, company: Company, recipe: Recipe, seed: int) -> Book:
    """Draw a book; the same seed draws the same."""
    rng = np.random.default_rng([seed, *name.encode()])
    later_claims = round(recipe.claims * _days(LAST, LATEST) / _days(FIRST, LAST))
    days = np.concatenate(
        [
            FIRST + _after(np.sort(rng.integers(0, _days(FIRST, LAST) + 1, recipe.claims))),
            LAST + _after(np.sort(rng.integers(1, _days(LAST, LATEST) + 1, later_claims))),
        ]
    )
    columns: dict[str, Cells] = {}
    odds = np.zeros(len(days))
    for place, each in enumerate(company.features):
        cells, effect = each.draw(rng, days)
        columns[each.name] = _moved(cells, days, recipe.moved.get(each.name))
        odds += scaled(effect) * (1.0 / (1.0 + 0.35 * place))
    odds = scaled(odds) * STRENGTH
    accused = np.zeros(len(days))
    for extra in recipe.extras:
        columns[extra.name], added = extra.draw(rng, days, odds)
        accused = accused + added
    for idle in company.idle:
        columns[idle.name], _ = idle.draw(rng, days)
    intercept = brentq(lambda by: float(expit(odds + by).mean()) - recipe.base_rate, -20.0, 20.0)
    learnable = expit(odds + intercept)
    hidden = recipe.hidden(days) if recipe.hidden else np.zeros(len(days))
    shifted = np.where(days > LAST, np.log(recipe.odds_later), 0.0)
    fraud = rng.random(len(days)) < expit(logit(learnable) + accused + hidden + shifted)
    known = recipe.known(rng, odds) if recipe.known else np.ones(len(days), dtype=np.bool_)
    for tell in recipe.tells:
        columns[tell.name] = tell.draw(rng, fraud)
    yes, no = company.label_words
    label = [
        (yes if is_fraud else no) if is_known else ""
        for is_fraud, is_known in zip(fraud.tolist(), known.tolist(), strict=True)
    ]
    claims = [f"C{place:07}" for place in rng.permutation(len(days)).tolist()]
    table = {company.claim: claims, company.event: written(days, company.date), **columns}
    table[company.label] = label
    history = recipe.claims
    return Book(
        name,
        company,
        recipe,
        _file(table, company.delimiter, slice(None, history)),
        _file(table, company.delimiter, slice(history, None)),
        dict(zip(claims[history:], learnable[history:].tolist(), strict=True)),
    )


def _days(since: np.datetime64, until: np.datetime64) -> int:
    return int((until - since).astype(int))


def _after(days: np.ndarray) -> np.ndarray:
    return days.astype("timedelta64[D]")


def _moved(cells: Cells, days: Days, factor: float | None) -> Cells:
    """Return numbers, multiplied in the last weeks."""
    if factor is None:
        return cells
    return [
        f"{float(cell) * factor:.2f}" if late else cell
        for cell, late in zip(cells, (days >= MOVED_SINCE).tolist(), strict=True)
    ]


def _file(table: Mapping[str, Cells], delimiter: str, rows: slice) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(zip(*(cells[rows] for cells in table.values()), strict=True))
    return text.getvalue().encode()
