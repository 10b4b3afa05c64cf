"""Detection of the format of a file: gzip and Parquet by magic bytes; CSV, NDJSON and JSON by the text."""

import json
import re
from enum import StrEnum

GZIP = b"\x1f\x8b"
PARQUET = b"PAR1"

SNIFFED_LINES = 300
"""Lines at the beginning of a file from which its format and its dialect are detected."""

_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\v\f\r\x1a\x1b")
_OBJECT = re.compile(r"\{\s*[\"}]")
_ARRAY = re.compile(r"\[\s*[{\]]")
_BEFORE_JSON = " \t\r\n\v\f\0\x1a\x1e\ufeff"
_NEXT_VALUE = ("{", "[", ",", "\ufeff", "\x1e")
_JSON = json.JSONDecoder(parse_int=str, parse_float=str)  # a number may be too long for Python


class Format(StrEnum):
    """The format of a text file."""

    CSV = "csv"
    NDJSON = "ndjson"
    JSON = "json"
    """Objects that span or share lines, in sequence or in arrays."""


def is_parquet(head: bytes) -> bool:
    """Return whether the file begins like Parquet (and is not a CSV whose first column is called PAR1)."""
    return head.startswith(PARQUET) and count_controls(head) > 0


def count_controls(head: bytes) -> int:
    """Return the number of control characters that text does not contain."""
    return len(head) - len(head.translate(None, _CONTROLS))


def detect_format(sample: str) -> Format:
    """Return CSV unless the text begins like JSON."""
    begin = sample.lstrip(_BEFORE_JSON)
    if _ARRAY.match(begin):
        return Format.JSON
    if not _OBJECT.match(begin):
        return Format.CSV
    if "\x1e" in sample[: len(sample) - len(begin)]:  # a JSON text sequence (RFC 7464)
        return Format.JSON
    at = whole = 0
    for _ in range(SNIFFED_LINES):
        end = _end_of_json(begin, at)
        newline = begin.find("\n", at)
        line_end = newline if newline >= 0 else len(begin)
        if end is not None and (end > line_end or begin[end:line_end].lstrip().startswith(_NEXT_VALUE)):
            return Format.JSON
        whole += end is not None
        if newline < 0:
            break
        at = newline + 1
    return Format.NDJSON if whole or "\n" not in begin.rstrip() else Format.JSON


def _end_of_json(text: str, at: int) -> int | None:
    """Return the end of the JSON value that begins at this position, or None."""
    try:
        return _JSON.raw_decode(text, at)[1]
    except (ValueError, RecursionError):
        return None
