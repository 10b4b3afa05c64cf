"""The families of a training: each searched, fitted, and measured on periods after its training claims."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from claimwatch.domain.model.calibration import Calibration, probability
from claimwatch.domain.model.features import FeatureSpec, Matrix
from claimwatch.domain.model.model import Model
from training.book import Book, claimants
from training.calibrate import platt
from training.candidates import Candidate
from training.category_encoding import Order
from training.convert import model_of
from training.evidence import Family
from training.graph import Score, onnx_of, scorer_of
from training.scored_sample import ScoredSample
from training.select import Contender, size_of
from training.settings import Settings
from training.splits import TRAIN, VALIDATION, forward
from training.tune import fitted, fold, search, trials_for

type Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Period:
    """Positions of training claims that came after the claims that ``estimator`` was fitted on."""

    rows: npt.NDArray[np.intp]
    estimator: Any
    order: Order


@dataclass(frozen=True)
class Entrant:
    """A fitted family, and the same parameters fitted on earlier parts of the training split."""

    candidate: Candidate
    family: Family
    estimator: Any
    model: Model
    uncalibrated: Score
    periods: Sequence[Period]


def enter(
    candidate: Candidate,
    book: Book,
    spec: FeatureSpec,
    settings: Settings,
    families: int,
    log: Callable[[str], None],
) -> Entrant:
    """Search a family, and fit it to the training split and to earlier parts of it."""
    claims = book.claims
    rows = claims.known & book.split.rows(TRAIN)
    x, y = book.matrix[rows], claims.outcome[rows]
    claimant = claimants(claims, settings)
    places = np.flatnonzero(rows)
    pairs = forward(claims.event_time[rows], None if claimant is None else claimant[rows])
    folds = [fold(spec, x, y, train_rows, test_rows) for train_rows, test_rows in pairs]
    trials = trials_for(candidate, len(y), settings.budget_minutes, families)
    best = search(candidate, spec, folds, trials, settings.seed)
    estimator = fitted(candidate, best.parameters, spec, x, y, settings.seed)
    model = model_of(estimator, x, [len(feature.categories) for feature in spec.features])
    family = Family(
        candidate.name, best.parameters, best.loss, [loss for loss, _ in best.trials], size_of(model)
    )
    log(f"{candidate.name}: log-loss {best.loss:.4f}, the best of {trials} trials")
    periods = [
        Period(
            places[test_rows],
            fitted(candidate, best.parameters, spec, one.x_train, one.y_train, settings.seed),
            one.order,
        )
        for one, (_, test_rows) in zip(folds, pairs, strict=True)
    ]
    return Entrant(candidate, family, estimator, model, scorer_of(onnx_of(model, Calibration())), periods)


def contender(entrant: Entrant, book: Book) -> Contender:
    """Return the family with its probabilities in each period after what it was fitted on."""
    return Contender(
        entrant.family.name,
        entrant.family.size,
        [
            *(_sample(period, book) for period in entrant.periods),
            book.of_split(VALIDATION, entrant.uncalibrated).scored,
        ],
    )


def _sample(period: Period, book: Book) -> ScoredSample:
    """Return a period of the search, among all claims of its time."""
    time = book.claims.event_time
    own = np.zeros(len(time), dtype=np.bool_)
    own[period.rows] = True
    rows = book.split.rows(TRAIN) & (time >= time[own].min()) & (time <= time[own].max())
    probability = period.estimator.predict_proba(period.order.recoded(book.matrix[rows]))[:, 1]
    return book.scored(rows, probability, own)


def library(chosen: Entrant, calibration: Calibration, matrix: Matrix) -> Floats:
    """Return the probabilities of the library's own prediction, calibrated."""
    stated = chosen.estimator.predict_proba(matrix)[:, 1]
    return (
        probability(calibration, "identity", stated)
        if chosen.model.link == "identity"
        else _of_odds(calibration, stated)
    )


def _of_odds(calibration: Calibration, stated: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return probability(calibration, "logit", np.log(stated) - np.log1p(-stated))


def calibrated(chosen: Entrant, book: Book) -> Calibration:
    """Return the calibration of a family by the outcomes of the validation split."""
    rows = book.claims.known & book.split.rows(VALIDATION)
    stated = chosen.uncalibrated(book.matrix[rows])
    return platt("identity", stated, book.claims.outcome[rows], book.sampling.weight[rows])


def trained_without(
    columns: Collection[str], chosen: Entrant, book: Book, spec: FeatureSpec, seed: int
) -> Score:
    """Return the scores of a family that was trained with its parameters, but without some columns."""
    places = [place for place, feature in enumerate(spec.features) if feature.column not in columns]
    kept = replace(spec, features=tuple(spec.features[place] for place in places))
    rows = book.claims.known & book.split.rows(TRAIN)
    x, y = book.matrix[rows][:, places], book.claims.outcome[rows]
    estimator = fitted(chosen.candidate, chosen.family.parameters, kept, x, y, seed)
    return lambda matrix: np.asarray(estimator.predict_proba(matrix[:, places])[:, 1])
