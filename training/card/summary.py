"""The summary: what the model is worth, and what a person should do before it goes live."""

from collections.abc import Iterator

from claimwatch.domain.evaluation.finding import Finding
from claimwatch.domain.evaluation.performance import RATIO
from claimwatch.evaluation.formatting import counted, listed
from claimwatch.evaluation.report.markup import element
from training.card.section import METRICS, Section, figure
from training.evaluate import metrics_of
from training.evidence import Evidence

MOST_NAMED = 5
"""The most columns that a sentence names."""

FEW_FRAUDS = 50
"""The frauds of the test split below which its figures are rough: a share is then within some 14 points."""

_FIRST = {
    "parity": "First: report this as a bug of Claimwatch, with this card. Do not use the model.",
    "leak": "First: look at the strongest features below, and take each that is known only after the decision"
    " out of the contract's features.",
    "champion": "First: keep the champion. Train again when there are more outcomes.",
}
"""What to do about a failed gate whose finding does not say it."""

_LABELS = ("Cause: ", "Next step: ", "What can be done: ")
"""The beginnings of sentences of a finding that get a paragraph of their own."""


def summary(found: Evidence) -> Section:
    """Return the section that a reader in a hurry reads."""
    if found.refused_because is not None:
        sign = element("span", "refused", class_="badge alarm")
        return Section("Summary", "\n".join(_refused(found)), sign=sign)
    checks = list(_checks(found))
    listed = (
        ["Before promoting it:", *(f"• {check}" for check in checks)]
        if checks
        else ["Nothing was found that needs a decision before promoting it."]
    )
    sign = (
        element("span", f"{len(checks)} to check", class_="badge watch")
        if checks
        else element("span", "may be promoted", class_="badge ok")
    )
    return Section("Summary", "\n".join([_worth(found), *listed]), sign=sign)


def _refused(found: Evidence) -> Iterator[str]:
    failed = [gate for gate in found.gates if not gate.passed]
    yield "The model was refused and cannot be promoted."
    for gate in failed:
        sentences = f"It failed the gate '{gate.name}': {gate.found.rstrip('.')}."
        for label in _LABELS:
            sentences = sentences.replace(f" {label}", f"\n{label}")
        yield sentences
        if gate.name in _FIRST:
            yield _FIRST[gate.name]


def _worth(found: Evidence) -> str:
    metrics = metrics_of(found.evaluation.book)
    average = metrics["base_rate"].value
    if average is None:
        return "There is not enough data to say what the model is worth."
    return (
        f"By referring {found.settings.capacity:.1%} of the claims, the model finds"
        f" {figure(metrics['recall_at_capacity'])} of the frauds. Of the claims that it refers,"
        f" {figure(metrics['precision_at_capacity'])} are fraud; on average,"
        f" {METRICS['base_rate'].figure(average)} are."
    )


def _checks(found: Evidence) -> Iterator[str]:
    """Return what to check, each as one line."""
    frauds = found.folds[-1].frauds
    if found.warnings:
        columns = list(dict.fromkeys(warning.column for warning in found.warnings))
        number = len(found.warnings)
        named = "the warning" if number == 1 else f"the {number} warnings"
        yield f"Judge {named} below, about {listed(columns, MOST_NAMED)}."
    if found.leaks:
        were, they = ("was", "it") if len(found.leaks) == 1 else ("were", "they")
        yield (
            f"{counted(len(found.leaks), 'column')} {were} refused:"
            f" {listed(list(found.leaks), MOST_NAMED)}. If {they} should be a feature, because the value is"
            " known when a claim is scored, train again with --trust and the column's name; otherwise"
            " change the role in the contract."
        )
    if found.unused:
        be = "is" if len(found.unused) == 1 else "are"
        yield (
            f"{counted(len(found.unused), 'column')} with role feature {be} not used:"
            f" {listed(list(found.unused), MOST_NAMED)}. The section on data says why."
        )
    if found.settings.trusted:
        kept = listed(found.settings.trusted, MOST_NAMED)
        yield f"Columns were kept although they look like a leak: {kept}."
    if small := [f"{group.attribute} = {group.group}" for group in found.evaluation.fairness.too_small]:
        be = "is" if len(small) == 1 else "are"
        yield (
            f"{counted(len(small), 'protected group')} {be} too small to be judged:"
            f" {listed(small, MOST_NAMED)}. Look at their referrals by hand."
        )
    if frauds < FEW_FRAUDS:
        yield f"The test split has only {counted(frauds, 'fraud')}, so figures are rough: see the intervals."
    yield from far_from_predicted(metrics_of(found.evaluation.book)["observed_to_expected"])
    if not found.sampling.everything and not found.sampling.audited:
        yield "No claim was investigated at random, so the figures for the whole book are rough."
    if found.back_test:
        yield f"This is a back-test as of {found.as_of}: promotion has to name the day."


def far_from_predicted(ratio: Finding) -> Iterator[str]:
    """Return that the latest claims have far fewer or more frauds than predicted: outcomes may be missing."""
    if ratio.low is None or ratio.high is None or (ratio.high >= 1.0 / RATIO and ratio.low <= RATIO):
        return
    shown = f"The test split has {figure(ratio)} times as many frauds as predicted, so probabilities are"
    if ratio.high < 1.0:
        yield (
            f"{shown} too high. If the latest frauds are not decided yet, raise maturityDays of the contract"
            " to the days that a decision takes, and train again; otherwise the fraud rate has fallen."
        )
    else:
        yield f"{shown} too low: the fraud rate has risen. Train again when there are more outcomes."
