"""Commands about contracts: draft, check and apply one."""

import re
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.exceptions import ClientError

from claimwatch.domain.contract.contract import Contract, Role
from claimwatch.domain.contract.label import label_problems
from claimwatch.domain.contract.line_name import line_in, proposed_line
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.contract.status import status_problem
from claimwatch.domain.contract.unseen_values import unseen_problems
from claimwatch.domain.contract.unused_features import unused_features
from claimwatch.errors import RefusedContract, RefusedData
from claimwatch.ingest.contract_keys import contract_key
from claimwatch.ingest.protect_extra import protect_extra
from claimwatch.storage import contracts
from cli.definition_file import read_definition
from cli.options import AsJson, Line, StackName, line_name, stack_of
from cli.screen import counted, say, show, show_document, show_json, show_table
from cli.stack import Stack, StackUnreachable

LONGEST_WAIT = 120
"""Seconds to wait for a contract to be applied or refused."""

POLL_SECONDS = 0.5
TO_CHECK = "# check:"
"""Mark of the lines of a draft that a person must review."""

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
        typer.Option(
            callback=line_name, help="Name of the line of business.", show_default="the file's name"
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A new file for the draft.", show_default="standard output"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Draft a contract from a file. Needs no stack.

    The draft is a proposal: each line marked with 'check:' is a guess that you confirm or correct. Columns
    that may name persons are classified as personal, and stored as hashes.
    """
    line = line or proposed_line(path.stem.partition(".")[0])
    if output is not None and output.exists():
        raise RefusedData(f"{output} exists already: choose another name or remove it")
    from claimwatch.ingest.local_draft import draft  # noqa: PLC0415 - reading files takes a while to import

    described, text = draft(path, line)
    if output is not None:
        output.write_text(text, "utf-8")
    open_points = sum(TO_CHECK in row for row in text.splitlines())
    personal = len(re.findall("^ +classification: personal$", text, re.MULTILINE))
    label = _label_of(text)
    if as_json:
        details = {"line": line, "format": described, "to_check": open_points, "personal": personal}
        details["label"] = label
        show_json(details | ({"contract": text} if output is None else {"output": str(output)}))
        return
    if output is None:
        show_document(text)
    say(f"Draft for line {line}, from a file of format {described}.", "dim")
    say(f"Lines for you to check: {open_points}; each says why.", "dim")
    if label is None:
        asked = re.search("^# check: it may be (.+)$", text, re.MULTILINE)
        maybe = f"; it may be {asked[1]}, whose check line says how" if asked else ""
        say(f"Label: none found{maybe}. Outcomes come from files of their own, unless you name one.", "dim")
    else:
        say(f"Label: {label}. Files with it bring outcomes, unless you change its role.", "dim")
    if "role, value: event_time}" not in text:
        say("Event time: none found. Give role event_time to a date, or the draft cannot be applied.", "dim")
    if personal:
        say(f"Personal, so stored as hashes: {counted(personal, 'column')}.", "dim")
    say(
        f"Then write 'status: active' and apply it: `claimwatch contract put {line} {output or 'FILE'}`",
        "dim",
    )


@app.command()
def check(
    path: ContractFile,
    line: Annotated[
        str | None,
        typer.Option(
            callback=line_name, help="The line that the contract is for.", show_default="the line named in it"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Report all problems of a contract, or describe its columns if it is valid. Needs no stack."""
    text = read_definition(path, RefusedContract)
    contract = parse_contract(text, line or line_in(text) or proposed_line(path.stem.partition(".")[0]))
    if problems := [*unseen_problems(contract), *label_problems(contract)]:
        raise RefusedContract(problems)
    if as_json:
        described = {
            "line": contract.line,
            "version": contract.version,
            "grounds": contract.grounds,
            "review_within_days": contract.review.review_within_days,
            "second_look_above": contract.review.second_look_above,
            "columns": _columns(contract),
        }
        status = {"status": contract.status, "not_applied_because": status_problem(contract)}
        show_json(described | status | {"unused_features": unused_features(contract)})
        return
    show_table(
        ("column", "type", "role", "required", "stored as", "group", "desk"),
        [
            (
                column["name"],
                column["type"],
                column["role"],
                "yes" if column["required"] else "",
                column["stored_as"],
                column["group"],
                ", ".join(use for use in ("link_on", "what_if") if column[use]).replace("_", " "),
            )
            for column in _columns(contract)
        ],
    )
    roles = Counter(column.role for column in contract.columns)
    counted = ", ".join(f"{roles[role]} {role}" for role in Role if roles[role])
    show(f"Contract {contract.version} of line {contract.line} is valid: {counted}.")
    if problem := status_problem(contract):
        say(f"It cannot be applied as it is: {problem}.", "yellow")
    _say_unused(contract)


@app.command()
def put(
    ctx: typer.Context,
    line: Line,
    path: ContractFile,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Store a line's contract, and wait until it is applied or refused.

    A new version may add columns. If it cannot be applied, it is refused and the running contract stays.
    Files that waited for the contract are then loaded.
    """
    text = read_definition(path, RefusedContract)
    contract = parse_contract(text, line)
    if problem := status_problem(contract):
        raise RefusedContract([problem])
    target = stack_of(ctx, stack)
    entry = _wait_for_result(target, line, text)
    if entry.status == "refused":
        raise RefusedContract((entry.error or "it was refused without a reason").splitlines())
    if as_json:
        described = {"line": line, "version": contract.version, "status": entry.status, "note": entry.error}
        show_json(described | {"unused_features": unused_features(contract)})
        return
    note = f": {entry.error}" if entry.error else ""
    show(f"Contract {contract.version} of line {line} is {entry.status} in {target.title}{note}.")
    _say_unused(contract)


def _say_unused(contract: Contract) -> None:
    for name, reason in unused_features(contract).items():
        say(f"Column '{name}' has role feature and is never used: {reason}.", "yellow")


def protect(
    ctx: typer.Context,
    line: Line,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Hash values of unknown columns that earlier versions stored in clear.

    It can be interrupted and repeated. It needs the login of the task 'contracts' and the key of the
    personal data (outputs DatabaseParameters and PersonalDataKeyArn).
    """
    database, key = stack_of(ctx, stack).open_for_protection()
    done = protect_extra(database, key, line)
    if as_json:
        show_json(vars(done))
        return
    show(f"Line {line}: {counted(done.rows, 'row')} with unknown columns, {done.changed:,} of them changed.")
    if done.drop_again:
        numbers = ", ".join(map(str, done.drop_again))
        say(
            "These files have values of columns of the contract among the unknown columns. Drop them again to"
            f" load the values: {numbers}"
        )


def _wait_for_result(target: Stack, line: str, text: str) -> contracts.Entry:
    """Store the contract and return its ledger entry once it is applied or refused."""
    try:
        ref = target.objects.write(target.artifact_bucket, contract_key(line), [text.encode()])
    except ClientError as error:
        raise StackUnreachable(
            f"the contract cannot be stored: {error.response['Error']['Message']}."
            " Your identity needs the policy of output PutContractsPolicyArn and the tag"
            " claimwatch-duty=contracts (docs/security.md)"
        ) from error
    say(f"Stored as s3://{ref.bucket}/{ref.key} in {target.title}.", "dim")
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
        with target.database.transaction() as cursor:
            entry = contracts.find_entry(cursor, submission)
        if entry is not None:
            return entry
        time.sleep(POLL_SECONDS)
    raise StackUnreachable(
        f"the contract is stored but was not applied within {LONGEST_WAIT} s: see the logs of"
        " ApplyContract and its dead-letter queue (docs/runbook.md)"
    )


def _label_of(draft: str) -> str | None:
    """Return the column of a draft that has role label; a draft without an identifier is no contract yet."""
    name = None
    for row in draft.splitlines():
        if row.startswith("      - name: "):
            name = row.removeprefix("      - name: ").strip('"')
        elif "{property: role, value: label}" in row:
            return name
    return None


def _columns(contract: Contract) -> list[dict[str, Any]]:
    return [
        {
            "name": column.name,
            "type": str(column.logical_type),
            "role": str(column.role),
            "required": column.required,
            "stored_as": "keyed hash" if column.hashed else column.sql_type,
            "group": column.group,
            "link_on": column.link_on,
            "what_if": column.what_if,
        }
        for column in contract.columns
    ]
