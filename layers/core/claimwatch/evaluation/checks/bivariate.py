"""Check ``bivariate``: the relation of each feature to the outcome, compared with earlier weeks."""

from claimwatch.domain.evaluation.bivariate import bivariate
from claimwatch.domain.evaluation.finding import Finding
from claimwatch.evaluation.checks.inputs import Dependencies, checked_model, earlier_values, matured_matrix
from claimwatch.evaluation.checks.spec import CheckSpec
from claimwatch.evaluation.formatting import Metric, Metrics
from claimwatch.evaluation.report.markup import Markup
from claimwatch.evaluation.report.sections import SectionContext
from claimwatch.evaluation.report.subjects import metric_column, subjects_table
from claimwatch.storage.evaluations import Window


def run(deps: Dependencies, window: Window) -> list[Finding]:
    """Correlate each feature with the outcome, and compare with earlier windows of any model."""
    model = checked_model(deps, window)
    claims, matrix = matured_matrix(deps, model)
    spec = model.bundle.spec
    before = earlier_values(deps, window, SPEC.name, "correlation", any_model=True)
    return bivariate(matrix, spec.names, [feature.kind for feature in spec.features], claims.cohort, before)


def section(context: SectionContext) -> Markup:
    """Show each feature's correlation with the outcome, and its change."""
    columns = (
        metric_column(context.metrics, "correlation_shift", "Change"),
        metric_column(context.metrics, "q_value"),
        metric_column(context.metrics, "p_value"),
    )
    return subjects_table(context.metrics, context.findings, "Feature", "correlation", columns, bounded=False)


SPEC = CheckSpec(
    name="bivariate",
    title="Features and outcomes",
    weight=10,
    alarm="Features and outcomes: a feature is related to fraud differently than in earlier weeks.",
    next_step="See whether outcomes are still decided the same way:"
    " claimwatch report {line} --window {window}",
    metrics=Metrics(
        correlation=Metric("Correlation"),
        correlation_shift=Metric("Change of the correlation", "change"),
        p_value=Metric("p-value", "p_value"),
        q_value=Metric("q-value (false discovery rate)", "p_value"),
    ),
    run=run,
    section=section,
)
