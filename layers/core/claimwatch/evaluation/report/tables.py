"""Tables of findings: what it is about, its value and interval as text and as a picture, bound, verdict."""

from collections.abc import Callable, Mapping, Sequence
from math import log

from claimwatch.domain.evaluation.finding import Finding
from claimwatch.evaluation.formatting import VERDICTS, counted, figure, interval, known, metric_title, subject
from claimwatch.evaluation.priorities import Outcome, most_telling
from claimwatch.evaluation.report.charts import Point, span
from claimwatch.evaluation.report.markup import Markup, Part, breakable, element, joined

SHOWN = 12
"""Rows of a table before the rest is folded away."""

_FURTHEST = 20.0
"""The greatest ratio that is drawn."""

type Naming = Callable[[Finding], str]


def badge(outcome: Outcome) -> Markup:
    """A verdict as a coloured word with a sign, so that nobody has to tell colours apart."""
    words = "not checked" if outcome == "missing" else outcome
    return element("span", words, class_=f"badge {outcome}" if " " not in outcome else "badge")


def table(headings: Sequence[str], rows: Sequence[Sequence[Part]], numeric: Sequence[int] = ()) -> Markup:
    """A table in a box that scrolls by itself; the first column names the row."""
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
    """What is there for who asks for it."""
    return element("details", element("summary", summary), *parts)


def by_metric(found: Sequence[Finding]) -> dict[str, list[Finding]]:
    """Findings by their metric, in the order in which they came."""
    groups: dict[str, list[Finding]] = {}
    for finding in found:
        groups.setdefault(finding.metric, []).append(finding)
    return groups


def loudest_first(found: Sequence[Finding]) -> list[Finding]:
    """Alarms before what is to be watched, and within each what is furthest beyond its bound."""
    return sorted(most_telling(found), key=lambda finding: VERDICTS.index(finding.verdict))


def name_by_metric(finding: Finding) -> str:
    """What a row is called where metrics differ."""
    about = subject(finding)
    return f"{metric_title(finding.metric)}, {about}" if about else metric_title(finding.metric)


def name_by_subject(finding: Finding) -> str:
    """What a row is called where all rows have one metric."""
    return subject(finding) or "all claims"


def findings_table(
    found: Sequence[Finding],
    heading: str = "",
    named: Naming = name_by_metric,
    promised: Mapping[str, float] | None = None,
    of: str = "Claims",
) -> Markup:
    """Findings, a row each; what is beyond a dozen is folded away. ``of`` is what ``n`` counts."""
    if not found:
        return Markup("")
    with_promise = bool(promised) and any(finding.metric in (promised or {}) for finding in found)
    scales = {
        metric: scale_of(group, (promised or {}).get(metric)) for metric, group in by_metric(found).items()
    }

    def rows(part: Sequence[Finding]) -> Markup:
        return _rows(part, (heading, of), named, (promised or {}) if with_promise else None, scales)

    if len(found) <= SHOWN + 3:
        return rows(found)
    rest = found[SHOWN:]
    return joined((rows(found[:SHOWN]), folded(f"{counted(len(rest), 'row')} more", rows(rest))))


def _rows(
    found: Sequence[Finding],
    headings: tuple[str, str],
    named: Naming,
    promised: Mapping[str, float] | None,
    scales: Mapping[str, tuple[float, float]],
) -> Markup:
    pictured = any(finding.low is not None or finding.threshold is not None for finding in found)
    bounded = any(finding.threshold is not None for finding in found)
    head = [
        element("th", headings[0], scope="col"),
        element("th", "Verdict", scope="col"),
        element("th", "Value (95 % interval)", scope="col"),
        element("th", "", scope="col", aria_label="Picture") if pictured else None,
        element("th", "Promised", scope="col", class_="n") if promised is not None else None,
        element("th", "Bound", scope="col", class_="n") if bounded else None,
        element("th", headings[1], scope="col", class_="n"),
    ]
    body = []
    for finding in found:
        promise = (promised or {}).get(finding.metric)
        cells: list[Part] = [
            element("th", breakable(named(finding)), scope="row"),
            element("td", badge(finding.verdict)),
            element("td", interval(finding), class_="span"),
            element("td", picture_of(finding, scales[finding.metric], promise), class_="chart")
            if pictured
            else None,
            element("td", "" if promise is None else figure(finding.metric, promise), class_="n")
            if promised is not None
            else None,
            element(
                "td",
                "" if finding.threshold is None else figure(finding.metric, finding.threshold),
                class_="n",
            )
            if bounded
            else None,
            element("td", f"{finding.n:,}" if finding.n else "", class_="n"),
        ]
        body.append(element("tr", *cells))
    return scrolling(
        element("table", element("thead", element("tr", *head)), element("tbody", *body)),
    )


def picture_of(
    finding: Finding, scale: tuple[float, float], promise: float | None = None, *, bounded: bool = True
) -> Part:
    """A value with its interval and its bound on a scale; a dot alone would say nothing."""
    bound = finding.threshold if bounded else None
    if not known(finding.value) or (finding.low is None and bound is None and promise is None):
        return None
    tone = finding.verdict if finding.verdict in ("alarm", "watch") else ""
    described = name_by_metric(finding) + ": " + interval(finding)
    place = _placing(finding)
    value, low, high, limit, ring = map(place, (finding.value, finding.low, finding.high, bound, promise))
    assert value is not None
    return span(described, Point("", value, low, high, tone), *scale, bound=limit, promised=ring)


def scale_of(
    found: Sequence[Finding], promise: float | None = None, *, bounded: bool = True
) -> tuple[float, float]:
    """From where to where a scale goes that has room for all of them, and for zero."""
    told = [
        place
        for finding in found
        for edge in (
            finding.value,
            finding.low,
            finding.high,
            finding.threshold if bounded else None,
            promise,
        )
        if (place := _placing(finding)(edge)) is not None
    ]
    low, high = min([0.0, *told]), max([0.0, *told])
    room = (high - low) * 0.04 or 1.0
    return (low if low == 0.0 else low - room), high + room


def _placing(finding: Finding) -> Callable[[float | None], float | None]:
    """Where a value stands: as it is, or for a ratio to others by its logarithm, twice as far as half."""
    to_others = finding.metric.endswith("_ratio") or finding.metric == "missed_over_expected"

    def place(value: float | None) -> float | None:
        if not known(value):
            return None
        return log(min(max(value, 1.0 / _FURTHEST), _FURTHEST)) if to_others else value

    return place


def scrolling(content: Markup) -> Markup:
    """A box for a table that scrolls by itself where it is too wide, by keyboard too."""
    return element("div", content, class_="wide", tabindex="0", role="group", aria_label="Table")
