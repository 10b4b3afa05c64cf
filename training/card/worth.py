"""What the model is worth, where it errs, and which model it was chosen from."""

from claimwatch.domain.evaluation.ranking import Estimate
from training.card.section import METRICS, Section, Table, by_segment, estimate, figure, listed
from training.evaluate import metrics_of
from training.evidence import Evidence

_ESTIMATED = (
    " The whole book is estimated from all outcomes, and again from those of the random audit alone, if there"
    " are any. Investigated claims are more suspicious than the book, so recall and lift among them are not"
    " those of the book."
)


def worth(found: Evidence) -> Section:
    """Return the section about the measures on the test split."""
    judged = found.evaluation
    everything = found.sampling.everything
    measured = {"Whole book": judged.book}
    if not everything:
        measured |= {"Random audit": judged.audited, "Investigated claims only": judged.investigated}
    # Without a random audit, its column would be empty.
    columns = {
        title: metrics_of(findings)
        for title, findings in measured.items()
        if title == "Whole book" or any(each.value is not None for each in metrics_of(findings).values())
    }
    estimates = list(columns.values())
    rows = [(METRICS[name].title, *(figure(each[name]) for each in estimates)) for name in estimates[0]]
    lift = [(str(place), figure(each)) for place, each in enumerate(judged.lift, 1)]
    return Section(
        "What it is worth",
        "On the test split: the latest claims, none of which the model was trained on."
        + ("" if everything else _ESTIMATED)
        + " Intervals have 95 % coverage and are computed as in the weekly report.\n"
        + found.sampling.description,
        (
            Table(("Measure", *columns), rows),
            Table(("Decile of the score", "Lift"), lift),
        ),
        ("lift", "calibration", "gain", "precision_recall", "roc", "scores"),
    )


def experiments(found: Evidence) -> Section:
    """Return the section about the families that were compared."""
    choice = found.choice
    rows = [
        (
            family.name + (" (chosen)" if family.name == choice.name else ""),
            str(family.trials),
            f"{family.loss:.4f}",
            f"{family.size:,}",
            estimate("roc_auc", choice.areas[family.name]),
            _behind(choice.behind[family.name], family.name == choice.name),
            estimate("value_at_capacity", choice.values[family.name]),
        )
        for family in found.families
    ]
    parameters = [(family.name, listed(family.parameters)) for family in found.families]
    headings = (
        "Family",
        "Trials",
        "Log-loss",
        "Parameters",
        "ROC-AUC",
        "Below the best (standard error)",
        METRICS["value_at_capacity"].title,
    )
    return Section(
        "Experiments",
        f"Chosen: {choice.name}. {choice.why}\n"
        "Families are compared on periods after the claims that they were trained on: three in the training"
        " split, and the validation split. The highest ROC-AUC among claims with an outcome decides. How far"
        " the others are below it is measured claim by claim, so it is more precise than the intervals of the"
        " ROC-AUC. Value at capacity depends on few claims and did not decide. No claims were re-sampled;"
        " probabilities were calibrated on the validation split.",
        (Table(headings, rows), Table(("Family", "Hyperparameters"), parameters, numeric=2)),
    )


def _behind(behind: Estimate, chosen: bool) -> str:
    return "the best" if chosen else f"{behind.value:.3f} ({behind.error:.3f})"


def errors(found: Evidence) -> Section:
    """Return the section about the frauds that were missed."""
    return Section(
        "Where it errs",
        "Frauds that were not referred, by segment of each feature, most missed first. Small segments are"
        " summed, those with too few frauds and referrals left out; personal features have no segments.",
        (by_segment(found.evaluation.errors, "Segment"),),
    )
