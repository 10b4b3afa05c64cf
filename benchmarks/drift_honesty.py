"""Rates of false drift alarms, and the power to detect real drift."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from benchmarks.drift_book import FEATURES, MOVABLE, SCORE, Book, Profiles
from claimwatch.domain.evaluation.drift import feature_drift, flagged, score_drift
from claimwatch.domain.evaluation.finding import Finding
from claimwatch.domain.evaluation.quality import Intake, data_quality
from claimwatch.domain.model.profile import Profile

WEEKS, BOOKS, REFERENCE = 2_000, 40, 20_000
SIZES = (100, 1_000, 10_000, 100_000)
SHIFTS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
MOVED = 3
RUNS = 200


@dataclass
class Watch:
    """A line that is checked every week and remembers the features that the last week flagged."""

    reference: Profiles
    score: Profile
    before: frozenset[str] = frozenset()

    def check(self, features: Profiles, score: Profile) -> tuple[list[Finding], list[Finding]]:
        """Return the findings of the features and of the score."""
        of_features = feature_drift(self.reference, features, self.before)
        of_score = score_drift(self.score, score, "" in self.before)
        self.before = frozenset(flagged(of_features) | flagged(of_score))
        return of_features, of_score


def with_verdict(findings: list[Finding], verdict: str) -> set[str]:
    """Return the features that have this verdict."""
    return {finding.feature for finding in findings if finding.verdict == verdict}


def false_alarms(
    claims: int, weeks: int = WEEKS, reference: int = REFERENCE, seed: int = 1
) -> dict[str, float]:
    """Return the shares of weeks without drift that have an alarm or a watch.

    Each of ``BOOKS`` independent references is followed by its share of consecutive weeks. An extra week
    before them is not counted, so that the first counted week has a predecessor like the others.
    """
    rng = np.random.default_rng([seed, claims, reference])
    books = min(BOOKS, weeks)
    seen = [found for _ in range(books) for found in _quiet(rng, claims, weeks // books, reference)]
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
            yield with_verdict(both, "alarm"), with_verdict(both, "watch")


def power(
    claims: int, deviations: float, runs: int = RUNS, reference: int = REFERENCE, seed: int = 1
) -> dict[str, float]:
    """Return the shares of runs in which shifted features alarm within two weeks after one without drift.

    In each run, ``MOVED`` random numeric features are shifted by this many standard deviations. ``any``
    counts runs in which at least one of them alarms, ``all`` runs in which all of them do.
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
            alarmed |= with_verdict(watch.check(*shifted.week(rng, claims))[0], "alarm")
        found.append(len(moved & alarmed))
    return {
        "any": round(float(np.mean([number > 0 for number in found])), 4),
        "all": round(float(np.mean([number == MOVED for number in found])), 4),
    }


def correlated(
    claims: int, weeks: int = WEEKS, reference: int = REFERENCE, seed: int = 3
) -> dict[str, float]:
    """Return the shares as ``false_alarms`` does, for binned rows of correlated features.

    The normal scores of any two features have a correlation of 0.5. ``quality`` is the share of weeks in
    which the data quality check of the same features alarms.
    """
    rng = np.random.default_rng([seed, claims, reference])
    seen: list[tuple[bool, bool, bool]] = []
    books = min(BOOKS, weeks)
    for _ in range(books):
        profiles = _correlated(rng, reference)
        watch = Watch(profiles, SCORE.reference(rng.random(reference)))
        for number in range(weeks // books + 1):
            week = _correlated(rng, claims, profiles)
            both = watch.check(week, SCORE.profile(SCORE.values(rng.random(claims)), watch.score))
            found = [finding for findings in both for finding in findings]
            quality = data_quality(profiles, week, Intake(1, claims, 0, claims=claims))
            if number:
                seen.append(
                    (
                        bool(with_verdict(found, "alarm")),
                        bool(with_verdict(found, "watch")),
                        bool(with_verdict(quality, "alarm")),
                    )
                )
    alarm, watched, quality_alarm = (round(float(np.mean(column)), 5) for column in zip(*seen, strict=True))
    return {"weeks": len(seen), "alarm": alarm, "watch": watched, "quality": quality_alarm}


def _correlated(rng: np.random.Generator, claims: int, reference: Profiles | None = None) -> Profiles:
    common = rng.normal(size=claims)
    return {
        feature.name: feature.profile(
            feature.values(ndtr((common + rng.normal(size=claims)) / np.sqrt(2.0))),
            reference[feature.name] if reference else None,
        )
        for feature in FEATURES
    }


def honesty(say: Callable[[str], None], weeks: int = WEEKS, runs: int = RUNS) -> dict[str, Any]:
    """Return false alarm rates for every size and for harder cases, and the power curve."""
    quiet = {str(claims): false_alarms(claims, weeks) for claims in SIZES}
    for claims, found in quiet.items():
        say(f"{claims:>7} claims  {found['alarm']:.2%} of {found['weeks']:,} weeks without drift alarm")
    curve = {
        str(claims): {str(shift): power(claims, shift, runs) for shift in SHIFTS} for claims in (1_000, 5_000)
    }
    say(f"power at 5,000 claims and a shift of 0.3: {curve['5000']['0.3']}")
    return {
        "weeks": quiet,
        "small_reference": false_alarms(1_000, weeks, 2_000),
        "correlated_features": correlated(1_000, weeks),
        "power": curve,
    }
