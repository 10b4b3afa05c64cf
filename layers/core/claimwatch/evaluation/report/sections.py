"""What each check's section shows, from its findings and those of the windows before."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from claimwatch.domain.evaluation.finding import Check, Finding
from claimwatch.evaluation.formatting import counted, figure, interval, kind_of, known, metric_title
from claimwatch.evaluation.report.charts import Point, bars, calibration, trend
from claimwatch.evaluation.report.heat import heat_map, week
from claimwatch.evaluation.report.markup import Markup, Part, element, joined
from claimwatch.evaluation.report.subjects import (
    metric_column,
    others_column,
    subjects_table,
)
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
from claimwatch.evaluation.report_data import PastWindow, WindowFacts

_ESTIMATE = "estimated"
"""Metrics with this word in their name come from probabilities, not from outcomes."""

_COUNTS = ("matured", "known", "outcomes", "immature")
_OVER_GROUPS = ("demographic_parity_ratio", "equal_opportunity_difference")
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
            folded(
                "All measures of this week",
                subjects_table(
                    [f for f in told.found if f.feature],
                    "Feature",
                    "psi",
                    tuple(metric_column(metric) for metric in by_metric(told.found) if metric != "psi"),
                ),
            ),
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


def bias(told: Told) -> Markup:
    """Each rate of every group beside that of all others, their ratio as a picture."""
    over_all = [finding for finding in told.found if finding.metric in _OVER_GROUPS]
    groups = [finding for finding in told.found if finding.metric not in _OVER_GROUPS]
    rates = dict.fromkeys(finding.metric.removesuffix("_ratio") for finding in groups)
    return joined(
        (
            *(
                joined(
                    (
                        element("h3", metric_title(rate)),
                        subjects_table(
                            [f for f in groups if f.metric in (rate, f"{rate}_ratio")],
                            "Group",
                            f"{rate}_ratio",
                            (metric_column(rate, "Rate"), others_column(rate)),
                        ),
                    )
                )
                for rate in rates
            ),
            folded("Over all groups of an attribute", findings_table(over_all, "Measure"))
            if over_all
            else None,
        )
    )


def errors(told: Told) -> Markup:
    """Slices, those that miss the most first, beside all others and beside what was foretold."""
    return joined(
        (
            element(
                "p",
                "Frauds that were not referred, by slice. What is beyond the probabilities' own word alarms;"
                " that a slice differs from the others is watched at most.",
                class_="quiet",
            ),
            subjects_table(
                told.found,
                "Slice",
                "missed_rate",
                (
                    others_column("missed_rate"),
                    metric_column("missed_over_expected", "To what was foretold"),
                    metric_column("false_referral_rate", "Honest referrals", short=True),
                ),
            ),
        )
    )


def importance(told: Told) -> Markup:
    """What each feature adds to the scores, and how that has changed."""
    return subjects_table(
        told.found, "Feature", "importance", (metric_column("importance_shift", "Change"),), bounded=False
    )


def bivariate(told: Told) -> Markup:
    """How each feature alone goes with the outcome, and how that has changed."""
    columns = (
        metric_column("correlation_shift", "Change"),
        metric_column("q_value"),
        metric_column("p_value"),
    )
    return subjects_table(told.found, "Feature", "correlation", columns, bounded=False)


def data_quality(told: Told) -> Markup:
    """What is loud, and what comes with files; columns where nothing is to be seen are folded away."""
    loud = [finding for finding in told.found if finding.verdict in ("alarm", "watch")]
    quiet = [finding for finding in told.found if finding.verdict not in ("alarm", "watch")]
    by_column = [finding for finding in quiet if finding.feature]
    return joined(
        (
            findings_table(
                [*loudest_first(loud), *(finding for finding in quiet if not finding.feature)],
                "What was counted",
            ),
            folded("By column, where nothing is to be seen", _wide(by_column)) if by_column else None,
        )
    )


def challenger(told: Told) -> Markup:
    """The test between the two, and what it rests on."""
    return joined(
        (
            element("p", _decision(told.found)),
            element(
                "p",
                "On the random audit alone, which favours neither. The evidence may be looked at every week:"
                " it is decided where it reaches its bound, whichever week that is.",
                class_="quiet",
            ),
            findings_table(told.found, "Measure", of="Frauds"),
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


SECTIONS: dict[Check, Callable[[Told], Markup]] = {
    "performance": performance,
    "feature_drift": feature_drift,
    "score_drift": score_drift,
    "bias": bias,
    "errors": errors,
    "challenger": challenger,
    "data_quality": data_quality,
    "importance": importance,
    "bivariate": bivariate,
    "operations": operations,
}
"""How each check is shown, in the order of the page."""


def _decision(found: Sequence[Finding]) -> str:
    """What the test comes to, in a sentence."""
    told = {finding.metric: finding for finding in found}
    count = told.get("audited_frauds")
    rests = f" after {counted(int(count.value), 'audited fraud')}" if count and known(count.value) else ""
    for metric, words in (
        ("evidence_better", "The challenger finds more frauds"),
        ("evidence_worse", "The challenger finds fewer frauds"),
    ):
        each = told.get(metric)
        if each and known(each.value) and known(each.threshold) and each.value >= each.threshold:
            return f"{words}: that is decided{rests}."
    between = told.get("recall_difference")
    if between is None or between.verdict == "not enough data":
        return f"Not decided yet{rests}."
    return f"No difference that matters{rests}: {interval(between)}."


def _maturity(found: Sequence[Finding]) -> Part:
    """What the figures rest on, and what is still to come."""
    counts = {f.metric: f for f in found if f.metric in _COUNTS and known(f.value)}
    words = {
        "matured": "claims are old enough that their outcome is due",
        "known": "of them have one",
        "outcomes": "outcomes count",
        "immature": "claims are not yet mature, and are left out",
    }
    parts = []
    for metric, about in words.items():
        if metric in counts:
            basis = f" ({counts[metric].segment})" if counts[metric].segment else ""
            parts.append(
                element("li", element("b", figure(metric, counts[metric].value)), f" {about}{basis}")
            )
    return element("ul", *parts, class_="facts") if parts else None


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
