"""`claimwatch audit`: who accessed what and why, and whether that record is as it was written."""

import json
import uuid
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from claimwatch.domain.audit.verification import Verification
from claimwatch.domain.contract.purposes import DEFAULT_PURPOSES
from claimwatch.errors import RefusedData
from claimwatch.governance.verify_audit import verify_audit
from claimwatch.storage import access_events
from claimwatch.storage.access_events import AccessEvent, EventCount, EventFilter, NewEvent
from cli.audit_export import export_audit, files_of, verify_export
from cli.options import AsJson, StackName, line_name, stack_of
from cli.screen import counted, say, show, show_json, show_table
from cli.stack import Audit, Stack

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="rich")

NOT_AS_WRITTEN = 1
"""Exit code of a verification that found something."""


def _purpose(purpose: str) -> str:
    if purpose not in DEFAULT_PURPOSES:
        raise typer.BadParameter(f"choose one of {', '.join(DEFAULT_PURPOSES)}")
    return purpose


Because = Annotated[
    str,
    typer.Option(
        "--because",
        callback=_purpose,
        metavar="PURPOSE",
        help="Why you look: it is recorded with your identity.",
    ),
]
Claim = Annotated[str | None, typer.Option(help="Only events about this claim.", show_default=False)]
LineOption = Annotated[
    str | None,
    typer.Option("--line", callback=line_name, help="Only events of this line.", show_default=False),
]
Model = Annotated[str | None, typer.Option(help="Only uses of this model version.", show_default=False)]
Actor = Annotated[str | None, typer.Option(help="Only what this identity did.", show_default=False)]
OfPurpose = Annotated[
    str | None,
    typer.Option("--purpose", metavar="PURPOSE", help="Only events with this purpose.", show_default=False),
]
Since = Annotated[
    str | None,
    typer.Option(
        metavar="TIME", help="Only from a month, day or time on (UTC), such as 2026-03.", show_default=False
    ),
]
Until = Annotated[
    str | None,
    typer.Option(
        metavar="TIME", help="Only until the end of a month or day, or before a time.", show_default=False
    ),
]


@app.command("list")
def list_events(
    ctx: typer.Context,
    claim: Claim = None,
    line: LineOption = None,
    model: Model = None,
    actor: Actor = None,
    purpose: OfPurpose = None,
    since: Since = None,
    until: Until = None,
    summary: Annotated[
        bool, typer.Option("--summary", help="Count events by who, what, model, purpose and outcome.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The most events to list.")] = 100,
    because: Because = "audit",
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """List access events, the newest first: who asked for what, when and for what purpose.

    "Who saw claim X": [bold]claimwatch audit list --claim X[/bold]. "Who used model 3 in March and for
    what": [bold]claimwatch audit list --model 3 --since 2026-03 --until 2026-03 --summary[/bold].
    """
    wanted = EventFilter(
        claim=claim,
        line=line,
        model=model,
        actor=actor,
        purpose=purpose,
        since=_moment(since, end=False),
        until=_moment(until, end=True),
    )
    target, audit = _open(ctx, stack)
    audit.seal_requests.request()
    with target.database.transaction() as cursor:
        found: list[AccessEvent] = []
        counts: list[EventCount] = []
        if summary:
            counts = list(access_events.summarize(cursor, wanted))
        else:
            found = list(access_events.list_events(cursor, wanted, limit=limit))
        asked = {name: value for name, value in asdict(wanted).items() if value is not None}
        event = _event(audit, "audit.list", because, line=line, object=json.dumps(asked, default=str))
        access_events.add(cursor, [event])
    if as_json:
        rows = [asdict(row) for row in (counts or found)]
        show_json({"summary" if summary else "events": rows, "limit": None if summary else limit})
    elif not (found or counts):
        say("There is no such event.")
    elif summary:
        _show_counts(counts)
    else:
        _show_events(found, limit)


@app.command()
def verify(
    ctx: typer.Context,
    export: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            dir_okay=False,
            help="Verify an export instead of a stack; the files next to it contain its seals.",
            show_default=False,
        ),
    ] = None,
    known_restore: Annotated[
        list[int] | None,
        typer.Option(
            metavar="SEAL",
            help="A seal after a restore of the database that you know of: it is reported and is no failure.",
            show_default=False,
        ),
    ] = None,
    because: Because = "audit",
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Verify that access events are as they were written, by the seals that nobody can delete.

    Names the first event that was altered, deleted, inserted or moved, and every seal that is missing, was
    changed or is out of the chain. Exit code 1 if anything is.
    """
    known = set(known_restore or ())
    if export is not None:
        result = verify_export(export)
    else:
        target, audit = _open(ctx, stack)
        _record(target, audit, _event(audit, "audit.verify", because))
        result = verify_audit(target.database, audit.seals)
    agrees = _agrees(result, known)
    if as_json:
        show_json(_described(result, agrees=agrees))
    else:
        _show_verification(result, agrees=agrees)
    if not agrees:
        raise typer.Exit(NOT_AS_WRITTEN)


@app.command()
def export(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(dir_okay=False, help="A new file whose name ends with .ndjson or .csv.")
    ],
    because: Because = "audit",
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Write all access events to a file, and next to it the seals and a manifest.

    Whoever has the three files verifies them with [bold]claimwatch audit verify --export FILE[/bold].
    """
    for path in files_of(file):
        if path.exists():
            raise RefusedData(f"{path} exists already: choose another name or remove it")
    target, audit = _open(ctx, stack)
    _record(target, audit, _event(audit, "audit.export", because))
    made = export_audit(target.database, audit.seals, file, by=audit.caller, purpose=because)
    if as_json:
        show_json(made)
    else:
        show(f"Exported {counted(made['events'], 'event')} and {counted(made['seals'], 'seal')} to {file}.")
        say(
            "Pass the three files on together, and the hash of the newest seal by another way:"
            f" {made['newest_seal_sha256']}",
            "dim",
        )


def _open(ctx: typer.Context, stack: str | None) -> tuple[Stack, Audit]:
    target = stack_of(ctx, stack, "audit")
    return target, target.audit()


def _event(audit: Audit, action: str, purpose: str, **fields: str | None) -> NewEvent:
    return NewEvent(
        audit.caller,
        "cli",
        action,
        "answered",
        purpose,
        request_id=str(uuid.uuid4()),
        **fields,  # type: ignore[arg-type]
    )


def _record(target: Stack, audit: Audit, event: NewEvent) -> None:
    """Add an event before anything is read."""
    audit.seal_requests.request()
    with target.database.transaction() as cursor:
        access_events.add(cursor, [event])


def _moment(text: str | None, *, end: bool) -> datetime | None:
    """Return the beginning of a month or day or, for an end, that of the next one; or the time itself."""
    if text is None:
        return None
    try:
        month = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        pass
    else:
        return (month + timedelta(days=31)).replace(day=1) if end else month
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not a time: write 2026-03, 2026-03-31 or 2026-03-31T14:00"
        ) from None
    moment = found if found.tzinfo else found.replace(tzinfo=UTC)
    return moment + timedelta(days=1) if end and len(text) <= len("2026-03-31") else moment


def _show_events(events: list[AccessEvent], limit: int) -> None:
    show_table(
        ("seq", "at (UTC)", "actor", "action", "line", "object", "model", "purpose", "outcome", "reason"),
        [
            (
                event.seq,
                event.at,
                event.actor,
                event.action,
                event.line,
                event.object,
                event.model_version,
                event.purpose,
                event.outcome,
                event.reason,
            )
            for event in events
        ],
    )
    if len(events) == limit:
        say(f"These are the newest {limit:,}; there may be more: use --limit, --until or --summary.", "dim")


def _show_counts(counts: list[EventCount]) -> None:
    show_table(
        ("events", "actor", "action", "line", "model", "purpose", "outcome", "first (UTC)", "last (UTC)"),
        [
            (
                count.events,
                count.actor,
                count.action,
                count.line,
                count.model_version,
                count.purpose,
                count.outcome,
                count.first,
                count.last,
            )
            for count in counts
        ],
    )


def _agrees(result: Verification, known: set[int]) -> bool:
    restores = {finding.seal for finding in result.findings if finding.kind == "restored"}
    return not result.counts.keys() - {"restored"} and restores <= known


def _show_verification(result: Verification, *, agrees: bool) -> None:
    show(
        f"{counted(result.events, 'event')}: {result.verified:,} agree with {counted(result.seals, 'seal')},"
        f" {result.unsealed:,} {'is' if result.unsealed == 1 else 'are'} not sealed yet."
    )
    if result.unverified:
        show(
            f"{counted(result.unverified, 'event')} cannot be verified, because seals are missing or changed."
        )
    for finding in result.findings:
        show(f"- {finding.sentence}")
    left = sum(result.counts.values()) - len(result.findings)
    if left:
        show(f"- and {left:,} more differences")
    if result.seals:
        show(f"Hash of the newest seal: {result.head.hex()}")
    if agrees and result.verified:
        say("The sealed record is as it was written.", "green")
    elif agrees:
        say("Nothing is verified, because no event is sealed yet: try again in five minutes.", "yellow")
    else:
        say(
            "The record is not as it was written: see docs/runbook.md,"
            ' "Access events do not agree with their seals".',
            "red",
        )


def _described(result: Verification, *, agrees: bool) -> dict[str, Any]:
    findings = [asdict(finding) for finding in result.findings]
    return {
        "agrees": agrees,
        "events": result.events,
        "verified": result.verified,
        "unsealed": result.unsealed,
        "unverified": result.unverified,
        "seals": result.seals,
        "newest_seal_sha256": result.head.hex(),
        "first": findings[0] if findings else None,
        "findings": findings,
        "counts": dict(result.counts),
    }
