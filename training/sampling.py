"""How the claims with an outcome were selected, and how many claims each of them represents.

Outcomes exist for investigated claims: suspicious ones, and a few selected at random. Training on them is
sound as long as they were selected by their own features, because then the probability of fraud given the
features is the same among selected claims. Rates and ranks among them are not those of the book. So each
represents one over its chance of being selected (Horvitz and Thompson, 1952). The random audit bounds these
weights: no claim's chance is below the share of the audit.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier

type Floats = npt.NDArray[np.float64]
type Mask = npt.NDArray[np.bool_]

LOWEST_CHANCE = 0.02
"""The least chance if there is no random audit: no claim represents more than fifty."""

_PARTS = 5
_FEWEST = 30


@dataclass(frozen=True)
class Sampling:
    """The weight of each claim with an outcome (0 for all other claims), and how it was determined."""

    weight: Floats
    audited: int
    audit_share: float
    everything: bool
    """Whether every claim has an outcome, so that all weights are 1."""

    @property
    def description(self) -> str:
        """The sentences about the weights on the card."""
        if self.everything:
            return "Every claim has an outcome, so all claims count alike."
        bound = (
            f"{self.audited} of them were selected at random ({self.audit_share:.2%} of all claims), so no"
            f" claim represents more than {1 / self.audit_share:.0f}."
            if self.audit_share
            else f"None was selected at random, so weights are limited to {1 / LOWEST_CHANCE:.0f}: figures"
            " for the whole book are rough."
        )
        return (
            "Outcomes exist for investigated claims. Each represents one over its chance of being selected,"
            f" which is estimated from the claim's features. {bound}"
        )


def sample_weights(matrix: npt.NDArray[np.float32], known: Mask, audited: Mask) -> Sampling:
    """Return weights with which the claims with an outcome represent all claims of the matrix.

    ``audited`` claims were selected at random. The chances of all other claims are estimated by
    cross-fitting, each by a model that was not fitted on the claim.
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
        train = eligible & (part != left_out)
        model = HistGradientBoostingClassifier(
            max_iter=150, learning_rate=0.08, max_leaf_nodes=8, early_stopping=False, random_state=0
        )
        model.fit(matrix[train], chosen[train])
        chance[part == left_out] = model.predict_proba(matrix[part == left_out])[:, 1]
    return chance
