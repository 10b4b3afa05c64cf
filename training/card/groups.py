"""How the model treats protected groups, and which features stand for them."""

from claimwatch.domain.evaluation.groups import LEAST_COUNTED
from training import proxies
from training.card.section import Section, Table, by_segment
from training.evidence import Evidence
from training.fairness import REFUSED, WARNED, WARNED_FROM, Fairness


def groups(found: Evidence) -> Section:
    """Return the section about the protected groups."""
    fairness = found.evaluation.fairness
    if not fairness.refusing and not fairness.proxies:
        return Section(
            "Protected groups",
            "The contract names no protected attribute, so no groups were compared, and no feature was"
            " examined for standing for one.",
        )
    tables = [*_rates(fairness), _relations(fairness)]
    return Section("Protected groups", f"{_judged(found)}\n{_related(fairness)}", tables)


def _judged(found: Evidence) -> str:
    settings, fairness = found.settings, found.evaluation.fairness
    banded = [f"{name} ({', '.join(bands.names)})" for name, bands in fairness.bands.items() if bands.names]
    return (
        "Each group, and each intersection of two attributes, is compared with all other claims of the"
        " validation and the test split. The model is refused if a group's honest claims are referred more"
        f" than {settings.bias_limit} times as often, beyond chance: models that treat all groups alike are"
        f" refused in at most {REFUSED:.0%} of trainings, over all groups together. It has a warning if a"
        f" group's claims, honest or not, are referred at least {WARNED_FROM} times as often and the rates"
        f" differ beyond chance (at most {WARNED:.1%} of such models). Groups of fewer than"
        f" {settings.smallest_group} claims with an outcome are summed; of each, only the number of claims is"
        f" shown, from {LEAST_COUNTED} on. Groups of personal attributes without bands are numbered."
        + (f" Compared in bands, and in ranges of them: {'; '.join(banded)}." if banded else "")
    )


def _related(fairness: Fairness) -> str:
    strong = proxies.strong(fairness.proxies)
    measures = (
        " The last table has the strongest relation of each feature with each attribute among the training"
        " claims: the ROC-AUC with which the feature alone tells a group from all other claims, on claims"
        " that it was not fitted on, or the rank correlation with a number or date."
    )
    if not strong:
        return (
            "No protected attribute is a feature, and no feature alone tells one, or one of its groups, at"
            f" {proxies.STRONG} or more.{measures}"
        )
    named = "; ".join(f"{each.feature}: {each.measure}" for each in strong)
    return (
        "No protected attribute is itself a feature, but features stand for one, or for one of its groups"
        f" ({proxies.STRONG} or more): {named}.{measures}"
    )


def _rates(fairness: Fairness) -> list[Table]:
    shown = ("selection_rate", "recall", "false_positive_rate", "false_positive_rate_ratio")
    compared = [finding for finding in fairness.findings if finding.metric in shown]
    small = [
        (f"{group.attribute} = {group.group}", "not enough data", f"{group.n:,}")
        for group in fairness.too_small
    ]
    tables = [by_segment(compared, "Group")] if compared else []
    if small:
        tables.append(Table(("Group that is too small to be judged", "Result", "Claims"), small, numeric=2))
    return tables


def _relations(fairness: Fairness) -> Table:
    related: dict[str, dict[str, str]] = {}
    for each in fairness.proxies:
        told = each.group or "rank correlation"
        related.setdefault(each.feature, {})[each.attribute] = f"{each.strength:.2f} ({told})"
    attributes = sorted({each.attribute for each in fairness.proxies})
    rows = [(name, *(own.get(attribute, "") for attribute in attributes)) for name, own in related.items()]
    # Names of groups are long: as figures, they would not be wrapped.
    return Table(("Feature alone tells", *attributes), rows, numeric=len(attributes) + 1)
