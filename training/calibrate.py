"""Platt's calibration, fitted on claims that the model was not trained on."""

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from claimwatch.domain.model.calibration import Calibration, log_odds
from claimwatch.domain.model.model import Link
from training.snapshot import RefusedTraining

type Floats = npt.NDArray[np.float64]


class FoundNothing(RefusedTraining):
    """On later claims, fraud does not become more likely with the score."""


def platt(link: Link, margin: Floats, outcome: Floats, weight: Floats) -> Calibration:
    """Return the maximum-likelihood calibration for these outcomes and weights.

    Raises ``FoundNothing`` if fraud does not become more likely with the margin.
    """
    if len(set(outcome.tolist())) < 2:
        raise RefusedTraining("the validation split needs claims of both outcomes")
    line = LogisticRegression(C=np.inf, max_iter=1_000)
    line.fit(log_odds(link, margin)[:, None], outcome, sample_weight=weight / weight.mean())
    slope, offset = float(line.coef_[0, 0]), float(line.intercept_[0])
    if slope <= 0.0:
        raise FoundNothing(
            "on the validation split, fraud is no more likely with a higher score: the model found nothing"
        )
    return Calibration(slope, offset)
