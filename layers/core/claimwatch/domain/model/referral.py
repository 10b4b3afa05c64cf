"""Referral: which claims a model hands to people, so that they are about as many as the team can review.

Claims with equal probabilities have no order, and a model can give the same one to many: a small tree does.
If such a tie is at the review capacity, the claims of the tie are drawn by a keyed hash of their ids: the
same ones each time, and no one who lacks the key can choose an id that is not drawn.
"""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from claimwatch.domain.model.ranking_metrics import capacity_threshold

type Floats = npt.NDArray[np.float64]
type Flags = npt.NDArray[np.bool_]

NEAR = 1e-6
"""Probabilities this close are a tie: processors may differ in the last bits of a served probability."""

NEGLIGIBLE = 0.01
"""The part of the capacity that may stay unused before a tie is divided."""

_TIE = b"claimwatch tie"
"""Personalizes the hash, so that the claims drawn from a tie are independent of the random audit."""


@dataclass(frozen=True)
class ReferralRule:
    """A claim is referred if its probability is at least ``threshold``.

    With a ``tie_share`` below 1, claims at the threshold are a tie of which only this share is referred.
    """

    threshold: float
    tie_share: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 < self.tie_share <= 1.0:
            raise ValueError("the share of a tie that is referred must be above 0 and at most 1")

    @classmethod
    def of_capacity(cls, score: npt.ArrayLike, capacity: float) -> Self:
        """Return the rule that refers about this share of these scores, and never more on average."""
        scores = np.asarray(score, dtype=np.float64)
        reviewed = capacity * len(scores)
        threshold = capacity_threshold(scores, capacity)
        unused = reviewed - int((scores >= threshold).sum())
        if unused < reviewed and unused < max(1.0, NEGLIGIBLE * reviewed):
            return cls(_between(scores, threshold))
        cut = float(scores[scores < threshold].max())
        above = int((scores > cut + NEAR).sum())
        tied = int((np.abs(scores - cut) <= NEAR).sum())
        return cls(cut, (reviewed - above) / tied)

    def refer(self, probability: Floats, claim_ids: npt.NDArray[Any], key: bytes) -> Flags:
        """Return which claims are referred."""
        if self.tie_share >= 1.0:
            return np.asarray(probability >= self.threshold)
        referred = np.asarray(probability > self.threshold + NEAR)
        tied = np.flatnonzero(~referred & (probability >= self.threshold - NEAR))
        referred[tied] = drawn(claim_ids[tied].tolist(), self.tie_share, key, _TIE)
        return referred


def drawn(claim_ids: Iterable[str], share: float, key: bytes, person: bytes = b"") -> Flags:
    """Return which claims belong to a share that is drawn by the keyed hash of their ids.

    The hash is BLAKE2b (RFC 7693); draws with another ``person`` are independent.
    """
    bound = math.ceil(share * 2.0**64).to_bytes(9)[1:] if share < 1.0 else b"\xff" * 9
    keyed = hashlib.blake2b(key=key, digest_size=8, person=person)

    def chosen(claim_id: str) -> bool:
        digest = keyed.copy()  # the key is processed once for all claims
        digest.update(claim_id.encode())
        return digest.digest() < bound

    return np.fromiter(map(chosen, claim_ids), np.bool_)


def _between(scores: Floats, threshold: float) -> float:
    """Return the threshold; if many claims share it, one halfway to the next lower score.

    Otherwise a processor that rounds differently would refer none of them.
    """
    tied = int((scores == threshold).sum())
    below = scores[scores < threshold]
    if tied <= max(1.0, NEGLIGIBLE * int((scores >= threshold).sum())) or not len(below):
        return threshold
    return (threshold + float(below.max())) / 2.0
