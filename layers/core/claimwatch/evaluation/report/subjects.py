"""Tables with a row for each feature, group or slice: one metric as a picture, other metrics as text."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from claimwatch.domain.evaluation.finding import VERDICTS, Finding, Verdict, most_urgent
from claimwatch.evaluation.formatting import Metrics, counted, known
from claimwatch.evaluation.report.markup import Markup, Part, breakable, element, joined
from claimwatch.evaluation.report.tables import (
    SHOWN,
    badge,
    folded,
    name_by_subject,
    picture_of,
    scale_of,
    scrolling,
)

type Row = Mapping[str, Finding]
"""Findings of a subject by metric."""


@dataclass(frozen=True)
class Column:
    """A column of text: its heading, and the function that returns a row's cell."""

    title: str
    cell: Callable[[Row], str]


def metric_column(metrics: Metrics, metric: str, title: str | None = None, *, short: bool = False) -> Column:
    """Return a column with the values of a metric; ``short`` leaves the intervals out."""
    write = metrics.figure if short else metrics.interval
    return Column(title or metrics[metric].title, lambda row: write(row[metric]) if metric in row else "")


def others_column(metrics: Metrics, metric: str) -> Column:
    """Return a column with the rate of all other claims: the thresholds of the metric."""

    def cell(row: Row) -> str:
        known_rate = metric in row and row[metric].threshold is not None
        return metrics[metric].figure(row[metric].threshold) if known_rate else ""

    return Column("All others", cell)


def subjects_table(
    metrics: Metrics,
    found: Sequence[Finding],
    heading: str,
    main: str,
    columns: Sequence[Column],
    *,
    bounded: bool = True,
) -> Markup:
    """Return a table with a row for each subject: alarms first, otherwise in the order of the findings.

    ``main`` is the metric that is drawn, with its threshold if ``bounded``. Subjects without a known value
    are listed separately with their number of claims, unranked.
    """
    rows: dict[str, dict[str, Finding]] = {}
    for finding in found:
        rows.setdefault(name_by_subject(finding), {})[finding.metric] = finding
    judged = {name: row for name, row in rows.items() if any(known(each.value) for each in row.values())}
    ordered = sorted(judged.items(), key=lambda entry: VERDICTS.index(verdict_of(entry[1])))
    drawn_findings = [row[main] for row in judged.values() if main in row]
    scale = scale_of(metrics, drawn_findings, bounded=bounded)
    used = [column for column in columns if any(column.cell(row) for row in judged.values())]

    def drawn(part: Sequence[tuple[str, Row]]) -> Markup:
        head = [
            element("th", heading, scope="col"),
            element("th", "Verdict", scope="col"),
            element("th", f"{metrics[main].title} (95 % interval)", scope="col"),
            element("th", "", scope="col", aria_label="Picture"),
            *(element("th", column.title, scope="col", class_="n") for column in used),
            element("th", "Claims", scope="col", class_="n"),
        ]
        body = [_row(metrics, name, row, main, used, scale, bounded=bounded) for name, row in part]
        return scrolling(element("table", element("thead", element("tr", *head)), element("tbody", *body)))

    rest = ordered[SHOWN:]
    small = [
        f"{name}: {counted(max(finding.n for finding in rows[name].values()), 'claim')}, not enough data"
        for name in sorted(rows.keys() - judged.keys())
    ]
    return joined(
        (
            drawn(ordered[:SHOWN]) if ordered else None,
            folded(f"{counted(len(rest), 'row')} more", drawn(rest)) if rest else None,
            folded(
                f"{len(small):,} with too few claims for a verdict",
                element("ul", *(element("li", each) for each in small), class_="plain"),
            )
            if small
            else None,
        )
    )


def verdict_of(row: Row) -> Verdict:
    """Return the most urgent verdict of a subject."""
    return most_urgent({finding.verdict for finding in row.values()})


def _row(
    metrics: Metrics,
    name: str,
    row: Row,
    main: str,
    columns: Sequence[Column],
    scale: tuple[float, float],
    *,
    bounded: bool,
) -> Markup:
    drawn = row.get(main)
    cells: list[Part] = [
        element("th", breakable(name), scope="row"),
        element("td", badge(verdict_of(row))),
        element("td", metrics.interval(drawn) if drawn else "", class_="span"),
        element("td", picture_of(metrics, drawn, scale, bounded=bounded) if drawn else None, class_="chart"),
        *(element("td", column.cell(row), class_="n") for column in columns),
        element("td", f"{max(finding.n for finding in row.values()):,}", class_="n"),
    ]
    return element("tr", *cells)
