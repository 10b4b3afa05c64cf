"""Drift: whether claims still look like those that the model was trained on.

A feature is *flagged* in a window where a change is certain (a chi-square test of the two samples, its
false discoveries kept down over all features) and material (the PSI less what chance alone makes of it). It
alarms where it was flagged in the window before too, or where the change is gross. Flagged once is a watch.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from claimwatch.domain.evaluation.distance import (
    chi_square,
    jensen_shannon,
    kolmogorov_smirnov,
    psi,
    psi_by_chance,
    wasserstein,
)
from claimwatch.domain.evaluation.finding import Finding, Verdict
from claimwatch.domain.evaluation.intervals import wilson
from claimwatch.domain.evaluation.multiple_testing import q_values
from claimwatch.domain.model.profile import Profile

type Counts = npt.NDArray[np.int64]

ENOUGH = 50
"""Claims of a window, and of the reference, without which nothing is said."""

CERTAIN = 0.05
"""The share of false discoveries among the features of which a change is certain."""

MATERIAL = 0.04
"""PSI beyond chance from which a change matters: a normal feature's shift by a fifth of its spread."""

GROSS, GROSS_CERTAIN = 0.25, 0.001
"""PSI beyond chance, with its q-value, that need not last: 0.25 is what practice calls a major shift."""

CELLS = 10
"""Groups that the bins of a number are merged into, as PSI's usual bounds take for granted."""

_EXPECTED = 5.0
"""Claims that each cell of the smaller sample should expect, for the chi-square distribution to hold."""
_GROUP = 10
"""Claims of the smaller sample for each group of a number's bins."""
_Z = 1.959963984540054
"""The normal distribution's 97.5 % quantile."""


def feature_drift(
    reference: Mapping[str, Profile], current: Mapping[str, Profile], before: Collection[str]
) -> list[Finding]:
    """The findings of check ``feature_drift``: several metrics of each feature, the verdict on its PSI.

    ``before`` are the features that were ``flagged`` in the window before, against the same reference.
    """
    compared = {name: _compare(profile, current[name]) for name, profile in reference.items()}
    discovered = q_values([np.nan if found is None else found.p_value for found in compared.values()])
    return [
        finding
        for (name, found), q_value in zip(compared.items(), discovered.tolist(), strict=True)
        for finding in _findings(found, reference[name], current[name], name, q_value, name in before)
    ]


def score_drift(reference: Profile, current: Profile, before: bool) -> list[Finding]:
    """The findings of check ``score_drift``: one test, so its q-value is its p-value.

    ``before`` says whether the score was ``flagged`` in the window before, against the same reference.
    """
    found = _compare(reference, current)
    return _findings(found, reference, current, "", found.p_value if found else np.nan, before)


def flagged(findings: Iterable[Finding]) -> set[str]:
    """The features that a window's findings flag; the score is the empty name."""
    return {
        finding.feature
        for finding in findings
        if finding.metric == "psi" and finding.verdict in ("watch", "alarm")
    }


def cells(reference: Profile, current: Profile) -> tuple[Counts, Counts]:
    """The counts of both in cells that each hold enough for a test; missing and unseen ones are cells too.

    How cells are merged depends on both counts together, never on which of them a claim is in: so the test
    is no less right for it. A number's bins are merged with their neighbours into groups of about equal size;
    then whatever holds too little, a category or those that are missing, is put together, and where even that
    is too little, with the smallest that holds enough.
    """
    if reference.categories:
        table = np.array([reference.counts, current.counts], dtype=np.int64)
    else:
        table = _grouped(np.array([reference.ordered, current.ordered], dtype=np.int64))
    beside = [[profile.missing, profile.unseen] for profile in (reference, current)]
    one, two = _pooled(np.concatenate([table, np.array(beside, dtype=np.int64)], axis=1))
    return one, two


@dataclass(frozen=True)
class _Compared:
    """Two samples in common cells, of ``reference`` and ``current`` claims."""

    psi: float
    by_chance: float
    jensen_shannon: float
    p_value: float
    cells: int
    scale: float

    @property
    def excess(self) -> float:
        return self.psi - self.by_chance

    @property
    def half_width(self) -> float:
        """Of the 95 % interval of the excess: PSI over ``scale`` is about a non-central chi-square."""
        centre = max(self.excess, 0.0) / self.scale
        return _Z * self.scale * float(np.sqrt(2.0 * (self.cells - 1) + 4.0 * centre))


def _compare(reference: Profile, current: Profile) -> _Compared | None:
    """None where there is too little to compare."""
    if min(reference.rows, current.rows) < ENOUGH:
        return None
    one, two = cells(reference, current)
    return _Compared(
        psi=psi(one, two),
        by_chance=psi_by_chance(len(one), reference.rows, current.rows),
        jensen_shannon=jensen_shannon(one, two),
        p_value=chi_square(one, two).p_value,
        cells=len(one),
        scale=1.0 / reference.rows + 1.0 / current.rows,
    )


def _verdict(found: _Compared, q_value: float, before: bool) -> Verdict:
    if q_value > CERTAIN or found.excess < MATERIAL:
        return "ok"
    gross = q_value <= GROSS_CERTAIN and found.excess >= GROSS
    return "alarm" if before or gross else "watch"


def _findings(
    found: _Compared | None, reference: Profile, current: Profile, name: str, q_value: float, before: bool
) -> list[Finding]:
    rows = current.rows
    if found is None:
        return [Finding("psi", None, rows, "not enough data", name)]
    told = [
        Finding(
            "psi",
            found.psi,
            rows,
            _verdict(found, q_value, before),
            name,
            threshold=MATERIAL + found.by_chance,
        ),
        Finding(
            "excess_psi",
            found.excess,
            rows,
            feature=name,
            low=max(found.excess - found.half_width, 0.0),
            high=max(found.excess + found.half_width, 0.0),
        ),
        Finding("jensen_shannon", found.jensen_shannon, rows, feature=name),
        Finding("p_value", found.p_value, rows, feature=name),
        Finding("q_value", q_value, rows, feature=name),
    ]
    if not reference.categories and reference.present and current.present:
        told += [
            Finding("wasserstein", wasserstein(reference, current), current.present, feature=name),
            Finding(
                "ks",
                kolmogorov_smirnov(reference.ordered, current.ordered),
                current.present,
                feature=name,
            ),
        ]
    if name:
        missing = wilson(current.missing, rows)
        told.append(
            Finding("missing_share", missing.value, rows, feature=name, low=missing.low, high=missing.high)
        )
    return told


def _grouped(table: Counts) -> Counts:
    """Ordered bins in groups of about as many claims, none with too few in the smaller sample."""
    both = table.sum(axis=0)
    total = int(both.sum())
    if not total:
        return table[:, :1]
    groups = int(np.clip(table.sum(axis=1).min() // _GROUP, 1, CELLS))
    middle = both.cumsum() - both / 2.0
    group = np.minimum((middle * groups / total).astype(np.int64), groups - 1)
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    return np.add.reduceat(table, starts, axis=1)


def _pooled(table: Counts) -> Counts:
    """Cells with those put together that hold too little."""
    both = table.sum(axis=0)
    expected = both * (table.sum(axis=1).min() / both.sum())
    few = expected < _EXPECTED
    kept, rest = table[:, ~few], table[:, few].sum(axis=1)
    if not rest.any():
        return kept
    if not kept.size or expected[few].sum() >= _EXPECTED:
        return np.column_stack([kept, rest])
    kept[:, int(np.argmin(expected[~few]))] += rest
    return kept
