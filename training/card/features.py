"""The features that the model uses, and each feature alone."""

from training.card.section import Section, Table, by_segment
from training.evidence import Evidence


def importance(found: Evidence) -> Section:
    """Return the section about the features that the model relies on."""
    rows = [(name, f"{lost:.4f}") for name, lost in found.evaluation.importance.items()]
    return Section(
        "Which features it uses",
        "ROC-AUC that is lost on the test split when a feature's values are shuffled.",
        (Table(("Feature", "ROC-AUC lost"), rows),),
        ("importance",),
    )


def features(found: Evidence) -> Section:
    """Return the section about each feature's relation to the outcome."""
    related = [each for each in found.evaluation.bivariate if each.metric in ("correlation", "q_value")]
    return Section(
        "Each feature alone",
        "On the training split, weighted to the whole book: how each feature is related to the outcome, and"
        " the share of frauds by segment.",
        (by_segment(related, "Feature"), by_segment(found.evaluation.fraud_rates, "Segment")),
    )
