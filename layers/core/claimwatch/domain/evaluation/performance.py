"""Performance: how well a model finds fraud, by outcomes that are due, and an estimate before they are."""

from collections.abc import Mapping

from claimwatch.domain.evaluation.cohort import Cohort, Floats, Mask
from claimwatch.domain.evaluation.finding import Finding


def performance(
    cohort: Cohort, capacity: float, promised: Mapping[str, float], immature: int
) -> list[Finding]:
    """The findings of check ``performance``.

    ``capacity`` is the share of claims that the team can review. ``promised`` are the model's metrics on the
    test split; metrics that are not there are told and not judged. ``immature`` counts the claims whose
    outcome is not due.
    """
    raise NotImplementedError


def estimated(probability: Floats, referred: Mask) -> list[Finding]:
    """What calibrated probabilities say of claims whose outcomes are still to come, as ``estimated_...``."""
    raise NotImplementedError
