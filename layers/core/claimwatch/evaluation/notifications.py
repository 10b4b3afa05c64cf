"""What people are told of a window: what to look at first, what changed, where the report is."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from claimwatch.aws.alerts import Alerts
from claimwatch.domain.evaluation.finding import Check, Finding
from claimwatch.evaluation.formatting import TITLES, counted, listed
from claimwatch.evaluation.priorities import Changes, action_items, changes, described
from claimwatch.evaluation.report_data import Findings, PastWindow, WindowFacts

_MOST_NAMED = 6
"""Findings that a list names before it counts the rest."""


def digest(
    facts: WindowFacts, findings: Findings, before: PastWindow | None, report_uri: str
) -> tuple[str, str] | None:
    """Subject and message of the window's digest; None where nothing is new.

    ``before`` is the window before it that was closed. New is an alarm that did not stand in it, and a check
    without a result.
    """
    found = changes(facts, findings, before)
    if not found.new and not facts.missing:
        return None
    first = action_items(facts, findings, before)
    last = facts.end - timedelta(days=1)
    lines = [
        f"Line {facts.line}, week {facts.window} ({facts.start:%Y-%m-%d} to {last:%Y-%m-%d}).",
        f"{counted(facts.claims, 'claim')} scored by model {facts.model_version}.",
        "",
        "What to look at first",
    ]
    for number, thing in enumerate(first, 1):
        lines += [
            f"{number}. {thing.headline}" + ("" if thing.outcome == "missing" else f" ({thing.outcome})"),
            f"   {thing.detail}",
            f"   {thing.next_step}",
        ]
    changed = list(_changed(found, before))
    if changed:
        lines += ["", f"What changed since {before.window}" if before else "What is new", *changed]
    lines += [
        "",
        "The report",
        f"  claimwatch report {facts.line} --window {facts.window}",
        f"  {report_uri}",
        "An alarm is told once; while it stands it is in the report alone.",
        "",
    ]
    return _subject(facts, found), "\n".join(lines)


def notify_window(
    alerts: Alerts, facts: WindowFacts, findings: Findings, before: PastWindow | None, report_uri: str
) -> bool:
    """Send the digest, where there is one; whether there was."""
    told = digest(facts, findings, before, report_uri)
    if told is None:
        return False
    alerts.publish(*told)
    return True


def _subject(facts: WindowFacts, found: Changes) -> str:
    checks = list(dict.fromkeys(TITLES[check].lower() for check, _ in found.new))
    parts = [f"{listed(checks)}" if checks else "", _missing(facts)]
    return f"Claimwatch {facts.line} {facts.window}: " + "; ".join(part for part in parts if part)


def _missing(facts: WindowFacts) -> str:
    return f"{counted(len(facts.missing), 'check')} missing" if facts.missing else ""


def _changed(found: Changes, before: PastWindow | None) -> Iterator[str]:
    if found.model:
        yield f"- Model {found.model[1]} is champion; it was {found.model[0]}."
    kinds = (("New", found.new), ("Still", found.standing), ("Gone", found.cleared))
    for words, entries in kinds if before else kinds[:1]:
        yield from _listed(words, entries)


def _listed(words: str, entries: Sequence[tuple[Check, Finding]]) -> Iterator[str]:
    for check, finding in entries[:_MOST_NAMED]:
        yield f"- {words}: {TITLES[check]}, {described(finding)}"
    if len(entries) > _MOST_NAMED:
        yield f"- {words}: {counted(len(entries) - _MOST_NAMED, 'other')}"
