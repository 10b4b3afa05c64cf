"""Numbers of JSON keep their digits, although DuckDB reads them as doubles.

A number whose text a double would change is marked: it becomes a string that begins with ``JSON_NUMBER``.
"""

import re

INEXACT_PATTERN = (
    r"[:,\[]\s*-?(?:[0-9]+(?:\.[0-9]+)?[eE]|[0-9.]{17}|0\.000000|[0-9]+\.[0-9]+0\s*[,}\]])|-0\s*[,}\]]"
)
"""Matches every record with a number whose text a double would change, and a few others (RE2).

Such a number has an exponent, more than 15 digits and a point, zeros at its end or six behind the point, or
is minus zero.
"""

MARK = "\\u001f"
"""``JSON_NUMBER`` in the text of JSON."""

MARKED_PATTERN = r'(?i)"\\u001f(-?[0-9.eE+-]+)"'
"""A marked number in the text of JSON (RE2)."""

_INEXACT = re.compile(r"(?<![0-9])-?[0-9]++(?:\.[0-9]++(?:[eE][+-]?[0-9]++)?|[eE][+-]?[0-9]++)|-0(?![0-9.])")
"""A number that is not a plain whole number."""


def mark_numbers(record: str) -> str:
    """Return a valid JSON text with every number marked that is not written as a plain whole number."""
    # Without escapes, and of the same length: every quote in it begins or ends a string.
    bare = record.replace(r"\\", "__").replace(r"\"", "__") if "\\" in record else record
    pieces = bare.split('"')
    end = -1
    for place, bare_piece in enumerate(pieces):
        start, end = end + 1, end + 1 + len(bare_piece)
        if place % 2:
            pieces[place] = record[start:end]
        elif end - start > 2:
            pieces[place] = _INEXACT.sub(_marked, bare_piece)
    return '"'.join(pieces)


def _marked(number: re.Match[str]) -> str:
    return f'"{MARK}{number[0]}"'
