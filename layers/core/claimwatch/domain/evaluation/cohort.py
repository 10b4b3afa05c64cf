"""Matured claims of one model, and how many claims each known outcome represents.

An outcome is known by design or by suspicion. By design, the team investigates the referred claims and a
random audit; each of these outcomes represents all claims that were selected in the same way. A claim that
was investigated on suspicion represents no other claim, and counts only if it was also referred.

Training has no referrals to rely on: it estimates each claim's chance of being investigated and gives the
inverse as ``sampling_weight``.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

type Floats = npt.NDArray[np.float64]
type Mask = npt.NDArray[np.bool_]
type Basis = Literal[
    "all claims", "referrals and audit", "audit only", "referrals only", "estimated chances", "nothing"
]
"""The outcomes that the figures rest on."""

LOOKED_AT = 0.8
"""The least share of claims with an outcome at which a selection counts as completely investigated.

Below it, the claims with an outcome are themselves a choice that somebody made.
"""

ALL = 0.95
"""The least share of known outcomes at which it no longer matters how they were selected."""


@dataclass(frozen=True)
class Cohort:
    """Matured claims that one model scored, one entry for each claim (its newest row).

    ``probability`` is the model's, ``referred`` whether it referred the claim, ``audited`` whether the claim
    was selected at random (see ``chosen_by_chance``), ``outcome`` 1 for fraud, 0 for honest, nan if unknown.
    ``decided`` is the basis of the cohort that this cohort is a part of. With ``sampling_weight``, every
    known outcome counts, and represents this many claims; without it, weights follow from the design.
    """

    probability: Floats
    referred: Mask
    audited: Mask
    outcome: Floats
    decided: Basis | None = None
    sampling_weight: Floats | None = None

    def __post_init__(self) -> None:
        if len({len(self.probability), len(self.referred), len(self.audited), len(self.outcome)}) > 1:
            raise ValueError("one entry of each for every claim")

    @cached_property
    def known(self) -> Mask:
        """Whether the claim has an outcome."""
        return ~np.isnan(self.outcome)

    @cached_property
    def basis(self) -> Basis:
        """The outcomes that count.

        If few of the referred claims were investigated, only the random audit counts.
        """
        if self.decided is not None:
            return self.decided
        if not self.known.any():
            return "nothing"
        if self.sampling_weight is not None:
            return "estimated chances"
        if self.known.mean() >= ALL:
            return "all claims"
        chance = self.known & self.audited
        if self.referred.any() and self.known[self.referred].mean() >= LOOKED_AT:
            return "referrals and audit" if (chance & ~self.referred).any() else "referrals only"
        return "audit only" if chance.any() else "nothing"

    @cached_property
    def weight(self) -> Floats:
        """The number of claims that each claim represents; 0 if it does not count.

        Weights that follow from the design add up to the number of claims.
        """
        if self.sampling_weight is not None:
            return np.where(self.known, self.sampling_weight, 0.0)
        weight = np.zeros(len(self.outcome))
        for claims, counting in self._strata:
            if counting.any():
                weight[counting] = claims.sum() / counting.sum()
        return weight

    @cached_property
    def used(self) -> npt.NDArray[np.intp]:
        """The positions of the claims that count."""
        return np.flatnonzero(self.weight > 0.0)

    @cached_property
    def fraud(self) -> Floats:
        """The outcomes of the claims that count."""
        return self.outcome[self.used]

    def part(self, rows: Mask) -> "Cohort":
        """Return some of the claims as a book of their own: each represents only claims of this part."""
        return Cohort(
            self.probability[rows],
            self.referred[rows],
            self.audited[rows],
            self.outcome[rows],
            self.basis,
            None if self.sampling_weight is None else self.sampling_weight[rows],
        )

    def stood_for(self, fewest: float) -> bool:
        """Return whether each way of selection has at least ``fewest`` counting claims, or counts all."""
        return bool(self._strata) and all(
            int(counting.sum()) >= min(fewest, int(claims.sum())) for claims, counting in self._strata
        )

    @cached_property
    def frauds(self) -> float:
        """The number of equally weighted frauds that carry as much information as those that count."""
        frauds = self.weight[self.used] * self.fraud
        squares = float((frauds**2).sum())
        return float(frauds.sum()) ** 2 / squares if squares else 0.0

    def mean(self, values: Floats) -> float:
        """Return the mean over the book; ``values`` belong to the claims that count."""
        weight = self.weight[self.used]
        return float(weight @ values / weight.sum()) if len(weight) else float("nan")

    def variance(self, values: Floats, looked_at: Floats | None = None) -> float:
        """Return the variance of ``mean(values)``: from drawing the claims and from selecting the outcomes.

        ``looked_at`` is the part of the values that is known only for claims with an outcome, by default all
        of it. Two-phase sampling: Särndal, Swensson and Wretman, "Model assisted survey sampling", 1992, 9.3.
        With estimated chances, each claim was selected independently of the others.
        """
        weight = self.weight[self.used]
        claims = weight.sum()
        drawn = float(weight @ (values - self.mean(values)) ** 2)
        seen = values if looked_at is None else looked_at
        if self.sampling_weight is not None:
            chosen = float((weight * (weight - 1.0)) @ (seen - self.mean(seen)) ** 2)
            return (drawn + chosen) / float(claims) ** 2
        chosen = 0.0
        for _, counting in self._strata:
            own = counting[self.used]
            count = int(own.sum())
            if count:
                each = float(weight[own][0])
                spread = float(((seen[own] - seen[own].mean()) ** 2).sum())
                chosen += each * (each - 1.0) * spread * count / max(count - 1, 1)
        return (drawn + chosen) / float(claims) ** 2

    @cached_property
    def _strata(self) -> list[tuple[Mask, Mask]]:
        """For each way of selection, its claims and those among them that count."""
        chance = self.known & self.audited
        referred, rest = self.referred, ~self.referred
        everything = np.ones(len(chance), dtype=np.bool_)
        match self.basis:
            case "all claims":
                return [(referred, referred & self.known), (rest, rest & self.known)]
            case "referrals and audit":
                return [(referred, referred & self.known), (rest, rest & chance)]
            case "referrals only":
                return [(referred, referred & self.known), (rest, rest & False)]
            case "audit only":
                return [(everything, chance)]
            case "estimated chances":
                return [(everything, self.known)]
            case _:
                return []


def chosen_by_chance(audit_sample: Mask, audit_source: Mask, known: Mask) -> Mask:
    """Return which claims were selected at random.

    ``audit_sample`` is what scoring drew for the audit, ``audit_source`` whether the outcome says that it
    comes from a random audit. The sample counts only if the team works it: if many of its claims have no
    outcome, the outcomes that exist come from suspicion.
    """
    drawn = audit_sample & ~audit_source
    worked = bool(drawn.any()) and float(known[drawn].mean()) >= LOOKED_AT
    return audit_source | (audit_sample if worked else np.zeros(len(known), dtype=np.bool_))
