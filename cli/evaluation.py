"""Commands of the weekly checks: check a week, open its report, list the checked weeks."""

import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from claimwatch.domain.evaluation.week import WEEK, monday_of, name_of, start_of
from claimwatch.errors import RefusedData
from claimwatch.storage import evaluations as stored
from claimwatch.storage.evaluations import Key, Window
from cli.options import AsJson, Line, StackName, stack_of
from cli.page import Save, fetch, present, require_new
from cli.screen import say, show, show_json
from cli.stack import Stack

POLL_SECONDS = 0.5
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)


def _monday(text: str) -> datetime:
    """Return the start of the named week."""
    try:
        return start_of(monday_of(text))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


Week = Annotated[
    datetime | None,
    typer.Option(
        "--window",
        parser=_monday,
        metavar="YYYY-Www",
        help="Week of the claims' event time, Monday to Sunday in UTC.",
    ),
]


def evaluate(
    ctx: typer.Context,
    line: Line,
    window: Week = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until the week is closed, then show its results.")
    ] = False,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Check a week of a line: data quality, drift, performance, protected groups and more.

    Without --window, the last complete week is checked.
    A check that has a result does not run again. With --wait, the exit code is 1 if a check has no result.
    """
    target = stack_of(ctx, stack)
    planned = target.plan_evaluation({"line": line} | ({"window": name_of(window)} if window else {}))
    if not wait:
        if as_json:
            show_json(planned)
            return
        show(f"Checking week {planned['window']} of line {line}.")
        say(f"`claimwatch evaluations {line}` shows its status. New alarms are sent to subscribers.", "dim")
        return
    say(f"Checking week {planned['window']} of line {line} in {target.title}.", "dim")
    key = Key(line, start_of(monday_of(planned["window"])), planned["model_version"])
    closed = _wait_until_closed(target, key)
    from cli.week import results_of, show_results  # noqa: PLC0415 - see there

    results = results_of(target, closed)
    if as_json:
        show_json(results)
    else:
        show_results(results)
    if closed.missing:
        raise typer.Exit(1)


def report(
    ctx: typer.Context,
    line: Line,
    window: Week = None,
    save: Save = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Open the report of a week in the browser; without --window, of the latest closed week.

    With --json, no browser opens; the output names the file.
    """
    target = stack_of(ctx, stack)
    require_new(save)
    found = _newest_closed(target, line, window)
    if found is None or found.report_uri is None:
        which = f"week {name_of(window)}" if window else "no week"
        option = f" --window {name_of(window)}" if window else ""
        raise RefusedData(
            f"{which} of line {line} is {'not ' if window else ''}closed:"
            f" check it with `claimwatch evaluate {line}{option} --wait`"
        )
    file = fetch(target, found.report_uri, "report", save, f"{line}-{name_of(found.start)}.html")
    if as_json:
        answer = {"line": line, "window": name_of(found.start), "report_uri": found.report_uri}
        show_json(answer | {"file": str(file)})
        return
    present(file, saved=save is not None)


def evaluations(
    ctx: typer.Context,
    line: Line,
    limit: Annotated[int, typer.Option(min=1, help="Number of weeks to list.")] = 20,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """List the checked weeks of a line, the newest first, with their alarms."""
    from cli.week import alarms_of, facts_of, show_windows  # noqa: PLC0415 - see there

    target = stack_of(ctx, stack)
    with target.database.transaction() as cursor:
        windows = stored.last_windows(cursor, line, limit)
        found = [stored.findings(cursor, window.key) for window in windows]
    if as_json:
        listed = [
            facts_of(window) | {"alarms": alarms_of(findings)}
            for window, findings in zip(windows, found, strict=True)
        ]
        show_json({"line": line, "windows": listed})
        return
    if not windows:
        say(f"No week of line {line} has been checked yet: run `claimwatch evaluate {line} --wait`.")
        return
    show_windows(windows, found)


def _wait_until_closed(stack: Stack, key: Key) -> Window:
    """Return the window once it is closed; its closing message closes it in any case."""
    while True:
        with stack.database.transaction() as cursor:
            window = stored.find_window(cursor, key)
        if window is None:
            raise RefusedData(
                f"week {name_of(key.start)} of line {key.line} is not in the database:"
                " see the logs of PlanEvaluation"
            )
        if window.status != "planned":
            return window
        time.sleep(POLL_SECONDS)


def _newest_closed(stack: Stack, line: str, week: datetime | None) -> Window | None:
    """Return the window of the week that was closed last; without a week, of the latest closed week."""
    after = week + WEEK if week else _LATEST
    with stack.database.transaction() as cursor:
        found = stored.closed_before(cursor, Key(line, after, ""), 1)
    return found[0] if found and week in (None, found[0].start) else None
