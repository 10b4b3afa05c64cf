"""Check ``operations``: failures, scoring time, queues and cost."""

from datetime import UTC, datetime

from claimwatch.domain.evaluation.finding import Finding
from claimwatch.domain.evaluation.operations import ChunkTime, Operated, operations
from claimwatch.domain.evaluation.week import WEEK
from claimwatch.evaluation.checks.inputs import Dependencies
from claimwatch.evaluation.checks.spec import CheckSpec
from claimwatch.evaluation.formatting import Metric, Metrics
from claimwatch.evaluation.report.markup import Markup, joined
from claimwatch.evaluation.report.sections import SectionContext, plots, trends
from claimwatch.evaluation.report.tables import findings_table
from claimwatch.storage import profiles
from claimwatch.storage.evaluations import Window


def run(deps: Dependencies, window: Window) -> list[Finding]:
    """Measure the seven days before the check: functions run when claims arrive, not at their event time."""
    until = datetime.now(UTC)
    since = until - WEEK
    with deps.database.transaction() as cursor:
        chunks = profiles.chunks_of_week(cursor, window.line, window.model_version, window.start.date())
        files, failed = profiles.files_between(cursor, window.line, since, until)
    sources = deps.operations_sources
    return operations(
        Operated(
            chunks=[ChunkTime(claims, seconds, cold) for claims, seconds, cold in chunks],
            files=files,
            failed_files=failed,
            invocations=sources.invocations.between(since, until),
            dead_letters=sources.queues.waiting(sources.dead_letter_urls),
            queue_seconds=sources.queues.oldest_seconds(sources.queue_urls, since, until),
        )
    )


def section(context: SectionContext) -> Markup:
    """Show the measures, and the cost over weeks."""
    return joined(
        (
            findings_table(context.metrics, context.findings, "Measure", count="Of"),
            plots(*trends(context, [f for f in context.findings if f.metric == "cost"])),
        )
    )


SPEC = CheckSpec(
    name="operations",
    title="Operations",
    weight=80,
    alarm="Operations: files or calls failed, messages wait or are in a dead-letter queue.",
    next_step="List what failed, then replay it: claimwatch files --line {line} --status failed",
    about_the_model=False,
    metrics=Metrics(
        scoring_time=Metric("Scoring time per claim", "milliseconds"),
        cold_start_share=Metric("Cold starts", "share"),
        failed_files=Metric("Failed files", "count"),
        error_rate=Metric("Failed calls", "share"),
        queue_age=Metric("Oldest message in a queue", "seconds"),
        dead_letters=Metric("Messages in dead-letter queues", "count"),
        gb_seconds=Metric("Billed GB-seconds"),
        cost=Metric("Cost of the functions", "money"),
    ),
    run=run,
    section=section,
)
