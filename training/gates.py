"""The conditions that a model must meet; a model that fails one is registered as refused, with the reason."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from claimwatch.domain.evaluation.ranking import Estimate, estimate, pr_auc_influence, value_influence
from training.cause import LEVEL
from training.fairness import Fairness
from training.fairness_text import acceptance, refusal
from training.scored_sample import ScoredSample
from training.settings import Settings

TOO_GOOD = 0.995
"""The ROC-AUC on the test split from which a leak is likelier than a model that good."""


@dataclass(frozen=True)
class Gate:
    """One condition: whether it is met, and what was found."""

    name: str
    passed: bool
    found: str


def reason_for_refusal(gates: Sequence[Gate]) -> str | None:
    """Return the failed gates in one sentence; None if every gate passed."""
    return "; ".join(f"{gate.name}: {gate.found}" for gate in gates if not gate.passed) or None


def parity(served: np.ndarray, library: np.ndarray, limit: float) -> Gate:
    """Require the served graph to return the probabilities of the library's own prediction."""
    furthest = float(np.max(np.abs(served - library))) if len(served) else 0.0
    return Gate(
        "parity",
        furthest <= limit,
        f"the served probabilities of {len(served):,} test claims differ by at most {furthest:.1e}"
        f" from the library's (limit {limit:.0e})",
    )


def leak(area: float) -> Gate:
    """Refuse a model that is too good to be true."""
    return Gate(
        "leak",
        not area >= TOO_GOOD,
        f"ROC-AUC {area:.3f} on the test split"
        + (": a feature probably contains the outcome" if area >= TOO_GOOD else ""),
    )


def use(area: Estimate, lift: float, cause: Callable[[], str]) -> Gate:
    """Require that referring by score finds more than referring at random, beyond chance.

    The null hypothesis is a ROC-AUC of the book of 0.5, tested on one side at ``LEVEL``; ``cause`` returns
    why a model fails and what to do. The lift alone would need several times as many frauds.
    """
    p_value = area.p_above(0.5)
    interval = area.interval
    found = (
        f"ROC-AUC {area.value:.2f} ({interval.low:.2f} to {interval.high:.2f}) on the test split, p-value"
        f" {p_value:.2g} for a model that ranks at random (limit {LEVEL}); the top decile's lift is"
        f" {lift:.2f}"
    )
    if p_value <= LEVEL and lift > 1.0:
        return Gate("use", passed=True, found=found)
    what = "the claims with the highest scores contain no more frauds than all others"
    if p_value > LEVEL:
        what = f"with {area.frauds:.0f} frauds, it cannot be told from a model that ranks at random"
    return Gate("use", passed=False, found=f"{what}: {found}. {cause()}")


def bias(found: Fairness, exception: str) -> Gate:
    """Require that no protected group's honest claims are referred more often than the limit, beyond chance.

    ``exception`` is the command that has an exception approved.
    """
    if found.refused:
        return Gate("bias", passed=False, found=refusal(found, exception))
    return Gate("bias", passed=True, found=acceptance(found))


def champion(candidate: ScoredSample, live: ScoredSample | None, settings: Settings) -> Gate:
    """Require the candidate not to be worse than the live model on the same claims.

    It is worse if both its value at capacity and its PR-AUC are lower, or if one of them is lower beyond
    chance.
    """
    if live is None:
        return Gate("champion", passed=True, found="there is no champion to compare with")
    value, area = _differences(candidate, live, settings)
    both = value.value < 0.0 and area.value < 0.0
    worse = both or any((each.interval.high or 0.0) < 0.0 for each in (value, area))
    return Gate(
        "champion",
        not worse,
        ("worse than the champion: " if worse else "")
        + f"value at capacity differs by {_shown(value, ',.1f')} and PR-AUC by {_shown(area, '.3f')}",
    )


def _differences(
    candidate: ScoredSample, live: ScoredSample, settings: Settings
) -> tuple[Estimate, Estimate]:
    """Return the candidate's value at capacity and PR-AUC less the live model's."""
    ours, theirs = candidate.book, live.book
    value = [
        value_influence(cohort, candidate.gain, settings.capacity, settings.cost) for cohort in (ours, theirs)
    ]
    area = [pr_auc_influence(cohort) for cohort in (ours, theirs)]
    differences = []
    for own, other in (value, area):
        # A test split has frauds: a training with fewer than ten is refused before any gate.
        assert own is not None
        assert other is not None
        differences.append(estimate(ours, own - other))
    return differences[0], differences[1]


def _shown(difference: Estimate, form: str) -> str:
    interval = difference.interval
    return f"{difference.value:+{form}} ({interval.low:+{form}} to {interval.high:+{form}})"
