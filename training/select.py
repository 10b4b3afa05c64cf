"""The choice between families: by what they bring at the team's capacity; the simpler one wins a tie.

They are compared on every window of time that came after what they had learnt from: those of the search, and
the validation split. A tie is one in both: in ranking, which all claims speak to, and in value at capacity,
which rests on the few at the top and on what they claim. Among some hundred claims with an outcome nearly
everything ties by value alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np
import numpy.typing as npt

from claimwatch.domain.model.model import Forest, Model
from claimwatch.domain.model.ranking_metrics import roc_auc
from training.estimates import Interval, ScoredSample, interval, resamples, value_at

type Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Contender:
    """A family, tried on windows of time; ``size`` is how many numbers its model is made of."""

    name: str
    size: int
    windows: Sequence[ScoredSample]


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
    """The smallest model that ties with the best.

    First those that rank within one standard error of the best ranking (Breiman et al., 1984). Of these,
    those that may bring as much as the one that brings the most: the interval of the difference has 0 in it.
    Both look at differences on the same resampled claims.
    """
    drawn = [
        resamples(len(window.outcome), count, seed + place)
        for place, window in enumerate(contenders[0].windows)
    ]
    area = {contender.name: _areas(contender, drawn) for contender in contenders}
    value = {contender.name: _values(contender, drawn, capacity, cost) for contender in contenders}
    ranking = max(contenders, key=lambda contender: area[contender.name][0]).name
    eligible = [entry for entry in contenders if _ranks(area[entry.name], area[ranking])]
    best = max(eligible, key=lambda contender: value[contender.name][0])
    near = [entry for entry in eligible if _brings(value[entry.name], value[best.name], confidence)]
    chosen = min(near, key=lambda contender: contender.size)
    why = f"it brings {value[chosen.name][0]:,.1f} for each thousand claims"
    if chosen.name != best.name:
        why += (
            f", which is no less than {best.name} does ({value[best.name][0]:,.1f}) but for chance,"
            f" with {chosen.size:,} numbers instead of {best.size:,}"
        )
    elif len(near) > 1:
        why += f", and those that tie with it are larger: {', '.join(_names(near, chosen))}"
    if len(eligible) < len(contenders):
        why += f"; {', '.join(_names(contenders, *eligible))} ranked worse than {ranking} beyond chance"
    return Choice(
        chosen.name,
        why,
        {name: interval(whole, each, confidence) for name, (whole, each) in value.items()},
    )


def _names(contenders: Sequence[Contender], *but: Contender) -> list[str]:
    return [contender.name for contender in contenders if contender not in but]


def _ranks(one: tuple[float, Floats], best: tuple[float, Floats]) -> bool:
    return best[0] - one[0] <= float(np.std(best[1] - one[1]))


def _brings(one: tuple[float, Floats], best: tuple[float, Floats], confidence: float) -> bool:
    return interval(best[0] - one[0], best[1] - one[1], confidence).low <= 0.0


def _values(
    contender: Contender, drawn: Sequence[npt.NDArray[np.float64]], capacity: float, cost: float
) -> tuple[float, Floats]:
    """Value at capacity over all windows, and that of each resample."""
    share = np.array([len(window.book) for window in contender.windows], dtype=np.float64)
    whole = [value_at(window, capacity, cost) for window in contender.windows]
    each = [
        [value_at(window.weighed(factor), capacity, cost) for factor in factors]
        for window, factors in zip(contender.windows, drawn, strict=True)
    ]
    return float(np.average(whole, weights=share)), np.average(each, axis=0, weights=share)


def _areas(contender: Contender, drawn: Sequence[npt.NDArray[np.float64]]) -> tuple[float, Floats]:
    """ROC-AUC among the claims with an outcome, each counted once, over all windows."""
    share = np.array([len(window.outcome) for window in contender.windows], dtype=np.float64)

    def area(window: ScoredSample, factor: Floats) -> float:
        found = roc_auc(window.outcome, window.probability, factor)
        return 0.5 if isnan(found) else found

    whole = [area(window, np.ones(len(window.outcome))) for window in contender.windows]
    each = [
        [area(window, factor) for factor in factors]
        for window, factors in zip(contender.windows, drawn, strict=True)
    ]
    return float(np.average(whole, weights=share)), np.average(each, axis=0, weights=share)
