"""How often drift alarms where there is none, and how often it is found where there is."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.drift_book import MOVABLE, Book, Profiles
from claimwatch.domain.evaluation.drift import feature_drift, flagged, score_drift
from claimwatch.domain.evaluation.finding import Finding
from claimwatch.domain.profile import Profile

WEEKS, BOOKS, REFERENCE = 2_000, 40, 20_000
SIZES = (100, 1_000, 10_000, 100_000)
SHIFTS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
MOVED = 3


@dataclass
class Watch:
    """A line that is checked week after week: what a week flags is remembered for the next."""

    reference: Profiles
    score: Profile
    before: frozenset[str] = frozenset()

    def check(self, features: Profiles, score: Profile) -> tuple[list[Finding], list[Finding]]:
        """The findings about the features and about the score."""
        of_features = feature_drift(self.reference, features, self.before)
        of_score = score_drift(self.score, score, "" in self.before)
        self.before = frozenset(flagged(of_features) | flagged(of_score))
        return of_features, of_score


def loud(findings: list[Finding], verdict: str) -> set[str]:
    """The features that have this verdict."""
    return {finding.feature for finding in findings if finding.verdict == verdict}


def false_alarms(
    claims: int, weeks: int = WEEKS, reference: int = REFERENCE, seed: int = 1
) -> dict[str, float]:
    """Shares of weeks without drift that alarm, or have something to watch.

    ``BOOKS`` references of their own, and after each of them its share of the weeks, one after the other. The
    week before the first is drawn too and does not count, so that the first has as much before it as others.
    """
    rng = np.random.default_rng([seed, claims, reference])
    seen = [found for _ in range(BOOKS) for found in _quiet(rng, claims, weeks // BOOKS, reference)]
    return {
        "weeks": len(seen),
        "alarm": round(float(np.mean([bool(alarms) for alarms, _ in seen])), 5),
        "watch": round(float(np.mean([bool(watches) for _, watches in seen])), 5),
    }


def _quiet(
    rng: np.random.Generator, claims: int, weeks: int, reference: int
) -> Iterator[tuple[set[str], set[str]]]:
    book = Book.drawn(rng, reference)
    watch = Watch(book.reference, book.score)
    for number in range(weeks + 1):
        both = [finding for found in watch.check(*book.week(rng, claims)) for finding in found]
        if number:
            yield loud(both, "alarm"), loud(both, "watch")


def power(
    claims: int, deviations: float, runs: int = 200, reference: int = REFERENCE, seed: int = 1
) -> dict[str, float]:
    """Shares of runs in which features that have shifted alarm, within two weeks after one without drift.

    ``MOVED`` features with numbers, other ones in each run, are shifted by so many standard deviations.
    ``any`` is at least one of them, ``all`` is each of them.
    """
    rng = np.random.default_rng([seed, claims, reference, round(1000 * deviations)])
    found = []
    for run in range(runs):
        if run % math.ceil(runs / BOOKS) == 0:
            book = Book.drawn(rng, reference)
        moved = set(rng.choice(MOVABLE, MOVED, replace=False).tolist())
        shifted = book.shifted(moved, deviations)
        watch = Watch(book.reference, book.score)
        watch.check(*book.week(rng, claims))
        alarmed = set()
        for _ in range(2):
            alarmed |= loud(watch.check(*shifted.week(rng, claims))[0], "alarm")
        found.append(len(moved & alarmed))
    return {
        "any": round(float(np.mean([number > 0 for number in found])), 4),
        "all": round(float(np.mean([number == MOVED for number in found])), 4),
    }


def honesty(weeks: int = WEEKS, runs: int = 200) -> dict[str, Any]:
    """Everything, for the report."""
    quiet = {str(claims): false_alarms(claims, weeks) for claims in SIZES}
    curve = {
        str(claims): {str(shift): power(claims, shift, runs) for shift in SHIFTS} for claims in (1_000, 5_000)
    }
    return {"false_alarms": quiet, "power": curve}
