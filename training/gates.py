"""What a model must pass; one that does not is registered as refused, with the reason."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.estimates import ScoredSample, interval, measures, resamples
from training.evaluate import Group
from training.settings import Settings

TOO_GOOD = 0.995
"""ROC-AUC on the test split, from which a leak is likelier than a model that good."""


@dataclass(frozen=True)
class Gate:
    """One condition: whether it is kept, and what was found."""

    name: str
    passed: bool
    found: str


def reason_for_refusal(gates: Sequence[Gate]) -> str | None:
    """What was breached, in a sentence; None if everything is kept."""
    return "; ".join(f"{gate.name}: {gate.found}" for gate in gates if not gate.passed) or None


def parity(served: np.ndarray, library: np.ndarray, limit: float) -> Gate:
    """The served graph gives the probabilities that the library's own prediction leads to."""
    furthest = float(np.max(np.abs(served - library))) if len(served) else 0.0
    return Gate(
        "parity",
        furthest <= limit,
        f"the served probabilities of {len(served):,} test claims differ by at most {furthest:.1e}"
        f" from the library's (limit {limit:.0e})",
    )


def leak(area: float) -> Gate:
    """No model is that good."""
    return Gate(
        "leak",
        not area >= TOO_GOOD,
        f"ROC-AUC {area:.3f} on the test split"
        + (": some feature knows the outcome" if area >= TOO_GOOD else ""),
    )


def use(lift: float) -> Gate:
    """Referring by score finds more than referring by chance."""
    return Gate("use", lift > 1.0, f"the top decile's lift is {lift:.2f}")


def bias(groups: Sequence[Group], limit: float) -> Gate:
    """No protected group's honest claims are referred more often than the limit allows."""
    breached = [
        f"honest claims of {group.attribute} = {group.value} are referred {group.ratio.value:.2f} times as"
        f" often as others' (at least {group.ratio.low:.2f}; limit {limit})"
        for group in groups
        if group.ratio is not None and group.breaches(limit)
    ]
    judged = sum(group.ratio is not None for group in groups)
    return Gate(
        "bias",
        not breached,
        "; ".join(breached)
        or f"none of {judged} groups is beyond {limit} times others'; {len(groups) - judged} are too small",
    )


def champion(candidate: ScoredSample, live: ScoredSample | None, settings: Settings) -> Gate:
    """Not worse than the live model on the same claims.

    Worse is: below it both by value at capacity and by PR-AUC, or by either beyond chance.
    """
    if live is None:
        return Gate("champion", passed=True, found="there is no champion to compare with")
    names = {"value_at_capacity": "value at capacity", "pr_auc": "PR-AUC"}
    drawn = resamples(len(candidate.outcome), settings.resamples, settings.seed)

    def difference(factor: np.ndarray) -> dict[str, float]:
        ours = measures(candidate.weighed(factor), settings.capacity, settings.cost)
        theirs = measures(live.weighed(factor), settings.capacity, settings.cost)
        return {name: ours[name] - theirs[name] for name in names}

    whole = difference(np.ones(len(candidate.outcome)))
    each = [difference(factor) for factor in drawn]
    found = {name: interval(whole[name], [one[name] for one in each], settings.confidence) for name in names}
    worse = all(entry.value < 0.0 for entry in found.values()) or any(
        entry.high < 0.0 for entry in found.values()
    )
    told = " and ".join(
        f"{words} differs by {found[name].value:+.3f} ({found[name].low:+.3f} to {found[name].high:+.3f})"
        for name, words in names.items()
    )
    return Gate("champion", not worse, ("worse than the champion: " if worse else "") + told)
