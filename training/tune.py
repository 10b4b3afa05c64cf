"""The search for a family's parameters: seeded, and of a number of trials that is fixed before it begins."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import optuna
from sklearn.metrics import log_loss

from claimwatch.domain.features import FeatureSpec
from training.candidates import Candidate, Parameters

type Matrix = npt.NDArray[np.float32]
type Floats = npt.NDArray[np.float64]
type Pair = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]

FEWEST_TRIALS, MOST_TRIALS = 2, 25


@dataclass(frozen=True)
class Found:
    """The parameters with the lowest mean log-loss, and every trial: its loss and its parameters."""

    parameters: Parameters
    loss: float
    trials: Sequence[tuple[float, Parameters]]


def trials_for(candidate: Candidate, claims: int, minutes: float, families: int) -> int:
    """How many trials a family's part of the budget is for, by what one is known to take."""
    each = candidate.seconds * max(claims, 1_000) / 10_000
    return int(np.clip(minutes * 60.0 / families / each, FEWEST_TRIALS, MOST_TRIALS))


def search(
    candidate: Candidate,
    spec: FeatureSpec,
    x: Matrix,
    y: Floats,
    pairs: Sequence[Pair],
    trials: int,
    seed: int,
    report: Callable[[int, float], None] | None = None,
) -> Found:
    """Try parameters on ``pairs`` of places to learn from and to try on; ``report`` hears of each trial."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    tried: list[tuple[float, Parameters]] = []

    def loss(trial: optuna.Trial) -> float:
        parameters = candidate.suggest(trial)
        mean = float(np.mean([_loss(candidate, parameters, spec, x, y, pair, seed) for pair in pairs]))
        tried.append((mean, parameters))
        if report:
            report(len(tried), mean)
        return mean

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=6))
    study.enqueue_trial(dict(candidate.first), skip_if_exists=True)
    study.optimize(loss, n_trials=trials, n_jobs=1)
    best, parameters = min(tried, key=lambda entry: entry[0])
    return Found(parameters, best, tried)


def fitted(
    candidate: Candidate, parameters: Parameters, spec: FeatureSpec, x: Matrix, y: Floats, seed: int
) -> Any:
    """A fitted estimator of these parameters."""
    estimator = candidate.make(parameters, spec, seed)
    estimator.fit(x, y)
    return estimator


def _loss(
    candidate: Candidate,
    parameters: Parameters,
    spec: FeatureSpec,
    x: Matrix,
    y: Floats,
    pair: Pair,
    seed: int,
) -> float:
    learnt, tried = pair
    estimator = fitted(candidate, parameters, spec, x[learnt], y[learnt], seed)
    with warnings.catch_warnings():
        # LightGBM's wrapper remembers names for its columns where there are none.
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        probability = estimator.predict_proba(x[tried])[:, 1]
    return float(log_loss(y[tried], probability, labels=[0.0, 1.0]))
