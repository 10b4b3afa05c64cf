"""Check ``bias``: protected groups compared with all other claims."""

from claimwatch.domain.evaluation.bias import bias
from claimwatch.domain.evaluation.finding import Finding
from claimwatch.domain.evaluation.protected import groups_of, kinds_of, new_bands, numbered_attributes
from claimwatch.evaluation.checks.inputs import Dependencies, checked_model, matured_claims, read_claims
from claimwatch.evaluation.checks.spec import CheckSpec
from claimwatch.evaluation.formatting import Metric, Metrics
from claimwatch.evaluation.report.markup import Markup, element, joined
from claimwatch.evaluation.report.sections import SectionContext
from claimwatch.evaluation.report.subjects import metric_column, others_column, subjects_table
from claimwatch.evaluation.report.tables import findings_table, folded
from claimwatch.storage.evaluations import Window

_OVER_GROUPS = ("demographic_parity_ratio", "equal_opportunity_difference")
"""Metrics over all groups of an attribute."""


def run(deps: Dependencies, window: Window) -> list[Finding]:
    """Compare the referrals of the week and the matured claims, by protected group.

    Bands are those of the model; a column that has none, because it was not protected when the model was
    trained, is divided by its matured claims.
    """
    model = checked_model(deps, window)
    contract = model.contract
    kinds = kinds_of(contract)
    if not kinds:
        return []
    week = read_claims(deps, model, since=window.start, until=window.end, kinds=kinds)
    matured = matured_claims(deps, model, kinds)
    bands = new_bands(contract, matured.columns) | model.bundle.manifest.bands
    return bias(
        week.referred,
        groups_of(contract, week.columns, bands),
        matured.cohort,
        groups_of(contract, matured.columns, bands),
        personal=numbered_attributes(contract, bands),
        bands=bands,
    )


def section(context: SectionContext) -> Markup:
    """Show each rate of every group next to that of all other claims."""
    over_groups = [finding for finding in context.findings if finding.metric in _OVER_GROUPS]
    groups = [finding for finding in context.findings if finding.metric not in _OVER_GROUPS]
    rates = dict.fromkeys(finding.metric.removesuffix("_ratio") for finding in groups)
    return joined(
        (
            *(
                joined(
                    (
                        element("h3", context.metrics[rate].title),
                        subjects_table(
                            context.metrics,
                            [f for f in groups if f.metric in (rate, f"{rate}_ratio")],
                            "Group",
                            f"{rate}_ratio",
                            (
                                metric_column(context.metrics, rate, "Rate"),
                                others_column(context.metrics, rate),
                            ),
                        ),
                    )
                )
                for rate in rates
            ),
            folded(
                "By attribute, over all its groups", findings_table(context.metrics, over_groups, "Measure")
            )
            if over_groups
            else None,
        )
    )


SPEC = CheckSpec(
    name="bias",
    title="Protected groups",
    weight=90,
    alarm="Protected groups: a group is referred, or its frauds are found, at a clearly different rate.",
    next_step="Review this group's referrals before more are decided: claimwatch referrals {line}",
    metrics=Metrics(
        selection_rate=Metric("Referral rate", "share", versus_others=True),
        recall=Metric("Frauds referred", "share", versus_others=True),
        false_positive_rate=Metric("Referred without fraud", "share", versus_others=True),
        selection_rate_ratio=Metric("Referral rate vs. others", "relative"),
        recall_ratio=Metric("Frauds referred vs. others", "relative"),
        false_positive_rate_ratio=Metric("Referred without fraud vs. others", "relative"),
        demographic_parity_ratio=Metric("Lowest vs. highest referral rate", "relative"),
        equal_opportunity_difference=Metric("Highest minus lowest share of frauds referred", "points"),
    ),
    run=run,
    section=section,
    when_empty="The contract has no protected attribute.",
)
