"""The choice between families: the smallest model that ties with the best at the team's capacity.

Families are compared on every period that came after what they were trained on: the periods of the search,
and the validation split. A tie must hold in ranking, to which all claims contribute, and in value at
capacity, which depends on the few claims at the top and their amounts: with some hundred outcomes, nearly
all families tie by value alone.
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
    """The chosen family, the reason, and every family's value at capacity and ROC-AUC over all periods."""

    name: str
    why: str
    values: Mapping[str, Estimate]
    areas: Mapping[str, Estimate]


def size_of(model: Model) -> int:
    """Return the number of parameters of a model: its leaves and splits, or its weights."""
    if isinstance(model, Forest):
        return len(model.feature)
    return int(np.count_nonzero(model.weight) + len(model.table) + np.count_nonzero(model.missing))


def choose(contenders: Sequence[Contender], capacity: float, cost: float) -> Choice:
    """Return the smallest model that ties with the best.

    First, families that rank worse than the best by more than one standard error are excluded (Breiman et
    al., 1984). Of the rest, the family with the highest value at capacity ties with every family for which
    the 95 % interval of the difference contains 0.
    """

    def area(sample: ScoredSample) -> tuple[Cohort, Influence | None, float]:
        return sample.investigated, roc_auc_influence(sample.investigated), len(sample.investigated.outcome)

    def value(sample: ScoredSample) -> tuple[Cohort, Influence | None, float]:
        return (
            sample.book,
            value_influence(sample.book, sample.gain, capacity, cost),
            len(sample.book.outcome),
        )

    areas = {contender.name: _over_periods(contender, None, area) for contender in contenders}
    values = {contender.name: _over_periods(contender, None, value) for contender in contenders}
    ranking = max(contenders, key=lambda contender: areas[contender.name].value)
    behind = {entry.name: _over_periods(ranking, entry, area) for entry in contenders}
    eligible = [entry for entry in contenders if behind[entry.name].value <= behind[entry.name].error]
    best = max(eligible, key=lambda contender: values[contender.name].value)
    ties = [
        entry
        for entry in eligible
        if entry is best or (_over_periods(best, entry, value).interval.low or 0.0) <= 0.0
    ]
    chosen = min(ties, key=lambda contender: contender.size)
    excluded = {entry.name: behind[entry.name] for entry in contenders if entry not in eligible}
    why = _why(chosen, best, ties, eligible, values, areas)
    return Choice(chosen.name, why + _why_not(excluded, ranking.name, areas), values, areas)


def _over_periods(one: Contender, two: Contender | None, measure: Measure) -> Estimate:
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


def _why(
    chosen: Contender,
    best: Contender,
    ties: Sequence[Contender],
    eligible: Sequence[Contender],
    values: Mapping[str, Estimate],
    areas: Mapping[str, Estimate],
) -> str:
    """Return the criterion that decided, with its figures, as sentences."""
    own = values[chosen.name].value
    if len(eligible) == 1:
        return f"Ranking decided: its ROC-AUC of {areas[chosen.name].value:.3f} is the best."
    less = "".join(
        f" {entry.name} brings {values[entry.name].value:,.1f}, which is lower by more than chance explains."
        for entry in eligible
        if entry not in ties
    )
    if len(ties) == 1:
        return f"Value at capacity decided: it brings {own:,.1f} per thousand claims.{less}"
    why = (
        f"Size decided: of the {len(ties)} families that tie, it is the smallest with {chosen.size:,}"
        f" parameters, and brings {own:,.1f} per thousand claims"
    )
    if chosen is best:
        return f"{why}, the most of them.{less}"
    return (
        f"{why}; the {values[best.name].value:,.1f} that {best.name} brings with {best.size:,} parameters may"
        f" be higher by chance.{less}"
    )


def _why_not(excluded: Mapping[str, Estimate], ranking: str, areas: Mapping[str, Estimate]) -> str:
    """Return why families were excluded, whatever their value, as sentences."""
    return "".join(
        f" {name} was excluded whatever its value: its ROC-AUC of {areas[name].value:.3f} is"
        f" {behind.value:.3f} below {ranking}'s, more than one standard error ({behind.error:.3f})."
        for name, behind in excluded.items()
    )
