"""Drift: distributions of a window's claims compared with those of the training data.

A feature is *flagged* in a window if its change is certain (chi-square test of the two samples, adjusted for
the number of features) and material (PSI minus its expected value without change). A flagged feature is a
watch; it alarms if it was flagged in the window before too, or if the change is gross.
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
from claimwatch.domain.evaluation.intervals import Z, wilson
from claimwatch.domain.evaluation.multiple_testing import q_values
from claimwatch.domain.model.profile import Profile

type Counts = npt.NDArray[np.int64]

ENOUGH = 50
"""Claims of the window and of the reference that a verdict needs."""

CERTAIN = 0.05
"""q-value up to which a change is certain."""

MATERIAL = 0.04
"""PSI beyond chance from which a change is material: a shift of a normal feature by a fifth of its standard
deviation."""

GROSS, GROSS_CERTAIN = 0.25, 0.001
"""PSI beyond chance, and q-value, of a gross change, which alarms at once; 0.25 is commonly called a major
shift."""

CELLS = 10
"""Groups that the bins of a number are merged into; the usual bounds of PSI assume ten."""

_EXPECTED = 5.0
"""Expected claims per cell of the smaller sample that the chi-square distribution needs."""
_GROUP = 10
"""Claims of the smaller sample per group of a number's bins."""


def feature_drift(
    reference: Mapping[str, Profile],
    current: Mapping[str, Profile],
    before: Collection[str],
    unjudged: Collection[str] = (),
) -> list[Finding]:
    """Return the findings of check ``feature_drift``: several metrics per feature, with a verdict on its PSI.

    ``before`` are the features that were ``flagged`` in the window before, compared with the same reference.
    ``unjudged`` features have no verdict: they are parts of the calendar, of which a window shows some values
    only.
    """
    compared = {
        name: None if name in unjudged else _compare(profile, current[name])
        for name, profile in reference.items()
    }
    adjusted = q_values([np.nan if found is None else found.p_value for found in compared.values()])
    return [
        finding
        for (name, found), q_value in zip(compared.items(), adjusted.tolist(), strict=True)
        for finding in _findings(found, reference[name], current[name], name, q_value, name in before)
    ]


def score_drift(reference: Profile, current: Profile, before: bool) -> list[Finding]:
    """Return the findings of check ``score_drift``: a single test, so its q-value is its p-value.

    ``before`` tells whether the score was ``flagged`` in the window before, compared with the same reference.
    """
    found = _compare(reference, current)
    return _findings(found, reference, current, "", found.p_value if found else np.nan, before)


def flagged(findings: Iterable[Finding]) -> set[str]:
    """Return the features that are flagged in a window's findings; the score has an empty name."""
    return {
        finding.feature
        for finding in findings
        if finding.metric == "psi" and finding.verdict in ("watch", "alarm")
    }


def cells(reference: Profile, current: Profile) -> tuple[Counts, Counts]:
    """Return the counts of both samples in cells that are large enough for a test.

    Missing and unseen values are cells too. Merging depends on the pooled counts, never on the sample that a
    claim is in, so the test stays valid. Neighbouring bins of a number are merged into groups of about equal
    size. Then all cells that are too small are pooled, and if the pool is still too small it is added to the
    smallest sufficient cell.
    """
    if reference.categories:
        table = np.array([reference.counts, current.counts], dtype=np.int64)
    else:
        table = _grouped(np.array([reference.ordered, current.ordered], dtype=np.int64))
    absent = [[profile.missing, profile.unseen] for profile in (reference, current)]
    one, two = _pooled(np.concatenate([table, np.array(absent, dtype=np.int64)], axis=1))
    return one, two


@dataclass(frozen=True)
class _Compared:
    """Comparison of two samples in common cells."""

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
        """Half the width of the excess's 95 % interval: PSI / ``scale`` is about non-central chi-square."""
        centre = max(self.excess, 0.0) / self.scale
        return Z * self.scale * float(np.sqrt(2.0 * (self.cells - 1) + 4.0 * centre))


def _compare(reference: Profile, current: Profile) -> _Compared | None:
    """Return None if there is not enough data."""
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
    findings = [
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
        findings += [
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
        findings.append(
            Finding("missing_share", missing.value, rows, feature=name, low=missing.low, high=missing.high)
        )
    return findings


def _grouped(table: Counts) -> Counts:
    """Merge ordered bins into groups of about equal size that are large enough in the smaller sample."""
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
    """Pool the cells that are too small."""
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
