"""Sentences about protected groups that a model refers more often than others, and what can be done."""

from collections.abc import Sequence
from math import isnan

from claimwatch.domain.evaluation.disparity import Disparity
from claimwatch.evaluation.formatting import listed
from training.fairness import Fairness, attributes_of
from training.proxies import strong
from training.warnings import TrainingWarning

MOST_NAMED = 10
"""The most groups that a sentence names."""


def acceptance(found: Fairness) -> str:
    """Return why a model is not refused."""
    small = [f"{_name(group)} ({group.n:,} claims)" for group in found.too_small]
    return (
        f"none of {_judged(found.refusing)} groups is referred more than {found.limit} times as often as all"
        " others, beyond chance" + (f"; too small to be judged: {listed(small, MOST_NAMED)}" if small else "")
    )


def refusal(found: Fairness, exception: str) -> str:
    """Return which groups a model is refused for, through which features, and what can be done.

    ``exception`` is the command that has an exception approved.
    """
    worst, *others = found.refused
    return (
        f"honest claims of {_name(worst)} are referred {worst.ratio:.2f} times as often as all others"
        f" (limit {found.limit}; p-value {worst.p_value:.1g}, adjusted for {_judged(found.refusing)} groups)"
        f"{_likewise(others)}. {_cause(found, worst)} What can be done: {_remedy(found)}; or, if the"
        f" difference is justified, let somebody with the permission approve an exception: {exception}"
    )


def warnings_of(found: Fairness) -> list[TrainingWarning]:
    """Return a warning for each column that stands for a protected attribute, and for each disparity.

    A disparity of a refused model is in the refusal.
    """
    related: dict[str, list[str]] = {}
    for each in strong(found.proxies):
        related.setdefault(each.column, []).append(each.measure)
    warned = {} if found.refused else {each.attribute: each for each in reversed(found.warned)}
    return [
        *(
            TrainingWarning(
                "proxy", column, f"it stands for a protected attribute: {listed(measures, MOST_NAMED)}"
            )
            for column, measures in related.items()
        ),
        *(
            TrainingWarning("disparity", attribute, _warning(found, each))
            for attribute, each in warned.items()
        ),
    ]


def _warning(found: Fairness, group: Disparity) -> str:
    others = [each for each in found.warned if each.attribute == group.attribute and each != group]
    text = (
        f"claims of {_name(group)} are referred {group.ratio:.2f} times as often as all others (p-value"
        f" {group.p_value:.1g}, adjusted for {_judged(found.warning)} groups){_likewise(others)}"
    )
    return f"{text}. {_cause(found, group)}".removesuffix(".") if group == found.warned[0] else text


def _name(group: Disparity) -> str:
    return f"{group.attribute} = {group.group}"


def _judged(groups: Sequence[Disparity]) -> int:
    return sum(not isnan(group.p_value) for group in groups)


def _likewise(groups: Sequence[Disparity]) -> str:
    """Return the part of a sentence that names further groups."""
    named = [f"{_name(group)} ({group.ratio:.2f} times)" for group in groups]
    return f", likewise {listed(named, MOST_NAMED)}" if named else ""


def _cause(found: Fairness, group: Disparity) -> str:
    """Return the features that a disparity comes with, and how often the group's claims are fraud."""
    cause = found.cause
    if cause is None:
        text = "No feature that is related to the attribute explains it."
    else:
        named = " and ".join(_with_relation(found, feature.name, group) for feature in cause.features)
        text = f"It comes with {named}: with values shuffled, the ratio is {cause.ratio:.2f}."
    fraud = found.fraud
    if fraud.value is None or fraud.low is None or fraud.high is None:
        return text
    return (
        f"{text} By the known outcomes, the group's claims are fraud {fraud.value:.2f} times as often"
        f" ({fraud.low:.2f} to {fraud.high:.2f})."
    )


def _with_relation(found: Fairness, feature: str, group: Disparity) -> str:
    """Return a feature with its strongest relation to an attribute of the group."""
    attributes = attributes_of(group)
    of = (each.measure for each in found.proxies if each.feature == feature and each.attribute in attributes)
    relation = next(of, "")
    return f"feature {feature}" + (f" ({relation})" if relation else "")


def _remedy(found: Fairness) -> str:
    if found.cause is None:
        return (
            "check with the random audit whether outcomes of this group are decided as those of all others,"
            " leave out features that stand for the attribute (role: ignored), and train again"
        )
    columns = " and ".join(dict.fromkeys(feature.column for feature in found.cause.features))
    return f"leave out {columns} (role: ignored), or send coarser values, and train again"
