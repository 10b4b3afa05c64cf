"""A section of the card, and the figures and tables that sections share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from claimwatch.domain.evaluation.finding import Finding
from claimwatch.domain.evaluation.ranking import Estimate
from claimwatch.evaluation.checks import bias, bivariate, errors, performance
from claimwatch.evaluation.formatting import Metric, Metrics
from claimwatch.evaluation.report.markup import Markup
from training.evaluate import Findings


@dataclass(frozen=True)
class Table:
    """Rows of text under headings; the first column names the row, figures start in column ``numeric``."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: int = 1


@dataclass(frozen=True)
class Section:
    """A heading with paragraphs, one a line, tables, and plots by their names; ``sign`` is a verdict."""

    title: str
    text: str
    tables: Sequence[Table] = ()
    plots: Sequence[str] = ()
    sign: Markup | None = None


METRICS = Metrics(
    bias.SPEC.metrics | bivariate.SPEC.metrics | errors.SPEC.metrics | performance.SPEC.metrics,
    value_at_capacity=Metric("Value at capacity, per thousand claims"),
)


def by_segment(found: Findings, heading: str) -> Table:
    """Return a table with a row for each feature and segment, and a column for each metric.

    Segments and metrics of which nothing is known are left out.
    """
    rows: dict[str, dict[str, Finding]] = {}
    known = [finding for finding in found if finding.value is not None]
    for finding in known:
        name = f"{finding.feature} = {finding.segment}" if finding.segment else finding.feature
        rows.setdefault(name, {})[finding.metric] = finding
    metrics = list(dict.fromkeys(finding.metric for finding in known))
    return Table(
        (heading, *(METRICS[metric].title for metric in metrics), "Claims"),
        [
            (
                name,
                *(figure(row[metric]) if metric in row else "not enough data" for metric in metrics),
                f"{max(finding.n for finding in row.values()):,}",
            )
            for name, row in rows.items()
        ],
    )


def figure(finding: Finding) -> str:
    """Return a figure with its interval."""
    return "not enough data" if finding.value is None else METRICS.interval(finding)


def estimate(metric: str, found: Estimate) -> str:
    """Return an estimate of a metric with its interval."""
    bounds = found.interval
    return METRICS.interval(Finding(metric, bounds.value, 0, low=bounds.low, high=bounds.high))


def listed(parameters: Mapping[str, object]) -> str:
    """Return parameters and their values as one line."""
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in parameters.items()
    )
