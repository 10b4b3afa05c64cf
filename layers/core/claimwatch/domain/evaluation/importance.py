"""Feature importance: each feature's share of the scores, and its change since earlier windows.

The model stays the same, so a change comes from the claims: a feature that suddenly contributes much more or
much less has changed its meaning. Drift shows a change first; importance shows whether it matters.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from claimwatch.domain.evaluation.cohort import Floats
from claimwatch.domain.evaluation.finding import Finding, Verdict
from claimwatch.domain.evaluation.intervals import Z
from claimwatch.domain.evaluation.multiple_testing import q_values
from claimwatch.domain.evaluation.window_test import p_value

ENOUGH = 50
"""Claims that a verdict needs."""

CERTAIN = 0.01
"""q-value up to which a change is certain."""

MATERIAL = 0.03
"""Change of a share from which it is material."""

GROSS = 0.15
"""Change of a share from which it alarms."""

FEWEST_BEFORE = 2
"""Earlier windows that an alarm needs."""


def importance(
    contributions: Floats, names: Sequence[str], before: Sequence[Mapping[str, float]]
) -> list[Finding]:
    """Return the findings of check ``importance``.

    ``contributions`` [claims, features] are the Shapley values of a random sample of the window's claims.
    ``before`` maps features to metric ``importance`` for each earlier window of the same model, the oldest
    first. ``importance`` is a feature's share of the mean absolute contributions of all features.
    ``importance_shift`` is its change since the mean of the earlier windows, and has the verdict.
    """
    sizes = np.abs(np.asarray(contributions, dtype=np.float64))
    claims = len(sizes)
    means = sizes.mean(axis=0) if claims else np.zeros(len(names))
    total = float(means.sum())
    if claims < ENOUGH or not total:
        return [Finding("importance", None, claims, "not enough data", name) for name in names]
    shares = means / total
    # Standard error of a ratio of two means, by the delta method.
    influence = (sizes - shares * sizes.sum(axis=1, keepdims=True)) / total
    errors = influence.std(axis=0, ddof=1) / np.sqrt(claims)
    earlier = [np.array([window[name] for window in before if name in window]) for name in names]
    adjusted = q_values(
        [
            p_value(float(share), float(error), past)
            for share, error, past in zip(shares, errors, earlier, strict=True)
        ]
    )
    found = []
    for place in np.argsort(-shares, kind="stable").tolist():
        share, error, past = float(shares[place]), float(errors[place]), earlier[place]
        low, high = max(0.0, share - Z * error), min(1.0, share + Z * error)
        found.append(Finding("importance", share, claims, "ok", names[place], low=low, high=high))
        if len(past):
            shift = share - float(past.mean())
            verdict = _verdict(shift, float(adjusted[place]), len(past))
            found.append(
                Finding("importance_shift", shift, claims, verdict, names[place], threshold=MATERIAL)
            )
    return found


def _verdict(shift: float, q_value: float, windows: int) -> Verdict:
    if not (abs(shift) >= MATERIAL and q_value <= CERTAIN):
        return "ok"
    return "alarm" if abs(shift) >= GROSS and windows >= FEWEST_BEFORE else "watch"
