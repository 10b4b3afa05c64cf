"""Check ``feature_drift``: distributions of the features compared with the model's reference."""

from claimwatch.domain.evaluation.drift import feature_drift, flagged
from claimwatch.domain.evaluation.finding import Finding
from claimwatch.domain.evaluation.week import WEEK
from claimwatch.evaluation.checks.inputs import Dependencies, checked_model, week_profiles
from claimwatch.evaluation.checks.spec import CheckSpec
from claimwatch.evaluation.formatting import Metric, Metrics
from claimwatch.evaluation.report.heat import heat_map, week
from claimwatch.evaluation.report.markup import Markup, joined
from claimwatch.evaluation.report.sections import SectionContext, note
from claimwatch.evaluation.report.subjects import metric_column, subjects_table
from claimwatch.evaluation.report.tables import by_metric, findings_table, folded
from claimwatch.storage.evaluations import Window


def run(deps: Dependencies, window: Window) -> list[Finding]:
    """Compare each feature with the reference, in this week and in the week before.

    The week before is computed again, so a verdict does not depend on whether or when it was checked.
    """
    model = checked_model(deps, window)
    reference = model.bundle.reference.features
    before, _ = week_profiles(deps, model, model.monday - WEEK)
    features, _ = week_profiles(deps, model, model.monday)
    unjudged = {feature.name for feature in model.bundle.spec.features if feature.period}
    return feature_drift(
        reference, features, flagged(feature_drift(reference, before, (), unjudged)), unjudged
    )


def section(context: SectionContext) -> Markup:
    """Show a map of the PSI by feature and week, then every measure of every feature."""
    weeks = [
        *(week(past.window, past.model_version, past.findings[SPEC.name]) for past in context.history),
        week(context.facts.window, context.facts.model_version, context.findings),
    ]
    return joined(
        (
            note(
                "PSI of each feature compared with the training data. A change alarms if it is certain,"
                " material and lasting; with only two of the three it is at most a watch. A part of the"
                " calendar that a week shows only in part, such as the month, has no verdict."
            ),
            heat_map(weeks),
            findings_table(
                context.metrics, [f for f in context.findings if not f.feature], "Over all features"
            ),
            folded(
                "All measures of this week",
                subjects_table(
                    context.metrics,
                    [f for f in context.findings if f.feature],
                    "Feature",
                    "psi",
                    tuple(
                        metric_column(context.metrics, metric)
                        for metric in by_metric(context.findings)
                        if metric != "psi"
                    ),
                ),
            ),
        )
    )


DRIFT_METRICS = Metrics(
    psi=Metric("PSI"),
    excess_psi=Metric("PSI beyond chance"),
    jensen_shannon=Metric("Jensen-Shannon distance"),
    wasserstein=Metric("Wasserstein distance, in standard deviations"),
    ks=Metric("Kolmogorov-Smirnov distance"),
    p_value=Metric("p-value", "p_value"),
    q_value=Metric("q-value (false discovery rate)", "p_value"),
)
"""Measures of drift, of a feature or of the score."""

SPEC = CheckSpec(
    name="feature_drift",
    title="Feature drift",
    weight=50,
    alarm="Feature drift: the claims' features no longer look like the model's training data.",
    next_step="Find out whether the business or a sender has changed, then train:"
    ' claimwatch train {line} --why "drift in {window}"',
    advises_retraining=True,
    metrics=Metrics(DRIFT_METRICS, missing_share=Metric("Missing", "share")),
    run=run,
    section=section,
)
