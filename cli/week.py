"""Views of checked weeks. Loaded only when needed: the checks load SciPy, which takes half a second."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from claimwatch.domain.evaluation.week import name_of
from claimwatch.evaluation.checks.registry import SPEC_OF
from claimwatch.evaluation.formatting import subject
from claimwatch.evaluation.priorities import action_items, alarms, outcomes
from claimwatch.evaluation.report_data import Findings, read_results
from claimwatch.storage.evaluations import Window
from cli.screen import counted, say, show, show_table
from cli.stack import Stack

_MOST_NAMED = 4
"""Alarms of a check that a table names."""


def results_of(stack: Stack, window: Window) -> dict[str, Any]:
    """Return a closed window with the outcome of each check, the action items and all findings."""
    with stack.database.transaction() as cursor:
        results = read_results(
            cursor,
            window,
            window.closed_at or window.end,
            claims=window.claims or 0,
            missing=window.missing,
            most=1,
        )
    items = action_items(results.facts, results.findings, results.before)
    return facts_of(window) | {
        "checks": outcomes(results.findings, window.missing),
        "look_at": [asdict(item) for item in items],
        "findings": [
            {"check": check} | asdict(finding)
            for check, found in results.findings.items()
            for finding in found
        ],
    }


def facts_of(window: Window) -> dict[str, Any]:
    """Return the facts of a window, as ``--json`` shows them."""
    return {
        "line": window.line,
        "window": name_of(window.start),
        "window_start": window.start,
        "window_end": window.end,
        "status": window.status,
        "model_version": window.model_version,
        "challenger": window.challenger,
        "claims": window.claims,
        "missing": dict(window.missing),
        "report_uri": window.report_uri,
        "closed_at": window.closed_at,
    }


def alarms_of(findings: Findings) -> list[dict[str, Any]]:
    """Return every alarm with its check."""
    return [{"check": check} | asdict(finding) for check, finding in alarms(findings)]


def show_results(results: dict[str, Any]) -> None:
    """Show the results of a closed window."""
    line, week, model = results["line"], results["window"], results["model_version"]
    show(f"Week {week} of line {line}: {counted(results['claims'] or 0, 'claim')} scored by model {model}.")
    show_table(
        ("check", "verdict"),
        [(SPEC_OF[check].title, outcome) for check, outcome in results["checks"].items()],
    )
    if not results["look_at"]:
        say("Nothing needs your attention this week.", "green")
    for number, item in enumerate(results["look_at"], 1):
        show(f"{number}. {item['headline']}")
        show(f"   {item['detail']}")
        say(f"   {item['next_step']}", "dim")
    say(f"Open the report: `claimwatch report {line} --window {week}`", "dim")


def show_windows(windows: Sequence[Window], found: Sequence[Findings]) -> None:
    """Show a table of windows with their alarms."""
    show_table(
        ("week", "status", "model", "claims", "alarms", "what alarms", "closed"),
        [
            (
                name_of(window.start),
                window.status,
                window.model_version,
                window.claims,
                len(list(alarms(findings))),
                _in_short(window, findings),
                window.closed_at,
            )
            for window, findings in zip(windows, found, strict=True)
        ],
    )


def _in_short(window: Window, findings: Findings) -> Sequence[str]:
    alarming: dict[str, list[str]] = {}
    for check, finding in alarms(findings):
        about = alarming.setdefault(SPEC_OF[check].title, [])
        if (name := subject(finding) or finding.metric) not in about:
            about.append(name)
    lines = [
        f"{title}: {', '.join(about[:_MOST_NAMED])}{', ...' if len(about) > _MOST_NAMED else ''}"
        for title, about in alarming.items()
    ]
    return lines + [f"{SPEC_OF[check].title}: not checked" for check in window.missing]
