"""Performance: how well a model finds fraud, measured on due outcomes and estimated before they are due."""

from collections.abc import Mapping

import numpy as np

from claimwatch.domain.evaluation import ranking
from claimwatch.domain.evaluation.cohort import Cohort, Floats, Mask
from claimwatch.domain.evaluation.finding import Finding, Verdict
from claimwatch.domain.evaluation.intervals import NOTHING, Interval, Total, jeffreys, share_of_two
from claimwatch.domain.evaluation.rates import Rate, rate

MATERIAL = 0.15
"""The part of the promised advantage over chance that may be lost before it matters."""

WIDER = 1.3143
"""The factor that widens an interval from 95 to 99 % for a verdict, because five metrics are judged."""

FEWEST_FRAUDS = 20.0
"""The least (equally weighted) frauds for a verdict."""

FEWEST_CLAIMS = 10
"""The least referrals, or claims without an outcome, behind a figure; fewer would be single claims."""

_BY_CHANCE = {
    "roc_auc": 0.5,
    "pr_auc": 0.0,
    "lift_top_decile": 1.0,
    "recall_at_capacity": 0.0,
    "brier": 0.0,
}
"""The judged metrics, each with the value of a model without any information."""

_LESS_IS_BETTER = {"brier"}
_CERTAIN = 1e-6
"""The least variance of a count of frauds, for probabilities of 0 and 1."""


def performance(
    cohort: Cohort, capacity: float, promised: Mapping[str, float], immature: int
) -> list[Finding]:
    """Return the findings of check ``performance``.

    ``capacity`` is the share of claims that the team can review. ``promised`` are the model's metrics on the
    test split; other metrics are reported and not judged. ``immature`` is the number of claims whose outcome
    is not due. A metric alarms if its whole interval, widened by ``WIDER``, is worse than promised by more
    than ``MATERIAL``; if it is worse at all, it is a watch. ``outcomes`` is the number of outcomes used, and
    its segment the basis.
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
        # Nothing is known about the rest of the book.
        return [*counts, *(_reported(name, NOTHING, 0) for name in (*_BY_CHANCE, "base_rate")), *found]
    recall, precision = ranking.recall_at(cohort, capacity), ranking.precision_at(cohort, capacity)
    base = rate(cohort, np.ones(counting), cohort.fraud)
    deciles = ranking.lift_by_decile(cohort)
    judged = {
        "recall_at_capacity": recall.interval,
        "pr_auc": ranking.pr_auc(cohort),
        "roc_auc": ranking.roc_auc(cohort),
        "lift_top_decile": deciles[0].interval,
        "brier": ranking.brier(cohort),
    }
    return [
        *counts,
        *(_judged(name, interval, counting, promised.get(name), frauds) for name, interval in judged.items()),
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


def worse(found: Interval, promised: float, by_chance: float = 0.0, less_is_better: bool = False) -> Verdict:
    """Return the verdict on a metric: an alarm if its whole interval is materially worse than promised."""
    if found.value is None or found.low is None or found.high is None:
        return "not enough data"
    bound = _bound(promised, by_chance, less_is_better)
    if less_is_better:
        best = found.value - WIDER * (found.value - found.low)
        return "alarm" if best > bound else "watch" if best > promised else "ok"
    best = found.value + WIDER * (found.high - found.value)
    return "alarm" if best < bound else "watch" if best < promised else "ok"


def _bound(promised: float, by_chance: float, less_is_better: bool) -> float:
    may_be_lost = MATERIAL * abs(promised - by_chance)
    return promised + may_be_lost if less_is_better else promised - may_be_lost


def _judged(name: str, found: Interval, n: int, promised: float | None, frauds: float) -> Finding:
    if promised is None or not np.isfinite(promised):
        return _reported(name, found, n)
    less = name in _LESS_IS_BETTER
    verdict = worse(found, promised, _BY_CHANCE[name], less)
    return Finding(
        name,
        found.value,
        n,
        verdict if frauds >= FEWEST_FRAUDS else "not enough data",
        low=found.low,
        high=found.high,
        threshold=_bound(promised, _BY_CHANCE[name], less),
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
