"""The investigators' work list: claims that the champion referred, and those of the random audit."""

import csv
from datetime import UTC
from pathlib import Path
from typing import Annotated, Any

import typer

from claimwatch.domain.model.reasons import shown
from claimwatch.errors import RefusedData
from claimwatch.storage import scores
from cli.export import guard
from cli.models import Since
from cli.options import AsJson, Line, StackName, stack_of
from cli.screen import counted, say, show, show_json, show_table

OUTCOME = ("claim_id", "is_fraud", "decided_at", "decided_by", "source")
"""Columns of an exported list: once filled in, it is a file of outcomes."""

REVEALED = ("because", "probability", "percentile", "why", "model_version")
"""Columns that reveal which claims the champion referred."""


def referrals(
    ctx: typer.Context,
    line: Line,
    since: Since = None,
    decided: Annotated[bool, typer.Option("--decided", help="Include claims that have an outcome.")] = False,
    reveal: Annotated[
        bool,
        typer.Option(
            "--reveal",
            help="Show which claims the model referred, and why; the most suspicious first.",
        ),
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1, help="The largest number of claims to list.", show_default="50, or all with --export"
        ),
    ] = None,
    export_to: Annotated[
        Path | None,
        typer.Option(
            "--export",
            metavar="FILE",
            help="Write the list to a CSV file, in which outcomes can be filled in and dropped.",
            dir_okay=False,
        ),
    ] = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """List the claims to review: those that the model referred, and the random audit.

    The list does not say which claims are which, and its order does not reveal it: whoever knows decides with
    prejudice, and the audit is the only unbiased measure of the model. It contains claims without an outcome;
    the oldest day comes first, and each day is in random order.
    """
    target = stack_of(ctx, stack)
    with target.database.transaction() as cursor:
        found = scores.work_list(
            cursor,
            line,
            since=since.replace(tzinfo=UTC) if since else None,
            decided=decided,
            most_suspicious_first=reveal,
            limit=limit or (None if export_to else 50),
        )
    claims = [_described(claim, reveal=reveal) for claim in found.claims]
    exported = _exported(export_to, claims, reveal=reveal) if export_to else {}
    if as_json:
        show_json({"line": line, "total": found.total, "referrals": claims} | exported)
    elif not claims:
        say(f"Line {line} has no claim to review: none that is referred or in the random audit waits.")
    elif exported:
        show(f"Exported {counted(len(claims), 'claim')} to {exported['exported']}.")
        if guarded := exported["guarded_cells"]:
            say(
                f"{counted(guarded, 'cell')} got an apostrophe, because a spreadsheet would read a formula:"
                " remove it from the claim id before you drop the file.",
                "yellow",
            )
        say(
            "Fill in is_fraud and decided_at, remove the rows that are not decided, and drop the file:"
            f" `claimwatch drop {exported['exported']} --line {line} --outcomes`",
            "dim",
        )
    else:
        _show(claims, reveal=reveal)
        if found.total > len(claims):
            rest = counted(found.total - len(claims), "claim")
            say(f"{rest} more: --limit shows more, --export writes all.", "dim")


def _described(claim: dict[str, Any], *, reveal: bool) -> dict[str, Any]:
    """Return what the reader may know of a claim."""
    if not reveal:
        return {name: claim[name] for name in ("claim_id", "received_at", "file_id")}
    reasons = {"referral": claim["referred"], "audit": claim["audit_sample"]}
    return claim | {"because": [name for name, true in reasons.items() if true]}


def _show(claims: list[dict[str, Any]], *, reveal: bool) -> None:
    if not reveal:
        show_table(("claim", "received"), [(claim["claim_id"], claim["received_at"]) for claim in claims])
        return
    show_table(
        ("claim", "because", "probability", "percentile", "why (share of what raised it)", "model"),
        [
            (
                claim["claim_id"],
                " and ".join(claim["because"]),
                f"{claim['probability']:.3f}",
                f"{claim['percentile']:.1f}",
                _texts(claim),
                claim["model_version"],
            )
            for claim in claims
        ],
    )


def _texts(claim: dict[str, Any]) -> list[str]:
    return [shown(reason) for reason in claim["reasons"] or []]


def _exported(path: Path, claims: list[dict[str, Any]], *, reveal: bool) -> dict[str, Any]:
    """Write the list. Raises ``RefusedData`` if the file exists: someone may have filled it in."""
    guarded = 0
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(OUTCOME + (REVEALED if reveal else ()))
            for claim in claims:
                cells = [claim["claim_id"], *[""] * (len(OUTCOME) - 1)]
                if reveal:
                    cells += [" and ".join(claim["because"]), claim["probability"], claim["percentile"]]
                    cells += [" ".join(_texts(claim)), claim["model_version"]]
                safe = [guard(str(cell)) for cell in cells]
                guarded += sum(map(str.__ne__, safe, map(str, cells)))
                writer.writerow(safe)
    except FileExistsError as error:
        raise RefusedData(f"{path} exists already: choose another name or remove it") from error
    return {"exported": str(path), "guarded_cells": guarded}
