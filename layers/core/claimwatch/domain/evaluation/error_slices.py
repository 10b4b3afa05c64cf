"""Error analysis: the slices in which missed frauds and needless referrals are most frequent.

A difference between slices is normal: claims that are rarely fraud rarely reach the threshold. So it is at
most a watch. A slice alarms if more frauds are missed than the model's probabilities predict, compared with
all other claims: there the model is wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import betainc

from claimwatch.domain.evaluation.cohort import Cohort, Mask
from claimwatch.domain.evaluation.finding import Finding, Verdict
from claimwatch.domain.evaluation.groups import NOT_KNOWN, SMALLEST, Groups, Values
from claimwatch.domain.evaluation.intervals import NOTHING, Interval, Total, difference, share_of_two
from claimwatch.domain.evaluation.multiple_testing import q_values
from claimwatch.domain.evaluation.rates import Rate, p_value, rate

FEWEST = 5.0
"""The least (equally weighted) frauds or referrals behind a rate."""

CERTAIN = 0.01
"""The false discovery rate over all slices."""

MATERIAL = 0.1
"""The least difference to all other claims that matters, in missed frauds or needless referrals."""

UNPREDICTED = 1.5
"""The least ratio of missed to predicted frauds that matters."""

_NO_RATE = Rate(NOTHING, 0, 0.0)


@dataclass(frozen=True)
class _Slice:
    feature: str
    value: str
    n: int
    rates: Mapping[str, tuple[Rate, Rate]]
    """The rate of the slice, and of all other claims."""
    missed: "_Missed"


@dataclass(frozen=True)
class _Missed:
    """Missed over predicted frauds in the slice, relative to the same ratio outside of it."""

    ratio: Interval
    p_value: float


def errors(cohort: Cohort, segments: Mapping[str, Values]) -> list[Finding]:
    """Return the findings of check ``errors``.

    ``segments`` has for each feature the slice of each claim of the cohort (text; None if not known),
    with numbers cut into ranges by the caller; small slices are summed. ``missed_rate`` is the share of
    frauds that were not referred, ``false_referral_rate`` the share of referred claims that were honest; the
    threshold of both is the rate of all other claims. ``missed_over_expected`` is the ratio of missed frauds
    to those outside of the slice, over the same ratio as the probabilities predict it. Slices that miss the
    most come first.
    """
    counting = cohort.weight > 0.0
    slices = [
        _slice(cohort, feature, value, rows)
        for feature, values in segments.items()
        for value, rows in Groups.of(values, SMALLEST, counting).rows
        if value != NOT_KNOWN
    ]
    discovered = {
        metric: q_values([p_value(*each.rates[metric]) for each in slices])
        for metric in ("missed_rate", "false_referral_rate")
    }
    wrong = q_values([each.missed.p_value for each in slices])
    found: list[tuple[float, list[Finding]]] = []
    for place, each in enumerate(slices):
        rates = [_compared(each, metric, float(discovered[metric][place])) for metric in discovered]
        found.append((each.rates["missed_rate"][0].value or 0.0, [*rates, _unpredicted(each, wrong[place])]))
    return [finding for _, own in sorted(found, key=lambda entry: -entry[0]) for finding in own]


def _slice(cohort: Cohort, feature: str, value: str, rows: Mask) -> _Slice:
    parts = (cohort.part(rows), cohort.part(~rows))
    inside, outside = parts
    large = min(len(part.used) for part in parts) >= SMALLEST
    known = large and all(part.stood_for(FEWEST) for part in parts)
    return _Slice(
        feature,
        value,
        len(inside.used),
        {
            "missed_rate": (_missed_rate(inside), _missed_rate(outside)) if known else (_NO_RATE, _NO_RATE),
            "false_referral_rate": (_false_rate(inside), _false_rate(outside))
            if large
            else (_NO_RATE, _NO_RATE),
        },
        _missed(inside, outside) if known else _Missed(NOTHING, float("nan")),
    )


def _missed_rate(part: Cohort) -> Rate:
    return rate(part, part.fraud, (~part.referred[part.used]).astype(np.float64))


def _false_rate(part: Cohort) -> Rate:
    return rate(part, part.referred[part.used].astype(np.float64), 1.0 - part.fraud)


def _missed(inside: Cohort, outside: Cohort) -> _Missed:
    """Return missed frauds inside over those outside, relative to the prediction."""
    own, others = _missed_frauds(inside), _missed_frauds(outside)
    expected, expected_others = (float(part.probability[~part.referred].sum()) for part in (inside, outside))
    if own.value + others.value <= 0.0 or not expected_others:
        return _Missed(NOTHING, float("nan"))
    (counted, weight), (counted_others, weight_others) = own.counted, others.counted
    if min(expected / weight, expected_others / weight_others) < FEWEST:
        return _Missed(NOTHING, float("nan"))
    share = share_of_two(own, others)
    by_chance = expected / weight / (expected / weight + expected_others / weight_others)
    return _Missed(
        Interval(
            *(_odds(bound, expected / expected_others) for bound in (share.value, share.low, share.high))
        ),
        float(betainc(counted, counted_others, by_chance)),
    )


def _missed_frauds(part: Cohort) -> Total:
    weight = part.weight[part.used]
    counted = weight * part.fraud * ~part.referred[part.used]
    return Total(float(counted.sum()), float((counted**2).sum()), float(weight.max()))


def _odds(share: float | None, expected: float) -> float | None:
    return None if share is None or share >= 1.0 else share / (1.0 - share) / expected


def _compared(each: _Slice, metric: str, q_value: float) -> Finding:
    own, others = each.rates[metric]
    if own.value is None or others.value is None or min(own.n, others.n) < FEWEST:
        return Finding(metric, None, each.n, "not enough data", each.feature, each.value)
    more = difference(own.interval, others.interval).value or 0.0
    seen = q_value <= CERTAIN and more >= MATERIAL
    return Finding(
        metric,
        own.value,
        own.n,
        "watch" if seen else "ok",
        each.feature,
        each.value,
        own.interval.low,
        own.interval.high,
        others.value,
    )


def _unpredicted(each: _Slice, q_value: float) -> Finding:
    ratio = each.missed.ratio
    verdict: Verdict = "not enough data"
    if ratio.value is not None:
        verdict = "alarm" if q_value <= CERTAIN and ratio.value >= UNPREDICTED else "ok"
    return Finding(
        "missed_over_expected",
        ratio.value,
        each.n,
        verdict,
        each.feature,
        each.value,
        ratio.low,
        ratio.high,
        UNPREDICTED,
    )
