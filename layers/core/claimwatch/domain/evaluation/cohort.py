"""Matured claims of one model, and what each known outcome stands for."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

type Floats = npt.NDArray[np.float64]
type Mask = npt.NDArray[np.bool_]
type Basis = Literal["all claims", "referrals and audit", "audit only", "referrals only", "nothing"]
"""What the figures rest on."""


@dataclass(frozen=True)
class Cohort:
    """Matured claims that one model scored, one entry for each claim (its newest row).

    ``probability`` is the model's, ``referred`` whether it referred the claim, ``audited`` whether the claim
    was chosen by chance (see ``chosen_by_chance``), ``outcome`` 1 for fraud, 0 for none, nan where not known.
    """

    probability: Floats
    referred: Mask
    audited: Mask
    outcome: Floats

    @cached_property
    def known(self) -> Mask:
        """Whether the claim has an outcome."""
        return ~np.isnan(self.outcome)


def chosen_by_chance(audit_sample: Mask, audit_source: Mask, known: Mask) -> Mask:
    """Which claims were chosen by chance.

    ``audit_sample`` is what scoring drew for the audit, ``audit_source`` whether the outcome says that it
    comes from a random audit. The sample counts only where the team works it: if most of it has no outcome,
    those that have one are there because somebody was suspicious.
    """
    return audit_source | (audit_sample & known)
