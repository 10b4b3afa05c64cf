"""Matured claims as an insurer knows them, and the truth that it does not know."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from claimwatch.domain.evaluation.cohort import Cohort
from claimwatch.domain.evaluation.finding import Finding

type Floats = npt.NDArray[np.float64]
type Mask = npt.NDArray[np.bool_]
type Words = npt.NDArray[np.object_]

THRESHOLD = 0.25

NOBODY = Cohort(np.empty(0), np.empty(0, bool), np.empty(0, bool), np.empty(0))
"""A cohort without claims."""

drawn = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6)), min_size=1, max_size=60)
"""Outcomes and probabilities in sixths, with ties."""

both = drawn.filter(lambda claims: len({fraud for fraud, _ in claims}) == 2)


def all_known(claims: Sequence[tuple[int, int]]) -> Cohort:
    outcome = np.array([float(fraud) for fraud, _ in claims])
    probability = np.array([sixths / 6 for _, sixths in claims])
    return Cohort(probability, probability >= 0.5, np.zeros(len(claims), bool), outcome)


def book(claims: int, seed: int, odds: float = 1.0) -> tuple[Floats, Floats]:
    """Return probabilities and outcomes with a multiple of their odds; by itself about 6 % are frauds."""
    draw = np.random.default_rng(seed)
    risk = 1.0 / (1.0 + np.exp(-draw.normal(-3.6, 1.5, claims)))
    return risk, (draw.random(claims) < odds * risk / (1.0 - risk + odds * risk)).astype(np.float64)


def investigated(
    claims: int = 20_000, seed: int = 1, audit: float = 0.02, referred: bool = True, odds: float = 1.0
) -> tuple[Cohort, Floats]:
    """Return a cohort whose referrals (or not), some suspicious claims and a random audit have outcomes."""
    risk, fraud = book(claims, seed, odds)
    draw = np.random.default_rng(seed + 1_000)
    flagged, audited = risk >= THRESHOLD, draw.random(claims) < audit
    suspicious = draw.random(claims) < np.where(fraud > 0.5, 0.3, 0.02)
    known = audited | (flagged if referred else False) | (suspicious & ~flagged)
    return Cohort(risk, flagged, audited, np.where(known, fraud, np.nan)), fraud


def words(values: Iterable[str | None]) -> Words:
    listed = list(values)
    named = np.empty(len(listed), dtype=np.object_)
    named[:] = listed
    return named


def one(findings: Iterable[Finding], metric: str, feature: str = "", segment: str | None = None) -> Finding:
    """Return the only finding of that metric about that feature and segment."""
    (found,) = (
        each
        for each in findings
        if each.metric == metric and each.feature == feature and (segment is None or each.segment == segment)
    )
    return found


def sound(findings: Sequence[Finding]) -> bool:
    """Return whether no figure is nan, no value is outside of its interval, and no row is duplicated."""
    figures = [figure for each in findings for figure in (each.value, each.low, each.high, each.threshold)]
    keys = [(each.metric, each.feature, each.segment) for each in findings]
    return (
        all(figure is None or np.isfinite(figure) for figure in figures)
        and all(
            each.low - 1e-9 <= each.value <= each.high + 1e-9
            for each in findings
            if each.value is not None and each.low is not None and each.high is not None
        )
        and len(set(keys)) == len(keys)
        and all(each.value is not None or each.verdict == "not enough data" for each in findings)
    )
