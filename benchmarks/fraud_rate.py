"""How often the weekly check of performance notices that frauds are not as many as predicted.

    python -m benchmarks.fraud_rate [--repeats 300] [--years 60] [--seed 7]

Scores are calibrated, and outcomes are drawn at a multiple of their odds. What an insurer knows of
thirteen weeks of claims is drawn again and again: the outcomes of the referrals and of a random audit of
2 %, or of the audit alone. The weeks of a year overlap: two weeks in a row share twelve of thirteen weeks.
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from claimwatch.domain.evaluation.calibration import observed_to_expected
from claimwatch.domain.evaluation.cohort import Cohort
from claimwatch.domain.evaluation.finding import Verdict
from claimwatch.domain.evaluation.intervals import NOTHING, Interval
from claimwatch.domain.evaluation.performance import frauds_predicted, performance

type Floats = npt.NDArray[np.float64]

REPEATS, YEARS, SEED = 300, 60, 7
WEEKS = 13
"""Weeks of claims in a cohort (``evaluation.checks.inputs.COHORT_WEEKS``)."""

SIZES = (1_000, 5_000)
"""Claims a week."""
MEANS = {"low": -5.0, "usual": -3.6, "high": -1.6}
"""Mean log-odds of a claim, by the fraud rate that they lead to: 2, 6 and 23 %."""
ODDS = (0.25, 0.5, 1.0, 1.2, 2.0)
"""Multiples of the predicted odds that outcomes are drawn at."""

CAPACITY, AUDIT = 0.05, 0.02
ERROR, TESTED = 0.2, 4
"""Spread of a calibration's error, in log-odds, and the weeks of claims in a test split."""
_SPREAD = 1.5


@dataclass(frozen=True)
class Model:
    """A calibrated model: the mean log-odds of claims, its threshold, and its metrics when it was trained."""

    mean: float
    threshold: float
    promised: dict[str, float]


@cache
def model(mean: float, count: int = 200_000) -> Model:
    """Return the model for a book, measured on a large sample whose outcomes are all known."""
    draw = np.random.default_rng(2)
    score = risk(draw, mean, count)
    threshold = float(np.quantile(score, 1.0 - CAPACITY))
    nobody = np.zeros(len(score), dtype=np.bool_)
    found = performance(Cohort(score, score >= threshold, nobody, _fraud(draw, score, 1.0)), CAPACITY, {}, 0)
    return Model(mean, threshold, {f.metric: f.value for f in found if not f.segment and f.value is not None})


def risk(draw: np.random.Generator, mean: float, count: int) -> Floats:
    """Return the calibrated scores of claims."""
    return np.asarray(1.0 / (1.0 + np.exp(-draw.normal(mean, _SPREAD, count))))


def cohort(draw: np.random.Generator, of: Model, score: Floats, odds: float, reviewed: bool = True) -> Cohort:
    """Return what is known of claims whose outcomes are drawn at a multiple of the predicted odds."""
    referred = score >= of.threshold
    audited = draw.random(len(score)) < AUDIT
    known = audited | referred if reviewed else audited
    return Cohort(score, referred, audited, np.where(known, _fraud(draw, score, odds), np.nan))


def verdict(claims: Cohort, tested: Interval = NOTHING) -> Verdict:
    """Return the verdict on observed over predicted frauds."""
    return frauds_predicted(claims, tested).verdict


def power(repeats: int = REPEATS, seed: int = SEED, sizes: Sequence[int] = SIZES) -> list[dict[str, Any]]:
    """Return, by size, fraud rate, basis and odds, the share of independent cohorts with each verdict.

    They are about ``observed_to_expected``; with odds as predicted, ``any_alarm`` is about the whole check.
    """
    rows = []
    for place, (size, name, reviewed, odds) in enumerate(
        (size, name, reviewed, odds)
        for size in sizes
        for name in MEANS
        for reviewed in (True, False)
        for odds in ODDS
    ):
        of = model(MEANS[name])
        seen: Counter[str] = Counter()
        for repeat in range(repeats):
            draw = np.random.default_rng([seed, place, repeat])
            claims = cohort(draw, of, risk(draw, of.mean, size * WEEKS), odds, reviewed)
            seen[verdict(claims)] += 1
            if odds == 1.0:
                found = performance(claims, CAPACITY, of.promised, 0)
                seen["any alarm"] += any(each.verdict == "alarm" for each in found)
        any_alarm = {"any_alarm": seen["any alarm"] / repeats} if odds == 1.0 else {}
        rows.append(
            {
                "claims_a_week": size,
                "fraud_rate": round(of.promised["base_rate"], 3),
                "basis": "referrals and audit" if reviewed else "audit only",
                "odds": odds,
                "alarm": seen["alarm"] / repeats,
                "watch": seen["watch"] / repeats,
                "no_verdict": seen["not enough data"] / repeats,
                **any_alarm,
            }
        )
    return rows


def from_the_beginning(repeats: int = REPEATS, seed: int = SEED, size: int = 5_000) -> dict[str, float]:
    """Return how often a model alarms whose calibration was off from the beginning.

    A calibration is fitted on few frauds, so its log-odds are off by an error with a spread of ``ERROR``.
    The test split, four weeks of claims, shows it. ``unexcused`` is the share of cohorts in alarm without the
    test split, ``alarm`` with it, ``doubled`` the same after the odds have doubled as well.
    """
    of = model(MEANS["usual"], 40_000)
    seen: Counter[str] = Counter()
    for repeat in range(repeats):
        draw = np.random.default_rng([seed, 9_000, repeat])
        odds = float(np.exp(draw.normal(0.0, ERROR)))
        tested = observed_to_expected(cohort(draw, of, risk(draw, of.mean, size * TESTED), odds))
        weeks = [cohort(draw, of, risk(draw, of.mean, size * WEEKS), odds * more) for more in (1.0, 2.0)]
        seen["unexcused"] += verdict(weeks[0]) == "alarm"
        seen["alarm"] += verdict(weeks[0], tested) == "alarm"
        seen["doubled"] += verdict(weeks[1], tested) == "alarm"
    return {name: seen[name] / repeats for name in ("unexcused", "alarm", "doubled")}


def years(count: int = YEARS, seed: int = SEED, size: int = 5_000, weeks: int = 52) -> dict[str, float]:
    """Return what the overlap of weeks means for a line over a year, and after the odds have doubled.

    ``alarm_weeks`` is the share of weeks in alarm of a calibrated model, ``new_alarms`` the alarms a year
    that were not in the week before, each of which is a message. ``weeks_to_alarm`` is the median number of
    weeks of doubled odds after which the alarm comes, ``within_a_quarter`` the share of changes that alarm
    within thirteen weeks.
    """
    of = model(MEANS["usual"], 40_000)
    loud = new = 0
    waits: list[float] = []
    for year in range(count):
        draw = np.random.default_rng([seed, 5_000, year])
        calm = _alarms(draw, of, size, [1.0] * (WEEKS - 1 + weeks))
        loud += sum(calm)
        new += sum(now and not before for before, now in pairwise([False, *calm]))
        risen = _alarms(draw, of, size, [1.0] * (WEEKS - 1) + [2.0] * WEEKS)
        waits.append(risen.index(True) + 1 if True in risen else np.inf)
    return {
        "lines": count,
        "alarm_weeks": loud / (count * weeks),
        "new_alarms": new / count,
        "weeks_to_alarm": float(np.median(waits)),
        "within_a_quarter": float(np.mean(np.isfinite(waits))),
    }


def _alarms(draw: np.random.Generator, of: Model, size: int, odds: Sequence[float]) -> list[bool]:
    """Return for each week with a full cohort whether ``observed_to_expected`` alarms."""
    weeks = [cohort(draw, of, risk(draw, of.mean, size), each) for each in odds]
    return [verdict(_joined(weeks[end - WEEKS : end])) == "alarm" for end in range(WEEKS, len(weeks) + 1)]


def _joined(weeks: Sequence[Cohort]) -> Cohort:
    return Cohort(
        np.concatenate([week.probability for week in weeks]),
        np.concatenate([week.referred for week in weeks]),
        np.concatenate([week.audited for week in weeks]),
        np.concatenate([week.outcome for week in weeks]),
    )


def _fraud(draw: np.random.Generator, score: Floats, odds: float) -> Floats:
    return np.asarray(draw.random(len(score)) < odds * score / (1.0 - score + odds * score), dtype=np.float64)


def figures(repeats: int = REPEATS, count: int = YEARS, seed: int = SEED) -> dict[str, Any]:
    """Return all figures; first, over all settings, the share of calibrated cohorts in alarm."""
    rows = power(repeats, seed)
    return {
        "false_alarms": round(float(np.mean([row["alarm"] for row in rows if row["odds"] == 1.0])), 4),
        "power": rows,
        "overlap": years(count, seed),
        "from_the_beginning": from_the_beginning(repeats, seed),
    }


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description="Alarms for more or fewer frauds than predicted.")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--years", type=int, default=YEARS)
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args()
    print(json.dumps(figures(asked.repeats, asked.years, asked.seed), indent=1))


if __name__ == "__main__":
    main()
