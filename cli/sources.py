"""Commands about one source: put, run, pause, resume and remove it."""

import re
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from claimwatch.domain.sources.parse import parse_source
from claimwatch.errors import RefusedData, RefusedSourceFile
from claimwatch.sources.overview import overview
from claimwatch.storage import source_overview
from cli import source_check
from cli.options import AsJson, StackName, stack_of
from cli.screen import say, show, show_json
from cli.source_check import checked, compare, contract_of
from cli.source_files import (
    LONGEST_WAIT,
    As,
    Name,
    SourceFile,
    newest,
    permitted,
    read_text,
    source_key,
    store,
    unknown,
)
from cli.source_lists import show_sources
from cli.stack import Stack, StackUnreachable

POLL_SECONDS = 0.5
LONGEST_HANDOVER = 30
"""Seconds between two executions of one pull."""

PAUSED = "paused: true"
_PAUSE = re.compile(r"^(?:# paused by .*|paused[ \t]*:.*)(?:\n|\Z)", re.MULTILINE)

app = typer.Typer(no_args_is_help=True)
app.command("check")(source_check.check)

Why = Annotated[str, typer.Option(help="The reason. It is kept in the source's file.")]


@app.command()
def put(
    ctx: typer.Context,
    path: SourceFile,
    name: As = None,
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="Try the source first, as `source check` does.")
    ] = True,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Store a source, and wait until it is applied or refused. Its schedule then starts the pulls.

    A new version that reads something else begins again with all rows. If it is refused, the running version
    stays.
    """
    text = read_text(path)
    source = parse_source(text, name or path.stem)
    target = stack_of(ctx, stack)
    target.sources()
    if check:
        say(f"Checking {source.kind} from inside the network.", "dim")
        found = checked(target, source, text)
        contract = contract_of(target, source)
        columns = [column["name"] for column in found.get("columns", ())]
        if contract and columns and (refused := compare(contract, columns)["refused"]):
            raise RefusedData(f"every file of the source would be refused: {refused}")
    error = store(target, source.name, text)
    row = _overview_of(target, source.name)
    if as_json:
        show_json(row)
        return
    show(f"Source {source.name} is applied in {target.title}{f': {error}' if error else ''}.")
    if source.paused:
        say(f"It is paused: `claimwatch source resume {source.name}` starts it.", "yellow")
    else:
        say(f"It is pulled at {source.schedule}; now: `claimwatch source run {source.name} --wait`", "dim")


@app.command()
def run(
    ctx: typer.Context,
    name: Name,
    from_start: Annotated[
        bool,
        typer.Option(
            "--from-start",
            help="Begin again with all rows. Claims that are loaded again replace themselves.",
        ),
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until the pull ends, and show the source.")
    ] = False,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Pull a source now, besides its schedule. With --wait, the exit code is 1 if the pull fails."""
    target = stack_of(ctx, stack)
    row = _overview_of(target, name)
    if row["state"] == "paused":
        raise RefusedData(f"source {name} is paused: `claimwatch source resume {name}` first")
    pulls = target.sources().pulls
    with permitted("started"):
        execution = pulls.start(name, str(uuid.uuid4()), from_start=from_start)
    if not wait:
        if as_json:
            show_json({"source": name, "execution": execution})
        else:
            show(f"Source {name} is being pulled: {execution}")
            say("`claimwatch sources` shows its windows.", "dim")
        return
    say(f"Source {name} is being pulled.", "dim")
    while (status := pulls.status(execution)) == "RUNNING":
        time.sleep(POLL_SECONDS)
    row = (
        _end_of_pull(target, name, row["looked_at"]) if status == "SUCCEEDED" else _overview_of(target, name)
    )
    if as_json:
        show_json(row | {"execution": execution, "status": status})
    else:
        show_sources([row])
    if status != "SUCCEEDED" or row["state"] == "failing":
        raise typer.Exit(1)


@app.command()
def pause(ctx: typer.Context, name: Name, why: Why, stack: StackName = None, as_json: AsJson = False) -> None:
    """Stop pulling a source until it is resumed. A pull that runs ends with its window."""
    target = stack_of(ctx, stack)
    now = datetime.now(UTC)
    note = f"# paused by {target.sources().caller} at {now:%Y-%m-%dT%H:%M:%SZ}: {' '.join(why.split())}"
    _change(target, name, lambda text: f"{_without_pause(text)}{note}\n{PAUSED}\n", paused=True)
    _report(target, name, "paused", as_json)


@app.command()
def resume(ctx: typer.Context, name: Name, stack: StackName = None, as_json: AsJson = False) -> None:
    """Pull a paused source again, from where it stopped."""
    target = stack_of(ctx, stack)
    _change(target, name, _without_pause, paused=False)
    _report(target, name, "resumed", as_json)


@app.command()
def remove(
    ctx: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Stop pulling a source for good, by deleting its file. The claims that it brought stay."""
    target = stack_of(ctx, stack)
    _overview_of(target, name)
    if not yes:
        typer.confirm(f"Remove source {name} from {target.title}?", abort=True, err=True)
    with permitted("removed"):
        target.sources().remove(source_key(name))
    deadline = time.monotonic() + LONGEST_WAIT
    while _is_running(target, name):
        if time.monotonic() > deadline:
            raise StackUnreachable(
                f"the file of source {name} is deleted, but the source was not removed within"
                f" {LONGEST_WAIT} s: see the logs of ApplySource (docs/runbook.md)"
            )
        time.sleep(POLL_SECONDS)
    if as_json:
        show_json({"source": name, "removed": True})
    else:
        show(f"Source {name} is removed. Its claims stay.")


app.command("discover")(source_check.discover)


def _without_pause(text: str) -> str:
    """Return the text of a source without its line ``paused`` and the comment that explains it."""
    kept = _PAUSE.sub("", text)
    return kept if not kept or kept.endswith("\n") else f"{kept}\n"


def _change(target: Stack, name: str, edit: Callable[[str], str], *, paused: bool) -> None:
    """Edit the newest version of a source's file as a text, so that its comments stay, and store it."""
    text = newest(target, name)
    before, edited = parse_source(text, name), edit(text)
    if before.paused == paused:
        raise RefusedData(f"source {name} is {'paused' if paused else 'not paused'} already")
    try:
        if parse_source(edited, name) != replace(before, paused=paused):
            raise RefusedSourceFile(["the edit would change something else"])
    except RefusedSourceFile as refusal:
        raise RefusedData(
            f"the file of source {name} cannot be edited line by line: write or remove '{PAUSED}' in it,"
            " and store it with `claimwatch source put FILE`"
        ) from refusal
    store(target, name, edited)


def _end_of_pull(target: Stack, name: str, looked_at: datetime | None) -> dict[str, Any]:
    """Return the source once it was pulled to its end, or nobody pulls it any more.

    A long pull is continued by further executions, and another one may have had the source before.
    """
    idle_since = None
    while True:
        row = _overview_of(target, name)
        if row["looked_at"] != looked_at or row["state"] in ("failing", "paused"):
            return row
        if row["state"] == "pulling":
            idle_since = None
        else:
            idle_since = idle_since or time.monotonic()
            if time.monotonic() - idle_since > LONGEST_HANDOVER:
                return row
        time.sleep(POLL_SECONDS)


def _overview_of(target: Stack, name: str) -> dict[str, Any]:
    with target.database.transaction() as cursor:
        found = source_overview.list_sources(cursor, name)
    if not found:
        raise unknown(name)
    return overview(found[0], datetime.now(UTC))


def _is_running(target: Stack, name: str) -> bool:
    with target.database.transaction() as cursor:
        return source_overview.is_running(cursor, name)


def _report(target: Stack, name: str, done: str, as_json: bool) -> None:
    row = _overview_of(target, name)
    if as_json:
        show_json(row)
    else:
        show(f"Source {name} is {done} in {target.title}.")
