"""Error analysis: the slices in which missed frauds and needless referrals are most frequent.

A difference between slices is normal: claims that are rarely fraud rarely reach the threshold. So it is at
most a watch, and only if the difference has grown since the training, whose test split shows the slices in
which a model is weak. A slice alarms if more frauds are missed than the model's probabilities predict,
compared with all other claims: there the model is wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, ndtr

from claimwatch.domain.evaluation.cohort import Cohort, Mask
from claimwatch.domain.evaluation.finding import Finding, Verdict
from claimwatch.domain.evaluation.groups import NOT_KNOWN, SMALLEST, Groups, Values
from claimwatch.domain.evaluation.intervals import NOTHING, Interval, Total, Z, difference, share_of_two
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

type Excesses = Mapping[tuple[str, str, str], Interval]
"""How much worse each slice is than all other claims, by metric, feature and segment.

Of rates it is the difference, of ``missed_over_expected`` the ratio. It is the difference or ratio of a model
on its test split that those of a week are compared with.
"""

_RATES = ("missed_rate", "false_referral_rate")
_NO_RATE = Rate(NOTHING, 0, 0.0)


@dataclass(frozen=True)
class _Slice:
    feature: str
    value: str
    n: int
    rates: Mapping[str, tuple[Rate, Rate]]
    """The rate of the slice, and of all other claims."""
    missed: "_Missed"
    predicted: Mapping[str, float | None]
    """The difference of both rates as the probabilities predict it."""

    def excess(self, metric: str) -> Interval:
        """Return the difference of the slice's rate to that of all other claims."""
        own, others = self.rates[metric]
        if own.value is None or others.value is None or min(own.n, others.n) < FEWEST:
            return NOTHING
        return difference(own.interval, others.interval)

    def known(self, metric: str, promised: Excesses) -> Interval:
        """Return the excess of the slice on the test split."""
        return promised.get((metric, self.feature, self.value), NOTHING)


@dataclass(frozen=True)
class _Missed:
    """Missed over predicted frauds in the slice, relative to the same ratio outside of it."""

    ratio: Interval
    p_value: float


def errors(cohort: Cohort, segments: Mapping[str, Values], promised: Excesses | None = None) -> list[Finding]:
    """Return the findings of check ``errors``; ``promised`` are the ``excesses`` on the model's test split.

    ``segments`` has for each feature the slice of each claim of the cohort (text; None if not known),
    with numbers cut into ranges by the caller; small slices are summed. ``missed_rate`` is the share of
    frauds that were not referred, ``false_referral_rate`` the share of referred claims that were honest; the
    threshold of both is the rate of all other claims. ``missed_over_expected`` is the ratio of missed frauds
    to those outside of the slice, over the same ratio as the probabilities predict it. A slice that the test
    split has needs a larger excess than there for a watch, and for an alarm if it was wrong there already;
    ``missed_excess_promised`` shows it. Slices that miss the most come first.
    """
    known = promised or {}
    slices = _slices(cohort, segments)
    discovered = {
        metric: q_values([_p_of_rate(each, metric, each.known(metric, known)) for each in slices])
        for metric in _RATES
    }
    wrong = q_values([_p_of_missed(each, each.known("missed_over_expected", known)) for each in slices])
    found: list[tuple[float, list[Finding]]] = []
    for place, each in enumerate(slices):
        own = [
            _compared(each, metric, float(discovered[metric][place]), each.known(metric, known))
            for metric in discovered
        ]
        own.append(_unpredicted(each, wrong[place], each.known("missed_over_expected", known)))
        before = each.known("missed_rate", known)
        if before.value is not None and own[0].value is not None:
            own.append(
                Finding(
                    "missed_excess_promised",
                    before.value,
                    each.n,
                    "ok",
                    each.feature,
                    each.value,
                    before.low,
                    before.high,
                )
            )
        found.append((each.rates["missed_rate"][0].value or 0.0, own))
    return [finding for _, own in sorted(found, key=lambda entry: -entry[0]) for finding in own]


def excesses(cohort: Cohort, segments: Mapping[str, Values]) -> Excesses:
    """Return how much worse each slice is than all other claims.

    Of a slice with too few frauds or referrals, it is what the probabilities predict: that claims which are
    rarely fraud are rarely referred is known without any outcome.
    """
    found = {}
    for each in _slices(cohort, segments):
        for metric in _RATES:
            seen, predicted = each.excess(metric), each.predicted[metric]
            found[metric, each.feature, each.value] = (
                Interval(predicted, predicted, predicted) if seen.value is None else seen
            )
        found["missed_over_expected", each.feature, each.value] = each.missed.ratio
    return {
        key: excess for key, excess in found.items() if None not in (excess.value, excess.low, excess.high)
    }


def _slices(cohort: Cohort, segments: Mapping[str, Values]) -> "list[_Slice]":
    counting = cohort.weight > 0.0
    return [
        _slice(cohort, feature, value, rows)
        for feature, values in segments.items()
        for value, rows in Groups.of(values, SMALLEST, counting).rows
        if value != NOT_KNOWN
    ]


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
        _predicted_excess(inside, outside),
    )


def _predicted_excess(inside: Cohort, outside: Cohort) -> dict[str, float | None]:
    own, others = _predicted(inside), _predicted(outside)
    return {
        metric: None if rate is None or (other := others[metric]) is None else rate - other
        for metric, rate in own.items()
    }


def _predicted(part: Cohort) -> dict[str, float | None]:
    """Return both rates as the probabilities predict them; None for a rate of nothing."""
    frauds, referred = float(part.probability.sum()), part.probability[part.referred]
    return {
        "missed_rate": float(part.probability[~part.referred].sum()) / frauds if frauds > 0.0 else None,
        "false_referral_rate": 1.0 - float(referred.mean()) if len(referred) else None,
    }


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


def _p_of_rate(each: _Slice, metric: str, before: Interval) -> float:
    """Return the p-value of a slice that differs from the others no more than on the test split."""
    by_itself = p_value(*each.rates[metric])
    return by_itself if before.value is None else max(by_itself, _p_more(each.excess(metric), before))


def _p_of_missed(each: _Slice, before: Interval) -> float:
    if not _was_wrong(before):
        return each.missed.p_value
    return max(each.missed.p_value, _p_more(_logs(each.missed.ratio), _logs(before)))


def _was_wrong(before: Interval) -> bool:
    """Return whether more frauds were missed than predicted already on the test split."""
    return before.low is not None and before.low > 1.0


def _p_more(now: Interval, before: Interval) -> float:
    """Return the p-value of a value being no higher than an independent earlier one, from their intervals.

    Of each interval, the arm that points to the other value counts (Newcombe, 1998).
    """
    if now.value is None or now.low is None or before.value is None or before.high is None:
        return 1.0
    error = float(np.hypot(now.value - now.low, before.high - before.value)) / Z
    return (
        float(ndtr((before.value - now.value) / error)) if error > 0.0 else float(now.value <= before.value)
    )


def _logs(found: Interval) -> Interval:
    return Interval(
        *(None if not bound else float(np.log(bound)) for bound in (found.value, found.low, found.high))
    )


def _compared(each: _Slice, metric: str, q_value: float, before: Interval) -> Finding:
    own, others = each.rates[metric]
    excess = each.excess(metric)
    if excess.value is None:
        return Finding(metric, None, each.n, "not enough data", each.feature, each.value)
    more = min(excess.value, excess.value - (before.value or 0.0))
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


def _unpredicted(each: _Slice, q_value: float, before: Interval) -> Finding:
    ratio = each.missed.ratio
    verdict: Verdict = "not enough data"
    bound = UNPREDICTED * ((before.value or 1.0) if _was_wrong(before) else 1.0)
    if ratio.value is not None:
        verdict = "alarm" if q_value <= CERTAIN and ratio.value >= bound else "ok"
    return Finding(
        "missed_over_expected",
        ratio.value,
        each.n,
        verdict,
        each.feature,
        each.value,
        ratio.low,
        ratio.high,
        bound,
    )
