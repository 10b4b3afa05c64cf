"""Check ``performance``: metrics on matured outcomes compared with the model's promises."""

from collections.abc import Sequence

from claimwatch.domain.evaluation.finding import Finding
from claimwatch.domain.evaluation.intervals import NOTHING, Interval
from claimwatch.domain.evaluation.performance import estimated, performance
from claimwatch.evaluation.checks.inputs import Dependencies, checked_model, matured_claims, read_claims
from claimwatch.evaluation.checks.spec import CheckSpec
from claimwatch.evaluation.formatting import Metric, Metrics, known
from claimwatch.evaluation.report.charts import bars, calibration
from claimwatch.evaluation.report.markup import Markup, Part, element, joined
from claimwatch.evaluation.report.sections import (
    SectionContext,
    captioned,
    note,
    plots,
    point_of,
    trends,
)
from claimwatch.evaluation.report.tables import findings_table, folded, table
from claimwatch.scoring.bundle import Manifest
from claimwatch.storage.evaluations import Window

_COUNTS = {
    "matured": "claims are old enough for their outcome to be due",
    "known": "of them have an outcome",
    "outcomes": "outcomes are used",
    "immature": "claims are not yet mature and are excluded",
}
"""Metrics that count the claims behind the figures, each with the words after the number."""

_ESTIMATES = ("estimated_precision", "estimated_recall", "estimated_base_rate")
"""Metrics that come from probabilities, not from outcomes."""

_CURVES = ("lift", "calibration_predicted", "calibration_observed")
"""Metrics with a value for each tenth of the claims."""


def run(deps: Dependencies, window: Window) -> list[Finding]:
    """Measure matured claims, and estimate the claims that are not yet mature."""
    model = checked_model(deps, window)
    matured = matured_claims(deps, model)
    young = read_claims(deps, model, since=model.matured_until, until=window.end)
    manifest = model.bundle.manifest
    promised = {
        name: float(value)
        for name, value in model.version.metrics.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    return [
        *performance(matured.cohort, manifest.capacity, promised, len(young), tested_ratio(manifest)),
        *estimated(young.probability, young.referred),
    ]


def tested_ratio(manifest: Manifest) -> Interval:
    """Return observed over predicted frauds on the test split; nothing if they were not measured."""
    found = manifest.details.get("intervals", {}).get("observed_to_expected")
    return Interval(found["value"], found["low"], found["high"]) if found else NOTHING


def section(context: SectionContext) -> Markup:
    """Show measured metrics next to the promised ones, the curves, and the estimates."""
    measured = [
        finding
        for finding in context.findings
        if finding.metric not in _COUNTS and finding.metric not in _ESTIMATES and not _on_a_curve(finding)
    ]
    return joined(
        (
            _counts(context),
            findings_table(context.metrics, measured, "Metric", promised=context.promised),
            note(
                "The ring is the model's value on its test split; the dashed line is the bound. Observed over"
                " predicted frauds is 1 if the probabilities are right. The Brier skill is computed as in a"
                " book with the fraud rate of the test split, so it does not move with the fraud rate."
            )
            if context.promised
            else None,
            plots(_lift(context), _calibration(context), *trends(context, measured)),
            _curves_table(context),
            _estimates(context),
        )
    )


def _counts(context: SectionContext) -> Part:
    """Return the numbers of claims behind the figures."""
    counts = {f.metric: f for f in context.findings if f.metric in _COUNTS and known(f.value)}
    items = [
        element(
            "li",
            element("b", context.metrics.figure(counts[metric])),
            f" {words}" + (f" ({counts[metric].segment})" if counts[metric].segment else ""),
        )
        for metric, words in _COUNTS.items()
        if metric in counts
    ]
    return element("ul", *items, class_="facts") if items else None


def _estimates(context: SectionContext) -> Part:
    found = [finding for finding in context.findings if finding.metric in _ESTIMATES]
    if not found:
        return None
    return joined(
        (
            element("h3", "Estimates for claims whose outcome is not due"),
            note(
                "Computed from calibrated probabilities alone. They are as good as the calibration; no"
                " outcome has confirmed them yet."
            ),
            findings_table(context.metrics, found, "Estimate"),
        )
    )


def _on_a_curve(finding: Finding) -> bool:
    return finding.metric in _CURVES and finding.segment.isdecimal()


def _curve(found: Sequence[Finding], metric: str) -> list[Finding]:
    """Return the known points of a curve, in order."""
    points = [f for f in found if f.metric == metric and f.segment.isdecimal() and known(f.value)]
    return sorted(points, key=lambda finding: int(finding.segment))


def _lift(context: SectionContext) -> Part:
    found = _curve(context.findings, "lift")
    if not found:
        return None
    drawn = bars(
        "Lift by decile",
        f"The highest-scored tenth has a lift of {context.metrics.interval(found[0])}; 1 is the base rate.",
        [point_of(finding, finding.segment) for finding in found],
        even=1.0,
        below="tenths of the claims, the highest scores first",
    )
    return captioned("Lift by decile", "Fraud rate divided by the base rate, with 95 % intervals.", drawn)


def _calibration(context: SectionContext) -> Part:
    predicted = {f.segment: f.value for f in _curve(context.findings, "calibration_predicted")}
    points = [
        (probability, point_of(finding, finding.segment))
        for finding in _curve(context.findings, "calibration_observed")
        if (probability := predicted.get(finding.segment)) is not None
    ]
    if not points:
        return None
    furthest = max(points, key=lambda entry: abs(entry[0] - entry[1].value))
    drawn = calibration(
        "Calibration",
        f"Largest difference: {furthest[0]:.1%} predicted, {furthest[1].value:.1%} observed.",
        points,
    )
    return captioned("Calibration", "Observed fraud rate by predicted probability.", drawn)


def _curves_table(context: SectionContext) -> Part:
    rows = [
        (f"{title} {finding.segment}", context.metrics.interval(finding), f"{finding.n:,}")
        for title, metric in (("Lift, decile", "lift"), ("Calibration, part", "calibration_observed"))
        for finding in _curve(context.findings, metric)
    ]
    if not rows:
        return None
    return folded("Lift and calibration in numbers", table(("Part", "Value", "Claims"), rows, numeric=(2,)))


SPEC = CheckSpec(
    name="performance",
    title="Performance",
    weight=100,
    alarm="Performance: on matured outcomes the model is worse than its model card promised, or the number of"
    " frauds is not as predicted.",
    next_step='Train on the outcomes known by now: claimwatch train {line} --why "performance in {window}"',
    next_steps={
        "observed_to_expected": "If the outcomes are complete and mean what they did, the probabilities are"
        " wrong, even if the ranking is right; a training calibrates them:"
        ' claimwatch train {line} --why "fraud rate in {window}"'
    },
    advises_retraining=True,
    metrics=Metrics(
        roc_auc=Metric("ROC-AUC"),
        pr_auc=Metric("PR-AUC"),
        brier=Metric("Brier score"),
        brier_skill=Metric("Brier skill"),
        observed_to_expected=Metric("Observed vs. predicted frauds", "relative"),
        calibration_error=Metric("Calibration error"),
        base_rate=Metric("Fraud rate", "share"),
        lift=Metric("Lift", "ratio"),
        lift_top_decile=Metric("Lift in the top decile", "ratio"),
        recall_at_capacity=Metric("Recall at capacity", "share"),
        precision_at_capacity=Metric("Precision at capacity", "share"),
        hit_rate=Metric("Hit rate of referrals", "share"),
        calibration_predicted=Metric("Predicted probability", "share"),
        calibration_observed=Metric("Observed fraud rate", "share"),
        estimated_precision=Metric("Hit rate of referrals (estimated)", "share"),
        estimated_recall=Metric("Frauds referred (estimated)", "share"),
        estimated_base_rate=Metric("Fraud rate (estimated)", "share"),
        matured=Metric("Claims with a due outcome", "count"),
        known=Metric("Claims with an outcome", "count"),
        outcomes=Metric("Outcomes used", "count"),
        immature=Metric("Claims not yet mature", "count"),
    ),
    run=run,
    section=section,
)
