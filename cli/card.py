"""The card of a model: what a person reads before promoting it."""

from typing import Annotated

import typer

from claimwatch.errors import RefusedData
from claimwatch.storage import models as stored
from cli.options import AsJson, Line, StackName, stack_of
from cli.page import Save, fetch, present, require_new
from cli.screen import show_json

CARD = "card.html"


def card(
    ctx: typer.Context,
    line: Line,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="The version of the model.")],
    save: Save = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Open the card of a model in the browser: its gates, warnings, figures, groups and features.

    With --json, no browser opens; the output names the file. A model that a gate refused has a card, too.
    """
    target = stack_of(ctx, stack)
    require_new(save)
    with target.database.transaction() as cursor:
        found = stored.find_version(cursor, line, version)
    if found is None:
        raise RefusedData(f"line {line} has no model {version}: `claimwatch models {line}` lists its models")
    if found.bundle_uri is None:
        raise RefusedData(f"model {version} has no card, because nothing is stored of it")
    uri = f"{found.bundle_uri}{CARD}"
    file = fetch(target, uri, "card", save, f"{line}-{version}.html")
    if as_json:
        show_json({"line": line, "version": version, "card_uri": uri, "file": str(file)})
        return
    present(file, saved=save is not None)
