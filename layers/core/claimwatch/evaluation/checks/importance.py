"""Check ``importance``: the share of each feature in the scores, compared with earlier weeks."""

from claimwatch.domain.evaluation.finding import Finding
from claimwatch.domain.evaluation.importance import importance
from claimwatch.domain.model.features import encode
from claimwatch.domain.model.shapley import shapley
from claimwatch.evaluation.checks.inputs import Dependencies, checked_model, earlier_values, read_claims
from claimwatch.evaluation.checks.spec import CheckSpec
from claimwatch.evaluation.formatting import Metric, Metrics
from claimwatch.evaluation.report.markup import Markup
from claimwatch.evaluation.report.sections import SectionContext
from claimwatch.evaluation.report.subjects import metric_column, subjects_table
from claimwatch.storage.evaluations import Window

MOST_EXPLAINED = 2_000
"""Claims of a week whose scores are explained; of more, a sample is read."""


def run(deps: Dependencies, window: Window) -> list[Finding]:
    """Explain the scores of a sample of the week, and compare the features' shares with earlier weeks."""
    model = checked_model(deps, window)
    spec = model.bundle.spec
    claims = read_claims(
        deps, model, since=window.start, until=window.end, kinds=spec.kinds, most=MOST_EXPLAINED
    )
    contributions = shapley(model.bundle.model, encode(spec, claims.columns))
    return importance(contributions, spec.names, earlier_values(deps, window, SPEC.name, "importance"))


def section(context: SectionContext) -> Markup:
    """Show each feature's share of the scores, and its change."""
    columns = (metric_column(context.metrics, "importance_shift", "Change"),)
    return subjects_table(context.metrics, context.findings, "Feature", "importance", columns, bounded=False)


SPEC = CheckSpec(
    name="importance",
    title="Feature importance",
    weight=20,
    alarm="Feature importance: the scores depend on other features than in earlier weeks.",
    next_step="See whether a feature's meaning has changed, and ask who provides it:"
    " claimwatch report {line} --window {window}",
    metrics=Metrics(
        importance=Metric("Share of the score", "share"),
        importance_shift=Metric("Change of the share", "points"),
    ),
    run=run,
    section=section,
)
