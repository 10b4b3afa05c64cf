"""Tables with a row for each feature, group or slice: one metric as a picture, others beside it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from claimwatch.domain.evaluation.finding import Finding, Verdict
from claimwatch.evaluation.formatting import VERDICTS, counted, figure, interval, known, metric_title
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
"""What was found of a subject, by metric."""


@dataclass(frozen=True)
class Column:
    """A column beside the picture, and what stands in it."""

    title: str
    cell: Callable[[Row], str]


def metric_column(metric: str, title: str | None = None, *, short: bool = False) -> Column:
    """The values of another metric, with their intervals unless it is to be ``short``."""

    def cell(row: Row) -> str:
        if metric not in row:
            return ""
        return figure(metric, row[metric].value) if short else interval(row[metric])

    return Column(title or metric_title(metric), cell)


def others_column(metric: str) -> Column:
    """The rate of all others, which is what the metric's bound is."""
    return Column(
        "All others",
        lambda row: (
            figure(metric, row[metric].threshold)
            if metric in row and row[metric].threshold is not None
            else ""
        ),
    )


def subjects_table(
    found: Sequence[Finding], heading: str, main: str, columns: Sequence[Column], *, bounded: bool = True
) -> Markup:
    """A row for each subject, alarms first and else in the order of the findings.

    ``main`` is the metric that is drawn, with its bound where it is one (``bounded``). Subjects of which
    nothing is known are named apart, and never ranked.
    """
    rows: dict[str, dict[str, Finding]] = {}
    for finding in found:
        rows.setdefault(name_by_subject(finding), {})[finding.metric] = finding
    told = {name: row for name, row in rows.items() if any(known(each.value) for each in row.values())}
    ordered = sorted(told.items(), key=lambda entry: VERDICTS.index(verdict_of(entry[1])))
    scale = scale_of([row[main] for row in told.values() if main in row], bounded=bounded)
    used = [column for column in columns if any(column.cell(row) for row in told.values())]

    def drawn(part: Sequence[tuple[str, Row]]) -> Markup:
        head = [
            element("th", heading, scope="col"),
            element("th", "Verdict", scope="col"),
            element("th", f"{metric_title(main)} (95 % interval)", scope="col"),
            element("th", "", scope="col", aria_label="Picture"),
            *(element("th", column.title, scope="col", class_="n") for column in used),
            element("th", "Claims", scope="col", class_="n"),
        ]
        body = [_row(name, row, main, used, scale, bounded=bounded) for name, row in part]
        return scrolling(element("table", element("thead", element("tr", *head)), element("tbody", *body)))

    rest, small = ordered[SHOWN:], sorted(rows.keys() - told.keys())
    return joined(
        (
            drawn(ordered[:SHOWN]) if ordered else None,
            folded(f"{counted(len(rest), 'row')} more", drawn(rest)) if rest else None,
            folded(
                f"{len(small):,} with too few claims to be judged",
                element("ul", *(element("li", name) for name in small), class_="plain"),
            )
            if small
            else None,
        )
    )


def verdict_of(row: Row) -> Verdict:
    """The loudest of a subject's verdicts; that one metric lacks data does not hide the others."""
    said = {finding.verdict for finding in row.values()}
    return next((verdict for verdict in VERDICTS if verdict in said), "not enough data")


def _row(
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
        element("td", interval(drawn) if drawn else "", class_="span"),
        element("td", picture_of(drawn, scale, bounded=bounded) if drawn else None, class_="chart"),
        *(element("td", column.cell(row), class_="n") for column in columns),
        element("td", f"{max(finding.n for finding in row.values()):,}", class_="n"),
    ]
    return element("tr", *cells)
