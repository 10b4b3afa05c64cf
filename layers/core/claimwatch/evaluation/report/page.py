"""The page as a whole: overview, what changed, then the section of each check."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from math import isfinite
from typing import Any

from claimwatch.domain.evaluation.finding import Check, Finding
from claimwatch.evaluation.checks.registry import SPEC_OF, SPECS
from claimwatch.evaluation.checks.spec import CheckSpec
from claimwatch.evaluation.formatting import counted, known, sentence, subject
from claimwatch.evaluation.priorities import ActionItem, action_items, changes, described, outcomes
from claimwatch.evaluation.report.document import box, document
from claimwatch.evaluation.report.markup import Markup, Part, element, joined
from claimwatch.evaluation.report.sections import SectionContext, note
from claimwatch.evaluation.report.tables import badge, folded, table
from claimwatch.evaluation.report_data import Findings, Outcome, PastWindow, WindowResults, furthest_first

MOST_WINDOWS = 12
"""Earlier windows that the report shows: a quarter of a year."""

_MOST_CHANGES = 8
_TOO_LITTLE = "Not enough data for a verdict yet."


def report_page(results: WindowResults, promised: Mapping[str, Any] | None = None) -> str:
    """Return the report of a window as one HTML page that needs no network.

    ``promised`` are the champion's metrics on its test split, as table ``model_version`` stores them.
    """
    facts, findings, before = results.facts, results.findings, results.before
    outcome_by_check = outcomes(findings, facts.missing)
    title = f"Line {facts.line}, week {facts.window}"
    body = [
        _head(results, title, outcome_by_check),
        _first(action_items(facts, findings, before)),
        _verdicts(findings, outcome_by_check),
        _changed(results, before),
        *(_section(spec, outcome_by_check[spec.name], results, _numbers(promised)) for spec in SPECS),
        _commands(facts.line, facts.window),
        element(
            "footer",
            "All values are counts and rates of the whole line; none is about a single claim or person."
            " Intervals are 95 % intervals.",
        ),
    ]
    return document(title, *body)


def _head(results: WindowResults, title: str, outcome_by_check: Mapping[Check, Outcome]) -> Markup:
    facts = results.facts
    last = facts.end - timedelta(days=1)
    totals = [
        counted(number, word, plural)
        for word, plural, outcome in (
            ("alarm", "alarms", "alarm"),
            ("check missing", "checks missing", "missing"),
            ("watch", "watches", "watch"),
        )
        if (number := sum(each == outcome for each in outcome_by_check.values()))
    ]
    entries: list[tuple[str, str]] = [
        ("Claims scored", f"{facts.claims:,}"),
        ("Champion", f"model {facts.model_version}"),
        ("Challenger", f"model {facts.challenger}" if facts.challenger else "none"),
        ("Checks", ", ".join(totals) or "no alarms"),
    ]
    return element(
        "header",
        element("h1", title),
        element(
            "p",
            f"{facts.start.day} {facts.start:%B} to {last.day} {last:%B %Y}, by event time."
            f" Closed {facts.closed_at:%Y-%m-%d %H:%M} UTC.",
            class_="under",
        ),
        element(
            "ul", *(element("li", f"{name} ", element("b", value)) for name, value in entries), class_="facts"
        ),
    )


def _first(items: Sequence[ActionItem]) -> Markup:
    if not items:
        return box(
            "look-first",
            "What to look at first",
            None,
            element("p", badge("ok"), " Nothing needs your attention this week.", class_="calm"),
        )
    cards = [
        element(
            "li",
            element("h3", element("a", item.headline, href=f"#{item.check}"), badge(item.outcome)),
            element("p", item.detail),
            element("p", *_command(item.next_step), class_="quiet"),
            class_=item.outcome,
        )
        for item in items
    ]
    return box("look-first", "What to look at first", None, element("ol", *cards, class_="first"))


def _verdicts(findings: Findings, outcome_by_check: Mapping[Check, Outcome]) -> Markup:
    cards = [
        element(
            "a",
            element("strong", spec.title, badge(outcome_by_check[spec.name])),
            element("small", _in_short(spec, outcome_by_check[spec.name], findings.get(spec.name, ()))),
            href=f"#{spec.name}",
        )
        for spec in SPECS
    ]
    return box("checks", "Verdicts", None, element("div", *cards, class_="checks"))


def _in_short(spec: CheckSpec, outcome: Outcome, found: Sequence[Finding]) -> str:
    match outcome:
        case "missing":
            return "No result."
        case "not enough data":
            return _TOO_LITTLE if found else spec.when_empty
        case "ok":
            return f"{counted(len(found), 'figure')}, none beyond its bound."
        case _:
            urgent = [finding for finding in found if finding.verdict == outcome]
            rest = f", and {len(urgent) - 1} more" if len(urgent) > 1 else ""
            return spec.metrics.summary(furthest_first(urgent)[0]) + rest + "."


def _changed(results: WindowResults, before: PastWindow | None) -> Markup:
    facts, findings = results.facts, results.findings
    if before is None:
        nothing = note("This is the line's first closed week: there is none to compare it with.")
        return box("changed", "What changed", None, nothing)
    changed = changes(facts, findings, before)
    lines: list[Markup] = []
    if changed.model:
        lines.append(
            element(
                "li", f"Model {changed.model[1]} is champion; in {before.window} it was {changed.model[0]}."
            )
        )
    for heading, alarms in (
        ("New", changed.new),
        ("Still there", changed.standing),
        ("Cleared", changed.cleared),
    ):
        lines += [
            element(
                "li", element("b", f"{heading}: "), f"{SPEC_OF[check].title}, {described(check, finding)}"
            )
            for check, finding in alarms[:_MOST_CHANGES]
        ]
        if len(alarms) > _MOST_CHANGES:
            lines.append(element("li", f"{heading}: {len(alarms) - _MOST_CHANGES} more"))
    lines += [element("li", element("b", "Not checked: "), SPEC_OF[check].title) for check in facts.missing]
    content = element("ul", *lines, class_="plain") if lines else note("No new alarm, and none was cleared.")
    return box("changed", f"What changed since {before.window}", None, content, _figures(findings, before))


def _figures(findings: Findings, before: PastWindow) -> Part:
    """Return the figures about the whole week next to those of the week before."""
    rows = [
        (spec.metrics[now.metric].title, spec.metrics.figure(then), spec.metrics.interval(now))
        for spec in SPECS
        for now in findings.get(spec.name, ())
        for then in before.findings.get(spec.name, ())
        if not subject(now)
        and (now.metric, subject(now)) == (then.metric, subject(then))
        and known(now.value)
        and known(then.value)
        and now.value != then.value
    ]
    if not rows:
        return None
    return folded("Figures then and now", table(("", before.window, "Now"), rows))


def _section(
    spec: CheckSpec, outcome: Outcome, results: WindowResults, promised: Mapping[str, float]
) -> Markup:
    facts, found = results.facts, results.findings.get(spec.name, ())
    content: list[Part] = []
    if outcome == "missing":
        content.append(element("p", sentence(facts.missing.get(spec.name, "this check has no result"))))
    elif outcome == "not enough data":
        content.append(note(_TOO_LITTLE if found else spec.when_empty))
    if found:
        history = [
            PastWindow(past.window, past.model_version, {spec.name: past.findings.get(spec.name, ())})
            for past in results.history
        ]
        content.append(spec.section(SectionContext(facts, spec.metrics, found, history, promised)))
    return box(spec.name, spec.title, badge(outcome), *content)


def _commands(line: str, window: str) -> Markup:
    commands = [
        (
            "The verdicts of this week, as JSON",
            f"claimwatch evaluate {line} --window {window} --wait --json",
        ),
        ("All checked weeks of the line", f"claimwatch evaluations {line}"),
        ("The models and their metrics", f"claimwatch models {line}"),
        ("Which model was live when, and why", f"claimwatch history {line}"),
        ("The claims referred to investigators", f"claimwatch referrals {line}"),
        ("Train a new model on the outcomes known by now", f'claimwatch train {line} --why "..."'),
    ]
    return box(
        "commands",
        "Next commands",
        None,
        element(
            "dl",
            *(
                joined((element("dt", words), element("dd", element("code", command))))
                for words, command in commands
            ),
            class_="commands",
        ),
    )


def _command(next_step: str) -> tuple[Part, Part]:
    """Return the words of a next step, and the command after its colon."""
    words, colon, command = next_step.partition(": claimwatch ")
    return f"{words}: " if colon else words, element("code", f"claimwatch {command}") if colon else None


def _numbers(metrics: Mapping[str, Any] | None) -> dict[str, float]:
    """Return the metrics that are numbers; of a metric with an interval, the value."""
    numbers: dict[str, float] = {}
    for name, entry in (metrics or {}).items():
        value = entry.get("value") if isinstance(entry, Mapping) else entry
        if isinstance(value, int | float) and isfinite(value):
            numbers[name] = float(value)
    return numbers
