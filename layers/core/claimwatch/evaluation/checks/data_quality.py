"""Check ``data_quality``: completeness, known values and volume of the data of a week."""

from collections.abc import Sequence

from claimwatch.domain.evaluation.finding import Finding
from claimwatch.domain.evaluation.quality import Intake, data_quality
from claimwatch.domain.evaluation.week import WEEK
from claimwatch.evaluation.checks.inputs import Dependencies, checked_model, week_profiles
from claimwatch.evaluation.checks.spec import CheckSpec
from claimwatch.evaluation.formatting import Metric, Metrics
from claimwatch.evaluation.report.markup import Markup, joined
from claimwatch.evaluation.report.sections import SectionContext
from claimwatch.evaluation.report.tables import (
    badge,
    by_metric,
    findings_table,
    folded,
    most_urgent_first,
    name_by_subject,
    table,
)
from claimwatch.evaluation.week_profiles import intake_of_weeks
from claimwatch.storage import cohorts
from claimwatch.storage.evaluations import Window

HISTORY_WEEKS = 8
"""Earlier weeks that the files of a week are compared with."""


def run(deps: Dependencies, window: Window) -> list[Finding]:
    """Compare the week's profiles with the reference, and its files with those of earlier weeks."""
    model = checked_model(deps, window)
    features, _ = week_profiles(deps, model, model.monday)
    with deps.database.transaction() as cursor:
        first = model.monday - HISTORY_WEEKS * WEEK
        weeks = [
            Intake(
                week.files,
                week.rows_read,
                week.rows_quarantined,
                week.by_rule,
                cohorts.count_repeated(cursor, model.contract, week.file_ids),
                week.late,
                week.claims,
            )
            for week in intake_of_weeks(cursor, model.contract, window.line, first, model.monday)
        ]
    return data_quality(model.bundle.reference.features, features, weeks[-1], weeks[:-1])


def section(context: SectionContext) -> Markup:
    """Show alarms, watches and file figures; columns within their bounds are folded away."""
    urgent = [finding for finding in context.findings if finding.verdict in ("alarm", "watch")]
    rest = [finding for finding in context.findings if finding.verdict not in ("alarm", "watch")]
    by_column = [finding for finding in rest if finding.feature]
    return joined(
        (
            findings_table(
                context.metrics,
                [*most_urgent_first(urgent), *(finding for finding in rest if not finding.feature)],
                "Measure",
            ),
            folded("Columns without an alarm or a watch", _by_column(context.metrics, by_column))
            if by_column
            else None,
        )
    )


def _by_column(metrics: Metrics, found: Sequence[Finding]) -> Markup:
    """Return a table with a row for each column and a column for each metric."""
    shown = list(by_metric(found))
    rows: dict[str, dict[str, Finding]] = {}
    for finding in most_urgent_first(found):
        rows.setdefault(name_by_subject(finding), {})[finding.metric] = finding
    return table(
        ("", "Verdict", *(metrics[name].title for name in shown)),
        [
            (
                name,
                badge(most_urgent_first(list(cells.values()))[0].verdict),
                *(metrics.interval(cells[metric]) if metric in cells else "" for metric in shown),
            )
            for name, cells in rows.items()
        ],
        numeric=range(2, len(shown) + 2),
    )


SPEC = CheckSpec(
    name="data_quality",
    title="Data quality",
    weight=70,
    alarm="Data quality: missing, unknown or out-of-range values, quarantined rows, or unusual volume"
    " (also no claims at all).",
    next_step="Ask the sender of the files, and list them: claimwatch files --line {line}",
    about_the_model=False,
    metrics=Metrics(
        missing_share=Metric("Missing", "share"),
        unseen_share=Metric("Categories unknown to the model", "share"),
        outside_share=Metric("Outside the range of training", "share"),
        quarantine_rate=Metric("Rows quarantined", "share"),
        repeated_share=Metric("Repeated claims", "share"),
        late_share=Metric("Claims that arrived after their week", "share"),
        volume_ratio=Metric("Claims vs. earlier weeks", "relative"),
        file_count=Metric("Files", "count"),
    ),
    run=run,
    section=section,
)
