"""Check ``challenger``: champion versus challenger on the random audit."""

from collections.abc import Sequence
from datetime import UTC, datetime

from claimwatch.domain.evaluation.challenger import challenger
from claimwatch.domain.evaluation.finding import Finding
from claimwatch.evaluation.checks.inputs import Dependencies, checked_model, read_claims
from claimwatch.evaluation.checks.spec import CheckSpec
from claimwatch.evaluation.formatting import Metric, Metrics, counted, known
from claimwatch.evaluation.report.markup import Markup, element, joined
from claimwatch.evaluation.report.sections import SectionContext, note
from claimwatch.evaluation.report.tables import findings_table
from claimwatch.storage.evaluations import Window

_EVER = datetime(1970, 1, 5, tzinfo=UTC)
"""A Monday before all claims."""


def run(deps: Dependencies, window: Window) -> list[Finding]:
    """Compare both models on all matured claims that both have scored."""
    if window.challenger is None:
        return []
    model = checked_model(deps, window)
    claims = read_claims(deps, model, since=_EVER, until=model.matured_until, other=window.challenger)
    return challenger(claims.cohort, claims.other, model.bundle.manifest.capacity)


def section(context: SectionContext) -> Markup:
    """Show the result of the comparison and its evidence."""
    return joined(
        (
            element("p", _result(context.metrics, context.findings)),
            note(
                "Measured on the random audit alone, which favours neither model. The evidence may be read"
                " every week: the comparison is decided as soon as it reaches its bound."
            ),
            findings_table(context.metrics, context.findings, "Measure", count="Frauds"),
        )
    )


def _result(metrics: Metrics, found: Sequence[Finding]) -> str:
    """Return the result of the comparison, a sentence."""
    by_name = {finding.metric: finding for finding in found}
    count = by_name.get("audited_frauds")
    basis = f" after {counted(int(count.value), 'audited fraud')}" if count and known(count.value) else ""
    for name, words in (
        ("evidence_better", "The challenger finds more frauds"),
        ("evidence_worse", "The challenger finds fewer frauds"),
    ):
        evidence = by_name.get(name)
        if (
            evidence
            and known(evidence.value)
            and known(evidence.threshold)
            and evidence.value >= evidence.threshold
        ):
            return f"Decided{basis}: {words.lower()}."
    difference = by_name.get("recall_difference")
    if difference is None or difference.verdict == "not enough data":
        return f"Not decided yet{basis}."
    return f"No material difference{basis}: {metrics.interval(difference)}."


SPEC = CheckSpec(
    name="challenger",
    title="Champion versus challenger",
    weight=30,
    alarm="Champion versus challenger: the challenger finds more frauds than the champion.",
    next_step="Read both model cards, then decide: claimwatch models {line}",
    metrics=Metrics(
        audited_frauds=Metric("Frauds in the random audit", "count"),
        found_by_challenger_only=Metric("Found only by the challenger", "count"),
        found_by_champion_only=Metric("Found only by the champion", "count"),
        recall_difference=Metric("Recall, challenger minus champion", "points"),
        evidence_better=Metric("Evidence that the challenger finds more"),
        evidence_worse=Metric("Evidence that the challenger finds fewer"),
    ),
    run=run,
    section=section,
    when_empty="No challenger runs in shadow.",
)
