"""Whether 95 % intervals hold the truth 95 times in a hundred, and checks of equal groups stay quiet.

    python -m benchmarks.coverage [--repeats 400] [--seed 7] [--only weeks|training]

The book is simulated, so everything about it is known: frauds, two scores that are near the truth, two
groups of people. What an insurer would know of it is drawn again and again. For the weekly checks: the
outcomes of all referrals (or only of suspicious ones), of other suspicious claims, and of a random audit of
2 %. For the gates of a training: the outcomes of claims that were suspicious by their own features, and of
the audit. The checks and the gates see only these; their intervals are compared with the book's own figures.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
from claimwatch.domain.evaluation.ranking import (
    Influence,
    estimate,
    pr_auc_influence,
    roc_auc_influence,
    value_influence,
)
from claimwatch.domain.model import ranking_metrics
from training.sampling import sample_weights

type Floats = npt.NDArray[np.float64]

REPEATS = 400
SEED = 7

CAPACITY = 0.05
AUDIT = 0.02
SIZES = (20_000, 60_000)
"""Matured claims: about a month, and a quarter, of 5,000 a week. A training tests on the last fifth."""

COST, MEAN_GAIN = 100.0, 4_000.0
"""Of a review, and of a fraud that is found; gains are log-normal with a spread of 1."""

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
    "brier_skill",
    "observed_to_expected",
    "selection_rate",
    "recall",
    "false_positive_rate",
    "selection_rate_ratio",
    "recall_ratio",
    "false_positive_rate_ratio",
)
DIFFERENCES = ("value_at_capacity", "value_difference", "roc_auc_difference", "pr_auc_difference")
"""What only a training measures: value, and one model against another on the same claims."""


@dataclass(frozen=True)
class Claims:
    """Claims with everything about them; ``rival`` is the score of a weaker model."""

    features: npt.NDArray[np.float32]
    risk: Floats
    fraud: Floats
    score: Floats
    rival: Floats
    gain: Floats
    group: npt.NDArray[np.object_]

    @classmethod
    def drawn(cls, draw: np.random.Generator, count: int) -> "Claims":
        """About 7 % are frauds; the score ranks them with a ROC-AUC of 0.82."""
        younger = draw.random(count) < _YOUNGER
        normal, noise = draw.normal(size=count), draw.normal(size=count)
        score, risk = _made_of(normal, noise, younger)
        group = np.array(GROUPS, dtype=np.object_)[np.where(younger, 0, 1)]
        fraud = (draw.random(count) < risk).astype(np.float64)
        other = draw.normal(size=count)
        rival, _ = _made_of(normal, other, younger, _RIVAL_NOISE)
        gain = MEAN_GAIN * np.exp(draw.normal(size=count) - 0.5)
        features = np.stack([normal, noise, younger, other], axis=1).astype(np.float32)
        return cls(features, risk, fraud, score, rival, gain, group)

    def seen(self, draw: np.random.Generator, threshold: float, referrals_looked_at: bool) -> Cohort:
        """Return what an insurer knows of them in a week."""
        referred = self.score >= threshold
        audited = draw.random(len(self.risk)) < AUDIT
        suspicious = draw.random(len(self.risk)) < np.where(self.fraud > 0.5, 0.3, 0.04)
        known = audited | suspicious | (referred if referrals_looked_at else False)
        return Cohort(self.score, referred, audited, np.where(known, self.fraud, np.nan))

    def for_training(self, draw: np.random.Generator, threshold: float) -> tuple[Cohort, slice]:
        """Return what a training knows of the latest fifth, and where it is.

        Claims were investigated for their features, and not for outcomes that nobody knew yet; the chances
        are estimated over all claims, as in a training.
        """
        audited = draw.random(len(self.risk)) < AUDIT
        known = audited | (draw.random(len(self.risk)) < np.clip(2.0 * self.risk, 0.0, 0.8))
        weight = sample_weights(self.features, known, audited).weight
        test = slice(len(self.risk) * 4 // 5, None)
        outcome = np.where(known, self.fraud, np.nan)
        score = self.score[test]
        return Cohort(
            score, score >= threshold, audited[test], outcome[test], sampling_weight=weight[test]
        ), test


_NOISE, _RIVAL_NOISE = 0.3, 0.6
"""Spread of the score's and of the rival's error, in log-odds."""


def _made_of(
    normal: Floats, noise: Floats, younger: npt.ArrayLike, spread: float = _NOISE
) -> tuple[Floats, Floats]:
    """Return score and risk."""
    logit = 1.5 * normal - 3.6 + 0.4 * np.asarray(younger)
    return _chance(0.9 * logit + spread * noise - 0.2), _chance(logit)


def _chance(logit: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-logit)))


@cache
def model_threshold() -> float:
    """Return the model's threshold, which was set on other claims, as in practice."""
    return ranking_metrics.capacity_threshold(Claims.drawn(np.random.default_rng(2), 200_000).score, CAPACITY)


@cache
def truth() -> Mapping[tuple[str, str], float]:
    """Return the book's own figures by metric and group, summed over everything that a claim can be."""
    younger, normal, noise = (
        axis.ravel() for axis in np.meshgrid([0.0, 1.0], _quantiles(2_000), _quantiles(200), indexing="ij")
    )
    score, risk = _made_of(normal, noise, younger)
    share = np.where(younger > 0.5, _YOUNGER, 1.0 - _YOUNGER)
    referred = (score >= model_threshold()).astype(np.float64)
    rival, _ = _made_of(normal, noise, younger, _RIVAL_NOISE)
    # Each counts as the fraud that it may be and as the honest claim.
    given = (np.repeat([1.0, 0.0], len(score)), np.tile(score, 2))
    others = (given[0], np.tile(rival, 2))
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
    frauds = found["base_rate", ""]
    found["brier_skill", ""] = 1.0 - found["brier", ""] / (frauds * (1.0 - frauds))
    found["observed_to_expected", ""] = frauds / float(np.average(score, weights=share))
    for name, own in (("younger", younger > 0.5), ("older", younger < 0.5)):
        found["selection_rate", name] = float(referred[own].mean())
        found["recall", name] = float(np.average(referred[own], weights=risk[own]))
        found["false_positive_rate", name] = float(np.average(referred[own], weights=1.0 - risk[own]))
    for rate in ("selection_rate", "recall", "false_positive_rate"):
        for name, others_name in (GROUPS, GROUPS[::-1]):
            found[f"{rate}_ratio", name] = found[rate, name] / found[rate, others_name]
    value, theirs = (
        1_000.0
        * (MEAN_GAIN * ranking_metrics.frauds_found(*each, CAPACITY, weight) / weight.sum() - COST * CAPACITY)
        for each in (given, others)
    )
    found["value_at_capacity", ""] = float(value)
    found["value_difference", ""] = float(value - theirs)
    found["roc_auc_difference", ""] = found["roc_auc", ""] - ranking_metrics.roc_auc(*others, weight)
    found["pr_auc_difference", ""] = found["pr_auc", ""] - ranking_metrics.average_precision(*others, weight)
    return found


def _quantiles(count: int) -> Floats:
    """Return ``count`` evenly spread quantiles of the standard normal distribution."""
    return np.asarray(ndtri((np.arange(count) + 0.5) / count))


type Held = dict[tuple[str, str], list[bool]]
"""Whether each interval held the truth, by metric and by what was known."""


def intervals(group: npt.NDArray[np.object_], cohort: Cohort) -> Iterator[Finding]:
    """Return the checks' findings about these claims for which the truth is known."""
    groups = {"age": group}
    for finding in (
        *performance(cohort, CAPACITY, {}, 0),
        *bias(cohort.referred, groups, cohort, groups),
    ):
        if (finding.metric, finding.segment) in truth() and finding.low is not None:
            yield finding


def coverage(repeats: int = REPEATS, seed: int = SEED) -> dict[str, Any]:
    """Return the share of the weekly checks' intervals that hold the truth: by metric, by basis, of all."""
    held: Held = defaultdict(list)
    for place, (size, looked_at) in enumerate((size, way) for size in SIZES for way in (True, False)):
        for repeat in range(repeats):
            draw = np.random.default_rng([seed, place, repeat])
            claims = Claims.drawn(draw, size)
            cohort = claims.seen(draw, model_threshold(), looked_at)
            _hold(held, f"{cohort.basis}, {size} claims", intervals(claims.group, cohort))
    return {**_shares(held, COVERED), "weeks": len(SIZES) * 2 * repeats}


def training_coverage(repeats: int = REPEATS, seed: int = SEED) -> dict[str, Any]:
    """Return the same for the intervals that a training's gates and its choice of a family use."""
    held: Held = defaultdict(list)
    for place, size in enumerate(SIZES):
        for repeat in range(repeats):
            draw = np.random.default_rng([seed, 3_000 + place, repeat])
            claims = Claims.drawn(draw, size)
            cohort, test = claims.for_training(draw, model_threshold())
            way = f"{cohort.basis}, {len(cohort.outcome)} claims"
            _hold(held, way, intervals(claims.group[test], cohort))
            _hold(held, way, _compared(cohort, claims.rival[test], claims.gain[test]))
    return {**_shares(held, (*COVERED, *DIFFERENCES)), "trainings": len(SIZES) * repeats}


def _compared(cohort: Cohort, rival: Floats, gain: Floats) -> Iterator[Finding]:
    """Return the value of the model, and how it differs from the rival on the same claims."""
    theirs = replace(cohort, probability=rival)

    def value(scored: Cohort) -> Influence | None:
        return value_influence(scored, gain, CAPACITY, COST)

    for metric, one, two in (
        ("value_at_capacity", value(cohort), None),
        ("value_difference", value(cohort), value(theirs)),
        ("roc_auc_difference", roc_auc_influence(cohort), roc_auc_influence(theirs)),
        ("pr_auc_difference", pr_auc_influence(cohort), pr_auc_influence(theirs)),
    ):
        if one is not None:
            found = estimate(cohort, one if two is None else one - two).interval
            yield Finding(metric, found.value, len(cohort.used), low=found.low, high=found.high)


def _hold(held: Held, way: str, findings: Iterable[Finding]) -> None:
    for finding in findings:
        true = truth()[finding.metric, finding.segment]
        held[finding.metric, way].append(
            (finding.low is None or finding.low <= true) and (finding.high is None or true <= finding.high)
        )


def _shares(held: Held, metrics: Sequence[str]) -> dict[str, Any]:
    ways = sorted({way for _, way in held})
    return {
        "interval_coverage": _share([hit for hits in held.values() for hit in hits]),
        "by_metric": {
            metric: _share([hit for (name, _), hits in held.items() if name == metric for hit in hits])
            for metric in metrics
        },
        "by_basis": {way: {metric: _share(held[metric, way]) for metric in metrics} for way in ways},
    }


def peeking(runs: int = 200, weeks: int = 26, seed: int = SEED) -> dict[str, float]:
    """Return how often a challenger that is no better is called better or worse within half a year.

    Both models see the truth through noise of the same size. Every week brings 5,000 claims and is checked.
    """
    wrong = 0
    for run in range(runs):
        draw = np.random.default_rng([seed, 1_000, run])
        claims = Claims.drawn(draw, weeks * 5_000)
        logit = np.log(claims.risk / (1.0 - claims.risk))
        ours, theirs = (_chance(logit + draw.normal(0.0, 1.0, len(logit))) for _ in range(2))
        cohort = replace(claims, score=ours).seen(draw, 0.25, True)
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
    """Return the share of weeks in which a check alarms although nothing is wrong.

    Groups are treated alike and the model keeps its promise. 12,000 matured claims; two attributes with their
    crossings, two features with slices, ten features that are unrelated to the outcome.
    """
    loud: dict[str, int] = defaultdict(int)
    watched: dict[str, int] = defaultdict(int)
    judged = ("roc_auc", "pr_auc", "lift_top_decile", "recall_at_capacity", "brier_skill", "base_rate")
    promised = {name: truth()[name, ""] for name in judged}
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
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description="Coverage of intervals and false alarms, in simulation.")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", choices=("weeks", "training"), help="one half of the benchmark")
    asked = parser.parse_args()
    figures: dict[str, Any] = {}
    if asked.only != "training":
        figures = {
            **coverage(asked.repeats, asked.seed),
            "peeking": peeking(max(asked.repeats // 4, 1), seed=asked.seed),
            "false_alarms": false_alarms(asked.repeats, asked.seed),
        }
    if asked.only != "weeks":
        figures["training"] = training_coverage(asked.repeats, asked.seed)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
