"""What the model is worth, where it errs, and which model it was chosen from."""

from training.card.section import METRICS, Section, Table, by_segment, estimate, figure, listed
from training.evaluate import metrics_of
from training.evidence import Evidence


def worth(found: Evidence) -> Section:
    """Return the section about the measures on the test split."""
    judged = found.evaluation
    estimates = [metrics_of(each) for each in (judged.book, judged.audited, judged.investigated)]
    rows = [(METRICS[name].title, *(figure(each[name]) for each in estimates)) for name in estimates[0]]
    lift = [(str(place), figure(each)) for place, each in enumerate(judged.lift, 1)]
    return Section(
        "What it is worth",
        "On the test split: the latest claims, none of which the model was trained on. The whole book is"
        " estimated from all outcomes, and again from the random audit alone. Investigated claims are more"
        " suspicious than the book, so recall and lift among them are not those of the book. Intervals have"
        " 95 % coverage and are computed as in the weekly report.\n" + found.sampling.description,
        (
            Table(("Measure", "Whole book", "Random audit", "Investigated claims only"), rows),
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
            estimate("value_at_capacity", choice.values[family.name]),
        )
        for family in found.families
    ]
    parameters = [(family.name, listed(family.parameters)) for family in found.families]
    headings = ("Family", "Trials", "Log-loss", "Parameters", "ROC-AUC", METRICS["value_at_capacity"].title)
    return Section(
        "Experiments",
        f"Chosen: {choice.name}. {choice.why}\n"
        "Families are compared on periods after the claims that they were trained on: three in the training"
        " split, and the validation split. A family ties with the best if its ROC-AUC, among claims with an"
        " outcome, is within one standard error of the best, and its value is not lower than the best of"
        " these beyond chance. Differences are measured claim by claim, so they are more precise than the"
        " intervals below. No claims were re-sampled; probabilities were calibrated on the validation split.",
        (Table(headings, rows), Table(("Family", "Hyperparameters"), parameters, numeric=2)),
    )


def errors(found: Evidence) -> Section:
    """Return the section about the frauds that were missed."""
    return Section(
        "Where it errs",
        "Frauds that were not referred, by segment of each feature, most missed first. Small segments are"
        " summed, those with too few frauds and referrals left out; personal features have no segments.",
        (by_segment(found.evaluation.errors, "Segment"),),
    )
