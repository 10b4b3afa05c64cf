"""Check ``score_drift``: distribution of the scores compared with the model's reference."""

from claimwatch.domain.evaluation.drift import flagged, score_drift
from claimwatch.domain.evaluation.finding import Finding
from claimwatch.domain.evaluation.week import WEEK
from claimwatch.evaluation.checks.feature_drift import DRIFT_METRICS
from claimwatch.evaluation.checks.inputs import Dependencies, checked_model, week_profiles
from claimwatch.evaluation.checks.spec import CheckSpec
from claimwatch.evaluation.report.markup import Markup, joined
from claimwatch.evaluation.report.sections import SectionContext, plots, trends
from claimwatch.evaluation.report.tables import findings_table
from claimwatch.storage.evaluations import Window


def run(deps: Dependencies, window: Window) -> list[Finding]:
    """Compare the scores with the reference, in this week and in the week before."""
    model = checked_model(deps, window)
    reference = model.bundle.reference.score
    _, before = week_profiles(deps, model, model.monday - WEEK)
    _, score = week_profiles(deps, model, model.monday)
    return score_drift(reference, score, bool(flagged(score_drift(reference, before, before=False))))


def section(context: SectionContext) -> Markup:
    """Show the measures of the score, and its PSI over weeks."""
    return joined(
        (
            findings_table(context.metrics, context.findings, "Measure"),
            plots(*trends(context, [f for f in context.findings if f.metric == "psi"])),
        )
    )


SPEC = CheckSpec(
    name="score_drift",
    title="Score drift",
    weight=60,
    alarm="Score drift: the scores are distributed differently than when the model was tested.",
    next_step="Find the features that moved the scores: claimwatch report {line} --window {window}",
    advises_retraining=True,
    metrics=DRIFT_METRICS,
    run=run,
    section=section,
)
