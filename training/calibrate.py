"""Platt's calibration, fitted on claims that the model has not learnt from."""

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from claimwatch.domain.model.calibration import Calibration, log_odds
from claimwatch.domain.model.model import Link
from training.snapshot import RefusedTraining

type Floats = npt.NDArray[np.float64]


def platt(link: Link, margin: Floats, outcome: Floats, weight: Floats) -> Calibration:
    """The calibration under which these outcomes are the likeliest, each counting by its weight.

    Raises ``RefusedTraining`` where fraud does not get likelier with the margin.
    """
    if len(set(outcome.tolist())) < 2:
        raise RefusedTraining("the validation split has no claims of both outcomes; it needs more of them")
    line = LogisticRegression(C=np.inf, max_iter=1_000)
    line.fit(log_odds(link, margin)[:, None], outcome, sample_weight=weight / weight.mean())
    slope, offset = float(line.coef_[0, 0]), float(line.intercept_[0])
    if slope <= 0.0:
        raise RefusedTraining(
            "on the validation split fraud gets no likelier with the score: the model found nothing"
        )
    return Calibration(slope, offset)
