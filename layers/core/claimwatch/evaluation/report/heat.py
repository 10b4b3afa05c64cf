"""Drift over weeks: features by windows, each cell the PSI, its colour how far that is from its bound."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from claimwatch.domain.evaluation.finding import Finding, Verdict
from claimwatch.evaluation.formatting import counted, figure, known
from claimwatch.evaluation.report.markup import Markup, breakable, element, joined
from claimwatch.evaluation.report.tables import folded, loudest_first
from claimwatch.evaluation.report_data import Findings

SHOWN = 30
"""Features before the rest is folded away: those that have moved most stand first."""

_LEVELS = (0.5, 1.0, 2.0, 4.0)
"""Shares of the bound at which the colour changes."""

_KEY = ("up to half its bound", "up to its bound", "up to twice", "up to four times", "beyond")


@dataclass(frozen=True)
class Week:
    """A column: a window, and the drift of each feature in it."""

    window: str
    model_version: str
    cells: Mapping[str, Finding]
    verdicts: Mapping[str, Verdict]


def week(window: str, model_version: str, findings: Findings) -> Week:
    """The column of a window."""
    found = [finding for finding in findings.get("feature_drift", ()) if finding.feature]
    verdicts: dict[str, Verdict] = {}
    for finding in loudest_first(found):
        verdicts.setdefault(finding.feature, finding.verdict)
    return Week(window, model_version, {f.feature: f for f in found if f.metric == "psi"}, verdicts)


def heat_map(weeks: Sequence[Week]) -> Markup:
    """The map; the last column is the window that the report is about."""
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
    told = f"{finding.value:.2f}"
    bound = "" if finding.threshold is None else f", bound {figure('psi', finding.threshold)}"
    sign = {"alarm": " ▲", "watch": " ◆"}.get(verdict, "")
    return element(
        "td",
        element("b", told + sign) if sign else told,
        class_=f"h{_level(finding)}{extra}",
        title=f"{name}, {each.window}: PSI {figure('psi', finding.value)}{bound}, {verdict}",
    )


def _key(weeks: Sequence[Week]) -> Markup:
    parts = [element("li", element("span", class_=f"h{level}"), words) for level, words in enumerate(_KEY)]
    parts += [element("li", "▲ alarm"), element("li", "◆ watch"), element("li", "· nothing to compare")]
    if any(_is_new_model(weeks, place) for place in range(len(weeks))):
        parts.append(element("li", "┆ a new model, with a reference of its own"))
    return element("ul", *parts, class_="key")


def _is_new_model(weeks: Sequence[Week], place: int) -> bool:
    return place > 0 and weeks[place].model_version != weeks[place - 1].model_version


def _rank(weeks: Sequence[Week], name: str) -> tuple[int, float, float, str]:
    now = weeks[-1].cells.get(name)
    order = {"alarm": 0, "watch": 1}.get(weeks[-1].verdicts.get(name, "ok"), 2)
    most = max((_share(each.cells[name]) for each in weeks if name in each.cells), default=0.0)
    return order, -(_share(now) if now else 0.0), -most, name


def _level(finding: Finding) -> int:
    share = _share(finding)
    return sum(share > level for level in _LEVELS)


def _share(finding: Finding) -> float:
    """PSI in bounds; without a bound, in tenths, where rules of thumb begin to speak of a shift."""
    return (finding.value if known(finding.value) else 0.0) / (finding.threshold or 0.1)
