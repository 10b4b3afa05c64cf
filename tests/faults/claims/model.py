"""The rows that the database must contain, derived from the manifests of the generator.

No code under test is used: the csv and json modules read the files, the types and hashed columns come from
the YAML of the contract, and the hmac module computes the hashes.
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
from tests.faults.claims.schedule import PERSONAL_DATA_KEY, SampleFile

MISSING = ("", "?", "NA", "N/A")
_WHOLE_RECORD = (Kind.TOO_SHORT, Kind.TOO_LONG, Kind.INVALID_BYTES, Kind.NUL_BYTE)

LONG = 8
"""Minimum length of a value that does not occur elsewhere by chance."""

type Row = tuple[Any, ...]


@dataclass(frozen=True)
class ExpectedFile:
    """The expected result of loading a file."""

    rows: int
    loaded: Mapping[int, Row]
    """Values by row number, in the order of the contract."""
    quarantined: Mapping[int, tuple[str | None, ...]]
    """Columns of the reasons by row number."""
    order: tuple[datetime, str]
    """Decides which of two files with the same claim is newer."""

    def claim_ids(self) -> Iterator[tuple[str, int]]:
        """Yield each claim id with its row number."""
        for number, row in self.loaded.items():
            yield row[identifier_index()], number


def expected_file(file: SampleFile, key: bytes = PERSONAL_DATA_KEY) -> ExpectedFile:
    """Return the expected result of loading a file, according to its manifest."""
    manifest = file.manifest
    quarantined: dict[int, tuple[str | None, ...]] = {
        damage.row: (None if damage.kind in _WHOLE_RECORD else damage.column,) for damage in manifest.damaged
    }
    identifier = motor_fields()[identifier_index()].name
    quarantined |= {duplicate.row: (identifier,) for duplicate in manifest.duplicates}
    loaded = {
        number: tuple(_stored(index, text, key) for index, text in enumerate(cells))
        for number, cells in enumerate(records(file.path.read_bytes(), file.shape), start=1)
        if number not in quarantined
    }
    return ExpectedFile(manifest.rows, loaded, quarantined, (file.received_at, file.sequencer))


def personal_values(file: SampleFile) -> set[str]:
    """Return the personal data of a file that is long enough to be distinguished from other text."""
    indexes = [index for index, column in enumerate(_columns()) if column["classification"] == "personal"]
    return {
        text
        for cells in records(file.path.read_bytes(), file.shape)
        for index in indexes
        if index < len(cells)
        and (text := cells[index] or "").count(" ") + text.count("@")
        and len(text) >= LONG
    }


def visible(files: Mapping[str, ExpectedFile], committed: Iterable[str]) -> dict[str, tuple[str, int]]:
    """Return (file, row number) of the row that must be visible by claim id, given the committed files."""
    newest: dict[str, tuple[str, int]] = {}
    for label in sorted(committed, key=lambda label: files[label].order):
        newest |= {claim: (label, row) for claim, row in files[label].claim_ids()}
    return newest


def records(data: bytes, shape: Shape) -> Iterator[Sequence[str | None]]:
    """Yield the records of a file as text in the order of the contract; damaged records have any content."""
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


def _stored(index: int, text: str | None, key: bytes) -> Any:
    """Return the value that the database must contain for a valid cell."""
    if text is None or text in MISSING:
        return None
    field = motor_fields()[index]
    if field.name in _hashed():
        return hmac.new(key, f"{field.name}\0{text.strip().casefold()}".encode(), "sha256").hexdigest()[:32]
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
def identifier_index() -> int:
    """Return the index of the claim id among the columns."""
    return next(index for index, column in enumerate(_columns()) if _property(column, "role") == "identifier")


@cache
def _hashed() -> frozenset[str]:
    return frozenset(
        column["name"]
        for column in _columns()
        if column["classification"] == "personal" and _property(column, "storeAs") != "plain"
    )


@cache
def _columns() -> list[dict[str, Any]]:
    (table,) = yaml.safe_load(MOTOR.read_text(encoding="utf-8"))["schema"]
    columns: list[dict[str, Any]] = table["properties"]
    return columns


def _property(column: Mapping[str, Any], name: str) -> object:
    return next((item["value"] for item in column["customProperties"] if item["property"] == name), None)
