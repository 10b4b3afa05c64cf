"""Whether the model may be promoted, and what a person should judge before."""

from claimwatch.evaluation.report.markup import element
from training.card.section import Section, Table
from training.evidence import Evidence


def gates(found: Evidence) -> Section:
    """Return the section about the gates."""
    refused = found.refused_because is not None
    rows = [(gate.name, "passed" if gate.passed else "failed", gate.found) for gate in found.gates]
    return Section(
        "Gates",
        "The model failed a gate and cannot be promoted. The summary says what to do first."
        if refused
        else "The model passed every gate. It may be promoted by a person, who gives a reason.",
        (Table(("Gate", "Result", "Finding"), rows, numeric=3),),
        sign=element(
            "span", "refused" if refused else "passed", class_=f"badge {'alarm' if refused else 'ok'}"
        ),
    )


def warnings(found: Evidence) -> list[Section]:
    """Return the section about the warnings, if there are any."""
    if not found.warnings:
        return []
    rows = [(warning.column, warning.found) for warning in found.warnings]
    return [
        Section(
            "Warnings",
            "None of these refuses the model. A person judges each of them before the model goes live.",
            (Table(("Column", "What was found"), rows, numeric=2),),
            sign=element("span", f"{len(rows)} to judge", class_="badge watch"),
        )
    ]
