"""Map of drift: a row for each feature, a column for each week, the PSI coloured by its verdict.

A PSI beyond its bound may be chance, or not lasting yet, so the colour follows the verdict and not the value:
what looks like an alarm is one. Only within a verdict does the value deepen the colour.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from claimwatch.domain.evaluation.finding import Finding, Verdict
from claimwatch.evaluation.formatting import counted, known, plain
from claimwatch.evaluation.report.markup import Markup, breakable, element, joined
from claimwatch.evaluation.report.tables import folded, most_urgent_first

SHOWN = 30
"""Features that are shown, the most drifted first; the rest is folded away."""

_DEEPER = {"ok": 0.5, "alarm": 4.0}
"""Multiples of the bound from which the colour of a verdict is deeper."""

_LIGHTEST = {"ok": 0, "watch": 2, "alarm": 3}
"""The colour of each verdict; without one, a cell has no colour."""

_KEY = ("ok, up to half the bound", "ok", "watch", "alarm", "alarm, above four times the bound")

_UNBOUNDED = 0.1
"""PSI from which rules of thumb speak of a shift; stands in for a bound that is not known."""


@dataclass(frozen=True)
class Week:
    """A column: the drift of each feature in a window."""

    window: str
    model_version: str
    cells: Mapping[str, Finding]
    verdicts: Mapping[str, Verdict]


def week(window: str, model_version: str, findings: Sequence[Finding]) -> Week:
    """Return the column of a window from the findings of check ``feature_drift``."""
    found = [finding for finding in findings if finding.feature]
    verdicts: dict[str, Verdict] = {}
    for finding in most_urgent_first(found):
        verdicts.setdefault(finding.feature, finding.verdict)
    return Week(window, model_version, {f.feature: f for f in found if f.metric == "psi"}, verdicts)


def heat_map(weeks: Sequence[Week]) -> Markup:
    """Return the map; its last column is the window of the report."""
    features = sorted({name for each in weeks for name in each.cells}, key=lambda name: _rank(weeks, name))
    if not features:
        return element("p", "No feature has been compared yet.", class_="quiet")
    shown = _map(weeks, features[:SHOWN])
    rest = features[SHOWN:]
    return joined(
        (
            shown,
            _key(weeks),
            folded(f"{counted(len(rest), 'feature')} more", _map(weeks, rest)) if rest else None,
        )
    )


def _map(weeks: Sequence[Week], features: Sequence[str]) -> Markup:
    head = element(
        "tr",
        element("th", "Feature", scope="col"),
        *(
            element(
                "th",
                each.window.partition("-")[2] or each.window,
                scope="col",
                title=f"{each.window}, model {each.model_version}",
                class_="new" if _is_new_model(weeks, place) else None,
            )
            for place, each in enumerate(weeks)
        ),
    )
    body = [
        element(
            "tr",
            element("th", breakable(name), scope="row"),
            *(_cell(each, name, new=_is_new_model(weeks, place)) for place, each in enumerate(weeks)),
        )
        for name in features
    ]
    drawn = element("table", element("thead", head), element("tbody", *body), class_="heat")
    return element("div", drawn, class_="wide late", tabindex="0", role="group", aria_label="Drift by week")


def _cell(each: Week, name: str, *, new: bool) -> Markup:
    finding = each.cells.get(name)
    extra = " new" if new else ""
    if finding is None or not known(finding.value):
        return element(
            "td", "·", class_=f"hx{extra}", title=f"{name}, {each.window}: not enough data, or not checked"
        )
    verdict = each.verdicts.get(name, finding.verdict)
    value = f"{finding.value:.2f}"
    bound = "" if finding.threshold is None else f", bound {plain(finding.threshold)}"
    sign = {"alarm": " ▲", "watch": " ◆"}.get(verdict, "")
    return element(
        "td",
        element("b", value + sign) if sign else value,
        class_=f"h{_level(finding, verdict)}{extra}",
        title=f"{name}, {each.window}: PSI {plain(finding.value)}{bound}, {verdict}",
    )


def _key(weeks: Sequence[Week]) -> Markup:
    parts = [element("li", element("span", class_=f"h{level}"), words) for level, words in enumerate(_KEY)]
    parts += [element("li", "▲ alarm"), element("li", "◆ watch"), element("li", "· no verdict")]
    if any(_is_new_model(weeks, place) for place in range(len(weeks))):
        parts.append(element("li", "┆ new model, new reference"))
    return element("ul", *parts, class_="key")


def _is_new_model(weeks: Sequence[Week], place: int) -> bool:
    return place > 0 and weeks[place].model_version != weeks[place - 1].model_version


def _rank(weeks: Sequence[Week], name: str) -> tuple[int, float, float, str]:
    now = weeks[-1].cells.get(name)
    order = {"alarm": 0, "watch": 1}.get(weeks[-1].verdicts.get(name, "ok"), 2)
    most = max((_multiple(each.cells[name]) for each in weeks if name in each.cells), default=0.0)
    return order, -(_multiple(now) if now else 0.0), -most, name


def _level(finding: Finding, verdict: Verdict) -> int | str:
    """Return the colour of a cell."""
    if verdict not in _LIGHTEST:
        return "x"
    return _LIGHTEST[verdict] + (_multiple(finding) > _DEEPER.get(verdict, float("inf")))


def _multiple(finding: Finding) -> float:
    """Return the PSI as a multiple of its bound."""
    return (finding.value if known(finding.value) else 0.0) / (finding.threshold or _UNBOUNDED)
