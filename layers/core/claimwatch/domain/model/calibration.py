"""Platt's calibration: from a model's margin to a probability.

It is a straight line through the log-odds that strictly rises, so it changes no order and no referral.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from claimwatch.domain.model.model import Link

type Floats = npt.NDArray[np.float64]

LOWEST, HIGHEST = 2.0**-20, 1.0 - 2.0**-13
"""The bounds of a margin that is a probability, before it becomes log-odds; both are exact in 32 bits.

Closer to 1, 32-bit floats are so coarse that probabilities would differ by more than a millionth."""


@dataclass(frozen=True)
class Calibration:
    """The probability is the logistic function of ``slope * log_odds + offset``."""

    slope: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        if not (0.0 < self.slope < np.inf and np.isfinite(self.offset)):
            raise ValueError("the slope of a calibration must be above 0")


def log_odds(link: Link, margin: npt.ArrayLike) -> Floats:
    """Return the log-odds of a model's margin."""
    values = np.asarray(margin, dtype=np.float64)
    if link == "logit":
        return values
    bounded = np.clip(values, LOWEST, HIGHEST)
    return np.log(bounded / (1.0 - bounded))


def probability(calibration: Calibration, link: Link, margin: npt.ArrayLike) -> Floats:
    """Return the calibrated probability of each margin."""
    # By the hyperbolic tangent, because exp() overflows far below 0.
    return 0.5 + 0.5 * np.tanh(0.5 * (calibration.slope * log_odds(link, margin) + calibration.offset))
