"""Claims of a period with one model's probabilities, as the cohorts that the shared measures work on."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from claimwatch.domain.evaluation.cohort import Cohort, Floats, Mask
from claimwatch.domain.model.features import Matrix
from training.snapshot import Snapshot


@dataclass(frozen=True)
class ScoredSample:
    """All claims of a period, one entry for each in every array.

    ``outcome`` is nan where unknown. ``weight`` is the number of claims that a claim with an outcome
    represents, ``gain`` what finding the claim saves if it is a fraud, ``audited`` whether its outcome comes
    from the random audit, ``to_refer`` whether the model refers the claim; by default it refers none.
    """

    probability: Floats
    outcome: Floats
    weight: Floats
    gain: Floats
    audited: Mask
    to_refer: Mask | None = None

    @cached_property
    def book(self) -> Cohort:
        """The whole book, estimated from every known outcome by its weight."""
        return Cohort(
            self.probability, self.referred, self.audited, self.outcome, sampling_weight=self.weight
        )

    @cached_property
    def audit(self) -> Cohort:
        """The whole book, estimated from the random audit alone."""
        outcome = np.where(self.audited, self.outcome, np.nan)
        return Cohort(self.probability, self.referred, self.audited, outcome, decided="audit only")

    @cached_property
    def investigated(self) -> Cohort:
        """The claims with an outcome as if there were no others: each counts once."""
        known = ~np.isnan(self.outcome)
        return Cohort(self.probability[known], self.referred[known], self.audited[known], self.outcome[known])

    @property
    def referred(self) -> Mask:
        """Whether the model refers the claim."""
        return np.zeros(len(self.probability), dtype=np.bool_) if self.to_refer is None else self.to_refer


@dataclass(frozen=True)
class ScoredSplit:
    """The claims of a split, encoded, with the model's probabilities."""

    claims: Snapshot
    matrix: Matrix
    scored: ScoredSample
