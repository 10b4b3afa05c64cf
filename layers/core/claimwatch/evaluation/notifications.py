"""The digest of a window: what to act on, what changed, and where the report is."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from claimwatch.aws.alerts import Alerts
from claimwatch.domain.evaluation.finding import Check, Finding
from claimwatch.evaluation.checks.registry import SPEC_OF, SPECS
from claimwatch.evaluation.formatting import counted, listed
from claimwatch.evaluation.priorities import Changes, action_items, changes, described
from claimwatch.evaluation.report_data import Findings, PastWindow, WindowFacts

_MOST_LISTED = 6
"""Alarms that a list describes; it counts the rest."""


def digest(
    facts: WindowFacts, findings: Findings, before: PastWindow | None, report_uri: str
) -> tuple[str, str] | None:
    """Return subject and message of the window's digest, or None if nothing is new.

    An alarm is new if it was not in ``before``, the closed window before this one; a check without a result
    is always reported.
    """
    changed = changes(facts, findings, before)
    if not changed.new and not facts.missing:
        return None
    last = facts.end - timedelta(days=1)
    lines = [
        f"Line {facts.line}, week {facts.window} ({facts.start:%Y-%m-%d} to {last:%Y-%m-%d}).",
        f"{counted(facts.claims, 'claim')} scored by model {facts.model_version}.",
        "",
        "What to look at first",
    ]
    for number, item in enumerate(action_items(facts, findings, before), 1):
        lines += [
            f"{number}. {item.headline}" + ("" if item.outcome == "missing" else f" ({item.outcome})"),
            f"   {item.detail}",
            f"   {item.next_step}",
        ]
    alarming = [
        each for each in SPECS if any(found.verdict == "alarm" for found in findings.get(each.name, ()))
    ]
    if alarming:
        lines += ["", "Checks in alarm", *(f"- {each.alarm}" for each in alarming)]
    listing = list(_listing(changed, before))
    if listing:
        lines += ["", f"What changed since {before.window}" if before else "What is new", *listing]
    lines += [
        "",
        "The report",
        f"  claimwatch report {facts.line} --window {facts.window}",
        f"  {report_uri}",
        "Each alarm is sent once; while it lasts, only the report shows it.",
        "",
    ]
    return _subject(facts, changed), "\n".join(lines)


def notify_window(
    alerts: Alerts, facts: WindowFacts, findings: Findings, before: PastWindow | None, report_uri: str
) -> bool:
    """Send the digest if there is one; return whether it was sent."""
    message = digest(facts, findings, before, report_uri)
    if message is None:
        return False
    alerts.publish(*message)
    return True


def _subject(facts: WindowFacts, changed: Changes) -> str:
    checks = list(dict.fromkeys(SPEC_OF[check].title.lower() for check, _ in changed.new))
    missing = f"{counted(len(facts.missing), 'check')} missing" if facts.missing else ""
    return f"Claimwatch {facts.line} {facts.window}: " + "; ".join(filter(None, (listed(checks), missing)))


def _listing(changed: Changes, before: PastWindow | None) -> Iterator[str]:
    if changed.model:
        yield f"- Model {changed.model[1]} is champion; it was {changed.model[0]}."
    groups = (("New", changed.new), ("Still there", changed.standing), ("Cleared", changed.cleared))
    for heading, alarms in groups if before else groups[:1]:
        yield from _lines(heading, alarms)


def _lines(heading: str, alarms: Sequence[tuple[Check, Finding]]) -> Iterator[str]:
    for check, finding in alarms[:_MOST_LISTED]:
        yield f"- {heading}: {SPEC_OF[check].title}, {described(check, finding)}"
    if len(alarms) > _MOST_LISTED:
        yield f"- {heading}: {counted(len(alarms) - _MOST_LISTED, 'other')}"
