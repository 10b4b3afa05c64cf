"""The choice between families: by what they bring at the team's capacity; the simpler one wins a tie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

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

    The error is that of the difference to the best on the same resampled claims.
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
    ]
    chosen = min(near, key=lambda contender: contender.size)
    if chosen.name == best.name:
        others = len(near) - 1
        why = f"it brings the most at capacity, {value[best.name]:,.1f} for each thousand claims" + (
            f"; {others} larger one(s) are within one standard error" if others else ""
        )
    else:
        why = (
            f"it brings {value[chosen.name]:,.1f} for each thousand claims, within one standard error of"
            f" {best.name} ({value[best.name]:,.1f}), with {chosen.size:,} numbers instead of {best.size:,}"
        )
    return Choice(chosen.name, why, {name: interval(value[name], each[name], confidence) for name in value})
