"""Check ``errors``: slices of the claims in which the model's mistakes gather."""

from collections.abc import Mapping
from typing import Any

from claimwatch.domain.evaluation.error_slices import Excesses, errors
from claimwatch.domain.evaluation.finding import Finding
from claimwatch.domain.evaluation.groups import segments
from claimwatch.domain.evaluation.intervals import Interval
from claimwatch.evaluation.checks.inputs import Dependencies, checked_model, matured_matrix
from claimwatch.evaluation.checks.spec import CheckSpec
from claimwatch.evaluation.formatting import Metric, Metrics
from claimwatch.evaluation.report.markup import Markup, joined
from claimwatch.evaluation.report.sections import SectionContext, note
from claimwatch.evaluation.report.subjects import metric_column, others_column, subjects_table
from claimwatch.storage.evaluations import Window


def run(deps: Dependencies, window: Window) -> list[Finding]:
    """Compare the mistakes in each slice with those in other claims, now and on the model's test split."""
    model = checked_model(deps, window)
    claims, matrix = matured_matrix(deps, model)
    slices = segments(model.bundle.spec, model.bundle.reference.features, matrix, model.contract)
    return errors(claims.cohort, slices, promised_excesses(model.bundle.manifest.details))


def promised_excesses(details: Mapping[str, Any]) -> Excesses:
    """Return the excesses of slices on the test split; none of a model that was trained without them."""
    return {
        (row["metric"], row["feature"], row["segment"]): Interval(row["value"], row["low"], row["high"])
        for row in details.get("excesses", ())
    }


def section(context: SectionContext) -> Markup:
    """Show each slice next to all other claims and to the model's prediction."""
    return joined(
        (
            note(
                "Frauds that were not referred, by slice. A slice alarms only if more frauds are missed than"
                " the model's probabilities predict; a mere difference from other slices is at most a watch,"
                " and only if it is larger than on the model's test split, where it was known."
            ),
            subjects_table(
                context.metrics,
                context.findings,
                "Slice",
                "missed_rate",
                (
                    others_column(context.metrics, "missed_rate"),
                    metric_column(context.metrics, "missed_excess_promised", short=True),
                    metric_column(context.metrics, "missed_over_expected"),
                    metric_column(context.metrics, "false_referral_rate", short=True),
                ),
            ),
        )
    )


SPEC = CheckSpec(
    name="errors",
    title="Error analysis",
    weight=40,
    alarm="Error analysis: in some slices more frauds are missed than the model predicts.",
    next_step="Read the decided referrals of these slices: claimwatch referrals {line} --decided",
    metrics=Metrics(
        missed_rate=Metric("Frauds missed", "share", versus_others=True),
        false_referral_rate=Metric("Referrals without fraud", "share", versus_others=True),
        missed_excess_promised=Metric("More than others on the test split", "points"),
        missed_over_expected=Metric("Missed vs. predicted", "relative"),
    ),
    run=run,
    section=section,
)
