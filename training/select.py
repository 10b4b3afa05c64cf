"""The choice between families: the one that ranks best.

Families are compared on every period that came after what they were trained on: the periods of the search,
and the validation split. In simulation no other rule of one family brought more, see
docs/decisions/0007-models.md.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from claimwatch.domain.evaluation.cohort import Cohort
from claimwatch.domain.evaluation.ranking import (
    Estimate,
    Influence,
    estimate,
    mean_estimate,
    roc_auc_influence,
    value_influence,
)
from claimwatch.domain.model.model import Forest, Model
from training.scored_sample import ScoredSample

type Measure = Callable[[ScoredSample], tuple[Cohort, Influence | None, float]]
"""A measure of a period, with the cohort that it is of and the period's share of the mean."""


@dataclass(frozen=True)
class Contender:
    """A family with its probabilities in each period; ``size`` is the number of parameters of its model."""

    name: str
    size: int
    periods: Sequence[ScoredSample]


@dataclass(frozen=True)
class Choice:
    """The chosen family, the reason, and what decided, by family over all periods.

    ``areas`` is the ROC-AUC among claims with an outcome, ``behind`` how much lower it is than the chosen
    family's, and ``values`` the value at capacity, which did not decide.
    """

    name: str
    why: str
    areas: Mapping[str, Estimate]
    behind: Mapping[str, Estimate]
    values: Mapping[str, Estimate]


def size_of(model: Model) -> int:
    """Return the number of parameters of a model: its leaves and splits, or its weights."""
    if isinstance(model, Forest):
        return len(model.feature)
    return int(np.count_nonzero(model.weight) + len(model.table) + np.count_nonzero(model.missing))


def choose(contenders: Sequence[Contender], capacity: float, cost: float) -> Choice:
    """Return the family with the highest ROC-AUC; the smaller one if two are equal."""
    areas = {each.name: over_periods(each, None, area) for each in contenders}
    chosen = min(contenders, key=lambda each: (-areas[each.name].value, each.size))
    behind = {each.name: over_periods(chosen, each, area) for each in contenders}
    return Choice(
        chosen.name,
        _why(chosen.name, areas, behind),
        areas,
        behind,
        {each.name: over_periods(each, None, value_at(capacity, cost)) for each in contenders},
    )


def area(sample: ScoredSample) -> tuple[Cohort, Influence | None, float]:
    """Measure the ROC-AUC among claims with an outcome."""
    return sample.investigated, roc_auc_influence(sample.investigated), len(sample.investigated.outcome)


def value_at(capacity: float, cost: float) -> Measure:
    """Return the measure of what reviewing the top of the book at capacity brings, less its cost."""

    def value(sample: ScoredSample) -> tuple[Cohort, Influence | None, float]:
        found = value_influence(sample.book, sample.gain, capacity, cost)
        return sample.book, found, len(sample.book.outcome)

    return value


def over_periods(one: Contender, two: Contender | None, measure: Measure) -> Estimate:
    """Return the mean of a measure over all periods, or of its difference between two contenders."""
    estimates, shares = [], []
    for place, sample in enumerate(one.periods):
        cohort, found, share = measure(sample)
        if two is not None and found is not None:
            _, other, _ = measure(two.periods[place])
            found = None if other is None else found - other
        if found is not None:
            estimates.append(estimate(cohort, found))
            shares.append(share)
    return mean_estimate(estimates, shares) if estimates else Estimate(0.0, 0.0, 0.0)


def _why(chosen: str, areas: Mapping[str, Estimate], behind: Mapping[str, Estimate]) -> str:
    """Return what decided, with its figures, as a sentence."""
    own = f"its ROC-AUC of {areas[chosen].value:.3f} is the highest"
    others = sorted((name for name in areas if name != chosen), key=lambda name: behind[name].value)
    if not others:
        return f"It is the only family: its ROC-AUC is {areas[chosen].value:.3f}."
    next_best = behind[others[0]]
    certain = (next_best.interval.low or 0.0) > 0.0
    return (
        f"Ranking decided: {own}. The next is {others[0]}, {next_best.value:.3f} lower (standard error"
        f" {next_best.error:.3f}), which is {'more than chance explains' if certain else 'possibly chance'}."
    )
