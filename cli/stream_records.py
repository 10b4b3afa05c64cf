"""Records for the stream, made from a local file in any format that the loader reads."""

import csv
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from claimwatch.domain.files.encoding import Encoding
from claimwatch.domain.files.stream_files import ROUTING_KEY
from claimwatch.ingest.inspect import WholeFile
from claimwatch.ingest.local_files import LocalFiles, local_ref
from claimwatch.ingest.plan import cutter
from claimwatch.ingest.staging import Prepared, prepare
from cli.record_sender import LARGEST_RECORD, Record

_OPENING = re.compile(r"\s*\{\s*")
_JSON = json.JSONDecoder(parse_int=str, parse_float=str)  # a number may be too long for Python


@dataclass
class Unsendable:
    """The records of a file that are not sent: the number of each, and why."""

    reasons: list[tuple[int, str]] = field(default_factory=list)

    def add(self, number: int, reason: str) -> None:
        """Leave a record out."""
        self.reasons.append((number, reason))


def records_of(path: Path, line: str, folder: Path, unsendable: Unsendable) -> Iterator[Record]:
    """Yield the rows of a file as records of a line; converted copies go to ``folder``.

    Each number of a record is that of its row. What cannot be sent is added to ``unsendable``. Raises
    ``RefusedFile`` if the file is not a table.
    """
    prepared = _prepared(path, folder)
    number, columns = 0, len(prepared.header)
    blocks = LocalFiles().read(prepared.source, prepared.body_start, prepared.size)
    for batch in cutter(prepared.delimiter or None, columns).cut(blocks):
        for index in range(len(batch)):
            number += 1
            if index in batch.broken:
                unsendable.add(number, batch.broken[index].message)
                continue
            row = batch.record(index).decode("utf-8", "replace")
            try:
                data = routed(row if prepared.format == "ndjson" else _object(prepared, row), line)
            except ValueError as refusal:
                unsendable.add(number, str(refusal))
                continue
            if len(data) > LARGEST_RECORD:
                unsendable.add(number, f"the record has more than {LARGEST_RECORD >> 10:,} KiB")
                continue
            yield Record(number, data)


def routed(text: str, line: str, *, replace: bool = False) -> bytes:
    """Return a JSON object with a member that names its line; nothing else of it changes.

    Raises ``ValueError`` with a sentence if the text is not an object, or names another line and that is not
    to be replaced.
    """
    try:
        item = _JSON.decode(text)
    except (ValueError, RecursionError):
        item = None
    if not isinstance(item, dict):
        raise ValueError("the record is not a JSON object") from None
    if item.get(ROUTING_KEY) == line:
        return text.encode("utf-8", "surrogatepass")
    if ROUTING_KEY in item:
        if not replace:
            raise ValueError(f"the record names another line than {line}")
        return _renamed(text, line).encode("utf-8", "surrogatepass")
    separator = ", " if item else ""
    opening = f'{{"{ROUTING_KEY}": "{line}"{separator}'
    return _OPENING.sub(lambda _: opening, text, count=1).encode("utf-8", "surrogatepass")


def _renamed(text: str, line: str) -> str:
    """Return an object with another line; its numbers keep all their digits."""
    mark = secrets.token_hex(16)
    item = json.loads(text, parse_int=mark.__add__, parse_float=mark.__add__)
    renamed = json.dumps(item | {ROUTING_KEY: line}, ensure_ascii=False)
    return re.sub(rf'"{mark}([^"]*)"', r"\1", renamed)


def _prepared(path: Path, folder: Path) -> Prepared:
    def prepared(encoding: Encoding | None = None, *, joined: bool = False) -> Prepared:
        return prepare(
            LocalFiles(),
            local_ref(path),
            known_columns=(),
            staging_bucket="",
            staging_key=str(folder / "converted"),
            encoding=encoding,
            joined=joined,
        )

    found = prepared()
    seen = WholeFile(found)
    for block in LocalFiles().read(found.source, found.body_start, found.size):
        seen.feed(block)
    if seen.encoding() is Encoding.UTF_8 and not seen.joined:
        return found
    return prepared(seen.encoding(), joined=seen.joined)


def _object(prepared: Prepared, row: str) -> str:
    """Return a row of CSV as a JSON object of texts; an empty cell is left out."""
    [cells] = csv.reader([row], delimiter=prepared.delimiter, strict=True)
    named = {name: cell for name, cell in zip(prepared.header, cells, strict=True) if cell}
    return json.dumps(named, ensure_ascii=False)
