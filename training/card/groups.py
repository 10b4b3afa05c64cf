"""How the model treats protected groups."""

from math import isnan

from claimwatch.domain.evaluation.groups import LEAST_COUNTED
from training.card.section import Section, Table, by_segment
from training.evidence import Evidence
from training.gates import UNEQUAL


def groups(found: Evidence) -> Section:
    """Return the section about the protected groups."""
    settings = found.settings
    shown = ("selection_rate", "recall", "false_positive_rate", "false_positive_rate_ratio")
    groups = [finding for finding in found.evaluation.bias if finding.metric in shown]
    small = [
        (f"{group.attribute} = {group.group}", "not enough data", f"{group.n:,}")
        for group in found.evaluation.disparities
        if isnan(group.p_value)
    ]
    tables = [by_segment(groups, "Group")] if groups else []
    if small:
        tables.append(Table(("Group that is too small to be judged", "Result", "Claims"), small, numeric=2))
    return Section(
        "Protected groups",
        "No protected attribute is a feature. Each group, and each intersection of two attributes, is"
        " compared with all other claims. The model is refused if a group's honest claims are referred more"
        f" than {settings.bias_limit} times as often, beyond chance: models that treat all groups alike are"
        f" refused in at most {UNEQUAL:.0%} of trainings, over all groups together. Groups of fewer than"
        f" {settings.smallest_group} claims with an outcome are summed, of each only the number is shown,"
        f" from {LEAST_COUNTED} claims on, and those of personal attributes are numbered.",
        tables,
    )
