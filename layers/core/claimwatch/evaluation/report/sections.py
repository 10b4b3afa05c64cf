"""What each check's section shows, from its findings and those of the windows before."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from claimwatch.domain.evaluation.finding import Check, Finding
from claimwatch.evaluation.facts import PastWindow, WindowFacts
from claimwatch.evaluation.report.charts import Point, bars, calibration, trend
from claimwatch.evaluation.report.heat import heat_map, week
from claimwatch.evaluation.report.markup import Markup, Part, element, joined
from claimwatch.evaluation.report.tables import (
    Naming,
    badge,
    by_metric,
    findings_table,
    folded,
    loudest_first,
    name_by_metric,
    name_by_subject,
    table,
)
from claimwatch.evaluation.words import counted, figure, interval, kind_of, known, metric_title

_ESTIMATE = "estimated"
"""Metrics with this word in their name come from probabilities, not from outcomes."""

_COUNTS = ("matured", "immature")
_CURVES = ("lift", "calibration")


@dataclass(frozen=True)
class Told:
    """What a section is made from."""

    facts: WindowFacts
    found: Sequence[Finding]
    history: Sequence[PastWindow]
    promised: Mapping[str, float]


def performance(told: Told) -> Markup:
    """What is known of outcomes, what of them is promised, and what is only estimated."""
    judged = [
        finding
        for finding in told.found
        if _ESTIMATE not in finding.metric and finding.metric not in _COUNTS and not _curve(finding)
    ]
    estimates = [finding for finding in told.found if _ESTIMATE in finding.metric]
    return joined(
        (
            _maturity(told.found),
            findings_table(judged, "Metric", promised=told.promised),
            element(
                "p",
                "A ring is what the model promised on its test split; a dashed line is the bound.",
                class_="quiet",
            )
            if told.promised
            else None,
            element("div", _lift(told), _calibration(told), *_trends(told, judged), class_="plots"),
            _lift_table(told.found),
            _estimates(estimates),
        )
    )


def feature_drift(told: Told) -> Markup:
    """The map of weeks, then every feature with all that was measured of it."""
    weeks = [week(past.window, past.model_version, past.findings) for past in told.history]
    weeks.append(week(told.facts.window, told.facts.model_version, {"feature_drift": told.found}))
    overall = [finding for finding in told.found if not finding.feature]
    return joined(
        (
            element(
                "p",
                "PSI of each feature against what the model learnt from. An alarm is certain, material and"
                " lasting at once; any two of these are worth a watch at most.",
                class_="quiet",
            ),
            heat_map(weeks),
            findings_table(overall, "Over all features"),
            folded("All measures of this week", _wide([f for f in told.found if f.feature])),
        )
    )


def score_drift(told: Told) -> Markup:
    """The measures of the score, and its PSI over weeks."""
    return joined(
        (
            findings_table(told.found, "Measure"),
            element("div", *_trends(told, [f for f in told.found if f.metric == "psi"]), class_="plots"),
        )
    )


def by_group(told: Told) -> Markup:
    """Groups under each metric, the loudest first; those too small are counted, never ranked."""
    told_of = [finding for finding in told.found if finding.verdict != "not enough data"]
    small = [finding for finding in told.found if finding.verdict == "not enough data"]
    groups = sorted({name_by_subject(finding) for finding in small})
    return joined(
        (
            *(
                joined(
                    (
                        element("h3", metric_title(metric)),
                        findings_table(loudest_first(found), "Group", name_by_subject),
                    )
                )
                for metric, found in by_metric(told_of).items()
            ),
            folded(
                f"{counted(len(groups), 'group')} with too few claims to be judged",
                element("ul", *(element("li", name) for name in groups), class_="plain"),
            )
            if groups
            else None,
        )
    )


def by_feature(told: Told) -> Markup:
    """A row for each feature with all measures, the loudest first."""
    overall = [finding for finding in told.found if not finding.feature]
    each = [finding for finding in told.found if finding.feature]
    if len(by_metric(each)) == 1:
        drawn = findings_table(loudest_first(each), metric_title(each[0].metric), name_by_subject)
    else:
        drawn = _wide(each)
    return joined((findings_table(overall, "Measure"), drawn))


def loud_and_quiet(told: Told) -> Markup:
    """What is loud as a table; the rest folded away."""
    loud = [finding for finding in told.found if finding.verdict in ("alarm", "watch")]
    quiet = [finding for finding in told.found if finding.verdict not in ("alarm", "watch")]
    overall = [finding for finding in quiet if not finding.feature]
    return joined(
        (
            findings_table([*loudest_first(loud), *overall], "What was counted"),
            folded(
                "By column, where nothing is to be seen",
                findings_table([f for f in quiet if f.feature], "What was counted"),
            )
            if len(overall) < len(quiet)
            else None,
        )
    )


def operations(told: Told) -> Markup:
    """The measures, and what the window cost over weeks."""
    return joined(
        (
            findings_table(told.found, "Measure", of="Of"),
            element("div", *_trends(told, [f for f in told.found if f.metric == "cost"]), class_="plots"),
        )
    )


def plain(told: Told) -> Markup:
    """All findings, the loudest first."""
    return findings_table(loudest_first(told.found), "Measure")


SECTIONS: dict[Check, Callable[[Told], Markup]] = {
    "performance": performance,
    "feature_drift": feature_drift,
    "score_drift": score_drift,
    "bias": by_group,
    "errors": by_group,
    "challenger": plain,
    "data_quality": loud_and_quiet,
    "importance": by_feature,
    "bivariate": by_feature,
    "operations": operations,
}
"""How each check is shown, in the order of the page."""


def _maturity(found: Sequence[Finding]) -> Part:
    counts = {f.metric: f.value for f in found if f.metric in _COUNTS and known(f.value)}
    if not counts:
        return None
    parts = [
        element("li", element("b", figure(metric, counts[metric])), f" {words}")
        for metric, words in (
            ("matured", "claims are old enough that their outcome is due: the figures rest on these"),
            ("immature", "are not, and are left out"),
        )
        if metric in counts
    ]
    return element("ul", *parts, class_="facts")


def _estimates(found: Sequence[Finding]) -> Part:
    if not found:
        return None
    return joined(
        (
            element("h3", "Estimates, before outcomes are due"),
            element(
                "p",
                "From calibrated probabilities alone. They hold as long as these do, and no outcome has"
                " confirmed them yet.",
                class_="quiet",
            ),
            findings_table(found, "Estimate"),
        )
    )


def _curve(finding: Finding) -> bool:
    return finding.metric.partition("_")[0] in _CURVES and finding.segment.isdecimal()


def _deciles(found: Sequence[Finding], metric: str) -> list[Finding]:
    kept = [
        finding
        for finding in found
        if finding.metric == metric and finding.segment.isdecimal() and known(finding.value)
    ]
    return sorted(kept, key=lambda finding: int(finding.segment))


def _lift(told: Told) -> Part:
    found = _deciles(told.found, "lift")
    if not found:
        return None
    points = [_point(finding, finding.segment) for finding in found]
    drawn = bars(
        "Lift by decile",
        f"The highest-scored tenth has a lift of {interval(found[0])}; 1 is the base rate.",
        points,
        even=1.0,
        below="tenths of the claims, the highest scores first",
    )
    return _figure("Lift by decile", "Fraud rate over the base rate, with 95 % intervals.", drawn)


def _lift_table(found: Sequence[Finding]) -> Part:
    rows = [(f"Decile {f.segment}", interval(f), f"{f.n:,}") for f in _deciles(found, "lift")]
    rows += [
        (f"Probabilities, part {f.segment}", interval(f), f"{f.n:,}")
        for f in _deciles(found, "calibration_observed")
    ]
    if not rows:
        return None
    return folded("Lift and calibration in numbers", table(("Part", "Value", "Claims"), rows, numeric=(2,)))


def _calibration(told: Told) -> Part:
    said = {f.segment: f.value for f in _deciles(told.found, "calibration_predicted")}
    points = [
        (given, _point(finding, finding.segment))
        for finding in _deciles(told.found, "calibration_observed")
        if (given := said.get(finding.segment)) is not None
    ]
    if not points:
        return None
    furthest = max(points, key=lambda entry: abs(entry[0] - entry[1].value))
    drawn = calibration(
        "Calibration",
        f"Furthest off: {furthest[0]:.1%} was given where {furthest[1].value:.1%} were frauds.",
        points,
    )
    return _figure("Calibration", "Share of frauds where each probability was given.", drawn)


def _trends(told: Told, found: Sequence[Finding]) -> list[Markup]:
    """Metrics over the windows, for those that an earlier window has too."""
    drawn: list[Markup] = []
    for finding in found:
        if not known(finding.value) or len(drawn) == 4:
            continue
        points: list[Point | None] = [
            next((_point(f, past.window) for f in _same(past, finding)), None) for past in told.history
        ]
        if not any(points):
            continue
        points.append(_point(finding, told.facts.window))
        title = name_by_metric(finding)
        share = kind_of(finding.metric) == "share"
        drawn.append(
            _figure(
                f"{title} over weeks",
                f"Now {interval(finding)}.",
                trend(
                    f"{title} over weeks",
                    f"Now {interval(finding)}.",
                    points,
                    bound=finding.threshold,
                    share=share,
                ),
            )
        )
    return drawn


def _same(past: PastWindow, finding: Finding) -> list[Finding]:
    wanted = (finding.metric, finding.feature, finding.segment)
    return [
        each
        for found in past.findings.values()
        for each in found
        if (each.metric, each.feature, each.segment) == wanted and known(each.value)
    ]


def _wide(found: Sequence[Finding], named: Naming = name_by_subject) -> Markup:
    """A row for each subject, a column for each metric."""
    if not found:
        return Markup("")
    metrics = list(by_metric(found))
    rows: dict[str, dict[str, Finding]] = {}
    for finding in loudest_first(found):
        rows.setdefault(named(finding), {})[finding.metric] = finding
    return table(
        ("", "Verdict", *(metric_title(metric) for metric in metrics)),
        [
            (
                name,
                badge(loudest_first(list(cells.values()))[0].verdict),
                *(interval(cells[metric]) if metric in cells else "" for metric in metrics),
            )
            for name, cells in rows.items()
        ],
        numeric=range(2, len(metrics) + 2),
    )


def _point(finding: Finding, label: str) -> Point:
    assert known(finding.value)
    tone = finding.verdict if finding.verdict in ("alarm", "watch") else ""
    return Point(label.partition("-")[2] or label, finding.value, finding.low, finding.high, tone)


def _figure(title: str, below: str, drawn: Markup) -> Markup:
    return element("figure", element("figcaption", title, element("small", below)), drawn)
