"""Commands that look at a source from inside the network: check one, and discover what it has."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.contract.line_name import proposed_line
from claimwatch.domain.files.header import csv_layout
from claimwatch.domain.sources.parse import parse_source
from claimwatch.domain.sources.source import Source
from claimwatch.errors import RefusedData, RefusedFile
from claimwatch.storage import contracts
from cli.options import AsJson, StackName, stack_of
from cli.screen import counted, say, show, show_json, show_table
from cli.source_files import As, SourceFile, newest, permitted, read_text, source_name
from cli.stack import Stack

SHOWN_FILES = 20
SHOWN_SHAPES = 4


def check(
    ctx: typer.Context,
    path: SourceFile,
    name: As = None,
    draft: Annotated[
        Path | None,
        typer.Option(metavar="OUT", help="Write a drafted contract to this new file.", show_default=False),
    ] = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Try a source from inside the stack's network, without pulling anything.

    It connects, refuses a login that may write, shows the columns and ten rows in which letters are A or a
    and digits 9, and compares the columns with the line's contract. A line without one gets a draft.
    """
    if draft is not None and draft.exists():
        raise RefusedData(f"{draft} exists already: choose another name or remove it")
    text = read_text(path)
    source = parse_source(text, name or path.stem)
    target = stack_of(ctx, stack)
    found = checked(target, source, text)
    contract = contract_of(target, source)
    columns = [column["name"] for column in found.get("columns", ())]
    compared = compare(contract, columns) if contract and columns else None
    if draft is not None:
        if not found["draft"]:
            raise RefusedData(found["remark"])
        draft.write_text(found["draft"], "utf-8")
    if as_json:
        show_json({"source": source.name, "line": source.line, **found, "contract": compared})
    else:
        _show_check(source, found, compared, draft)
    if compared and compared["refused"]:
        raise typer.Exit(1)


def discover(
    ctx: typer.Context,
    source: Annotated[
        str, typer.Argument(metavar="NAME|FILE", help="A source of the stack, or the file of one to be.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            file_okay=False,
            metavar="DIR",
            help="Write a drafted contract for each table, or each folder of files, to this folder.",
            show_default=False,
        ),
    ] = None,
    only: Annotated[
        str, typer.Option("--only", metavar="TEXT", help="Only names that contain this text.")
    ] = "",
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """List the tables or files that a source's login may read, and draft a contract for each.

    The file of a source to be needs a table or a glob, any that is valid, and a key: they are not used.
    """
    target = stack_of(ctx, stack)
    path = Path(source)
    if path.is_file():
        text, parsed = read_text(path), parse_source(read_text(path), path.stem)
    else:
        source_name(source)
        text = newest(target, source)
        parsed = parse_source(text, source)
    found = checked(target, parsed, text, discover=True)
    names = [name for name in _names(found) if only in name]
    drafts = [] if output is None else [_drafted(target, parsed, text, name, output) for name in names]
    if as_json:
        show_json({"source": parsed.name, **found, "drafts": drafts})
        return
    if output is not None:
        show_table(
            ("found", "draft", "remark"),
            [(draft["name"], draft["output"], draft["remark"]) for draft in drafts],
        )
        say("Review each draft: it says what to check. Then `claimwatch contract put LINE FILE`.", "dim")
    elif "tables" in found:
        show_table(("table",), [(name,) for name in names])
    else:
        _show_files(found)
    say(f"{counted(found['found'], 'name')} found." if names else "The login may read nothing.", "dim")


def checked(target: Stack, source: Source, text: str, **request: Any) -> dict[str, Any]:
    """Return the answer of CheckSource; raises ``RefusedData`` if it refuses or cannot reach the source."""
    with permitted("checked"):
        return target.sources().check({"source": source.name, "text": text, **request})


def contract_of(target: Stack, source: Source) -> Contract | None:
    """Return the running contract for what a source brings; None if its line has none."""
    with target.database.transaction() as cursor:
        return contracts.running(cursor, source.dataset, source.line)


def compare(contract: Contract, columns: list[str]) -> dict[str, Any]:
    """Return how the columns of a source match a contract: as the loader matches those of a file."""
    described: dict[str, Any] = {"version": contract.version, "refused": None, "missing": [], "extra": []}
    try:
        fields = csv_layout(contract, columns, ",").fields
    except RefusedFile as refusal:
        return described | {"refused": str(refusal)}
    missing = [column.name for column in contract.columns if column.name not in fields]
    extra = [name for name in fields if contract.column(name) is None]
    return described | {"missing": missing, "extra": extra}


def _show_check(
    source: Source, found: Mapping[str, Any], compared: Mapping[str, Any] | None, draft: Path | None
) -> None:
    if "files" in found:
        _show_files(found)
        if found.get("drafted_from"):
            say(f"The draft is from {found['drafted_from']}.", "dim")
    else:
        show_table(
            ("column", "type", "values by their shape"),
            [
                (column["name"], column["type"], _shapes(values))
                for column, values in zip(
                    found["columns"],
                    zip(*found["rows"], strict=True) if found["rows"] else [()] * len(found["columns"]),
                    strict=True,
                )
            ],
        )
    if "files" in found:
        show(f"Source {source.name} can be pulled. Nobody can prove that its login may not write files.")
    else:
        show(f"Source {source.name} can be pulled in mode {source.mode}; its login may not write.")
    for advice in found.get("advice", ()):
        say(f"Advice: {advice}.", "yellow")
    if compared is None:
        say(
            f"Line {source.line} has no contract yet: --draft FILE writes a drafted one."
            if draft is None
            else f"Draft: {draft}. Review it, then `claimwatch contract put {source.line} {draft}`",
            "dim",
        )
    elif compared["refused"]:
        say(f"Contract {compared['version']} would refuse every file: {compared['refused']}.", "red")
    else:
        say(f"The columns fit contract {compared['version']} of line {source.line}.", "dim")
        for what, names in (("Not in the source", "missing"), ("Stored in 'extra'", "extra")):
            if compared[names]:
                say(f"{what}: {', '.join(compared[names])}.", "yellow")
    if found.get("remark"):
        say(f"Remark: {found['remark']}.", "yellow")


def _shapes(values: Sequence[str]) -> str:
    shapes = list(dict.fromkeys(filter(None, values)))
    return ", ".join([*shapes[:SHOWN_SHAPES], *(["…"] if len(shapes) > SHOWN_SHAPES else [])])


def _show_files(found: Mapping[str, Any]) -> None:
    files = found["files"][:SHOWN_FILES]
    show_table(
        ("file", "bytes", "modified (UTC)"),
        [(file["path"], file["size_bytes"], datetime.fromisoformat(file["modified_at"])) for file in files],
    )
    if found["found"] > len(files):
        say(f"And {found['found'] - len(files):,} more.", "dim")


def _names(found: Mapping[str, Any]) -> list[str]:
    """Return the tables; or of files, the newest one of each folder and each ending."""
    if "tables" in found:
        return list(found["tables"])
    newest: dict[tuple[str, str], str] = {}
    for file in found["files"]:
        folder, _, name = file["path"].rpartition("/")
        newest.setdefault((folder, name.partition(".")[2]), file["path"])
    return list(newest.values())


def _drafted(target: Stack, source: Source, text: str, name: str, folder: Path) -> dict[str, Any]:
    """Write the draft of one table or file, and return its name, the written file and a remark."""
    line = proposed_line(
        name.rpartition("/")[2].partition(".")[0] if source.files else name.rpartition(".")[2]
    )
    output = folder / f"{line}.yaml"
    if output.exists():
        return {"name": name, "output": None, "remark": f"{output} exists already"}
    request = {"file" if source.files else "table": name, "line": line}
    try:
        found = checked(target, source, text, **request)
    except RefusedData as refusal:
        return {"name": name, "output": None, "remark": str(refusal)}
    if not found["draft"]:
        return {"name": name, "output": None, "remark": found["remark"]}
    folder.mkdir(parents=True, exist_ok=True)
    output.write_text(found["draft"], "utf-8")
    return {"name": name, "output": str(output), "remark": found["remark"]}
