"""Whether 95 % intervals hold the truth 95 times in a hundred, and checks of what is equal stay quiet.

    python -m benchmarks.coverage [--repeats 400] [--seed 7]

An invented book, of which everything is known: frauds, a score that is near the truth, two groups of people.
What an insurer would know of it is drawn again and again: all that was referred (or of it only what somebody
was suspicious of), suspicious others, a random audit of 2 %. The checks see only that; their intervals are
held against the book's own figures.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from claimwatch.domain.evaluation.bias import bias
from claimwatch.domain.evaluation.bivariate import bivariate
from claimwatch.domain.evaluation.challenger import challenger
from claimwatch.domain.evaluation.cohort import Cohort
from claimwatch.domain.evaluation.error_slices import errors
from claimwatch.domain.evaluation.finding import Finding
from claimwatch.domain.evaluation.performance import performance
from claimwatch.domain.model import ranking_metrics

type Floats = npt.NDArray[np.float64]

REPEATS = 400
SEED = 7

CAPACITY = 0.05
AUDIT = 0.02
SIZES = (20_000, 60_000)
"""Matured claims: about a month, and a quarter, of 5,000 a week."""

GROUPS = ("younger", "older")
_YOUNGER = 0.3

COVERED = (
    "recall_at_capacity",
    "precision_at_capacity",
    "hit_rate",
    "base_rate",
    "lift_top_decile",
    "roc_auc",
    "pr_auc",
    "brier",
    "selection_rate",
    "recall",
    "false_positive_rate",
)


@dataclass(frozen=True)
class Claims:
    """Claims with all that there is to know about them."""

    risk: Floats
    fraud: Floats
    score: Floats
    group: npt.NDArray[np.object_]

    @classmethod
    def drawn(cls, draw: np.random.Generator, count: int) -> "Claims":
        """About 7 % are frauds; the score ranks them with a ROC-AUC of 0.82."""
        younger = draw.random(count) < _YOUNGER
        score, risk = _made_of(draw.normal(size=count), draw.normal(size=count), younger)
        group = np.array(GROUPS, dtype=np.object_)[np.where(younger, 0, 1)]
        return cls(risk, (draw.random(count) < risk).astype(np.float64), score, group)

    def seen(self, draw: np.random.Generator, threshold: float, referrals_looked_at: bool) -> Cohort:
        """What an insurer knows of them."""
        referred = self.score >= threshold
        audited = draw.random(len(self.risk)) < AUDIT
        suspicious = draw.random(len(self.risk)) < np.where(self.fraud > 0.5, 0.3, 0.04)
        known = audited | suspicious | (referred if referrals_looked_at else False)
        return Cohort(self.score, referred, audited, np.where(known, self.fraud, np.nan))


def _made_of(normal: Floats, noise: Floats, younger: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Score and risk."""
    logit = 1.5 * normal - 3.6 + 0.4 * np.asarray(younger)
    return _chance(0.9 * logit + 0.3 * noise - 0.2), _chance(logit)


def _chance(logit: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-logit)))


@cache
def model_threshold() -> float:
    """Of the model: it was set on other claims, as in life."""
    return ranking_metrics.capacity_threshold(Claims.drawn(np.random.default_rng(2), 200_000).score, CAPACITY)


@cache
def truth() -> Mapping[tuple[str, str], float]:
    """The book's own figures by metric and group, summed over all that a claim can be."""
    younger, normal, noise = (
        axis.ravel() for axis in np.meshgrid([0.0, 1.0], _quantiles(2_000), _quantiles(200), indexing="ij")
    )
    score, risk = _made_of(normal, noise, younger)
    share = np.where(younger > 0.5, _YOUNGER, 1.0 - _YOUNGER)
    referred = (score >= model_threshold()).astype(np.float64)
    # Each counts as the fraud that it may be and as the honest claim.
    given = (np.repeat([1.0, 0.0], len(score)), np.tile(score, 2))
    weight = np.concatenate([share * risk, share * (1.0 - risk)])
    found = {
        ("recall_at_capacity", ""): ranking_metrics.recall_at_capacity(*given, CAPACITY, weight),
        ("precision_at_capacity", ""): ranking_metrics.precision_at_capacity(*given, CAPACITY, weight),
        ("hit_rate", ""): float(np.average(risk, weights=share * referred)),
        ("base_rate", ""): float(np.average(risk, weights=share)),
        ("lift_top_decile", ""): ranking_metrics.top_decile_lift(*given, weight),
        ("roc_auc", ""): ranking_metrics.roc_auc(*given, weight),
        ("pr_auc", ""): ranking_metrics.average_precision(*given, weight),
        ("brier", ""): ranking_metrics.brier(*given, weight),
    }
    for name, own in (("younger", younger > 0.5), ("older", younger < 0.5)):
        found["selection_rate", name] = float(referred[own].mean())
        found["recall", name] = float(np.average(referred[own], weights=risk[own]))
        found["false_positive_rate", name] = float(np.average(referred[own], weights=1.0 - risk[own]))
    return found


def _quantiles(count: int) -> Floats:
    """Standard normal numbers, as evenly spread as so many can be."""
    return np.asarray(ndtri((np.arange(count) + 0.5) / count))


def intervals(claims: Claims, cohort: Cohort) -> Iterator[Finding]:
    """What the checks say of these claims that the truth is known of."""
    groups = {"age": claims.group}
    for finding in (
        *performance(cohort, CAPACITY, {}, 0),
        *bias(cohort.referred, groups, cohort, groups),
    ):
        if (finding.metric, finding.segment) in truth() and finding.low is not None:
            yield finding


def coverage(repeats: int = REPEATS, seed: int = SEED) -> dict[str, Any]:
    """The share of intervals that hold the truth: by metric, by what was known, and of all."""
    held: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for place, (size, looked_at) in enumerate((size, way) for size in SIZES for way in (True, False)):
        for repeat in range(repeats):
            draw = np.random.default_rng([seed, place, repeat])
            claims = Claims.drawn(draw, size)
            cohort = claims.seen(draw, model_threshold(), looked_at)
            for finding in intervals(claims, cohort):
                true = truth()[finding.metric, finding.segment]
                assert finding.low is not None
                assert finding.high is not None
                held[finding.metric, f"{cohort.basis}, {size} claims"].append(
                    finding.low <= true <= finding.high
                )
    ways = sorted({way for _, way in held})
    return {
        "interval_coverage": _share([hit for hits in held.values() for hit in hits]),
        "by_metric": {
            metric: _share([hit for (name, _), hits in held.items() if name == metric for hit in hits])
            for metric in COVERED
        },
        "by_basis": {way: {metric: _share(held[metric, way]) for metric in COVERED} for way in ways},
        "weeks": len(SIZES) * 2 * repeats,
    }


def peeking(runs: int = 200, weeks: int = 26, seed: int = SEED) -> dict[str, float]:
    """How often a challenger no better than the champion is called better or worse within half a year.

    Both see the truth through noise of the same size. Every week brings 5,000 claims, and is looked at.
    """
    wrong = 0
    for run in range(runs):
        draw = np.random.default_rng([seed, 1_000, run])
        claims = Claims.drawn(draw, weeks * 5_000)
        logit = np.log(claims.risk / (1.0 - claims.risk))
        ours, theirs = (_chance(logit + draw.normal(0.0, 1.0, len(logit))) for _ in range(2))
        cohort = Claims(claims.risk, claims.fraud, ours, claims.group).seen(draw, 0.25, True)
        wrong += any(
            _decided(
                challenger(
                    Cohort(ours[:end], cohort.referred[:end], cohort.audited[:end], cohort.outcome[:end]),
                    theirs[:end],
                    CAPACITY,
                )
            )
            for end in range(10_000, weeks * 5_000 + 1, 10_000)
        )
    return {"runs": runs, "called_better_or_worse": wrong / runs}


def _decided(findings: list[Finding]) -> bool:
    return any(
        finding.metric.startswith("evidence_")
        and finding.value is not None
        and finding.threshold is not None
        and finding.value >= finding.threshold
        for finding in findings
    )


def false_alarms(weeks: int = 400, seed: int = SEED) -> dict[str, float]:
    """Weeks in which a check alarms though groups are treated alike and the model keeps its promise.

    12,000 matured claims; two attributes with their crossings, two features with slices, ten features of
    which none goes with the outcome.
    """
    loud: dict[str, int] = defaultdict(int)
    watched: dict[str, int] = defaultdict(int)
    promised = {name: truth()[name, ""] for name in ("roc_auc", "pr_auc", "lift_top_decile", "brier")}
    promised["recall_at_capacity"] = truth()["recall_at_capacity", ""]
    past: list[dict[str, float]] = []
    for week in range(weeks):
        draw = np.random.default_rng([seed, 2_000, week])
        claims = Claims.drawn(draw, 12_000)
        cohort = claims.seen(draw, model_threshold(), week % 2 == 0)
        groups = {
            "sex": _dealt(draw, ("female", "male"), 12_000),
            "region": _dealt(draw, ("north", "east", "south", "west", "abroad"), 12_000),
        }
        matrix = draw.normal(size=(12_000, 10)).astype(np.float32)
        names = [f"feature {place}" for place in range(10)]
        related = bivariate(matrix, names, ["number"] * 10, cohort, past[-4:])
        past.append(
            {each.feature: each.value for each in related if each.metric == "correlation" and each.value}
        )
        for check, findings in {
            "performance": performance(cohort, CAPACITY, promised, 0),
            "bias": bias(cohort.referred, groups, cohort, groups),
            "errors": errors(cohort, groups),
            "bivariate": related,
        }.items():
            loud[check] += any(each.verdict == "alarm" for each in findings)
            watched[check] += any(each.verdict == "watch" for each in findings)
    return {
        **{f"{check}_alarm": loud[check] / weeks for check in sorted(loud)},
        **{f"{check}_watch": watched[check] / weeks for check in sorted(watched)},
    }


def _dealt(draw: np.random.Generator, names: tuple[str, ...], count: int) -> npt.NDArray[np.object_]:
    return np.array(names, dtype=np.object_)[draw.integers(0, len(names), count)]


def _share(hits: list[bool]) -> float:
    return round(sum(hits) / len(hits), 4) if hits else float("nan")


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description="How honest intervals and verdicts are, in simulation.")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args()
    figures = {
        **coverage(asked.repeats, asked.seed),
        "peeking": peeking(max(asked.repeats // 4, 1), seed=asked.seed),
        "false_alarms": false_alarms(asked.repeats, asked.seed),
    }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
