"""Why a model does not rank later claims, in sentences that end with what to do."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from claimwatch.domain.evaluation.distance import chi_square, psi, psi_by_chance
from claimwatch.domain.evaluation.multiple_testing import q_values
from claimwatch.domain.evaluation.ranking import Estimate
from claimwatch.domain.model.features import FeatureSpec, Matrix
from claimwatch.evaluation.formatting import listed
from training.misleading import Misleading, parts
from training.warnings import TrainingWarning

LEVEL = 0.05
"""The chance that a model which ranks nothing counts as better than chance."""
POWER, WORTH = 0.8, 0.6
"""A book is large enough if a model with this ROC-AUC is noticed with this chance."""

_MOVED = 0.25
"""The PSI, less what chance brings, from which a column's distribution differs a lot."""
_CERTAIN = 0.01
_MOST_NAMED = 3
_MOST_LISTED = 10


@dataclass(frozen=True)
class Decline:
    """What is known about a model that does not rank the claims of a split.

    ``earlier`` and ``here`` are its ROC-AUC among claims with an outcome: on the periods of the choice, and
    on the split. ``without`` is the ROC-AUC and the lift on the split of a model that was trained without the
    ``misleading`` columns. ``moved`` are the columns whose distribution differs the most from training.
    """

    split: str
    since: str
    earlier: Estimate
    here: Estimate
    misleading: Sequence[Misleading]
    without: tuple[float, float] | None
    moved: Sequence[tuple[str, float]]

    @property
    def sentences(self) -> str:
        """The cause and the next step."""
        if self.misleading:
            return self._misled()
        if self.earlier.p_above(0.5) > LEVEL:
            return (
                "Cause: the columns say too little about fraud: among claims with an outcome, the ROC-AUC on"
                f" earlier periods was {self.earlier.value:.2f}, too. Next step: add columns that are known"
                f" when a claim is made and that point to fraud{self._more_outcomes}"
            )
        fell = self.earlier.value - self.here.value
        if fell > 0.0 and float(ndtr(-fell / np.hypot(self.earlier.error, self.here.error))) <= LEVEL:
            return self._changed()
        return (
            "Cause: too few frauds to tell: among claims with an outcome, the ROC-AUC on earlier periods was"
            f" {self.earlier.value:.2f}, and {self.here.value:.2f} on the {self.split} split can differ from"
            f" it by chance. Next step: train again with more outcomes{self._more_outcomes}"
        )

    @property
    def _more_outcomes(self) -> str:
        needed = frauds_needed(self.here)
        if self.here.frauds >= needed:
            return ""
        return (
            f"; a model with ROC-AUC {WORTH} is noticed in {POWER:.0%} of trainings if the {self.split} split"
            f" has about {needed:,.0f} frauds with an outcome, and it has {self.here.frauds:,.0f}"
        )

    def _misled(self) -> str:
        columns = [column for each in self.misleading for column in each.columns]
        one = len(columns) == 1
        gains = "; ".join(gained(each) for each in self.misleading)
        named = listed(columns, _MOST_LISTED)
        without = (
            ""
            if self.without is None
            else f" Trained without {named}, the ROC-AUC is {self.without[0]:.2f} and the lift"
            f" {self.without[1]:.2f}."
        )
        return (
            f"Cause: what {named} {'says' if one else 'say'} about fraud changed between training"
            f" and the {self.split} split: {gains}.{without} Next step: give {named} the role"
            " ignored in the contract, and train again"
        )

    def _changed(self) -> str:
        names = [name for name, _ in self.moved]
        moved = "no column's distribution changed much"
        if names:
            moved = "the columns whose values changed the most since training are " + listed(
                [f"{name} (PSI {distance:.2f})" for name, distance in self.moved], _MOST_LISTED
            )
        asked = f"in {listed(names, _MOST_LISTED)} and " if names else ""
        return (
            "Cause: fraud or its investigation changed: among claims with an outcome, the ROC-AUC on earlier"
            f" periods was {self.earlier.value:.2f}, and on the {self.split} split it is"
            f" {self.here.value:.2f}. No single column explains the difference; {moved}. Next step: find"
            f" out what changed {asked}in the way of investigating around {self.since}; train again when most"
            " outcomes are later than that"
        )


def misleading_warnings(misleading: Sequence[Misleading]) -> list[TrainingWarning]:
    """Return a warning for each column that misleads the model on the test split."""
    return [
        TrainingWarning(
            "misleading_feature",
            column,
            f"what it says about fraud changed between training and the test split: {gained(each)}. Give it"
            " the role ignored in the contract and train again, unless the change is over",
        )
        for each in misleading
        for column in each.columns
    ]


def gained(found: Misleading) -> str:
    """Return what a model gains without columns, as a clause."""
    interval, columns = found.gained.interval, listed(found.columns, _MOST_LISTED)
    return (
        f"with the same values of {columns} in all claims, the ROC-AUC is higher by"
        f" {found.gained.value:.2f} ({interval.low:.2f} to {interval.high:.2f})"
    )


def frauds_needed(found: Estimate) -> float:
    """Return the frauds with which a model with ROC-AUC ``WORTH`` is noticed with the chance ``POWER``."""
    reach = (ndtri(1.0 - LEVEL) + ndtri(POWER)) * found.error / (WORTH - 0.5)
    return float(np.ceil(found.frauds * reach**2 / 10.0) * 10.0)


def moved_columns(spec: FeatureSpec, train: Matrix, later: Matrix) -> list[tuple[str, float]]:
    """Return the columns whose distribution differs the most between two splits, with the PSI."""
    distances, p_values = [], []
    for place in range(len(spec.features)):
        codes = parts(np.concatenate([train[:, place], later[:, place]]))
        cells = int(codes.max()) + 1
        one, two = (np.bincount(own, minlength=cells) for own in (codes[: len(train)], codes[len(train) :]))
        distances.append(psi(one, two) - psi_by_chance(cells, float(one.sum()), float(two.sum())))
        p_values.append(chi_square(one, two).p_value)
    far: dict[str, float] = {}
    for feature, distance, q_value in zip(spec.features, distances, q_values(p_values), strict=True):
        if distance >= _MOVED and q_value <= _CERTAIN:
            far[feature.column] = max(distance, far.get(feature.column, 0.0))
    return sorted(far.items(), key=lambda entry: -entry[1])[:_MOST_NAMED]
