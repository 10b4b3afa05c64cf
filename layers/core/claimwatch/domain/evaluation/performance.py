"""Performance: how well a model finds fraud, measured on due outcomes and estimated before they are due."""

from collections.abc import Mapping

import numpy as np
from scipy.special import ndtri

from claimwatch.domain.evaluation import ranking
from claimwatch.domain.evaluation.calibration import expected_frauds, observed_to_expected
from claimwatch.domain.evaluation.cohort import Cohort, Floats, Mask
from claimwatch.domain.evaluation.finding import Finding, Verdict
from claimwatch.domain.evaluation.intervals import (
    NOTHING,
    TAIL,
    Interval,
    Total,
    difference,
    jeffreys,
    share_of_two,
)
from claimwatch.domain.evaluation.rates import Rate, rate

MATERIAL = 0.15
"""The part of the promised advantage over chance that may be lost before it matters."""

JUDGED_TAIL = TAIL / 6
"""The probability outside of an interval at each end for a verdict, because six metrics are judged."""

RATIO_TAIL = 0.0025
"""The same for observed over predicted frauds: without a bound that a small change has to pass, one of 200
calibrated weeks is outside."""

WIDER = float(ndtri(JUDGED_TAIL) / ndtri(TAIL))
"""The factor that widens a 95 % interval for a verdict."""

KNOWN = float(ndtri(0.05) / ndtri(TAIL))
"""The factor of a 95 % interval at which observed over predicted frauds differ from the test split's."""

RATIO, NOTICED = 1.25, 1.1
"""Factors by which observed frauds must exceed or fall short of the predicted ones for an alarm, a watch."""

FEWEST_FRAUDS = 20.0
"""The least (equally weighted) frauds for a verdict."""

FEWEST_COUNTED = 5.0
"""The least frauds, predicted or observed, for a verdict on their number; the test itself needs none."""

FEWEST_CLAIMS = 10
"""The least referrals, or claims without an outcome, behind a figure; fewer would be single claims."""

_BY_CHANCE = {
    "roc_auc": 0.5,
    "pr_auc": 0.0,
    "lift_top_decile": 1.0,
    "recall_at_capacity": 0.0,
    "brier_skill": 0.0,
}
"""The metrics that are judged by a promise, each with the value of a model without any information."""

_CERTAIN = 1e-6
"""The least variance of a count of frauds, for probabilities of 0 and 1."""


def performance(
    cohort: Cohort,
    capacity: float,
    promised: Mapping[str, float],
    immature: int,
    tested: Interval = NOTHING,
) -> list[Finding]:
    """Return the findings of check ``performance``.

    ``capacity`` is the share of claims that the team can review. ``promised`` are the model's metrics on the
    test split; other metrics are reported and not judged. ``immature`` is the number of claims whose outcome
    is not due. A metric alarms if its whole interval, widened by ``WIDER``, is worse than promised by more
    than ``MATERIAL``; if it is worse at all, it is a watch. ``observed_to_expected`` is judged by what the
    probabilities themselves promise, in both directions; ``tested`` is its value on the test split, with its
    interval, which excuses what a calibration got wrong from the beginning. ``outcomes`` is the number of
    outcomes used, and its segment the basis.
    """
    matured, counting = len(cohort.outcome), len(cohort.used)
    frauds = cohort.frauds
    counts = [
        Finding("matured", float(matured), matured),
        Finding("known", float(cohort.known.sum()), matured),
        Finding("immature", float(immature), immature),
        Finding(
            "outcomes",
            float(counting),
            counting,
            "ok" if counting else "not enough data",
            segment=cohort.basis,
        ),
    ]
    referred = cohort.referred[cohort.used].astype(np.float64)
    hits = rate(cohort, referred, cohort.fraud)
    found = [_of_enough("hit_rate", hits.interval, hits.n)]
    if cohort.basis == "referrals only":
        # Nothing is known about the rest of the book; what is predicted of referrals can be judged.
        return [
            *counts,
            *(_reported(name, NOTHING, 0) for name in (*_BY_CHANCE, "brier", "base_rate")),
            frauds_predicted(cohort, tested),
            *found,
        ]
    kept = _with_skill(promised)
    recall, precision = ranking.recall_at(cohort, capacity), ranking.precision_at(cohort, capacity)
    base = rate(cohort, np.ones(counting), cohort.fraud)
    deciles = ranking.lift_by_decile(cohort)
    judged = {
        "recall_at_capacity": recall.interval,
        "pr_auc": ranking.pr_auc(cohort),
        "roc_auc": ranking.roc_auc(cohort),
        "lift_top_decile": deciles[0].interval,
        "brier_skill": ranking.brier_skill(cohort, promised.get("base_rate")),
    }
    return [
        *counts,
        *(_judged(name, interval, counting, kept.get(name), frauds) for name, interval in judged.items()),
        frauds_predicted(cohort, tested),
        _reported("brier", ranking.brier(cohort), counting),
        _reported("precision_at_capacity", precision.interval, precision.n),
        *found,
        _reported("base_rate", base.interval, base.n),
        _reported("calibration_error", ranking.calibration_error(cohort), counting),
        *(
            _reported("lift", each.interval, counting, segment=str(place))
            for place, each in enumerate(deciles, start=1)
        ),
        *_calibration(ranking.calibration(cohort)),
    ]


def estimated(probability: Floats, referred: Mask) -> list[Finding]:
    """Return ``estimated_...`` findings about claims whose outcome is not due, from their probabilities.

    Intervals are those of the outcomes if the probabilities are correct.
    """
    given, chosen = np.asarray(probability, dtype=np.float64), np.asarray(referred, dtype=np.bool_)
    recall = share_of_two(_expected(given[chosen]), _expected(given[~chosen]))
    return [
        _of_enough("estimated_precision", _expected_share(given[chosen]), int(chosen.sum())),
        _of_enough("estimated_recall", recall, len(given)),
        _of_enough("estimated_base_rate", _expected_share(given), len(given)),
    ]


def worse(found: Interval, promised: float, by_chance: float = 0.0) -> Verdict:
    """Return the verdict on a metric: an alarm if its whole interval is materially worse than promised."""
    if found.value is None or found.low is None or found.high is None:
        return "not enough data"
    best = found.value + WIDER * (found.high - found.value)
    return "alarm" if best < _bound(promised, by_chance) else "watch" if best < promised else "ok"


def differs(found: Interval, now: Interval = NOTHING, tested: Interval = NOTHING) -> Verdict:
    """Return the verdict on observed over predicted frauds; ``found`` leaves ``RATIO_TAIL`` at each end.

    It needs an interval without 1, a value that is far from 1 in either direction, and one that is further
    than on the test split; ``now`` and ``tested`` are the 95 % intervals.
    """
    if found.value is None or found.low is None or found.high is None:
        return "not enough data"
    if found.low <= 1.0 <= found.high or _was_so(now, tested):
        return "ok"
    if not 1.0 / RATIO < found.value < RATIO:
        return "alarm"
    return "ok" if 1.0 / NOTICED < found.value < NOTICED else "watch"


def _was_so(now: Interval, tested: Interval) -> bool:
    """Return whether a ratio is no further from 1 than on the test split (Newcombe's difference, 1998)."""
    more = difference(now, tested)
    if more.value is None or more.low is None or more.high is None or now.value is None:
        return False
    if now.value >= 1.0:
        return more.value - KNOWN * (more.value - more.low) <= 0.0
    return more.value + KNOWN * (more.high - more.value) >= 0.0


def frauds_predicted(cohort: Cohort, tested: Interval = NOTHING) -> Finding:
    """Return ``observed_to_expected``, with the bound on the side where the value is."""
    found = observed_to_expected(cohort)
    enough = max(cohort.frauds, expected_frauds(cohort)) >= FEWEST_COUNTED
    return Finding(
        "observed_to_expected",
        found.value,
        len(cohort.used),
        differs(observed_to_expected(cohort, RATIO_TAIL), found, tested) if enough else "not enough data",
        low=found.low,
        high=found.high,
        threshold=RATIO if found.value is None or found.value >= 1.0 else 1.0 / RATIO,
    )


def _bound(promised: float, by_chance: float) -> float:
    return promised - MATERIAL * abs(promised - by_chance)


def _with_skill(promised: Mapping[str, float]) -> Mapping[str, float]:
    """Return the promises with that of ``brier_skill``, which follows from others in older models."""
    rate, brier = (promised.get(name, np.nan) for name in ("base_rate", "brier"))
    if "brier_skill" in promised or not 0.0 < rate < 1.0:
        return promised
    return {**promised, "brier_skill": 1.0 - brier / (rate * (1.0 - rate))}


def _judged(name: str, found: Interval, n: int, promised: float | None, frauds: float) -> Finding:
    if promised is None or not np.isfinite(promised):
        return _reported(name, found, n)
    verdict = worse(found, promised, _BY_CHANCE[name])
    return Finding(
        name,
        found.value,
        n,
        verdict if frauds >= FEWEST_FRAUDS else "not enough data",
        low=found.low,
        high=found.high,
        threshold=_bound(promised, _BY_CHANCE[name]),
    )


def _reported(name: str, found: Interval, n: int, segment: str = "") -> Finding:
    return Finding(
        name,
        found.value,
        n,
        "not enough data" if found.value is None else "ok",
        segment=segment,
        low=found.low,
        high=found.high,
    )


def _of_enough(name: str, found: Interval, n: int) -> Finding:
    return _reported(name, found if n >= FEWEST_CLAIMS else NOTHING, n)


def _calibration(curve: list[tuple[float, Rate]]) -> list[Finding]:
    found = []
    for place, (given, seen) in enumerate(curve, start=1):
        found.append(Finding("calibration_predicted", given, seen.n, segment=str(place)))
        found.append(_reported("calibration_observed", seen.interval, seen.n, segment=str(place)))
    return found


def _expected(probability: Floats) -> Total:
    """Return the expected frauds among claims with these probabilities, with at least a minimal variance."""
    frauds = float(probability.sum())
    return Total(frauds, max(float((probability * (1.0 - probability)).sum()), _CERTAIN * frauds), 1.0)


def _expected_share(probability: Floats) -> Interval:
    """Return the expected share of frauds among claims with these probabilities."""
    if not len(probability):
        return NOTHING
    share = float(probability.mean())
    variance = float((probability * (1.0 - probability)).sum()) / len(probability) ** 2
    return jeffreys(share, share * (1.0 - share) / variance if variance > 0.0 else len(probability))
