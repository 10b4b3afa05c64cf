"""Commands about the weekly check: have a week checked, read its report, list the weeks."""

import tempfile
import time
import webbrowser
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from claimwatch.aws.objects import ObjectMissing
from claimwatch.domain.evaluation.week import WEEK, monday_of, name_of, start_of
from claimwatch.errors import RefusedData
from claimwatch.evaluation.formatting import TITLES, subject
from claimwatch.evaluation.priorities import action_items, alarms, outcomes
from claimwatch.evaluation.report_data import Findings, PastWindow, WindowFacts
from claimwatch.storage import evaluations as stored
from claimwatch.storage.evaluations import Key, Window
from cli.options import AsJson, StackName, stack_of
from cli.screen import counted, say, show, show_json, show_table
from cli.stack import Stack

POLL_SECONDS = 0.5
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)
_NAMED = 4
"""Alarms of a week that a table names before it counts the rest."""


def _monday(text: str) -> datetime:
    """The beginning of the week that is named."""
    try:
        return start_of(monday_of(text))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


Line = Annotated[str, typer.Argument(metavar="LINE", help="The line of business.")]
Week = Annotated[
    datetime | None,
    typer.Option(
        "--window",
        parser=_monday,
        metavar="YYYY-Www",
        help="The week, Monday to Sunday in UTC, by the time of the claims' events.",
    ),
]


def evaluate(
    ctx: typer.Context,
    line: Line,
    window: Week = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until the week is closed, and tell what was found.")
    ] = False,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Have a week of a line checked: data, drift, performance, bias and the rest.

    Without --window it is the last week that has ended.
    What was checked already is not checked again. With --wait, ends with 1 if a check has no result.
    """
    at = stack_of(ctx, stack)
    planned = at.plan_evaluation({"line": line} | ({"window": name_of(window)} if window else {}))
    if not wait:
        if as_json:
            show_json(planned)
            return
        show(f"Checking week {planned['window']} of line {line}.")
        say(f"`claimwatch evaluations {line}` shows how it goes; people are told what is new, too.", "dim")
        return
    say(f"Checking week {planned['window']} of line {line} in {at.title}.", "dim")
    key = Key(line, start_of(monday_of(planned["window"])), planned["model_version"])
    closed = _closed(at, key)
    told = _told(at, closed)
    if as_json:
        show_json(told)
    else:
        _show_window(told)
    if closed.missing:
        raise typer.Exit(1)


def report(
    ctx: typer.Context,
    line: Line,
    window: Week = None,
    save: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            metavar="FILE",
            help="Write the page there instead of opening it.",
            show_default=False,
        ),
    ] = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Open the report of a week in the browser. Without --window that of the newest one.

    With --json no browser opens, and the answer says where the page is.
    """
    at = stack_of(ctx, stack)
    if save is not None and save.exists():
        raise RefusedData(f"{save} is there already: choose another name, or remove it")
    found = _newest_closed(at, line, window)
    if found is None or found.report_uri is None:
        which = f"week {name_of(window)}" if window else "no week"
        wanted = f" --window {name_of(window)}" if window else ""
        raise RefusedData(
            f"{which} of line {line} is {'not ' if window else ''}closed:"
            f" `claimwatch evaluate {line}{wanted} --wait` has it checked"
        )
    bucket, _, key = found.report_uri.removeprefix("s3://").partition("/")
    try:
        page = at.objects.newest(bucket, key)
    except ObjectMissing as gone:
        raise RefusedData(f"the report is not there any more: {gone}") from gone
    file = save or Path(tempfile.mkdtemp(prefix="claimwatch-")) / f"{line}-{name_of(found.start)}.html"
    with file.open("xb") as written:
        written.write(page)
    if as_json:
        told = {"line": line, "window": name_of(found.start), "report_uri": found.report_uri}
        show_json(told | {"file": str(file)})
        return
    show(str(file))
    if save is None and not webbrowser.open(file.resolve().as_uri()):
        say("No browser can be opened here: open that file in one.", "yellow")


def evaluations(
    ctx: typer.Context,
    line: Line,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 20,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """The weeks of a line that were checked, the newest first, and what alarmed in each."""
    at = stack_of(ctx, stack)
    with at.database.transaction() as cursor:
        windows = stored.last_windows(cursor, line, limit)
        found = [stored.findings(cursor, window.key) for window in windows]
    if as_json:
        listed = [
            _facts(window) | {"alarms": _alarms(findings)}
            for window, findings in zip(windows, found, strict=True)
        ]
        show_json({"line": line, "windows": listed})
        return
    if not windows:
        say(f"No week of line {line} was checked yet: `claimwatch evaluate {line} --wait` does it.")
        return
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


def _closed(at: Stack, key: Key) -> Window:
    """The window once it is closed; its closing message sees to it that every one is."""
    while True:
        with at.database.transaction() as cursor:
            window = stored.find_window(cursor, key)
        if window is None:
            raise RefusedData(
                f"week {name_of(key.start)} of line {key.line} is not in the database:"
                " see the logs of PlanEvaluation"
            )
        if window.status != "planned":
            return window
        time.sleep(POLL_SECONDS)


def _newest_closed(at: Stack, line: str, week: datetime | None) -> Window | None:
    """The week's window that was closed last; without a week that of the newest closed one."""
    after = week + WEEK if week else _LATEST
    with at.database.transaction() as cursor:
        found = stored.closed_before(cursor, Key(line, after, ""), 1)
    return found[0] if found and week in (None, found[0].start) else None


def _told(at: Stack, window: Window) -> dict[str, Any]:
    """All there is to say of a closed window."""
    with at.database.transaction() as cursor:
        findings = stored.findings(cursor, window.key)
        before = [
            PastWindow(
                name_of(past.start), past.model_version, stored.findings(cursor, past.key), dict(past.missing)
            )
            for past in stored.closed_before(cursor, window.key, 1)
        ]
    facts = WindowFacts(
        line=window.line,
        window=name_of(window.start),
        start=window.start,
        end=window.end,
        model_version=window.model_version,
        closed_at=window.closed_at or window.end,
        claims=window.claims or 0,
        challenger=window.challenger,
        missing=window.missing,
    )
    return _facts(window) | {
        "checks": outcomes(findings, window.missing),
        "look_at": [asdict(thing) for thing in action_items(facts, findings, before[0] if before else None)],
        "findings": [
            {"check": check} | asdict(finding) for check, each in findings.items() for finding in each
        ],
    }


def _facts(window: Window) -> dict[str, Any]:
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


def _alarms(findings: Findings) -> list[dict[str, Any]]:
    return [{"check": check} | asdict(finding) for check, finding in alarms(findings)]


def _in_short(window: Window, findings: Findings) -> Sequence[str]:
    loud: dict[str, list[str]] = {}
    for check, finding in alarms(findings):
        about = loud.setdefault(TITLES[check], [])
        if (named := subject(finding) or finding.metric) not in about:
            about.append(named)
    lines = [
        f"{title}: {', '.join(about[:_NAMED])}{', ...' if len(about) > _NAMED else ''}"
        for title, about in loud.items()
    ]
    return lines + [f"{TITLES[check]}: not checked" for check in window.missing]


def _show_window(told: dict[str, Any]) -> None:
    line, week = told["line"], told["window"]
    show(
        f"Week {week} of line {line}: {counted(told['claims'] or 0, 'claim')} scored by model"
        f" {told['model_version']}."
    )
    show_table(("check", "verdict"), [(TITLES[check], outcome) for check, outcome in told["checks"].items()])
    if not told["look_at"]:
        say("Nothing needs a person this week.", "green")
    for number, thing in enumerate(told["look_at"], 1):
        show(f"{number}. {thing['headline']}")
        show(f"   {thing['detail']}")
        say(f"   {thing['next_step']}", "dim")
    say(f"The report: `claimwatch report {line} --window {week}`", "dim")
