"""The command that lists the sources, and the windows of one."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from claimwatch.errors import RefusedData
from claimwatch.sources.overview import overview
from claimwatch.storage import source_overview
from cli.options import AsJson, StackName, stack_of
from cli.screen import counted, say, show_json, show_notes, show_table

SECONDS = (("d", 86_400), ("h", 3_600), ("min", 60))


def sources(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Show the windows of this source.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of windows, newest first.")] = 20,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """List the sources with state, last window, rows, lag and next run; or the windows of one."""
    target = stack_of(ctx, stack)
    now = datetime.now(UTC)
    with target.database.transaction() as cursor:
        found = [overview(row, now) for row in source_overview.list_sources(cursor, name)]
        windows = (
            source_overview.list_windows(cursor, name, target.landing_bucket, limit) if name and found else []
        )
    if name and not found:
        raise RefusedData(f"there is no source {name}: `claimwatch sources` lists all of them")
    if as_json:
        show_json({"sources": found} | ({"windows": windows} if name else {}))
        return
    if found:
        show_sources(found)
    else:
        say("No sources yet. Try one with `claimwatch source check FILE` (docs/sources.md).")
    if windows:
        _show_windows(windows)
    say(f"In {target.title}.", "dim")


def show_sources(found: Iterable[Mapping[str, Any]]) -> None:
    """Show sources in a table, and below it what has to be read as sentences."""
    rows = list(found)
    show_table(
        (
            "source",
            "kind",
            "line",
            "mode",
            "schedule",
            "state",
            "window",
            "its rows",
            "rows",
            "pulled (UTC)",
            "lag",
            "next run (UTC)",
        ),
        [
            (
                row["source"],
                row["kind"],
                row["line"],
                row["mode"],
                row["schedule"],
                row["state"],
                (row["last_window"] or {}).get("number"),
                (row["last_window"] or {}).get("rows"),
                row["rows"],
                row["looked_at"],
                _duration(row["lag_seconds"]),
                row["next_run"],
            )
            for row in rows
        ],
    )
    for row in rows:
        show_notes(row["source"], _notes(row))


def _notes(row: Mapping[str, Any]) -> list[str]:
    notes = []
    if row["failing_since"]:
        notes.append(f"failing since {row['failing_since']:%Y-%m-%d %H:%M} UTC: {row['error']}")
    if row["silent_since"]:
        notes.append(f"no new row since {row['silent_since']:%Y-%m-%d %H:%M} UTC")
    if row["refused"]:
        notes.append(f"a newer version of its file was refused, and this one runs on: {row['refused']}")
    if row["deletions"]:
        notes.append(f"{counted(row['deletions'], 'row')} missing in the source that it had; the claims stay")
    if row["mode"] is None:
        notes.append("this version of the command line cannot read its file; use that of the stack")
    return notes


def _show_windows(found: Iterable[Mapping[str, Any]]) -> None:
    """Show windows in a table, and below it why files could not be pulled."""
    windows = list(found)
    show_table(
        (
            "window",
            "cycle",
            "planned (UTC)",
            "committed (UTC)",
            "tries",
            "read",
            "new",
            "bytes",
            "object",
            "file",
            "status",
            "loaded",
            "quarantined",
        ),
        [
            (
                window["number"],
                window["cycle"],
                window["planned_at"],
                window["committed_at"],
                window["attempts"],
                window["rows_read"],
                window["rows_pulled"],
                window["object_bytes"],
                window["object_key"]
                if window["version_id"] or window["path"]
                else "(nothing new)" * bool(window["committed_at"]),
                window["file_id"],
                window["status"],
                window["rows_loaded"],
                window["rows_quarantined"],
            )
            for window in windows
        ],
    )
    for window in windows:
        if window["path"] and window["status"] == "refused" and window["version_id"] is None:
            show_notes(f"window {window['number']}", [window["error"]])


def _duration(seconds: int | None) -> str | None:
    """Return a duration in its largest unit, rounded down."""
    if seconds is None:
        return None
    return next(
        (f"{seconds // size} {unit}" for unit, size in SECONDS if seconds >= size), f"{max(0, seconds)} s"
    )
