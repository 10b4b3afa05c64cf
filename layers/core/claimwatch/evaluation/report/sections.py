"""What the sections of the checks share: their context, notes, captions and trends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from claimwatch.domain.evaluation.finding import Finding
from claimwatch.evaluation.formatting import Metrics, known, subject
from claimwatch.evaluation.report.charts import Point, trend
from claimwatch.evaluation.report.markup import Markup, Part, element
from claimwatch.evaluation.report.tables import name_by_metric
from claimwatch.evaluation.report_data import PastWindow, WindowFacts

_MOST_TRENDS = 4


@dataclass(frozen=True)
class SectionContext:
    """What a check's section is made from.

    ``findings`` and ``history`` (the windows before, the oldest first) are those of the check. ``promised``
    are the champion's metrics on its test split.
    """

    facts: WindowFacts
    metrics: Metrics
    findings: Sequence[Finding]
    history: Sequence[PastWindow]
    promised: Mapping[str, float]


def note(text: str) -> Markup:
    """Return a paragraph that explains how to read what follows."""
    return element("p", text, class_="quiet")


def plots(*figures: Part) -> Markup:
    """Return figures next to each other where there is room."""
    return element("div", *figures, class_="plots")


def captioned(title: str, caption: str, drawn: Markup) -> Markup:
    """Return a picture with its title and caption."""
    return element("figure", element("figcaption", title, element("small", caption)), drawn)


def point_of(finding: Finding, label: str) -> Point:
    """Return a finding with a known value as a point of a chart."""
    assert known(finding.value)
    tone = finding.verdict if finding.verdict in ("alarm", "watch") else ""
    return Point(label, finding.value, finding.low, finding.high, tone)


def trends(context: SectionContext, found: Sequence[Finding]) -> list[Markup]:
    """Return the first findings over weeks, except those that no earlier window has."""
    drawn: list[Markup] = []
    for finding in found:
        earlier = [_week_point(past, finding) for past in context.history]
        if not known(finding.value) or not any(earlier) or len(drawn) == _MOST_TRENDS:
            continue
        title = f"{name_by_metric(context.metrics, finding)} over weeks"
        now = f"Now {context.metrics.interval(finding)}."
        picture = trend(
            title,
            now,
            [*earlier, point_of(finding, _week(context.facts.window))],
            bound=finding.threshold,
            share=context.metrics[finding.metric].format == "share",
        )
        drawn.append(captioned(title, now, picture))
    return drawn


def _week_point(past: PastWindow, finding: Finding) -> Point | None:
    """Return an earlier window's value of the same metric and subject."""
    same = (
        each
        for found in past.findings.values()
        for each in found
        if (each.metric, subject(each)) == (finding.metric, subject(finding)) and known(each.value)
    )
    return next((point_of(each, _week(past.window)) for each in same), None)


def _week(window: str) -> str:
    """Return a window's name without its year."""
    return window.partition("-")[2] or window
