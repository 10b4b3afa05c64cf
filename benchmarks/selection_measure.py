"""One simulated book: its families, searched and fitted, and what each brings on later claims."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import logit
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from benchmarks.selection_books import CAPACITY, COST, SETTINGS, STRENGTHS, Claims, World
from claimwatch.domain.model import ranking_metrics
from claimwatch.domain.model.features import Matrix, encode
from training.book import Book
from training.candidates import CANDIDATES, Candidate, Parameters
from training.category_encoding import by_fraud_rate
from training.families import contender, enter
from training.select import Contender
from training.settings import Settings
from training.tune import fitted

type Floats = npt.NDArray[np.float64]

BUDGET_MINUTES = 0.05
"""Two to four trials for each family: the rules are compared, not the search."""


@dataclass(frozen=True)
class Measured:
    """One book: every family with its periods, and what it brings on later claims.

    ``refitted`` is what each brings if its parameters are fitted again on all claims of the book, ``blends``
    what averages of the families bring.
    """

    contenders: Sequence[Contender]
    losses: Mapping[str, float]
    value: Mapping[str, float]
    area: Mapping[str, float]
    refitted: Mapping[str, float]
    blends: Mapping[str, float]
    ceiling: float


def measure_book(setting: str, strength: str, book: int, seed: int) -> Measured:
    """Search and fit every family on one book, and judge each on later claims."""
    with threadpool_limits(1):
        place = list(STRENGTHS).index(strength)
        world = World(STRENGTHS[strength], SETTINGS[setting], [seed, place, book])
        known, settings = world.book(), Settings(budget_minutes=BUDGET_MINUTES, capacity=CAPACITY)
        entrants = [
            enter(each, known, world.spec, settings, len(CANDIDATES), lambda _: None) for each in CANDIDATES
        ]
        contenders = [contender(each, known) for each in entrants]
        later = encode(world.spec, world.fresh.columns())
        scores = {each.family.name: each.uncalibrated(later) for each in entrants}
        again = {
            each.family.name: _refitted(candidate, each.family.parameters, known, world, later)
            for candidate, each in zip(CANDIDATES, entrants, strict=True)
        }
        fresh = world.fresh
        return Measured(
            contenders,
            {each.family.name: each.family.loss for each in entrants},
            {name: value_of(score, fresh) for name, score in scores.items()},
            {name: _area(score, fresh.chance) for name, score in scores.items()},
            {name: value_of(score, fresh) for name, score in again.items()},
            {name: value_of(score, fresh) for name, score in _blends(contenders, scores).items()},
            value_of(fresh.chance * fresh.gain, fresh),
        )


def _refitted(
    candidate: Candidate, parameters: Parameters, book: Book, world: World, later: Matrix
) -> Floats:
    rows = book.claims.known
    order = by_fraud_rate(world.spec, book.matrix[rows], book.claims.outcome[rows])
    estimator = fitted(
        candidate, parameters, world.spec, order.recoded(book.matrix[rows]), book.claims.outcome[rows], 7
    )
    return np.asarray(estimator.predict_proba(order.recoded(later))[:, 1])


def value_of(score: Floats, fresh: Claims) -> float:
    """Return the expected value of reviewing the highest scores at capacity, per thousand claims."""
    top = ranking_metrics.in_top(score, score, CAPACITY)
    return float(1_000.0 * np.mean(top * (fresh.chance * fresh.gain - COST)))


def _area(score: Floats, chance: Floats) -> float:
    both = np.repeat([1.0, 0.0], len(score))
    return ranking_metrics.roc_auc(both, np.tile(score, 2), np.concatenate([chance, 1.0 - chance]))


def _odds(score: Floats) -> Floats:
    return np.asarray(logit(np.clip(score, 1e-4, 1.0 - 1e-4)))


def _blends(contenders: Sequence[Contender], scores: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return averages of the families' log-odds: of all, and weighted by their fit to the periods."""
    stacked = np.stack(
        [np.concatenate([_odds(period.probability) for period in each.periods]) for each in contenders],
        axis=1,
    )
    outcome = np.concatenate([period.outcome for period in contenders[0].periods])
    known = ~np.isnan(outcome)
    line = LogisticRegression(C=0.1).fit(stacked[known], outcome[known])
    weights = np.clip(line.coef_[0], 0.0, None)
    odds = np.stack([_odds(scores[each.name]) for each in contenders], axis=1)
    return {
        "average of all": odds.mean(axis=1),
        "stacked": odds @ (weights if weights.any() else np.ones(len(weights))),
    }
