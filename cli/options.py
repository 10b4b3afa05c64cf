"""Options that several commands share."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from cli.stack import Stack, find_stack

_JSON_ASKED = "claimwatch.json"

type StackFinder = Callable[[str | None], Stack]


def _remember(ctx: typer.Context, asked: bool) -> bool:
    ctx.meta[_JSON_ASKED] = asked
    return asked


def json_asked(ctx: typer.Context) -> bool:
    """Return whether the command was called with --json."""
    return bool(ctx.meta.get(_JSON_ASKED))


AsJson = Annotated[
    bool, typer.Option("--json", callback=_remember, help="Write one JSON document to standard output.")
]
StackName = Annotated[
    str | None,
    typer.Option(
        "--stack",
        envvar="CLAIMWATCH_STACK",
        metavar="NAME",
        help="CloudFormation stack in your AWS account. Default: the stack that `make up` left running in"
        " this folder or a parent folder, otherwise the stack 'claimwatch'.",
        show_default=False,
    ),
]


def stack_finder(name: str | None) -> Stack:
    """Return the stack that the options and the environment name."""
    return find_stack(name, os.environ.get("CLAIMWATCH_DATABASE"), Path.cwd())


def stack_of(ctx: typer.Context, name: str | None) -> Stack:
    """Return the stack that a command works on."""
    finder: StackFinder = ctx.obj
    return finder(name)
