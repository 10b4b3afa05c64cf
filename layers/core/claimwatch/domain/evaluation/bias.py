"""Bias: whether protected groups have equal referral rates, recall and false positive rates.

Each group is compared with all other claims. A group alarms if its ratio is outside of the limits (the
four-fifths rule of the US Uniform Guidelines on Employee Selection Procedures, 29 CFR 1607.4 D, and its
inverse, because here being selected is the harm) and the difference is significant, with the false discovery
rate controlled over all groups. Groups that are too small are summed, and judged together; of each of them,
only the number of claims is reported. Numbers and dates are compared in bands, and in ranges of several
bands, because a disparity often grows with age; a range is reported only if it alarms.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from claimwatch.domain.evaluation.cohort import Cohort, Mask
from claimwatch.domain.evaluation.finding import Finding, Verdict
from claimwatch.domain.evaluation.groups import SMALLEST, Groups, Values, numbered
from claimwatch.domain.evaluation.intervals import NOTHING, Interval, ratio, wilson
from claimwatch.domain.evaluation.multiple_testing import q_values
from claimwatch.domain.evaluation.rates import Rate, p_value, rate
from claimwatch.domain.model.bands import Bands

CERTAIN = 0.01
"""The false discovery rate over all groups."""

LEAST, MOST = 0.8, 1.25
"""The limits of the ratio to all other claims."""

FEWEST = 10.0
"""The least frauds, or honest claims, behind a rate."""

METRICS = ("selection_rate", "recall", "false_positive_rate")

type Attributes = Mapping[str, Values]
"""The group of each claim, by protected attribute; None if not known."""

type Kind = Literal["group", "range", "crossing"]


@dataclass(frozen=True)
class Division:
    """Groups to compare: those of an attribute, two ranges of its bands, or the crossings of two attributes.

    ``ordered`` are the names of groups that have an order; of ranges, claims without a value are no group.
    """

    attribute: str
    kind: Kind
    groups: Groups
    ordered: tuple[str, ...] = ()

    @property
    def in_order(self) -> list[tuple[str, int]]:
        """The names of the groups, by their own order or alphabetically, with their positions."""
        places = dict(self.groups.in_order)
        first = {name: places[name] for name in self.ordered if name in places}
        return list((first if self.kind == "range" else first | places).items())


@dataclass(frozen=True)
class Compared:
    """A rate of a group and of all other claims; None if one of them is too small."""

    metric: str
    attribute: str
    group: str
    n: int
    rates: tuple[Rate, Rate] | None
    kind: Kind = "group"

    @property
    def p_value(self) -> float:
        """The p-value of equal rates; nan if they are not known."""
        return p_value(*self.rates) if self.rates else float("nan")

    @property
    def ratio(self) -> float:
        """The ratio of the rates; nan if it is not known."""
        own, others = self.rates or (None, None)
        found = _ratio(own.interval, others.interval).value if own and others else None
        return float("nan") if found is None else found


def bias(
    referred: Mask,
    groups: Attributes,
    cohort: Cohort,
    cohort_groups: Attributes,
    smallest: int = SMALLEST,
    personal: Collection[str] = (),
    bands: Mapping[str, Bands] | None = None,
) -> list[Finding]:
    """Return the findings of check ``bias``: those of ``findings_of`` about what ``compare`` compares."""
    return findings_of(compare(referred, groups, cohort, cohort_groups, smallest, personal, bands))


def compare(
    referred: Mask,
    groups: Attributes,
    cohort: Cohort,
    cohort_groups: Attributes,
    smallest: int = SMALLEST,
    personal: Collection[str] = (),
    bands: Mapping[str, Bands] | None = None,
) -> list[Compared]:
    """Return the rates of every group, range and crossing of two attributes, with those of all others.

    ``referred`` [claims] and ``groups`` describe all claims of the window; ``cohort_groups`` are the groups
    of the cohort's claims. The groups of ``personal`` attributes are numbered instead of named. ``bands`` are
    those that groups of an attribute are named by. The rates are ``selection_rate`` (of all claims),
    ``recall`` and ``false_positive_rate`` (of matured claims).
    """
    groups, cohort_groups = _without_values(groups, cohort_groups, personal, smallest)
    return [
        *_selected(referred, divisions(groups, bands or {}, smallest), smallest),
        *_found(cohort, divisions(cohort_groups, bands or {}, smallest, cohort.weight > 0.0), smallest),
    ]


def findings_of(compared: Sequence[Compared]) -> list[Finding]:
    """Return the findings about compared rates.

    Each rate comes with its ``..._ratio`` to all other claims. Of each attribute:
    ``demographic_parity_ratio`` (the lowest selection rate over the highest) and
    ``equal_opportunity_difference`` (the highest recall less the lowest), over groups that are large enough.
    """
    discovered = q_values([each.p_value for each in compared])
    attributes = list(dict.fromkeys(each.attribute for each in compared))
    found = [
        (each, _findings(each, q_value)) for each, q_value in zip(compared, discovered.tolist(), strict=True)
    ]
    shown = _alarming_ranges(found)
    parts = [each for each in compared if each.kind != "range"]
    return [
        *(
            finding
            for each, findings in found
            if each.kind != "range" or shown.get(each.attribute) == each.group
            for finding in findings
        ),
        *(finding for attribute in attributes for finding in _over_groups(attribute, parts)),
    ]


def _alarming_ranges(found: Sequence[tuple[Compared, Sequence[Finding]]]) -> dict[str, str]:
    """Return by attribute the range that alarms with the greatest certainty because its ratio is high.

    The other ranges would repeat it: they overlap, and the other side of an edge has the inverse ratio.
    """
    alarming = [
        (each.p_value, each.attribute, each.group)
        for each, findings in found
        if each.kind == "range" and each.ratio > 1.0 and any(one.verdict == "alarm" for one in findings)
    ]
    return {attribute: group for _, attribute, group in sorted(alarming, reverse=True)}


def _without_values(
    week: Attributes, cohort: Attributes, personal: Collection[str], smallest: int
) -> tuple[Attributes, Attributes]:
    """Return the attributes with numbers instead of the values of personal ones, alike in both samples."""
    for attribute in personal:
        one, two = numbered((week[attribute], cohort[attribute]), smallest)
        week, cohort = {**week, attribute: one}, {**cohort, attribute: two}
    return week, cohort


def crossings(
    attributes: Attributes, smallest: int = SMALLEST, counting: Mask | None = None
) -> dict[str, Groups]:
    """Return the groups of every attribute, and of every pair of attributes."""
    found = {name: Groups.of(values, smallest, counting) for name, values in attributes.items()}
    pairs = {
        f"{one} and {two}": found[one].crossed(found[two], smallest, counting)
        for one, two in combinations(found, 2)
    }
    return found | pairs


def divisions(
    attributes: Attributes, bands: Mapping[str, Bands], smallest: int, counting: Mask | None = None
) -> list[Division]:
    """Return the groups of every attribute, the ranges of every banded one, and every crossing of two."""
    return [
        *(
            Division(
                name,
                "group" if name in attributes else "crossing",
                groups,
                bands[name].names if name in bands else (),
            )
            for name, groups in crossings(attributes, smallest, counting).items()
        ),
        *(
            division
            for name, own in bands.items()
            if name in attributes
            for division in _ranges(name, attributes[name], own)
        ),
    ]


def _ranges(attribute: str, values: Values, bands: Bands) -> Iterator[Division]:
    """Return the claims below and above each edge that has at least two bands on both sides."""
    for edge in range(1, len(bands.edges) - 1):
        below, above = bands.under(edge), bands.from_on(edge)
        names = dict.fromkeys(bands.names[: edge + 1], below) | dict.fromkeys(bands.names[edge + 1 :], above)
        sides = np.array([names.get(value) for value in values.tolist()], dtype=object)
        yield Division(attribute, "range", Groups.of(sides, 0), (below, above))


def _selected(referred: Mask, compared: Sequence[Division], smallest: int) -> Iterator[Compared]:
    """Return the referral rate of every group, from counts: referral is known for every claim."""
    claims, chosen = len(referred), int(referred.sum())
    for division in compared:
        attribute, each = division.attribute, division.groups
        sizes = np.bincount(each.place, minlength=len(each.names))
        hits = np.bincount(each.place[referred], minlength=len(each.names))
        for group, place in division.in_order:
            size, hit = int(sizes[place]), int(hits[place])
            yield Compared(
                "selection_rate",
                attribute,
                group,
                size,
                (_counted(hit, size), _counted(chosen - hit, claims - size))
                if min(size, claims - size) >= smallest
                else None,
                division.kind,
            )
        if division.kind != "range":
            for group, size in each.counted_only:
                yield Compared("selection_rate", attribute, group, size, None)


def _counted(hits: int, of: int) -> Rate:
    return Rate(wilson(hits, of), of, float(of))


def _found(cohort: Cohort, compared: Sequence[Division], smallest: int) -> list[Compared]:
    """Return the share of each group's frauds, and of its honest claims, that were referred."""
    found: dict[str, list[Compared]] = {"recall": [], "false_positive_rate": []}
    for division in compared:
        attribute, each = division.attribute, division.groups
        for group, place in division.in_order:
            rows = each.place == place
            parts = (cohort.part(rows), cohort.part(~rows))
            large = min(len(part.used) for part in parts) >= smallest
            for metric, of_frauds in (("recall", True), ("false_positive_rate", False)):
                rates = tuple(_referred_of(part, of_frauds) for part in parts) if large else ()
                large_enough = len(rates) == 2 and min(each.n for each in rates) >= FEWEST
                found[metric].append(
                    Compared(
                        metric,
                        attribute,
                        group,
                        len(parts[0].used),
                        (rates[0], rates[1]) if large_enough else None,
                        division.kind,
                    )
                )
        if division.kind != "range":
            for metric, listed in found.items():
                listed.extend(Compared(metric, attribute, group, n, None) for group, n in each.counted_only)
    return [each for listed in found.values() for each in listed]


def _referred_of(part: Cohort, frauds: bool) -> Rate:
    """Return the share of frauds, or of honest claims, that were referred."""
    if not part.stood_for(FEWEST):
        return Rate(NOTHING, 0, 0.0)
    of = part.fraud if frauds else 1.0 - part.fraud
    return rate(part, of, part.referred[part.used].astype(np.float64))


def _findings(each: Compared, q_value: float) -> list[Finding]:
    metric, attribute, group = each.metric, each.attribute, each.group
    if each.rates is None:
        return [
            Finding(name, None, each.n, "not enough data", attribute, group)
            for name in (metric, f"{metric}_ratio")
        ]
    own, others = each.rates
    compared = _ratio(own.interval, others.interval)
    verdict: Verdict = "not enough data"
    if compared.value is not None:
        material = not LEAST <= compared.value <= MOST
        verdict = "alarm" if material and q_value <= CERTAIN and _excludes(compared, 1.0) else "ok"
    return [
        Finding(
            metric,
            own.value,
            own.n,
            "ok",
            attribute,
            group,
            own.interval.low,
            own.interval.high,
            others.value,
        ),
        Finding(
            f"{metric}_ratio",
            compared.value,
            own.n,
            verdict,
            attribute,
            group,
            compared.low,
            compared.high,
            LEAST if (compared.value or 0.0) < 1.0 else MOST,
        ),
    ]


def _ratio(own: Interval, others: Interval) -> Interval:
    """Return the ratio to all others; if none of them was chosen, a lower limit of it."""
    if not own.value or others.value or others.high is None:
        return ratio(own, others)
    return Interval(own.value / others.high, None if own.low is None else own.low / others.high)


def _excludes(found: Interval, value: float) -> bool:
    return (found.low or 0.0) > value or (found.high is not None and found.high < value)


def _over_groups(attribute: str, compared: Sequence[Compared]) -> list[Finding]:
    """Return the findings about an attribute as a whole, which are not judged."""

    def values(metric: str) -> list[float]:
        return [
            each.rates[0].value
            for each in compared
            if each.attribute == attribute
            and each.metric == metric
            and each.rates is not None
            and each.rates[0].value is not None
        ]

    selected, found = values("selection_rate"), values("recall")
    return [
        Finding("demographic_parity_ratio", None, len(selected), "not enough data", attribute)
        if len(selected) < 2 or not max(selected)
        else Finding(
            "demographic_parity_ratio", min(selected) / max(selected), len(selected), feature=attribute
        ),
        Finding("equal_opportunity_difference", None, len(found), "not enough data", attribute)
        if len(found) < 2
        else Finding("equal_opportunity_difference", max(found) - min(found), len(found), feature=attribute),
    ]
