"""Options that several commands share."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from claimwatch.domain.contract.contract import LINE_NAME, LINE_RULE
from claimwatch.domain.contract.line_name import proposed_line
from cli.stack import Stack, find_stack

_JSON_ASKED = "claimwatch.json"

type StackFinder = Callable[..., Stack]


def _remember(ctx: typer.Context, asked: bool) -> bool:
    ctx.meta[_JSON_ASKED] = asked
    return asked


def json_asked(ctx: typer.Context) -> bool:
    """Return whether the command was called with --json."""
    return bool(ctx.meta.get(_JSON_ASKED))


def line_name[Name: str | None](line: Name) -> Name:
    """Return the name of a line; a name that no line can have is incorrect usage."""
    if line is not None and not LINE_NAME.fullmatch(line):
        raise typer.BadParameter(
            f"{line!r} is not a valid name of a line: use {LINE_RULE}; "
            f"write {proposed_line(line)}, for example"
        )
    return line


Line = Annotated[str, typer.Argument(metavar="LINE", callback=line_name, help="The line of business.")]
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


def stack_finder(name: str | None, task: str = "read") -> Stack:
    """Return the stack that the options and the environment name."""
    return find_stack(name, os.environ.get("CLAIMWATCH_DATABASE"), Path.cwd(), task)


def stack_of(ctx: typer.Context, name: str | None, task: str = "read") -> Stack:
    """Return the stack that a command works on, with the login of a task."""
    finder: StackFinder = ctx.obj
    return finder(name) if task == "read" else finder(name, task)
