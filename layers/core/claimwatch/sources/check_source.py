"""Dry run of a source from inside the network: what a person needs to know before anything is pulled."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, Self, cast, runtime_checkable

from claimwatch.aws.event_fields import Fields
from claimwatch.domain.sources.csv_values import csv_line, text_of
from claimwatch.domain.sources.parse import parse_source
from claimwatch.domain.sources.source import Kind, Mode, Source
from claimwatch.domain.validation.row_rules import shape_of
from claimwatch.errors import RefusedFile
from claimwatch.sources.reader import FileReader, Reader, RefusedSource, RemoteFile, TableReader

SHOWN_ROWS = 10
DRAFTED_ROWS = 5_000
"""Rows from which a contract is drafted."""

MOST_BYTES = 64 << 20
"""Bytes of a file from which a contract is drafted; of a larger one, only its beginning is read."""

MOST_SECONDS = 120
"""Seconds that a statement may take; the function has 300 for all of them."""

MOST_LISTED = 1_000
"""Tables or files that are listed; the answer of a function holds 6 MB."""

HIDDEN = "(hidden)"
"""Stands for a value of a column that may name persons."""


@runtime_checkable
class AdvisingReader(Protocol):
    """A reader that knows what would make pulling faster."""

    def advice(self) -> tuple[str, ...]:
        """Return it in sentences."""


@dataclass(frozen=True)
class Request:
    """What is asked about a source: to check it, or to list the tables or files that its login may read.

    ``table`` replaces the source's own table or query, and ``file`` picks one of its files. A draft is for
    ``line``, by default the source's own.
    """

    source: str
    text: str
    discover: bool = False
    table: str | None = None
    file: str | None = None
    line: str | None = None

    @classmethod
    def parse(cls, event: object) -> Self:
        """Parse the input of the function; raises ``MalformedEvent``."""
        fields = Fields(event, "check of a source")
        return cls(
            fields.text("source"),
            fields.text("text"),
            fields.has("discover") and fields.flag("discover"),
            fields.optional_text("table"),
            fields.optional_text("file"),
            fields.optional_text("line"),
        )


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of ``check_source``.

    ``draft`` returns the format of a file and a draft of a contract for a line.
    """

    open_reader: Callable[[Source], Reader]
    draft: Callable[[Path, str], tuple[str, str]]


def check_source(deps: Dependencies, request: Request) -> dict[str, Any]:
    """Connect to a source, refuse a login that may write, and describe what it would bring.

    No value leaves the network: of cells, only their shapes are returned, and of columns that may name
    persons not even those. Raises ``RefusedSource``, ``SourceUnreachable`` or ``WindowTooLarge``.
    """
    source = _looked_at(parse_source(request.text, request.source), request)
    with closing(deps.open_reader(source)) as reader:
        reader.refuse_writers()
        if source.kind is Kind.SFTP:
            return _files(deps, source, cast("FileReader", reader), request)
        return _table(deps, source, cast("TableReader", reader), request)


def _looked_at(source: Source, request: Request) -> Source:
    """Return the source, or another one of its server: to list tables, none of them has to exist."""
    limits = replace(source.limits, seconds=min(source.limits.seconds, MOST_SECONDS))
    source = replace(source, limits=limits)
    if source.kind is Kind.SFTP or not (request.discover or request.table):
        return source
    server = replace(source, table=None, columns=(), key=(), watermark=None, mode=Mode.DIFFERENCE)
    if request.table:
        return replace(server, table=request.table, query=None)
    return replace(server, query=f"SELECT 1 AS one{' FROM dual' if source.kind is Kind.ORACLE else ''}")


def _table(deps: Dependencies, source: Source, reader: TableReader, request: Request) -> dict[str, Any]:
    if request.discover:
        return _listed("tables", sorted(reader.tables()))
    columns = reader.columns()
    names = [column.name for column in columns]
    _require(source, names)
    rows = [[text_of(value) or "" for value in row] for row in reader.sample(DRAFTED_ROWS)]
    described = {
        "columns": [vars(column) for column in columns],
        "advice": list(reader.advice()) if isinstance(reader, AdvisingReader) else [],
    }
    if not rows:
        return described | {"rows": [], "draft": None, "remark": "there are no rows to draft a contract from"}
    with tempfile.TemporaryDirectory(prefix="claimwatch-") as folder:
        file = Path(folder, "rows.csv")
        file.write_text("".join(map(csv_line, [names, *rows])), "utf-8")
        draft, remark = _draft(deps, file, request.line or source.line)
    return described | {"rows": _masked(names, rows, draft), "draft": draft, "remark": remark}


def _require(source: Source, names: Sequence[str]) -> None:
    """Refuse a source whose key or watermark is not among its columns."""
    wanted = (*source.key, *([source.watermark] if source.watermark else []))
    known = {name.casefold() for name in names}
    if missing := [name for name in wanted if name.casefold() not in known]:
        raise RefusedSource(
            f"the source has no column {', '.join(missing)}, which its file names as key or watermark;"
            f" its columns are {', '.join(names)}"
        )


def _files(deps: Dependencies, source: Source, reader: FileReader, request: Request) -> dict[str, Any]:
    found = sorted(reader.files(), key=lambda file: file.modified_at, reverse=True)
    described = {
        "files": [
            {"path": file.path, "size_bytes": file.size, "modified_at": file.modified_at.isoformat()}
            for file in found[:MOST_LISTED]
        ],
        "found": len(found),
        "advice": [],
    }
    if request.discover:
        return described
    chosen = next((file for file in found if request.file in (None, file.path)), None)
    if chosen is None:
        return described | {"draft": None, "remark": "there is no file to draft a contract from"}
    with tempfile.TemporaryDirectory(prefix="claimwatch-") as folder:
        path = Path(folder, "file")
        path.write_bytes(b"".join(_beginning(reader, chosen)))
        draft, remark = _draft(deps, path, request.line or source.line)
    return described | {"drafted_from": chosen.path, "draft": draft, "remark": remark}


def _beginning(reader: FileReader, file: RemoteFile) -> Iterator[bytes]:
    """Yield the bytes of a file, or of a large one its beginning up to the end of a line."""
    if file.size <= MOST_BYTES:
        yield from reader.read(file)
        return
    left = MOST_BYTES
    for block in reader.read(file):
        if len(block) >= left:
            yield block[: block.rfind(b"\n", 0, left) + 1]
            return
        left -= len(block)
        yield block


def _draft(deps: Dependencies, file: Path, line: str) -> tuple[str | None, str | None]:
    """Return a draft, or None and the reason."""
    try:
        _, text = deps.draft(file, line)
    except RefusedFile as refusal:
        return None, f"no contract can be drafted: {refusal}"
    return text, None


def _listed(name: str, found: Sequence[str]) -> dict[str, Any]:
    return {name: list(found[:MOST_LISTED]), "found": len(found)}


def _masked(names: Sequence[str], rows: Sequence[Sequence[str]], draft: str | None) -> list[list[str]]:
    """Return the first rows as shapes, and only for columns that the draft says to name nobody."""
    harmless = _harmless_columns(draft) if draft else set()
    return [
        [
            cell and (shape_of(cell) if name in harmless else HIDDEN)
            for name, cell in zip(names, row, strict=True)
        ]
        for row in rows[:SHOWN_ROWS]
    ]


def _harmless_columns(draft: str) -> set[str]:
    """Return the columns that a draft classifies as internal; it need not be a valid contract yet."""
    name, found = "", set()
    for line in draft.splitlines():
        if line.startswith("      - name: "):
            name = line.removeprefix("      - name: ").strip('"')
        elif line == "        classification: internal":
            found.add(name)
    return found
