"""Commands about contracts: draft one, check one, put one in place."""

import re
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from claimwatch.domain.contract.contract import Contract, Role
from claimwatch.domain.contract.parse import line_in, parse_contract
from claimwatch.errors import RefusedContract, RefusedData
from claimwatch.storage import contracts
from cli.options import AsJson, StackName, stack_of
from cli.screen import say, show, show_json, show_table
from cli.stack import Stack, StackUnreachable

LONGEST_WAIT = 120
"""Seconds to wait for a contract to be applied or refused."""

POLL_SECONDS = 0.5
TO_CHECK = "# check:"
"""What a draft marks the lines with that a person has to decide."""

app = typer.Typer(no_args_is_help=True)

ContractFile = Annotated[
    Path,
    typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True, help="The contract, in YAML."),
]


def infer(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            readable=True,
            help="A file of claims: CSV of any dialect, gzip of it, NDJSON or Parquet.",
        ),
    ],
    line: Annotated[
        str | None,
        typer.Option(help="Name of the line of business.", show_default="the file's name"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A new file for the draft.", show_default="standard output"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Draft a contract from the beginning of a file. Needs no stack.

    The draft is a proposal: each line that it marks with 'check:' is a guess, to be confirmed or mended.
    """
    line = line or _line_named(path.stem)
    if output is not None and output.exists():
        raise RefusedData(f"{output} is there already: choose another name, or remove it")
    from cli.draft import draft  # noqa: PLC0415 - what reads any file takes a while to load

    described, text = draft(path, line)
    if output is not None:
        output.write_text(text, "utf-8")
    open_points = sum(TO_CHECK in row for row in text.splitlines())
    if as_json:
        told = {"line": line, "format": described, "to_check": open_points}
        show_json(told | ({"contract": text} if output is None else {"output": str(output)}))
        return
    if output is None:
        print(text.removesuffix("\n"))
    say(f"Drafted for line {line} from a file of format {described}.", "dim")
    say(f"To be checked by you: {open_points} lines; each says why.", "dim")
    say(f"When that is done: `claimwatch contract put {line} {output or 'FILE'}`", "dim")


@app.command()
def check(
    path: ContractFile,
    line: Annotated[
        str | None,
        typer.Option(help="The line that it is for.", show_default="the line that it names"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say everything that is wrong with a contract, or what it asks for. Needs no stack."""
    text = _text(path)
    contract = parse_contract(text, line or line_in(text) or _line_named(path.stem))
    if as_json:
        show_json({"line": contract.line, "version": contract.version, "columns": _columns(contract)})
        return
    show_table(
        ("column", "type", "role", "required", "stored as"),
        [
            (
                column["name"],
                column["type"],
                column["role"],
                "yes" if column["required"] else "",
                column["stored_as"],
            )
            for column in _columns(contract)
        ],
    )
    roles = Counter(column.role for column in contract.columns)
    counted = ", ".join(f"{roles[role]} {role}" for role in Role if roles[role])
    show(f"Contract {contract.version} of line {contract.line} is in order: {counted}.")


@app.command()
def put(
    ctx: typer.Context,
    line: Annotated[str, typer.Argument(help="The line of business that the contract is for.")],
    path: ContractFile,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Put a line's contract in place, and wait until it is applied or refused.

    A new version may add columns. One that cannot be applied is refused, and the running contract stays.
    Files that waited for the contract are loaded then.
    """
    text = _text(path)
    contract = parse_contract(text, line)
    at = stack_of(ctx, stack)
    entry = _decided(at, line, text)
    if entry.status == "refused":
        raise RefusedContract((entry.error or "it is refused, and nobody said why").splitlines())
    if as_json:
        show_json({"line": line, "version": contract.version, "status": entry.status, "note": entry.error})
        return
    note = f": {entry.error}" if entry.error else ""
    show(f"Contract {contract.version} of line {line} is {entry.status} in {at.title}{note}.")


def _decided(at: Stack, line: str, text: str) -> contracts.Entry:
    """What becomes of the contract once it is put in place."""
    from claimwatch.ingest.drafting import contract_key  # noqa: PLC0415 - as above

    ref = at.objects.write(at.artifact_bucket, contract_key(line), [text.encode()])
    say(f"Put as s3://{ref.bucket}/{ref.key} into {at.title}.", "dim")
    submission = contracts.Submission(
        line=line,
        bucket=ref.bucket,
        key=ref.key,
        version_id=ref.version_id,
        received_at=datetime.now(UTC),
        sequencer="",
        text=text,
    )
    deadline = time.monotonic() + LONGEST_WAIT
    while time.monotonic() < deadline:
        with at.database.transaction() as cursor:
            entry = contracts.find_entry(cursor, submission)
        if entry is not None:
            return entry
        time.sleep(POLL_SECONDS)
    raise StackUnreachable(
        f"the contract is in place, and nothing came of it within {LONGEST_WAIT} s: see the logs of"
        " ApplyContract and its dead-letter queue (docs/runbook.md)"
    )


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RefusedContract(
            [f"{path} is no text in UTF-8 (byte {error.start}): save it as UTF-8"]
        ) from error


def _columns(contract: Contract) -> list[dict[str, Any]]:
    return [
        {
            "name": column.name,
            "type": str(column.logical_type),
            "role": str(column.role),
            "required": column.required,
            "stored_as": "keyed hash" if column.hashed else column.sql_type,
        }
        for column in contract.columns
    ]


def _line_named(stem: str) -> str:
    """The line that a file's name suggests."""
    words = re.sub(r"[^a-z0-9]+", "_", stem.partition(".")[0].lower()).strip("_")[:40]
    return words if words[:1].isalpha() else f"line_{words}"[:40]
