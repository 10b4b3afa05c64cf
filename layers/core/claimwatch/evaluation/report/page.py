"""The page as a whole: its sections in the order in which a person needs them."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from math import isfinite
from typing import Any

from claimwatch.domain.evaluation.finding import Check, Finding
from claimwatch.evaluation.formatting import (
    TITLES,
    counted,
    figure,
    interval,
    known,
    metric_title,
    sentence,
    subject,
)
from claimwatch.evaluation.priorities import (
    ActionItem,
    Outcome,
    action_items,
    changes,
    described,
    most_telling,
    outcomes,
)
from claimwatch.evaluation.report.markup import Markup, Part, element, joined
from claimwatch.evaluation.report.sections import SECTIONS, Told
from claimwatch.evaluation.report.style import STYLE
from claimwatch.evaluation.report.tables import badge, folded, table
from claimwatch.evaluation.report_data import Findings, PastWindow, WindowFacts

MOST_WINDOWS = 12
"""Windows before this one that are shown: a quarter."""

_MOST_CHANGES = 8

_TOO_LITTLE = "Not enough data for a verdict yet."
_NOTHING: dict[Check, str] = {
    "challenger": "No challenger runs in shadow.",
    "bias": "The contract names no protected attribute that is stored in clear.",
}
"""What a check says that found nothing at all."""

_COMPARED: tuple[Check, ...] = ("performance", "score_drift", "data_quality", "operations")


def report_page(
    facts: WindowFacts,
    findings: Findings,
    history: Sequence[PastWindow] = (),
    promised: Mapping[str, Any] | None = None,
) -> str:
    """The report of a window, as one HTML page without a network.

    ``history`` are the windows before it, the oldest first (twelve are enough). ``promised`` are the
    champion's metrics on its test split, as table ``model_version`` keeps them.
    """
    before = history[-1] if history else None
    went = outcomes(findings, facts.missing)
    title = f"Line {facts.line}, week {facts.window}"
    shown = history[-MOST_WINDOWS:]
    body = [
        _head(facts, title, went),
        _first(action_items(facts, findings, before)),
        _verdicts(findings, went),
        _changed(facts, findings, before),
        *(
            _section(check, went[check], facts, findings.get(check, ()), shown, _numbers(promised))
            for check in SECTIONS
        ),
        _commands(facts),
        element(
            "footer",
            "Values are counts and rates of the whole line; nothing here is about one claim or one person."
            " Intervals are 95 % ones.",
        ),
    ]
    page = element(
        "html",
        element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="color-scheme", content="light dark"),
            element(
                "meta",
                http_equiv="Content-Security-Policy",
                content="default-src 'none'; style-src 'unsafe-inline'",
            ),
            element("title", title),
            element("style", Markup(STYLE)),
        ),
        element("body", element("main", *body)),
        lang="en",
    )
    return f"<!doctype html>\n{page}\n"


def _head(facts: WindowFacts, title: str, went: Mapping[Check, Outcome]) -> Markup:
    last = facts.end - timedelta(days=1)
    loud = [
        counted(number, word, plural)
        for word, plural, outcome in (
            ("alarm", "alarms", "alarm"),
            ("check missing", "checks missing", "missing"),
            ("to watch", "to watch", "watch"),
        )
        if (number := sum(each == outcome for each in went.values()))
    ]
    entries: list[tuple[str, str]] = [
        ("Claims scored", f"{facts.claims:,}"),
        ("Champion", f"model {facts.model_version}"),
        ("Challenger", f"model {facts.challenger}" if facts.challenger else "none"),
        ("Checks", ", ".join(loud) or "all quiet"),
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


def _first(found: Sequence[ActionItem]) -> Markup:
    if not found:
        return _box(
            "first",
            "What to look at first",
            None,
            element("p", badge("ok"), " Nothing needs a person this week.", class_="calm"),
        )
    cards = [
        element(
            "li",
            element("h3", element("a", thing.headline, href=f"#{thing.check}"), badge(thing.outcome)),
            element("p", thing.detail),
            element("p", *_command(thing.next_step), class_="quiet"),
            class_=thing.outcome,
        )
        for thing in found
    ]
    return _box("first", "What to look at first", None, element("ol", *cards, class_="first"))


def _verdicts(findings: Findings, went: Mapping[Check, Outcome]) -> Markup:
    cards = [
        element(
            "a",
            element("strong", TITLES[check], badge(went[check])),
            element("small", _in_short(went[check], findings.get(check, ()))),
            href=f"#{check}",
        )
        for check in SECTIONS
    ]
    return _box("checks", "Verdicts", None, element("div", *cards, class_="checks"))


def _in_short(outcome: Outcome, found: Sequence[Finding]) -> str:
    match outcome:
        case "missing":
            return "It has no result."
        case "not enough data":
            return "Too little to say anything yet." if found else "There is nothing to judge."
        case "ok":
            return f"{counted(len(found), 'figure')}, none beyond its bound."
        case _:
            loud = [finding for finding in found if finding.verdict == outcome]
            rest = f", and {len(loud) - 1} more" if len(loud) > 1 else ""
            return described(most_telling(loud)[0]) + rest + "."


def _changed(facts: WindowFacts, findings: Findings, before: PastWindow | None) -> Markup:
    if before is None:
        return _box(
            "changed",
            "What changed",
            None,
            element(
                "p", "This is the first window that was closed: nothing to compare with.", class_="quiet"
            ),
        )
    found = changes(facts, findings, before)
    lines: list[Markup] = []
    if found.model:
        lines.append(
            element("li", f"Model {found.model[1]} is champion; in {before.window} it was {found.model[0]}.")
        )
    for words, entries in (("New", found.new), ("Still", found.standing), ("Gone", found.cleared)):
        lines += [
            element("li", element("b", f"{words}: "), f"{TITLES[check]}, {described(finding)}")
            for check, finding in entries[:_MOST_CHANGES]
        ]
        if len(entries) > _MOST_CHANGES:
            lines.append(element("li", f"{words}: {len(entries) - _MOST_CHANGES} more"))
    lines += [element("li", element("b", "Not checked: "), TITLES[check]) for check in facts.missing]
    content = (
        element("ul", *lines, class_="plain")
        if lines
        else element("p", "No alarm came and none went.", class_="quiet")
    )
    return _box("changed", f"What changed since {before.window}", None, content, _figures(findings, before))


def _figures(findings: Findings, before: PastWindow) -> Part:
    """The figures of the whole window beside those of the window before it."""
    rows = [
        (metric_title(now.metric), figure(now.metric, then.value), interval(now))
        for check in _COMPARED
        for now in findings.get(check, ())
        for then in before.findings.get(check, ())
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
    check: Check,
    outcome: Outcome,
    facts: WindowFacts,
    found: Sequence[Finding],
    history: Sequence[PastWindow],
    promised: Mapping[str, float],
) -> Markup:
    content: list[Part] = []
    if outcome == "missing":
        content.append(element("p", sentence(facts.missing.get(check, "this check has no result"))))
    elif outcome == "not enough data":
        said = _NOTHING.get(check, _TOO_LITTLE) if not found else _TOO_LITTLE
        content.append(element("p", said, class_="quiet"))
    if found:
        own = [
            PastWindow(past.window, past.model_version, {check: past.findings.get(check, ())})
            for past in history
        ]
        content.append(SECTIONS[check](Told(facts, found, own, promised)))
    return _box(check, TITLES[check], badge(outcome), *content)


def _commands(facts: WindowFacts) -> Markup:
    line, window = facts.line, facts.window
    wanted = [
        (
            "The verdicts of this week, for programs too",
            f"claimwatch evaluate {line} --window {window} --wait --json",
        ),
        ("All weeks of the line", f"claimwatch evaluations {line}"),
        ("The models and their metrics", f"claimwatch models {line}"),
        ("What was live when, and why", f"claimwatch history {line}"),
        ("The investigators' queue", f"claimwatch referrals {line}"),
        ("A new model from what is known by now", f'claimwatch train {line} --why "..."'),
    ]
    return _box(
        "commands",
        "Where to go on",
        None,
        element(
            "dl",
            *(
                joined((element("dt", words), element("dd", element("code", command))))
                for words, command in wanted
            ),
            class_="commands",
        ),
    )


def _box(anchor: str, title: str, sign: Markup | None, *parts: Part) -> Markup:
    return element(
        "section",
        element("header", element("h2", title, id=f"{anchor}-title"), sign),
        *parts,
        class_="box",
        id=anchor if anchor != "first" else "look-first",
        aria_labelledby=f"{anchor}-title",
    )


def _command(sentence: str) -> tuple[Part, Part]:
    """A step whose command stands after the colon."""
    words, colon, command = sentence.partition(": claimwatch ")
    return f"{words}: " if colon else words, element("code", f"claimwatch {command}") if colon else None


def _numbers(metrics: Mapping[str, Any] | None) -> dict[str, float]:
    """The promises that are numbers; those with an interval by their value."""
    told: dict[str, float] = {}
    for name, entry in (metrics or {}).items():
        value = entry.get("value") if isinstance(entry, Mapping) else entry
        if isinstance(value, int | float) and isfinite(value):
            told[name] = float(value)
    return told
