"""Whether a model refers the groups of protected attributes alike, and through which features it does not.

Groups are judged on the validation and the test split together, because no model was fitted on either, and
groups are small. The referral rate is known for every claim, and the share of honest claims that are referred
only for claims with an outcome. The latter refuses a model; the former also shows what few outcomes cannot.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isnan

import numpy as np

from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.evaluation.bias import (
    FEWEST,
    Attributes,
    Compared,
    Division,
    compare,
    divisions,
    findings_of,
)
from claimwatch.domain.evaluation.cohort import Cohort, Floats, Mask
from claimwatch.domain.evaluation.disparity import Disparity, disparities, unequal_referrals
from claimwatch.domain.evaluation.finding import Finding
from claimwatch.domain.evaluation.groups import numbered
from claimwatch.domain.evaluation.intervals import NOTHING, Interval, ratio
from claimwatch.domain.evaluation.protected import groups_of, new_bands, numbered_attributes
from claimwatch.domain.evaluation.rates import rate
from claimwatch.domain.model.bands import Bands
from claimwatch.domain.model.features import Feature, FeatureSpec, Matrix
from training.proxies import Proxy, proxies
from training.scored_sample import ScoredSplit
from training.settings import Settings
from training.snapshot import Snapshot

REFUSED = 0.05
"""The chance that a model is refused although no group is referred more often than the limit."""

WARNED = 0.025
"""The chance that a model is warned of although all groups are referred alike."""

WARNED_FROM = 1.75
"""How many times as often a group has to be referred for a warning.

Groups differ in their true risk: in the sample book, the youngest drivers are fraud 1.3 times and referred
1.5 times as often. A warning has to be answered at promotion, so it is about greater differences.
"""

_MOST_CAUSES = 3
_RELATED = 0.6
"""The relation with an attribute from which a feature can be the cause of a disparity of its groups."""

_EXPLAINED = 0.5
"""The share of a disparity, as a logarithm, that has to go with the features that explain it."""

_MOST_SHUFFLED = 50_000


@dataclass(frozen=True)
class Cause:
    """The features without which a group is referred ``ratio`` times as often as all others."""

    features: Sequence[Feature]
    ratio: float


@dataclass(frozen=True)
class Fairness:
    """The findings of check ``bias``, and the groups that are referred more often than all others.

    ``refusing`` judges honest claims against the limit, ``warning`` all claims against equality; both list
    every group. ``cause`` explains the gravest of them that is beyond chance, if features do. ``fraud`` is
    how many times as often as all others the claims of that group are fraud, by the known outcomes.
    """

    limit: float
    findings: Sequence[Finding]
    refusing: Sequence[Disparity]
    warning: Sequence[Disparity]
    bands: Mapping[str, Bands] = field(default_factory=dict)
    proxies: Sequence[Proxy] = ()
    cause: Cause | None = None
    fraud: Interval = NOTHING

    @property
    def refused(self) -> list[Disparity]:
        """The groups for which a model is refused, the gravest first."""
        return _gravest(each for each in self.refusing if each.p_value <= REFUSED)

    @property
    def too_small(self) -> list[Disparity]:
        """The groups that are too small to be judged; a range has the claims of its bands."""
        return [each for each in self.refusing if isnan(each.p_value) and each.kind != "range"]

    @property
    def warned(self) -> list[Disparity]:
        """The groups that a model is warned of, the gravest first."""
        return _gravest(each for each in self.warning if each.p_value <= WARNED and each.ratio >= WARNED_FROM)


def fairness(
    unseen: ScoredSplit,
    train: ScoredSplit,
    contract: Contract,
    spec: FeatureSpec,
    settings: Settings,
    score: Callable[[Matrix], Floats],
) -> Fairness:
    """Compare protected groups among claims that no model was fitted on; ``score`` scores encoded claims.

    Bands and proxies come from the training split.
    """
    bands = new_bands(contract, train.claims.columns)
    groups, of_train = _named(contract, bands, unseen.claims, train.claims, settings.smallest_group)
    sample, smallest = unseen.scored, settings.smallest_group
    compared = compare(sample.referred, groups, sample.book, groups, smallest, bands=bands)
    related = proxies(spec, train.matrix, of_train, _numbers(bands, train.claims), smallest)
    found = replace(judged(compared, settings.bias_limit), bands=bands, proxies=related)
    if found.refused:
        worst, counted = found.refused[0], sample.book.weight * (sample.outcome == 0.0)
    elif found.warned:
        worst, counted = found.warned[0], np.ones(len(unseen.matrix))
    else:
        return found
    members = _members(divisions(groups, bands, smallest, sample.book.weight > 0.0), worst)
    return replace(
        found,
        cause=_cause(unseen, members, counted, _candidates(spec, related, worst), score, settings.seed),
        fraud=_times_fraud(sample.book, members),
    )


def judged(compared: Sequence[Compared], limit: float) -> Fairness:
    """Return what compared rates say about the groups."""
    return Fairness(limit, findings_of(compared), disparities(compared, limit), unequal_referrals(compared))


def _gravest(some: Iterable[Disparity]) -> list[Disparity]:
    return sorted(some, key=lambda each: (each.p_value, -each.ratio))


def _named(
    contract: Contract, bands: Mapping[str, Bands], unseen: Snapshot, train: Snapshot, smallest: int
) -> tuple[Attributes, Attributes]:
    """Return the groups of both samples; those that may identify persons are numbered alike in both."""
    one, two = (groups_of(contract, claims.columns, bands) for claims in (unseen, train))
    for name in numbered_attributes(contract, bands):
        if name in one:
            one[name], two[name] = numbered((one[name], two[name]), smallest)
    return one, two


def _numbers(bands: Mapping[str, Bands], claims: Snapshot) -> dict[str, Floats]:
    """Return the numbers of the attributes that have an order: those that are numbers or dates."""
    return {name: own.measured(claims.columns[name], claims.event_time) for name, own in bands.items()}


def _members(compared: Iterable[Division], group: Disparity) -> Mask:
    """Return which claims are in a group."""
    return next(
        division.groups.place == place
        for division in compared
        if (division.attribute, division.kind) == (group.attribute, group.kind)
        for name, place in division.in_order
        if name == group.group
    )


def _cause(
    unseen: ScoredSplit,
    members: Mask,
    counted: Floats,
    candidates: Mapping[int, Feature],
    score: Callable[[Matrix], Floats],
    seed: int,
) -> Cause | None:
    """Return the fewest candidates without whose information a group would be referred like all others.

    ``candidates`` are features by their places in the matrix. The values of a feature are shuffled among the
    claims, as many claims are referred as before, and the feature that brings the group closest to all others
    is taken; then the next one with it. None if up to ``_MOST_CAUSES`` features do not bring the group at
    least half of the way.
    """
    step = -(-len(members) // _MOST_SHUFFLED)
    some = slice(None, None, step)
    matrix, own, weight = unseen.matrix[some].copy(), members[some], counted[some]
    referred = unseen.scored.referred[some]
    before = _times(weight, own, referred.astype(np.float64))
    order = np.random.default_rng(seed).permutation(len(matrix))

    def without(place: int) -> float:
        shuffled = matrix.copy()
        shuffled[:, place] = shuffled[order, place]
        highest = np.argsort(-score(shuffled), kind="stable")[: int(referred.sum())]
        again = np.zeros(len(matrix))
        again[highest] = 1.0
        return _times(weight, own, again)

    features: list[Feature] = []
    left = list(candidates)
    while left and len(features) < _MOST_CAUSES:
        ratios = {place: without(place) for place in left}
        best = min(ratios, key=lambda place: (ratios[place], place))
        features.append(candidates[best])
        if ratios[best] <= max(before, 1.0) ** (1.0 - _EXPLAINED):
            return Cause(features, ratios[best])
        matrix[:, best] = matrix[order, best]
        left.remove(best)
    return None


def _candidates(spec: FeatureSpec, related: Sequence[Proxy], group: Disparity) -> dict[int, Feature]:
    """Return the features that are related to an attribute of the group, by their places."""
    named = {
        each.feature
        for each in related
        if each.strength >= _RELATED and each.attribute in attributes_of(group)
    }
    return {place: feature for place, feature in enumerate(spec.features) if feature.name in named}


def attributes_of(group: Disparity) -> tuple[str, ...]:
    """Return the attributes that a group is made from: one, or the two of a crossing."""
    return (group.attribute, *group.attribute.split(" and "))


def _times_fraud(book: Cohort, members: Mask) -> Interval:
    """Return how many times as often as all others the claims of a group are fraud."""
    one, two = (book.part(rows) for rows in (members, ~members))
    if min(one.fraud.sum(), two.fraud.sum()) < FEWEST:
        return NOTHING
    return ratio(*(rate(part, np.ones(len(part.used)), part.fraud).interval for part in (one, two)))


def _times(weight: Floats, members: Mask, part: Floats) -> float:
    """Return how many times as large the share of ``part`` is among members as among all others."""
    inside, outside = (
        float((weight * part)[rows].sum() / max(float(weight[rows].sum()), 1e-9))
        for rows in (members, ~members)
    )
    return inside / outside if outside else float("inf") if inside else 1.0
