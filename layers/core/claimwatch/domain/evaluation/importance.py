"""Importance: what a model looks at, and whether that has changed.

The model stays the same, so what changes is the claims: a feature that all at once decides more, or nothing
any more, has changed its meaning. Drift says that first, and importance which drift matters.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from claimwatch.domain.evaluation.cohort import Floats
from claimwatch.domain.evaluation.finding import Finding, Verdict
from claimwatch.domain.evaluation.multiple_testing import q_values
from claimwatch.domain.evaluation.window_test import p_value

ENOUGH = 50
"""Claims without which nothing is said."""

CERTAIN = 0.01
"""The share of false discoveries among the features whose change is certain."""

MATERIAL = 0.03
"""A change of the share of all contributions that matters."""

GROSS = 0.15
"""A change that alarms."""

FEWEST_BEFORE = 2
"""Earlier windows without which nothing alarms."""

_Z = 1.959963984540054
"""The normal distribution's 97.5 % quantile."""


def importance(
    contributions: Floats, names: Sequence[str], before: Sequence[Mapping[str, float]]
) -> list[Finding]:
    """The findings of check ``importance``.

    ``contributions`` [claims, features] are Shapley values of a random sample of the window's claims.
    ``before`` has for each earlier window of the same model its metric ``importance`` by feature, the oldest
    first. ``importance`` is a feature's share of the mean absolute contributions of all, the verdict on its
    change since the mean of the windows before, ``importance_shift``.
    """
    sizes = np.abs(np.asarray(contributions, dtype=np.float64))
    claims = len(sizes)
    means = sizes.mean(axis=0) if claims else np.zeros(len(names))
    total = float(means.sum())
    if claims < ENOUGH or not total:
        return [Finding("importance", None, claims, "not enough data", name) for name in names]
    shares = means / total
    # A share of two means: what each claim adds to it (the delta method).
    added = (sizes - shares * sizes.sum(axis=1, keepdims=True)) / total
    errors = added.std(axis=0, ddof=1) / np.sqrt(claims)
    earlier = [np.array([window[name] for window in before if name in window]) for name in names]
    discovered = q_values(
        [
            p_value(float(share), float(error), past)
            for share, error, past in zip(shares, errors, earlier, strict=True)
        ]
    )
    found = []
    for place in np.argsort(-shares, kind="stable").tolist():
        share, error, past = float(shares[place]), float(errors[place]), earlier[place]
        low, high = max(0.0, share - _Z * error), min(1.0, share + _Z * error)
        found.append(Finding("importance", share, claims, "ok", names[place], low=low, high=high))
        if len(past):
            shift = share - float(past.mean())
            verdict = _verdict(shift, float(discovered[place]), len(past))
            found.append(
                Finding("importance_shift", shift, claims, verdict, names[place], threshold=MATERIAL)
            )
    return found


def _verdict(shift: float, q_value: float, windows: int) -> Verdict:
    if not (abs(shift) >= MATERIAL and q_value <= CERTAIN):
        return "ok"
    return "alarm" if abs(shift) >= GROSS and windows >= FEWEST_BEFORE else "watch"
