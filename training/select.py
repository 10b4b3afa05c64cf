"""The choice between families: by what they bring at the team's capacity; the simpler one wins a tie.

A tie is one in both: value at capacity, which rests on the few claims at the top, and ROC-AUC, which all claims
speak to. Among a few hundred claims with an outcome nearly everything ties by value alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from claimwatch.domain.model import Forest, Model
from training.estimates import Interval, Tried, interval, resamples, value_at


@dataclass(frozen=True)
class Contender:
    """A fitted family, tried on the validation split; ``size`` is how many numbers its model is made of."""

    name: str
    size: int
    tried: Tried


@dataclass(frozen=True)
class Choice:
    """Who won and why, and each one's value at capacity with its interval."""

    name: str
    why: str
    values: Mapping[str, Interval]


def size_of(model: Model) -> int:
    """How many numbers a model is made of: its leaves and splits, or its weights."""
    if isinstance(model, Forest):
        return len(model.feature)
    return int(np.count_nonzero(model.weight) + len(model.table) + np.count_nonzero(model.missing))


def choose(
    contenders: Sequence[Contender], capacity: float, cost: float, seed: int, confidence: float, count: int
) -> Choice:
    """The smallest model that is within one standard error of the best (Breiman et al., 1984).

    The best brings the most at capacity. The error is that of the difference to it on the same resampled
    claims.
    """
    drawn = resamples(len(contenders[0].tried.outcome), count, seed)
    each = {
        contender.name: np.array(
            [value_at(contender.tried.weighed(factor), capacity, cost) for factor in drawn]
        )
        for contender in contenders
    }
    value = {contender.name: value_at(contender.tried, capacity, cost) for contender in contenders}
    best = max(contenders, key=lambda contender: value[contender.name])
    near = [
        contender
        for contender in contenders
        if value[best.name] - value[contender.name] <= float(np.std(each[best.name] - each[contender.name]))
        and _ranks_as_well(contender.tried, best.tried, drawn)
    ]
    chosen = min(near, key=lambda contender: contender.size)
    if chosen.name == best.name:
        others = len(near) - 1
        why = f"it brings the most at capacity, {value[best.name]:,.1f} for each thousand claims" + (
            f"; {others} larger one(s) are within one standard error" if others else ""
        )
    else:
        why = (
            f"it brings {value[chosen.name]:,.1f} for each thousand claims and ranks as well, within one"
            f" standard error of {best.name} ({value[best.name]:,.1f}), with {chosen.size:,} numbers instead of {best.size:,}"
        )
    return Choice(chosen.name, why, {name: interval(value[name], each[name], confidence) for name in value})


def _ranks_as_well(tried: Tried, best: Tried, drawn: npt.NDArray[np.float64]) -> bool:
    """Whether ROC-AUC among the claims with an outcome, each counted once, is within one standard error."""

    def lost(factor: npt.NDArray[np.float64]) -> float:
        if not 0.0 < np.average(best.outcome, weights=factor) < 1.0:
            return 0.0
        areas = [
            roc_auc_score(given.outcome, given.probability, sample_weight=factor) for given in (best, tried)
        ]
        return float(areas[0] - areas[1])

    return lost(np.ones(len(best.outcome))) <= float(np.std([lost(factor) for factor in drawn]))
