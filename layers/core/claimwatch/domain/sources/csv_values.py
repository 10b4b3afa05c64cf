"""Rows of a source as CSV (RFC 4180), in the text forms that the loader reads, and keyed hashes of rows.

The forms are those of PostgreSQL's ``COPY … TO STDOUT (FORMAT csv, HEADER)``, so that all kinds of sources
write alike: a missing value is an empty cell, and an empty text is ``""``.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from claimwatch.errors import RefusedFile

HASH_BYTES = 16

_QUOTED = re.compile('["\\\\,\n\r]')
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_REPLACEMENT = "\ufffd"


def text_of(value: Any) -> str | None:
    """Return the text of a value that a driver returns; None for a missing value.

    Characters that PostgreSQL cannot store (NUL, halves of characters) become U+FFFD, so that the loader sees
    that a text was damaged. Raises ``RefusedFile`` for a type without a text form.
    """
    if value is None or isinstance(value, str):
        return value if value is None or value.isprintable() else _UNSTORABLE.sub(_REPLACEMENT, value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return f"{value:f}"  # never with an exponent
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return _text_of_duration(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=True, default=text_of)
    raise RefusedFile(
        f"values of type {type(value).__name__} cannot be written as text; leave the column out"
    )


def csv_line(values: Iterable[Any]) -> str:
    """Return a row as a line of CSV."""
    texts = [text_of(value) for value in values]
    line = ",".join(["" if text is None else _cell(text) for text in texts])
    return (line or '""') + "\n"


def row_hash(key: bytes, values: Sequence[Any]) -> bytes:
    """Return the keyed hash of a row, which does not reveal its values.

    Any two different rows have different hashes: lengths separate the values, and a missing value differs
    from an empty text.
    """
    texts = [text_of(value) for value in values]
    joined = "".join(["-" if text is None else f"{len(text)}:{text}" for text in texts])
    return hashlib.blake2b(joined.encode(), key=key[:64], digest_size=HASH_BYTES).digest()


def _cell(text: str) -> str:
    if text and not _QUOTED.search(text):
        return text
    return '"' + text.replace('"', '""') + '"'


def _text_of_duration(value: timedelta) -> str:
    """Return a duration as hours, minutes and seconds: servers return times of day as durations."""
    sign = "-" if value < timedelta(0) else ""
    seconds, microseconds = divmod(abs(value) // timedelta(microseconds=1), 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{microseconds:06}" if microseconds else ""
    return f"{sign}{hours:02}:{minutes:02}:{seconds:02}{fraction}"
