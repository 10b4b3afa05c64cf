"""How the claims with an outcome were chosen, and what each of them stands for.

Outcomes exist for what was investigated: suspicious claims, and a few that were picked by chance. Learning
from them is sound as long as they were chosen by what stands in the claim: the chance of fraud given the
claim is the same among the chosen. Rates and ranks over them are not those of the book. So each counts as
many claims as it stands for, one over its chance of being chosen (Horvitz and Thompson, 1952). The random
audit bounds these weights: no claim's chance is below its share.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier

type Floats = npt.NDArray[np.float64]
type Mask = npt.NDArray[np.bool_]

LOWEST_CHANCE = 0.02
"""Where there is no random audit, no claim stands for more than fifty."""

_PARTS = 5
_FEWEST = 30


@dataclass(frozen=True)
class Sampling:
    """The weight of each claim with an outcome (0 for the others), and how it came about."""

    weight: Floats
    audited: int
    audit_share: float
    everything: bool
    """Whether every claim has an outcome, so that all weights are 1."""

    @property
    def told(self) -> str:
        """For the card."""
        if self.everything:
            return "Every claim has an outcome, so all of them count alike."
        bound = (
            f"{self.audited} of them were picked by chance ({self.audit_share:.2%} of all claims), so none"
            f" counts for more than {1 / self.audit_share:.0f}."
            if self.audit_share
            else f"None was picked by chance, so weights are cut at {1 / LOWEST_CHANCE:.0f}: rates for the"
            " book are rough."
        )
        return (
            "Outcomes exist for what was investigated. Each counts as one over its chance of being chosen,"
            f" estimated from what stands in the claim. {bound}"
        )


def sample_weights(matrix: npt.NDArray[np.float32], known: Mask, audited: Mask) -> Sampling:
    """Weigh the claims with an outcome so that they stand for all claims of the matrix.

    ``audited`` are those that were picked by chance. Chances of the others are learnt crosswise, each from
    claims that are not itself.
    """
    if known.all():
        return Sampling(np.ones(len(known)), int(audited.sum()), 0.0, everything=True)
    picked = known & audited
    share = float(picked.mean())
    chosen = known & ~audited
    chance = np.maximum(
        share + (1.0 - share) * _chances(matrix, chosen, ~picked), share if share else LOWEST_CHANCE
    )
    return Sampling(np.where(known, 1.0 / chance, 0.0), int(picked.sum()), share, everything=False)


def _chances(matrix: npt.NDArray[np.float32], chosen: Mask, eligible: Mask) -> Floats:
    chance = np.full(len(chosen), float(chosen[eligible].mean()) if eligible.any() else 0.0)
    if min(chosen.sum(), (eligible & ~chosen).sum()) < _FEWEST:
        return chance
    part = np.arange(len(chosen)) % _PARTS
    for left_out in range(_PARTS):
        learnt = eligible & (part != left_out)
        model = HistGradientBoostingClassifier(
            max_iter=150, learning_rate=0.08, max_leaf_nodes=8, early_stopping=False, random_state=0
        )
        model.fit(matrix[learnt], chosen[learnt])
        chance[part == left_out] = model.predict_proba(matrix[part == left_out])[:, 1]
    return chance
