"""The search for a family's parameters: seeded, with a number of trials that is fixed before it starts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import optuna
from sklearn.metrics import log_loss

from claimwatch.domain.model.features import FeatureSpec
from training.candidates import Candidate, Parameters
from training.category_encoding import Order, by_fraud_rate

type Matrix = npt.NDArray[np.float32]
type Floats = npt.NDArray[np.float64]

FEWEST_TRIALS, MOST_TRIALS = 2, 25


@dataclass(frozen=True)
class Found:
    """The parameters with the lowest mean log-loss, and every trial: its loss and its parameters."""

    parameters: Parameters
    loss: float
    trials: Sequence[tuple[float, Parameters]]


@dataclass(frozen=True)
class Fold:
    """Claims to train on, later claims to test on, and the order of categories among the former."""

    x_train: Matrix
    y_train: Floats
    x_test: Matrix
    y_test: Floats
    order: Order


def fold(
    spec: FeatureSpec,
    x: Matrix,
    y: Floats,
    train: npt.NDArray[np.intp],
    test: npt.NDArray[np.intp],
) -> Fold:
    """Return the fold of these positions; its categories are ordered by the training claims alone."""
    order = by_fraud_rate(spec, x[train], y[train])
    return Fold(order.recoded(x[train]), y[train], order.recoded(x[test]), y[test], order)


def trials_for(candidate: Candidate, claims: int, minutes: float, families: int) -> int:
    """Return the number of trials in a family's share of the budget, from the measured time of a trial."""
    each = candidate.seconds * max(claims, 1_000) / 10_000
    return int(np.clip(minutes * 60.0 / families / each, FEWEST_TRIALS, MOST_TRIALS))


def search(
    candidate: Candidate,
    spec: FeatureSpec,
    folds: Sequence[Fold],
    trials: int,
    seed: int,
    report: Callable[[int, float], None] | None = None,
) -> Found:
    """Return the parameters with the lowest mean loss over all folds; ``report`` is called for each trial."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    done: list[tuple[float, Parameters]] = []

    def loss(trial: optuna.Trial) -> float:
        parameters = candidate.suggest(trial)
        mean = float(np.mean([_loss(candidate, parameters, spec, fold, seed) for fold in folds]))
        done.append((mean, parameters))
        if report:
            report(len(done), mean)
        return mean

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=6))
    study.enqueue_trial(dict(candidate.first), skip_if_exists=True)
    study.optimize(loss, n_trials=trials, n_jobs=1)
    best, parameters = min(done, key=lambda entry: entry[0])
    return Found(parameters, best, done)


def fitted(
    candidate: Candidate, parameters: Parameters, spec: FeatureSpec, x: Matrix, y: Floats, seed: int
) -> Any:
    """Return an estimator that is fitted with these parameters."""
    estimator = candidate.make(parameters, spec, seed)
    estimator.fit(x, y)
    return estimator


def _loss(candidate: Candidate, parameters: Parameters, spec: FeatureSpec, fold: Fold, seed: int) -> float:
    estimator = fitted(candidate, parameters, spec, fold.x_train, fold.y_train, seed)
    probability = estimator.predict_proba(fold.x_test)[:, 1]
    return float(log_loss(fold.y_test, probability, labels=[0.0, 1.0]))
