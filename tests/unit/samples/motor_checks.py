"""A reader and checker of motor claims files that shares no code with the generator or the application."""

import csv
import gzip
import io
import json
import operator
import re
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from samples.contract import MOTOR
from samples.layout import Shape

COLUMNS: list[dict[str, Any]] = yaml.safe_load(MOTOR.read_text(encoding="utf-8"))["schema"][0]["properties"]
NAMES = [column["name"] for column in COLUMNS]
PYTHON_ENCODINGS = {"utf-8": "utf-8-sig", "latin-1": "latin-1", "utf-16-le": "utf-16"}
LIMIT_HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "minimum": operator.ge,
    "maximum": operator.le,
    "exclusiveMinimum": operator.gt,
}

type Row = list[str]


def records(path: Path, shape: Shape | None = None) -> list[Row]:
    """Return the data rows as text after checking the header; NDJSON values as a CSV would have them."""
    shape = shape or Shape()
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if shape.gzip else raw).decode(PYTHON_ENCODINGS[shape.encoding])
    if shape.format == "ndjson":
        return [_row_of_json(line) for line in text.splitlines()]
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=shape.delimiter, strict=True))
    assert rows[0] == NAMES
    return rows[1:]


def _row_of_json(line: str) -> Row:
    values = json.loads(line)
    assert list(values) == NAMES
    return [
        value if isinstance(value, str) else "" if value is None else json.dumps(value)
        for value in values.values()
    ]


def faults(row: Row, missing: str = "") -> list[str]:
    """Return the violations of the contract as "column: reason"; a row of a wrong length is one fault."""
    if len(row) != len(COLUMNS):
        return [f"{len(row)} fields"]
    return [
        f"{column['name']}: {reason}"
        for column, text in zip(COLUMNS, row, strict=True)
        if (reason := _fault(column, "" if text == missing else text))
    ]


def _fault(column: dict[str, Any], text: str) -> str | None:
    if not text:
        return "missing" if column["required"] else None
    options = column.get("logicalTypeOptions", {})
    try:
        value = _value(column["logicalType"], text)
    except ValueError:
        return "type"
    if "pattern" in options and not re.search(options["pattern"], text):
        return "pattern"
    if not options.get("minLength", 0) <= len(text) <= options.get("maxLength", 10_000):
        return "length"
    limits = {
        name: _value(column["logicalType"], str(options[name]))
        for name in LIMIT_HOLDS.keys() & options.keys()
    }
    if any(not LIMIT_HOLDS[name](value, limit) for name, limit in limits.items()):
        return "range"
    for rule in column.get("quality", []):
        if value not in rule["arguments"]["validValues"]:
            return "category"
    return None


def _value(logical_type: str, text: str) -> Any:
    match logical_type:
        case "integer":
            return int(text)
        case "number":
            return float(text)
        case "boolean":
            if text not in ("true", "false"):
                raise ValueError("not a boolean")
            return text == "true"
        case "date":
            return date.fromisoformat(text)
        case "timestamp":
            return datetime.fromisoformat(text)
        case _:
            return text
