"""How often the use gate passes models that rank at random, and models that rank weakly.

    python -m benchmarks.use_gate [--draws 1500]

Scores of honest claims and of frauds are normal, so the true ROC-AUC is known. For comparison, the gate is
also tried with the demand that the lift of the top decile is above 1 beyond chance.
"""

import argparse
from collections.abc import Iterator

import numpy as np
from scipy.special import ndtri

from benchmarks.command import Figures, argument_parser, run
from benchmarks.results import circumstances, table
from claimwatch.domain.evaluation.cohort import Cohort
from claimwatch.domain.evaluation.ranking import lift_by_decile
from training import gates
from training.diagnose import area_of

DRAWS = 1_500
SIZES = ((100, 10), (200, 20), (300, 30), (500, 50), (1_000, 100))
"""Claims with an outcome, and frauds, of a test split."""
AREAS = (0.5, 0.6, 0.65)


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argument_parser("use_gate", __doc__)
    parser.add_argument("--draws", type=int, default=DRAWS, help="test splits (default %(default)s)")
    options = parser.parse_args()
    run("use_gate", options, _measure, _report, complete=options.draws >= DRAWS)


def cohorts(claims: int, frauds: int, area: float, draws: int) -> Iterator[Cohort]:
    """Draw test splits, scored by a model with this ROC-AUC; the same split for the same number."""
    nobody = np.zeros(claims, dtype=np.bool_)
    for number in range(draws):
        rng = np.random.default_rng([number, claims])
        fraud = np.zeros(claims)
        fraud[rng.permutation(claims)[:frauds]] = 1.0
        score = rng.normal(size=claims) + np.sqrt(2.0) * ndtri(area) * fraud
        yield Cohort(score, nobody, nobody, fraud, sampling_weight=np.ones(claims))


def passes(cohort: Cohort) -> bool:
    """Return whether the model that scored these claims passes the gate."""
    lift = lift_by_decile(cohort)[0].value
    assert lift is not None
    return gates.use(area_of(cohort), lift, lambda: "").passed


def _measure(options: argparse.Namespace) -> Figures:
    shares: dict[str, dict[str, float]] = {}
    for area in AREAS:
        name = "random" if area == AREAS[0] else f"{area:.2f}"
        for claims, frauds in SIZES:
            drawn = list(cohorts(claims, frauds, area, options.draws))
            passed = [passes(cohort) for cohort in drawn]
            by_lift = [(lift_by_decile(cohort)[0].interval.low or 0.0) > 1.0 for cohort in drawn]
            for row, found in ((name, passed), (f"{name}, by the lift", by_lift)):
                shares.setdefault(row, {})[f"{claims}, {frauds}"] = round(float(np.mean(found)), 3)
    return {"draws": options.draws, "passing": shares, **circumstances("scipy")}


def _report(figures: Figures) -> str:
    shares = figures["passing"]
    sizes = list(next(iter(shares.values())))
    return table(
        ["ROC-AUC", *sizes],
        [[name, *(f"{found[size]:.2f}" for size in sizes)] for name, found in shares.items()],
    )


if __name__ == "__main__":
    main()
