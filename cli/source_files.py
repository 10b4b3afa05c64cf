"""The files of sources in the artifact bucket, and what several commands about sources share."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import ClientError

from claimwatch.aws.objects import ObjectMissing, ObjectRef
from claimwatch.domain.sources.source_name import is_source_name
from claimwatch.errors import RefusedData, RefusedSourceFile
from claimwatch.storage import source_overview
from cli.definition_file import read_definition
from cli.screen import say
from cli.stack import Stack, StackUnreachable

LONGEST_WAIT = 120
"""Seconds to wait for a source to be applied, refused or removed."""

POLL_SECONDS = 0.5

SourceFile = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        exists=True,
        dir_okay=False,
        readable=True,
        help="The source, in YAML (docs/sources.md).",
    ),
]


def source_name(name: str) -> str:
    """Return the name of a source; a name that no source can have is incorrect usage."""
    if not is_source_name(name):
        raise typer.BadParameter(f"{name!r} is not a valid name of a source: `claimwatch sources` lists them")
    return name


Name = Annotated[
    str,
    typer.Argument(metavar="NAME", callback=source_name, help="The source: `claimwatch sources` lists all."),
]
As = Annotated[
    str | None,
    typer.Option("--name", help="Name of the source.", show_default="the file's name without .yaml"),
]


def source_key(name: str) -> str:
    """Return the key of a source's file in the artifact bucket."""
    return f"sources/{name}.yaml"


def read_text(path: Path) -> str:
    """Return the text of a local file."""
    return read_definition(path, RefusedSourceFile)


def newest(target: Stack, name: str) -> str:
    """Return the newest version of a source's file."""
    with permitted("read"):
        try:
            return target.objects.newest(target.artifact_bucket, source_key(name)).decode("utf-8-sig")
        except ObjectMissing as error:
            raise unknown(name) from error


def store(target: Stack, name: str, text: str) -> str | None:
    """Store a source's file and return a note once it is applied; raises ``RefusedSourceFile``."""
    with permitted("stored"):
        ref = target.objects.write(target.artifact_bucket, source_key(name), [text.encode()])
    say(f"Stored as s3://{ref.bucket}/{ref.key} in {target.title}.", "dim")
    status, error = _result(target, ref)
    if status == "refused":
        raise RefusedSourceFile((error or "it was refused without a reason").splitlines())
    return error


def _result(target: Stack, ref: ObjectRef) -> tuple[str, str | None]:
    deadline = time.monotonic() + LONGEST_WAIT
    while time.monotonic() < deadline:
        with target.database.transaction() as cursor:
            found = source_overview.find_version(cursor, ref.bucket, ref.key, ref.version_id)
        if found is not None:
            return found
        time.sleep(POLL_SECONDS)
    raise StackUnreachable(
        f"the source is stored but was not applied within {LONGEST_WAIT} s: see the logs of ApplySource and"
        " its dead-letter queue (docs/runbook.md)"
    )


@contextmanager
def permitted(done: str) -> Iterator[None]:
    """Raise ``StackUnreachable`` with advice if the caller's identity lacks a permission."""
    try:
        yield
    except ClientError as error:
        raise StackUnreachable(
            f"the source cannot be {done}: {error.response['Error']['Code']}. Your identity needs the policy"
            " of output ManageSourcesPolicyArn (docs/security.md)"
        ) from error


def unknown(name: str) -> RefusedData:
    """Return the error for a source that the stack does not have."""
    return RefusedData(f"there is no source {name}: `claimwatch sources` lists all of them")
