"""Tables of findings: subject, verdict, value with its interval as text and as a picture, and bound."""

from collections.abc import Callable, Mapping, Sequence
from math import log

from claimwatch.domain.evaluation.finding import VERDICTS, Finding
from claimwatch.evaluation.formatting import Metrics, counted, known, subject
from claimwatch.evaluation.report.charts import Point, span
from claimwatch.evaluation.report.markup import Markup, Part, breakable, element, joined
from claimwatch.evaluation.report_data import Outcome, furthest_first

SHOWN = 12
"""Rows of a table that are shown; the rest is folded away."""

_FURTHEST = 20.0
"""The greatest ratio that is drawn."""


def badge(outcome: Outcome) -> Markup:
    """Return a verdict as a coloured word with a sign, so that it can be read without colours."""
    words = "not checked" if outcome == "missing" else outcome
    return element("span", words, class_=f"badge {outcome}" if " " not in outcome else "badge")


def table(headings: Sequence[str], rows: Sequence[Sequence[Part]], numeric: Sequence[int] = ()) -> Markup:
    """Return a table that scrolls by itself; the first cell of a row is its heading."""
    head = element(
        "tr",
        *(
            element("th", heading, scope="col", class_="n" if place in numeric else None)
            for place, heading in enumerate(headings)
        ),
    )
    body = [
        element(
            "tr",
            element("th", breakable(row[0]) if isinstance(row[0], str) else row[0], scope="row"),
            *(
                element("td", cell, class_="n" if place in numeric else None)
                for place, cell in enumerate(row[1:], start=1)
            ),
        )
        for row in rows
    ]
    return scrolling(element("table", element("thead", head), element("tbody", *body)))


def folded(summary: str, *parts: Part) -> Markup:
    """Return content that is hidden until the reader opens it."""
    return element("details", element("summary", summary), *parts)


def by_metric(found: Sequence[Finding]) -> dict[str, list[Finding]]:
    """Group findings by metric, in their order."""
    groups: dict[str, list[Finding]] = {}
    for finding in found:
        groups.setdefault(finding.metric, []).append(finding)
    return groups


def most_urgent_first(found: Sequence[Finding]) -> list[Finding]:
    """Sort findings by verdict, and findings of one verdict by their distance beyond the bound."""
    return sorted(furthest_first(found), key=lambda finding: VERDICTS.index(finding.verdict))


def name_by_metric(metrics: Metrics, finding: Finding) -> str:
    """Return the name of a row in a table of several metrics."""
    title, about = metrics[finding.metric].title, subject(finding)
    return f"{title}, {about}" if about else title


def name_by_subject(finding: Finding) -> str:
    """Return the name of a row in a table of subjects."""
    return subject(finding) or "all claims"


def findings_table(
    metrics: Metrics,
    found: Sequence[Finding],
    heading: str,
    promised: Mapping[str, float] | None = None,
    count: str = "Claims",
) -> Markup:
    """Return a table with a row for each finding; rows beyond a dozen are folded away.

    ``count`` is the heading of ``n``.
    """
    if not found:
        return Markup("")
    groups = by_metric(found)
    promises = {name: value for name, value in (promised or {}).items() if name in groups}
    scales = {name: scale_of(metrics, group, promises.get(name)) for name, group in groups.items()}

    def rows(part: Sequence[Finding]) -> Markup:
        return _rows(metrics, part, (heading, count), promises, scales)

    if len(found) <= SHOWN + 3:
        return rows(found)
    rest = found[SHOWN:]
    return joined((rows(found[:SHOWN]), folded(f"{counted(len(rest), 'row')} more", rows(rest))))


def _rows(
    metrics: Metrics,
    found: Sequence[Finding],
    headings: tuple[str, str],
    promises: Mapping[str, float],
    scales: Mapping[str, tuple[float, float]],
) -> Markup:
    pictured = any(finding.low is not None or finding.threshold is not None for finding in found)
    bounded = any(finding.threshold is not None for finding in found)
    head = [
        element("th", headings[0], scope="col"),
        element("th", "Verdict", scope="col"),
        element("th", "Value (95 % interval)", scope="col"),
        element("th", "", scope="col", aria_label="Picture") if pictured else None,
        element("th", "Promised", scope="col", class_="n") if promises else None,
        element("th", "Bound", scope="col", class_="n") if bounded else None,
        element("th", headings[1], scope="col", class_="n"),
    ]
    body = []
    for finding in found:
        promise = promises.get(finding.metric)
        metric = metrics[finding.metric]
        cells: list[Part] = [
            element("th", breakable(name_by_metric(metrics, finding)), scope="row"),
            element("td", badge(finding.verdict)),
            element("td", metrics.interval(finding), class_="span"),
            element("td", picture_of(metrics, finding, scales[finding.metric], promise), class_="chart")
            if pictured
            else None,
            element("td", "" if promise is None else metric.figure(promise), class_="n")
            if promises
            else None,
            element("td", "" if finding.threshold is None else metric.figure(finding.threshold), class_="n")
            if bounded
            else None,
            element("td", f"{finding.n:,}" if finding.n else "", class_="n"),
        ]
        body.append(element("tr", *cells))
    return scrolling(
        element("table", element("thead", element("tr", *head)), element("tbody", *body)),
    )


def picture_of(
    metrics: Metrics,
    finding: Finding,
    scale: tuple[float, float],
    promise: float | None = None,
    *,
    bounded: bool = True,
) -> Part:
    """Return a picture of a value with its interval, bound and promise; nothing if it has none of them."""
    bound = finding.threshold if bounded else None
    if not known(finding.value) or (finding.low is None and bound is None and promise is None):
        return None
    tone = finding.verdict if finding.verdict in ("alarm", "watch") else ""
    described = f"{name_by_metric(metrics, finding)}: {metrics.interval(finding)}"
    place = _placement(metrics, finding)
    value, low, high, limit, ring = map(place, (finding.value, finding.low, finding.high, bound, promise))
    assert value is not None
    return span(described, Point("", value, low, high, tone), *scale, bound=limit, promised=ring)


def scale_of(
    metrics: Metrics, found: Sequence[Finding], promise: float | None = None, *, bounded: bool = True
) -> tuple[float, float]:
    """Return the ends of a scale that holds all values, intervals and bounds, and zero."""
    places = [
        place
        for finding in found
        for edge in (
            finding.value,
            finding.low,
            finding.high,
            finding.threshold if bounded else None,
            promise,
        )
        if (place := _placement(metrics, finding)(edge)) is not None
    ]
    low, high = min([0.0, *places]), max([0.0, *places])
    room = (high - low) * 0.04 or 1.0
    return (low if low == 0.0 else low - room), high + room


def _placement(metrics: Metrics, finding: Finding) -> Callable[[float | None], float | None]:
    """Return the function from values to places: logarithmic for relative metrics, so 2 mirrors 0.5."""
    logarithmic = metrics[finding.metric].format == "relative"

    def place(value: float | None) -> float | None:
        if not known(value):
            return None
        return log(min(max(value, 1.0 / _FURTHEST), _FURTHEST)) if logarithmic else value

    return place


def scrolling(content: Markup) -> Markup:
    """Return a box in which a wide table scrolls, by keyboard too."""
    return element("div", content, class_="wide", tabindex="0", role="group", aria_label="Table")
