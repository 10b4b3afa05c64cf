"""Disparities: the groups that a model refers more often than all others, beyond chance.

Every comparison of a training is one family of tests, so that a fair model is hardly ever reported, however
many groups there are. Groups, bands and ranges of one attribute receive most of the chance of an error,
because the crossings of two attributes are many and small.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from claimwatch.domain.evaluation.bias import Compared
from claimwatch.domain.evaluation.multiple_testing import holm
from claimwatch.domain.evaluation.rates import Rate, p_at_most, p_more

CROSSINGS = 0.2
"""The share of the chance of an error that the crossings of two attributes have together."""


@dataclass(frozen=True)
class Disparity:
    """How many times as often as all others a group is referred, and the adjusted p-value of a lower ratio.

    Both are nan if the group is too small to be judged.
    """

    attribute: str
    group: str
    n: int
    ratio: float
    p_value: float
    kind: str = "group"


def disparities(compared: Sequence[Compared], limit: float) -> list[Disparity]:
    """Return for every group whether its honest claims are referred more than ``limit`` times as often.

    If no group's are, the chance that any adjusted p-value is at most p is at most p.
    """
    return _judged(compared, "false_positive_rate", lambda own, others: p_at_most(own, others, limit))


def unequal_referrals(compared: Sequence[Compared]) -> list[Disparity]:
    """Return for every group whether its claims, honest or not, are referred more often than all others.

    If all groups are referred alike, the chance that any adjusted p-value is at most p is at most p.
    """
    return _judged(compared, "selection_rate", p_more)


def _judged(
    compared: Sequence[Compared], metric: str, test: Callable[[Rate, Rate], float]
) -> list[Disparity]:
    rates = [each for each in compared if each.metric == metric]
    p_values = np.array([test(*each.rates) if each.rates else np.nan for each in rates], dtype=np.float64)
    adjusted = holm(p_values, _weights(rates, ~np.isnan(p_values)))
    return [
        Disparity(each.attribute, each.group, each.n, each.ratio, p_value, each.kind)
        for each, p_value in zip(rates, adjusted.tolist(), strict=True)
    ]


def _weights(rates: Sequence[Compared], made: np.ndarray) -> np.ndarray:
    """Return the share of the chance of an error that each test has."""
    crossing = np.array([each.kind == "crossing" for each in rates], dtype=np.bool_)
    of_crossings, of_groups = int((crossing & made).sum()), int((~crossing & made).sum())
    if not of_crossings or not of_groups:
        return np.ones(len(rates))
    return np.where(crossing, CROSSINGS / of_crossings, (1.0 - CROSSINGS) / of_groups)
