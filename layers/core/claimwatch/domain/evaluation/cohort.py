"""Matured claims of one model, and what each known outcome stands for.

Outcomes are known by design or by suspicion. By design: what was referred is looked at, and so is what was
chosen by chance. Each of those stands for as many claims as were chosen like it. Whoever was looked at
because somebody was suspicious stands for nobody, and counts only where it was referred as well.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

type Floats = npt.NDArray[np.float64]
type Mask = npt.NDArray[np.bool_]
type Basis = Literal["all claims", "referrals and audit", "audit only", "referrals only", "nothing"]
"""What the figures rest on."""

LOOKED_AT = 0.8
"""The share of claims with an outcome from which on they count as looked at, all of them.

Below it, those with an outcome are the ones that somebody chose.
"""

ALL = 0.95
"""The share of known outcomes from which on how they were chosen does not matter."""


@dataclass(frozen=True)
class Cohort:
    """Matured claims that one model scored, one entry for each claim (its newest row).

    ``probability`` is the model's, ``referred`` whether it referred the claim, ``audited`` whether the claim
    was chosen by chance (see ``chosen_by_chance``), ``outcome`` 1 for fraud, 0 for none, nan where not known.
    ``decided`` is the basis of the cohort that this one is a part of.
    """

    probability: Floats
    referred: Mask
    audited: Mask
    outcome: Floats
    decided: Basis | None = None

    def __post_init__(self) -> None:
        if len({len(self.probability), len(self.referred), len(self.audited), len(self.outcome)}) > 1:
            raise ValueError("one entry of each for every claim")

    @cached_property
    def known(self) -> Mask:
        """Whether the claim has an outcome."""
        return ~np.isnan(self.outcome)

    @cached_property
    def basis(self) -> Basis:
        """Which outcomes count.

        Where hardly any of the referred claims is looked at, it is the random audit alone that tells.
        """
        if self.decided is not None:
            return self.decided
        if not self.known.any():
            return "nothing"
        if self.known.mean() >= ALL:
            return "all claims"
        chance = self.known & self.audited
        if self.referred.any() and self.known[self.referred].mean() >= LOOKED_AT:
            return "referrals and audit" if (chance & ~self.referred).any() else "referrals only"
        return "audit only" if chance.any() else "nothing"

    @cached_property
    def weight(self) -> Floats:
        """How many claims each stands for; 0 for those that do not count. They add up to the claims."""
        weight = np.zeros(len(self.outcome))
        for claims, counting in self._strata:
            if counting.any():
                weight[counting] = claims.sum() / counting.sum()
        return weight

    @cached_property
    def used(self) -> npt.NDArray[np.intp]:
        """The places of the claims that count."""
        return np.flatnonzero(self.weight > 0.0)

    @cached_property
    def fraud(self) -> Floats:
        """The outcomes of the claims that count."""
        return self.outcome[self.used]

    def part(self, rows: Mask) -> "Cohort":
        """Some of the claims, as a book of its own: those that count stand for claims of this part only."""
        return Cohort(
            self.probability[rows], self.referred[rows], self.audited[rows], self.outcome[rows], self.basis
        )

    def stood_for(self, fewest: float) -> bool:
        """Whether every claim counts, or at least so many of those that were chosen like it."""
        return bool(self._strata) and all(
            int(counting.sum()) >= min(fewest, int(claims.sum())) for claims, counting in self._strata
        )

    @cached_property
    def frauds(self) -> float:
        """Frauds that would tell as much as those that count, if all stood for equally many claims."""
        frauds = self.weight[self.used] * self.fraud
        squares = float((frauds**2).sum())
        return float(frauds.sum()) ** 2 / squares if squares else 0.0

    def mean(self, values: Floats) -> float:
        """The mean over the book; ``values`` are of the claims that count."""
        weight = self.weight[self.used]
        return float(weight @ values / weight.sum()) if len(weight) else float("nan")

    def variance(self, values: Floats, looked_at: Floats | None = None) -> float:
        """The variance of ``mean(values)``: that of drawing the claims, and that of who was looked at.

        ``looked_at`` is the part of the values that is known of those only who were looked at, by default all
        of it. Two-phase sampling: Särndal, Swensson and Wretman, "Model assisted survey sampling", 1992, 9.3.
        """
        weight = self.weight[self.used]
        claims = weight.sum()
        drawn = float(weight @ (values - self.mean(values)) ** 2)
        chosen = 0.0
        seen = values if looked_at is None else looked_at
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
        """Claims that were chosen alike, and those among them that count."""
        chance = self.known & self.audited
        referred, rest = self.referred, ~self.referred
        match self.basis:
            case "all claims":
                return [(referred, referred & self.known), (rest, rest & self.known)]
            case "referrals and audit":
                return [(referred, referred & self.known), (rest, rest & chance)]
            case "referrals only":
                return [(referred, referred & self.known), (rest, rest & False)]
            case "audit only":
                return [(np.ones(len(chance), dtype=np.bool_), chance)]
            case _:
                return []


def chosen_by_chance(audit_sample: Mask, audit_source: Mask, known: Mask) -> Mask:
    """Which claims were chosen by chance.

    ``audit_sample`` is what scoring drew for the audit, ``audit_source`` whether the outcome says that it
    comes from a random audit. The sample counts only where the team works it: if many of it have no outcome,
    those that have one are there because somebody was suspicious.
    """
    drawn = audit_sample & ~audit_source
    worked = bool(drawn.any()) and float(known[drawn].mean()) >= LOOKED_AT
    return audit_source | (audit_sample if worked else np.zeros(len(known), dtype=np.bool_))
