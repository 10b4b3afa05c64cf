"""Measure how often a training notices that a protected group is referred more often, and how often in vain.

Claims are drawn as a training judges them: the newest two fifths of a book, of which 5 % are referred, with
an age from 18 to 90, a sex and a region. Their outcomes are known. The groups, bands and tests are those of a
training; a disparity is noticed if it refuses the model or is a warning.
"""

import argparse
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.command import argument_parser, run, say
from benchmarks.results import circumstances, table
from claimwatch.domain.contract.contract import Column, LogicalType, Role
from claimwatch.domain.evaluation.bias import compare
from claimwatch.domain.evaluation.cohort import Cohort
from claimwatch.domain.model.bands import bands_of
from training.fairness import Fairness, judged
from training.settings import Settings
from training.splits import SHARES

SIZES = (3_000, 6_000, 8_000, 12_000, 25_000)
CASES: Mapping[str, tuple[float, tuple[int, int]]] = {
    "none": (1.0, (60, 70)),
    "2 times in one band": (2.0, (60, 70)),
    "3 times from 55 on": (3.0, (55, 91)),
    "20 times in one band": (20.0, (60, 70)),
}
"""How many times as often claims of these ages are referred as all others, honest or not."""

TRAININGS = 50
QUIET_TRAININGS = 150
_AGE = Column("age", LogicalType.INTEGER, Role.PROTECTED)
_SEXES, _OF_SEXES = ("female", "male", "other"), (0.49, 0.5, 0.01)
_REGIONS, _OF_REGIONS = ("a", "b", "c", "d", "e", "f"), (0.3, 0.25, 0.2, 0.15, 0.06, 0.04)
_FRAUD, _CAPACITY = 0.08, 0.05
_RECALL_OVER_FALSE_REFERRALS = 7.5
"""How many times as often frauds are referred as honest claims."""


def training(draw: np.random.Generator, claims: int, times: float, ages: tuple[int, int]) -> Fairness:
    """Return what a training on a book of this size finds."""
    n = round(claims * (1.0 - SHARES[0]))
    age = draw.integers(18, 91, n).astype(np.float64)
    at = np.full(n, np.datetime64("2025-01-01", "us"))
    bands = {"age": bands_of(_AGE, age, at)}
    groups = {
        "age": bands["age"].named(age, at),
        "sex": np.array(_SEXES, object)[draw.choice(len(_SEXES), n, p=_OF_SEXES)],
        "region": np.array(_REGIONS, object)[draw.choice(len(_REGIONS), n, p=_OF_REGIONS)],
    }
    fraud = (draw.random(n) < _FRAUD).astype(np.float64)
    chance = np.where(fraud > 0.5, _RECALL_OVER_FALSE_REFERRALS, 1.0)
    chance *= np.where((age >= ages[0]) & (age < ages[1]), times, 1.0)
    chance = np.minimum(chance * _CAPACITY / chance.mean(), 1.0)
    referred = draw.random(n) < chance
    cohort = Cohort(chance, referred, np.ones(n, bool), fraud, sampling_weight=np.ones(n))
    compared = compare(referred, groups, cohort, groups, Settings.smallest_group, bands=bands)
    return judged(compared, Settings.bias_limit)


def shares(claims: int, case: str, trainings: int, seed: int = 1) -> dict[str, float]:
    """Return the shares of trainings that refuse the model, and that refuse it or warn of it."""
    times, ages = CASES[case]
    found = [
        training(np.random.default_rng([seed, claims, place]), claims, times, ages)
        for place in range(trainings)
    ]
    return {
        "trainings": trainings,
        "refused": round(float(np.mean([bool(each.refused) for each in found])), 4),
        "noticed": round(float(np.mean([bool(each.refused or each.warned) for each in found])), 4),
    }


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Return the shares by case and size."""
    figures: dict[str, Any] = {}
    for case in CASES:
        trainings = round((QUIET_TRAININGS if case == "none" else TRAININGS) * options.part)
        figures[case] = {}
        for claims in SIZES:
            figures[case][str(claims)] = found = shares(claims, case, trainings)
            say(f"{case}, {claims:,} claims: {found}")
    return {
        "false_notices": round(float(np.mean([each["noticed"] for each in figures["none"].values()])), 4),
        "power_12000": figures["2 times in one band"]["12000"]["noticed"],
        "by_case": figures,
        **circumstances("numpy", "scipy"),
    }


def report(figures: dict[str, Any]) -> str:
    """Return the tables."""
    rows = [
        [case, *(f"{found['refused']:.3f} / {found['noticed']:.3f}" for found in by_size.values())]
        for case, by_size in figures["by_case"].items()
    ]
    return table(["refused / noticed", *(f"{size:,} claims" for size in SIZES)], rows)


def main() -> None:
    """Run the benchmark."""
    parser = argument_parser("fairness", __doc__)
    parser.add_argument("--part", type=float, default=1.0, help="part of the trainings to simulate")
    options = parser.parse_args()
    run("fairness", options, measure, report, complete=options.part >= 1.0)


if __name__ == "__main__":
    main()
