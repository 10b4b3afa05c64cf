"""Pages of the stack that a browser shows: the report of a week, the card of a model."""

import tempfile
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from claimwatch.aws.objects import ObjectMissing
from claimwatch.errors import RefusedData
from cli.screen import say, show
from cli.stack import Stack

Save = Annotated[
    Path | None,
    typer.Option(
        dir_okay=False,
        metavar="FILE",
        help="Save the page to this file instead of opening it.",
        show_default=False,
    ),
]


def require_new(save: Path | None) -> None:
    """Refuse to overwrite a file."""
    if save is not None and save.exists():
        raise RefusedData(f"{save} exists: choose another name, or remove the file")


def fetch(target: Stack, uri: str, what: str, save: Path | None, name: str) -> Path:
    """Write a page to the file, or to a new one with this name; ``what`` it is stands in the refusal."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    try:
        page = target.objects.newest(bucket, key)
    except ObjectMissing as gone:
        raise RefusedData(f"the {what} no longer exists: {gone}") from gone
    file = save or Path(tempfile.mkdtemp(prefix="claimwatch-")) / name
    with file.open("xb") as written:
        written.write(page)
    return file


def present(file: Path, *, saved: bool) -> None:
    """Show the name of the file, and open it in the browser unless the person saved it."""
    show(str(file))
    if not saved and not webbrowser.open(file.resolve().as_uri()):
        say("No browser could be started: open the file in a browser.", "yellow")
