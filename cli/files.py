"""Commands about files: drop, list, inspect the quarantine, and replay."""

import time
from collections.abc import Iterator
from dataclasses import asdict
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any

import typer

from claimwatch.aws.objects import ObjectRef
from claimwatch.errors import RefusedData
from claimwatch.ingest import replay as replaying
from claimwatch.ingest.local_files import blocks_of
from claimwatch.ingest.plan import Plan
from claimwatch.storage import contracts, ledger
from claimwatch.storage import quarantine as quarantined_rows
from claimwatch.storage import rows as loaded_rows
from claimwatch.storage.quarantine import RefusedRow
from cli.export import export
from cli.options import AsJson, StackName, line_name, stack_of
from cli.screen import counted, say, show, show_json, show_table
from cli.stack import Stack, StackUnreachable

SHOWN_ROWS = 20
POLL_SECONDS = 0.5
FINAL = ("committed", "parked", "refused", "failed")


class Status(StrEnum):
    """The states of a file in the ledger."""

    RECEIVED = "received"
    PARKED = "parked"
    LOADING = "loading"
    COMMITTED = "committed"
    REFUSED = "refused"
    FAILED = "failed"


Line = Annotated[
    str | None, typer.Option(callback=line_name, help="Only this line of business.", show_default=False)
]
FileId = Annotated[int, typer.Argument(help="The file's number in the ledger: `claimwatch files` shows it.")]


def files(
    ctx: typer.Context,
    line: Line = None,
    status: Annotated[
        Status | None, typer.Option(help="Only files in this state.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of files, newest first.")] = 20,
    side_files: Annotated[
        bool, typer.Option("--side-files", help="Also list side files of tools (_SUCCESS, .DS_Store).")
    ] = False,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """List dropped files with their state and their numbers of rows read, loaded and quarantined."""
    target = stack_of(ctx, stack)
    with target.database.transaction() as cursor:
        found = ledger.list_files(cursor, line=line, status=status, limit=limit, side_files=side_files)
        hidden = 0 if side_files else ledger.count_side_files(cursor, line=line)
    if as_json:
        show_json({"files": found})
        return
    if found:
        show_table(
            ("file", "received (UTC)", "key", "status", "read", "loaded", "quarantined", "why"),
            [
                (
                    file["file_id"],
                    file["received_at"],
                    file["key"],
                    file["status"],
                    file["rows_read"],
                    file["rows_loaded"],
                    file["rows_quarantined"],
                    file["error"],
                )
                for file in found
            ],
        )
    else:
        filtered = " of that line or state" if line or status else ""
        say(f"No files{filtered} yet. Drop one with `claimwatch drop FILE --line LINE`.")
    if hidden:
        say(
            f"Left out: {counted(hidden, 'side file')} of other tools. `--side-files` lists them, too.", "dim"
        )
    say(f"In {target.title}.", "dim")


def quarantine(
    ctx: typer.Context,
    file_id: FileId,
    reasons: Annotated[
        bool, typer.Option("--reasons", help="Show how often each reason occurs instead of the rows.")
    ] = False,
    export_to: Annotated[
        Path | None,
        typer.Option(
            "--export",
            metavar="FILE",
            help="Write the rows to this new file, to correct and drop again, and the reasons to"
            " <name>.reasons.csv. Rows that cannot be split into cells are only in the second file, as text.",
            show_default=False,
        ),
    ] = None,
    verbatim: Annotated[
        bool,
        typer.Option(
            "--verbatim",
            help="Export every cell unchanged. Otherwise a cell that a spreadsheet would read as a"
            " formula (it begins with = + - @ and is not a number) gets an apostrophe in front.",
        ),
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Maximum number of rows or reasons; 0 means all.",
            show_default=f"{SHOWN_ROWS}; all with --json",
        ),
    ] = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Show the rejected rows of a file, each with its number, its raw text and every reason."""
    if export_to is not None and reasons:
        raise typer.BadParameter("choose one of --export and --reasons")
    target = stack_of(ctx, stack)
    most = (None if as_json else SHOWN_ROWS) if limit is None else limit or None
    with target.database.transaction() as cursor:
        file = _ledger_entry(cursor, file_id)
        if reasons:
            found = quarantined_rows.most_frequent_reasons(cursor, file_id, most or 1_000_000)
            _show_reasons(file, found, as_json=as_json)
        elif export_to is not None:
            _export(
                file, quarantined_rows.rows(cursor, file_id), export_to, verbatim=verbatim, as_json=as_json
            )
        else:
            _show_rows(file, list(quarantined_rows.rows(cursor, file_id)), most, as_json=as_json)


def replay(ctx: typer.Context, file_id: FileId, stack: StackName = None, as_json: AsJson = False) -> None:
    """Load a file again that failed, was refused, or waits for its contract."""
    target = stack_of(ctx, stack)
    try:
        file = replaying.replay(target.open_for_replays(), target.pipeline, file_id)
    except LookupError as error:
        raise _unknown(file_id) from error
    if as_json:
        show_json({"file_id": file.file_id, "key": file.key, "status": file.status, "attempt": file.attempt})
        return
    show(f"File {file_id} ({file.key}) is being loaded again: attempt {file.attempt}.")
    say("`claimwatch files` shows the result.", "dim")


def drop(
    ctx: typer.Context,
    path: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True, help="The file.")
    ],
    line: Annotated[str, typer.Option(callback=line_name, help="The line of business of the file.")],
    outcomes: Annotated[
        bool, typer.Option("--outcomes", help="The file contains outcomes (fraud or not) instead of claims.")
    ] = False,
    with_outcomes: Annotated[
        bool,
        typer.Option(
            "--with-outcomes",
            help="The file contains claims with their label, from which outcomes are made. Refused if the"
            " contract names no label; the exit code is 1 if no claim has one.",
        ),
    ] = False,
    wait: Annotated[
        int,
        typer.Option(min=0, metavar="SECONDS", help="How long to wait for the result; 0 does not wait."),
    ] = 900,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Drop a file into the landing bucket and report the result.

    Any other S3 client can copy it there too. The exit code is 1 unless the file is committed. If a column
    of the contract has role label, a file of claims brings outcomes, with or without --with-outcomes.
    """
    if outcomes and with_outcomes:
        raise typer.BadParameter("choose one of --outcomes and --with-outcomes")
    target = stack_of(ctx, stack)
    if with_outcomes:
        _require_label(target, line)
    key = f"{'outcomes' if outcomes else 'claims'}/{line}/{path.name}"
    ref = target.objects.write(target.landing_bucket, key, blocks_of(path))
    say(f"Dropped as s3://{ref.bucket}/{ref.key} into {target.title}.", "dim")
    if not wait:
        if as_json:
            show_json({"bucket": ref.bucket, "key": ref.key, "version_id": ref.version_id})
        return
    file = _wait_for_result(target, ref, wait)
    brought = None
    if file["status"] == "committed" and not outcomes:
        with target.database.transaction() as cursor:
            brought = loaded_rows.count_outcomes(cursor, file["file_id"])
        if brought.outcomes or with_outcomes:
            file |= asdict(brought)
    if as_json:
        show_json(file)
    else:
        _show_result(file)
    if file["status"] != "committed" or (with_outcomes and not (brought and brought.outcomes)):
        raise typer.Exit(1)


def _require_label(target: Stack, line: str) -> None:
    with target.database.transaction() as cursor:
        contract = contracts.running(cursor, "claims", line)
    if contract is None:
        raise RefusedData(
            f"line {line} has no contract: draft one with `claimwatch infer FILE --line {line}`, review it,"
            f" and apply it with `claimwatch contract put {line} FILE`"
        )
    if contract.label is None:
        raise RefusedData(
            f"contract {contract.version} of line {line} names no label: give the column that says whether a"
            " claim was fraud logicalType boolean and role label, raise the version, and apply it with"
            f" `claimwatch contract put {line} FILE`"
        )


def _wait_for_result(target: Stack, ref: ObjectRef, seconds: int) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with target.database.transaction() as cursor:
            newest = ledger.list_files(cursor, limit=500, side_files=True)
        for file in newest:
            if (file["key"], file["version_id"]) == (ref.key, ref.version_id) and file["status"] in FINAL:
                return file
        time.sleep(POLL_SECONDS)
    raise StackUnreachable(
        f"{ref.key} was not finished within {seconds} s: `claimwatch files` shows its state"
    )


def _show_result(file: dict[str, Any]) -> None:
    number = file["file_id"]
    if file["status"] == "committed":
        read = counted(file["rows_read"], "row")
        show(
            f"File {number} is committed: {read} read, {file['rows_loaded']:,} loaded,"
            f" {file['rows_quarantined']:,} quarantined."
        )
        if "outcomes" in file:
            _show_outcomes(file)
        if file["rows_quarantined"]:
            say(f"Why: `claimwatch quarantine {number} --reasons`", "dim")
    else:
        show(f"File {number} is {file['status']}: {file['error']}")


def _show_outcomes(file: dict[str, Any]) -> None:
    if file["outcomes"]:
        show(f"It brought {counted(file['outcomes'], 'outcome')}, {file['frauds']:,} of them fraud.")
        if file["not_due"]:
            say(f"Not due yet: {file['not_due']:,}. Trainings leave those claims out until then.", "dim")
    else:
        show("It brought no outcome: the label is missing in every row that was loaded.")


def _show_rows(file: ledger.File, rows: list[RefusedRow], most: int | None, *, as_json: bool) -> None:
    shown = list(islice(rows, most))
    if as_json:
        show_json({**_described(file), "rows_quarantined": len(rows), "rows": list(map(_row, shown))})
        return
    if not rows:
        _report_empty(file)
        return
    show_table(
        ("row", "reasons", "raw text"),
        [(row.number, [_sentence(reason) for reason in _row(row)["reasons"]], row.raw) for row in shown],
    )
    rest = len(rows) - len(shown)
    if rest:
        say(
            f"{counted(rest, 'row')} more: --limit 0 shows all, --reasons counts why, --export writes all.",
            "dim",
        )


def _show_reasons(file: ledger.File, found: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        renamed = [{"column": item.pop("column_name"), **item} for item in found]
        show_json({**_described(file), "reasons": renamed})
    elif not found:
        _report_empty(file)
    else:
        show_table(
            ("rows", "column", "rule", "for example"),
            [(item["rows"], item["column_name"], item["rule"], item["example"]) for item in found],
        )


def _export(
    file: ledger.File, rows: Iterator[RefusedRow], path: Path, *, verbatim: bool, as_json: bool
) -> None:
    first = next(rows, None)
    if first is None:
        raise RefusedData(f"file {file.file_id} has no quarantined rows; the file is {file.status}")
    plan = Plan.from_json(file.details)
    done = export(chain((first,), rows), plan, path, verbatim=verbatim)
    if as_json:
        show_json(
            {
                **_described(file),
                "exported": str(done.file),
                "reasons": str(done.reasons),
                "rows": done.rows,
                "rows_apart": done.apart,
                "guarded_cells": done.guarded,
            }
        )
        return
    show(f"Exported {counted(done.rows, 'row')} to {done.file}; {done.reasons} says why each was rejected.")
    if done.apart:
        say(
            f"{counted(done.apart, 'row')} cannot be split into cells: only in {done.reasons}, as text.",
            "yellow",
        )
    if done.guarded:
        say(
            f"{counted(done.guarded, 'cell')} got an apostrophe, because a spreadsheet would read a formula;"
            " --verbatim leaves cells unchanged.",
            "yellow",
        )
    say(f"Correct the rows and drop the file again: `claimwatch drop {done.file} --line {file.line}`", "dim")


def _ledger_entry(cursor: Any, file_id: int) -> ledger.File:
    try:
        return ledger.get(cursor, file_id)
    except LookupError as error:
        raise _unknown(file_id) from error


def _unknown(file_id: int) -> RefusedData:
    return RefusedData(f"there is no file {file_id} in the ledger: `claimwatch files` lists all files")


def _report_empty(file: ledger.File) -> None:
    why = f": {file.error}" if file.error else ""
    say(f"File {file.file_id} has no quarantined rows; the file is {file.status}{why}")


def _described(file: ledger.File) -> dict[str, Any]:
    return {"file_id": file.file_id, "key": file.key, "status": file.status}


def _row(row: RefusedRow) -> dict[str, Any]:
    reasons = [
        {"column": problem.column, "rule": problem.rule, "message": problem.message}
        for problem in row.problems
    ]
    return {"row_number": row.number, "raw": row.raw, "reasons": reasons}


def _sentence(reason: dict[str, Any]) -> str:
    return f"{reason['column']}: {reason['message']}" if reason["column"] else str(reason["message"])
