"""Commands for permissions of people: list, grant and revoke them through the API, which records each."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from claimwatch.cases.permission_change import EVERY_LINE, PermissionChange
from claimwatch.domain.access.permissions import PERMISSIONS
from claimwatch.errors import MalformedEvent
from cli.api import ApiUnavailable
from cli.options import AsJson, StackName
from cli.screen import say, show, show_json, show_table
from cli.stack import StackUnreachable, find_api

PURPOSE = "operations"
"""The purpose of administration, as its access events have it."""

PATH = "/v1/permissions"

Grantee = Annotated[
    str,
    typer.Argument(
        metavar="GRANTEE", help="group:NAME for a group of the sign-in, or person:NAME for one person."
    ),
]
Permission = Annotated[str, typer.Argument(metavar="PERMISSION", help=f"One of {', '.join(PERMISSIONS)}.")]
OfLine = Annotated[str, typer.Option("--line", metavar="LINE", help="The line; * is every line.")]
Why = Annotated[str, typer.Option(help="The reason. It is stored permanently.")]


def permissions(
    grantee: Annotated[
        str | None, typer.Option(metavar="GRANTEE", help="Only those of this group:NAME or person:NAME.")
    ] = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """List what people may do. To list it is recorded, too."""
    answer = _ask(stack, "GET", PATH)
    found = [each for each in answer["permissions"] if grantee in (None, each["grantee"])]
    if as_json:
        show_json(answer | {"permissions": found})
        return
    show_table(
        ("grantee", "permission", "line", "granted (UTC)", "by", "why"),
        [
            (
                each["grantee"],
                each["permission"],
                each["line"],
                each["granted_at"][:19].replace("T", " "),
                each["granted_by"],
                each["why"],
            )
            for each in found
        ],
    )
    pairs = "; ".join(" and ".join(pair) for pair in answer["conflicts"])
    if answer["separation_of_duties"] == "enforced":
        say(f"Nobody may have together: {pairs}.", "dim")
    else:
        say(f"The separation of duties is relaxed: somebody may have together: {pairs}.", "yellow")


def grant(
    grantee: Grantee,
    permission: Permission,
    why: Why,
    line: OfLine = EVERY_LINE,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Grant a permission to a group or a person. Who granted it and why is recorded."""
    change = _change(grantee, permission, line, why)
    granted = _ask(stack, "POST", PATH, change.to_fields())
    _show(granted, "has", as_json)


def revoke(
    grantee: Grantee,
    permission: Permission,
    why: Why,
    line: OfLine = EVERY_LINE,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Revoke a permission. Who revoked it and why is recorded. One for every line is not one for each."""
    change = _change(grantee, permission, line, why)
    revoked = _ask(stack, "POST", f"{PATH}/revocations", change.to_fields())
    _show(revoked, "no longer has", as_json)


def _change(grantee: str, permission: str, line: str, why: str) -> PermissionChange:
    """Return the change; one that no stack would accept is incorrect usage."""
    try:
        return PermissionChange.parse(
            {"grantee": grantee, "permission": permission, "line": line, "why": why}
        )
    except MalformedEvent as malformed:
        raise typer.BadParameter(str(malformed).removeprefix("permission: ")) from None


def _ask(
    stack: str | None, method: str, path: str, fields: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the answer of the API; a refusal is raised as ``RefusedData``."""
    body = b"" if fields is None else json.dumps(dict(fields)).encode()
    headers = {"x-purpose": PURPOSE} | ({"content-type": "application/json"} if body else {})
    try:
        return find_api(stack, Path.cwd()).request(method, path, body, headers).content
    except ApiUnavailable as failure:
        raise StackUnreachable(str(failure)) from failure


def _show(change: Mapping[str, Any], has: str, as_json: bool) -> None:
    if as_json:
        show_json(change)
        return
    line = "every line" if change["line"] == EVERY_LINE else f"line {change['line']}"
    show(f"{change['grantee']} {has} {change['permission']} for {line}.")
    if change.get("warning"):
        say(f"Warning: {change['warning']}.", "yellow")
