"""What must be in the database, worked out from the generator's manifests in plain Python.

Nothing of the code under test is used: the files are read by the csv and json modules, types and the columns
that are hashed come from the contract's YAML, and the hashes are the hmac module's.
"""

import csv
import gzip
import hmac
import importlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import yaml

from samples import Kind, Shape
from samples.contract import MOTOR, motor_fields
from tests.faults.schedule import PERSONAL_DATA_KEY, SampleFile

MISSING = ("", "?", "NA", "N/A")
_WHOLE_RECORD = (Kind.TOO_SHORT, Kind.TOO_LONG, Kind.INVALID_BYTES, Kind.NUL_BYTE)

LONG = 8
"""Characters of a value that nothing else says by chance."""

type Row = tuple[Any, ...]


@dataclass(frozen=True)
class ExpectedFile:
    """What one file comes to."""

    rows: int
    loaded: Mapping[int, Row]
    """Row number to its values, in the order of the contract."""
    quarantined: Mapping[int, tuple[str | None, ...]]
    """Row number to the columns of its reasons."""
    order: tuple[datetime, str]
    """What decides between two files that have the same claim."""

    def claim_ids(self) -> Iterator[tuple[str, int]]:
        """Each claim id with its row."""
        for number, row in self.loaded.items():
            yield row[identifier_place()], number


def expected_file(file: SampleFile, key: bytes = PERSONAL_DATA_KEY) -> ExpectedFile:
    """What the file must come to, if its manifest is true."""
    manifest = file.manifest
    quarantined: dict[int, tuple[str | None, ...]] = {
        damage.row: (None if damage.kind in _WHOLE_RECORD else damage.column,) for damage in manifest.damaged
    }
    identifier = motor_fields()[identifier_place()].name
    quarantined |= {duplicate.row: (identifier,) for duplicate in manifest.duplicates}
    loaded = {
        number: tuple(_stored(place, text, key) for place, text in enumerate(cells))
        for number, cells in enumerate(records(file.path.read_bytes(), file.shape), start=1)
        if number not in quarantined
    }
    return ExpectedFile(manifest.rows, loaded, quarantined, (file.received_at, file.sequencer))


def personal_values(file: SampleFile) -> set[str]:
    """The personal data in the file that is long enough to be told from other text."""
    places = [place for place, column in enumerate(_columns()) if column["classification"] == "personal"]
    return {
        text
        for cells in records(file.path.read_bytes(), file.shape)
        for place in places
        if place < len(cells)
        and (text := cells[place] or "").count(" ") + text.count("@")
        and len(text) >= LONG
    }


def visible(files: Mapping[str, ExpectedFile], committed: Iterable[str]) -> dict[str, tuple[str, int]]:
    """Claim id to (file, row number) of the row that people must see when these files are committed."""
    newest: dict[str, tuple[str, int]] = {}
    for label in sorted(committed, key=lambda label: files[label].order):
        newest |= {claim: (label, row) for claim, row in files[label].claim_ids()}
    return newest


def records(data: bytes, shape: Shape) -> Iterator[Sequence[str | None]]:
    """The file's records as text in the order of the contract; whatever stands in damaged ones."""
    if shape.format == "parquet":
        table = importlib.import_module("pyarrow.parquet").read_table(io.BytesIO(data))
        yield from ([_plain_text(value) for value in row.values()] for row in table.to_pylist())
        return
    text = (
        (gzip.decompress(data) if shape.gzip else data)
        .decode(shape.encoding, "replace")
        .removeprefix("\ufeff")
    )
    names = [field.name for field in motor_fields()]
    if shape.format == "csv":
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=shape.delimiter)
        header = next(reader)
        assert header == names
        yield from reader
        return
    for line in text.removesuffix("\n").split("\n"):
        try:
            item = json.loads(line, parse_float=str, parse_int=str)
        except ValueError:
            item = {}
        yield [_plain_text(item.get(name)) for name in names]


def _plain_text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date | datetime):
        return value.isoformat()
    return None if value is None else str(value)


def _stored(place: int, text: str | None, key: bytes) -> Any:
    """The value that the database must give back for a sound cell."""
    if text is None or text in MISSING:
        return None
    field = motor_fields()[place]
    if field.name in _hashed():
        return hmac.new(key, text.strip().lower().encode(), "sha256").hexdigest()[:32]
    match field.type:
        case "integer":
            return int(text)
        case "number":
            return Decimal(text)
        case "boolean":
            return {"true": True, "false": False}[text]
        case "date":
            return date.fromisoformat(text)
        case "timestamp":
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        case _:
            return text


@cache
def identifier_place() -> int:
    """The place of the claim id among the columns."""
    return next(place for place, column in enumerate(_columns()) if _said(column, "role") == "identifier")


@cache
def _hashed() -> frozenset[str]:
    return frozenset(
        column["name"]
        for column in _columns()
        if column["classification"] == "personal" and _said(column, "storeAs") != "plain"
    )


@cache
def _columns() -> list[dict[str, Any]]:
    (table,) = yaml.safe_load(MOTOR.read_text(encoding="utf-8"))["schema"]
    columns: list[dict[str, Any]] = table["properties"]
    return columns


def _said(column: Mapping[str, Any], what: str) -> object:
    return next((item["value"] for item in column["customProperties"] if item["property"] == what), None)
