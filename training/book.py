"""The matured claims of a line as a training uses them: split by time, encoded and weighted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from claimwatch.domain.model.features import Matrix
from claimwatch.domain.model.referral import ReferralRule
from training.graph import Score
from training.sampling import Sampling
from training.scored_sample import ScoredSample, ScoredSplit
from training.settings import Settings
from training.snapshot import RefusedTraining, Snapshot
from training.splits import Split

type Floats = npt.NDArray[np.float64]
type Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Book:
    """The matured claims of a line, split by time, encoded and weighted."""

    claims: Snapshot
    split: Split
    matrix: Matrix
    sampling: Sampling
    gain: Floats
    audited: Mask

    def scored(
        self, rows: Mask, probability: Floats, known: Mask, rule: ReferralRule | None = None
    ) -> ScoredSample:
        """Return some claims with a model's probabilities; only outcomes of ``known`` claims are used.

        Without a rule, no claim is referred. Claims of a tie are drawn by their positions, because only
        scoring may read the key that draws them by their ids.
        """
        positions = np.flatnonzero(rows).astype(str).astype(object)
        return ScoredSample(
            probability,
            np.where(known, self.claims.outcome, np.nan)[rows],
            self.sampling.weight[rows],
            self.gain[rows],
            self.audited[rows],
            None if rule is None else rule.refer(probability, positions, b""),
        )

    def of_split(
        self, fold: int | Sequence[int], score: Score, rule: ReferralRule | None = None
    ) -> ScoredSplit:
        """Return a split, or several, with the probabilities that ``score`` gives the claims."""
        rows = self.split.rows(*np.atleast_1d(fold))
        return ScoredSplit(
            self.claims.of(rows),
            self.matrix[rows],
            self.scored(rows, score(self.matrix[rows]), self.claims.known, rule),
        )


def claimants(claims: Snapshot, settings: Settings) -> npt.NDArray[np.object_] | None:
    """Return the claimant of each claim; None if the contract names no claimant column."""
    if settings.claimant_column is None:
        return None
    found = claims.columns.get(settings.claimant_column)
    if found is None:
        raise RefusedTraining(f"the snapshot has no claimant column '{settings.claimant_column}'")
    return np.asarray(found, dtype=object)


def gain_of(claims: Snapshot, settings: Settings) -> Floats:
    """Return what finding each claim saves; the median where the amount is missing."""
    if settings.amount_column is None:
        return np.ones(len(claims))
    found = claims.columns.get(settings.amount_column)
    if found is None:
        raise RefusedTraining(f"the snapshot has no amount column '{settings.amount_column}'")
    amount = np.asarray(found, dtype=np.float64)
    return np.where(np.isnan(amount), np.nanmedian(amount), amount)
