"""Compares champion and challenger on the claims that were selected at random.

Claims that only the challenger would have referred were not investigated, so referrals favour the champion;
the random audit favours neither. Every window repeats the comparison, so it uses a test that allows this:
the evidence is an e-value, which reaches 1 / a with probability at most a however often one looks (Ville's
inequality; Ramdas and others, "Game-theoretic statistics and safe anytime-valid inference", 2023), and the
interval is a confidence sequence, which holds at all times together.
"""

import numpy as np
from scipy.special import betainc, betaln, gammaln

from claimwatch.domain.evaluation.cohort import Cohort, Floats, Mask
from claimwatch.domain.evaluation.finding import Finding, Verdict
from claimwatch.domain.evaluation.intervals import Interval

DECISIVE = 40.0
"""The evidence that decides for one direction; both together are wrong in at most one of twenty cases."""

FEWEST_FRAUDS = 10
"""The least audited frauds for a verdict."""

ALIKE = 0.05
"""The greatest difference in recall that does not matter."""

_STEPS = 2001
"""The number of differences from -1 to 1 that are tested for the bounds of the interval."""


def challenger(cohort: Cohort, challenger_probability: Floats, capacity: float) -> list[Finding]:
    """Return the findings of check ``challenger``.

    ``cohort`` has all matured claims that both models have scored since the challenger started, with the
    champion's probabilities; ``challenger_probability`` [claims] are the challenger's. ``recall_difference``
    is the challenger's recall at capacity minus the champion's. ``evidence_better`` is the evidence that the
    challenger finds more; if it is decisive it is a watch, because a person should promote the challenger.
    ``evidence_worse`` is the evidence that it finds fewer.
    """
    if len(challenger_probability) != len(cohort.outcome):
        raise ValueError("one probability of the challenger for each claim")
    chance = cohort.known if cohort.basis == "all claims" else cohort.known & cohort.audited
    frauds = chance & (np.nan_to_num(cohort.outcome) > 0.5)
    ours = reviewed(cohort.probability, capacity)[frauds]
    theirs = reviewed(challenger_probability, capacity)[frauds]
    only_theirs, only_ours = int((theirs & ~ours).sum()), int((ours & ~theirs).sum())
    count = int(frauds.sum())
    counts = [
        Finding("audited_frauds", float(count), int(chance.sum())),
        Finding("found_by_challenger_only", float(only_theirs), count),
        Finding("found_by_champion_only", float(only_ours), count),
    ]
    if count < FEWEST_FRAUDS:
        names = ("recall_difference", "evidence_better", "evidence_worse")
        return [*counts, *(Finding(name, None, count, "not enough data") for name in names)]
    between = difference_at_all_times(only_theirs, only_ours, count)
    better, worse = evidence(only_theirs, only_ours), evidence(only_ours, only_theirs)
    assert between.low is not None
    assert between.high is not None
    decided = max(better, worse) >= DECISIVE or max(between.high, -between.low) <= ALIKE
    verdict: Verdict = "ok" if decided else "not enough data"
    return [
        *counts,
        Finding(
            "recall_difference",
            between.value,
            count,
            verdict,
            low=between.low,
            high=between.high,
            threshold=0.0,
        ),
        Finding(
            "evidence_better",
            better,
            only_theirs + only_ours,
            "watch" if better >= DECISIVE else verdict,
            threshold=DECISIVE,
        ),
        Finding("evidence_worse", worse, only_theirs + only_ours, verdict, threshold=DECISIVE),
    ]


def reviewed(probability: Floats, capacity: float) -> Mask:
    """Return which claims are in the highest ``capacity``; of equal scores, the first."""
    chosen = np.zeros(len(probability), dtype=np.bool_)
    # A capacity of 0.07 of 100 claims is 7, although the product of the floats is slightly different.
    most = int(capacity * len(probability) * (1.0 + 1e-12))
    chosen[np.argsort(-np.asarray(probability), kind="stable")[:most]] = True
    return chosen


def evidence(for_it: int, against: int) -> float:
    """Return the evidence that a fraud found by only one model is more likely found by the first.

    It is the mean likelihood ratio to a probability of one half, over all probabilities above one half with
    equal weight: a test martingale.
    """
    likelihood = betaln(for_it + 1.0, against + 1.0) + (for_it + against + 1.0) * np.log(2.0)
    above = 1.0 - float(betainc(for_it + 1.0, against + 1.0, 0.5))
    return float(np.exp(min(likelihood, 700.0)) * above)


def difference_at_all_times(plus: int, minus: int, count: int) -> Interval:
    """Return the share of ``plus`` in ``count`` minus that of ``minus``, with a 95 % confidence sequence.

    It contains the differences whose greatest likelihood is at least a twentieth of the mean likelihood over
    all shares (uniform: Dirichlet).
    """
    counts = np.array([plus, minus, count - plus - minus], dtype=np.float64)
    mixture = float(gammaln(counts + 1.0).sum() + gammaln(3.0) - gammaln(count + 3.0))
    tried = np.linspace(-1.0, 1.0, _STEPS)
    kept = tried[_likelihood(counts, tried) > mixture - np.log(20.0)]
    value = (plus - minus) / count
    step = 2.0 / (_STEPS - 1)
    # The grid's outermost points are inside; one step further is outside.
    return Interval(
        value,
        max(-1.0, min(float(np.min(kept, initial=value)) - step, value)),
        min(1.0, max(float(np.max(kept, initial=value)) + step, value)),
    )


def _likelihood(counts: Floats, differences: Floats) -> Floats:
    """Return the greatest log-likelihood of the counts of plus, minus and neither, for each difference.

    With ``x`` for minus, plus is ``x + d`` and neither ``1 - d - 2 x``; the derivative is zero at a root of a
    quadratic.
    """
    plus, minus, neither = counts
    d = differences
    total = counts.sum()
    # plus / (x + d) + minus / x - 2 neither / (1 - d - 2 x) = 0, multiplied out.
    a, c = -2.0 * total, minus * d * (1.0 - d)
    b = (plus + minus) * (1.0 - d) - 2.0 * (minus + neither) * d
    root = (-b - np.sqrt(np.maximum(b**2 - 4.0 * a * c, 0.0))) / (2.0 * a)
    x = np.clip(root, np.maximum(0.0, -d), np.maximum((1.0 - d) / 2.0, 0.0))
    shares = np.maximum(np.stack([x + d, x, 1.0 - d - 2.0 * x]), 1e-300)
    return np.asarray((counts[:, None] * np.log(shares)).sum(axis=0))
