"""Output of the command line: results on standard output, everything else on standard error.

Everything that the command line writes passes through this module, which lets no character through that
controls a terminal: names, keys, cells and reasons come from files that anybody may have written.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from claimwatch.invisible import with_code_points

PIPED_WIDTH = 200
"""Width in characters of a table that is written to a pipe or a file."""

STATUS_STYLES = {
    "committed": "green",
    "applied": "green",
    "parked": "yellow",
    "refused": "red",
    "failed": "bold red",
    "superseded": "yellow",
    "closed": "green",
    "incomplete": "bold red",
    "ok": "green",
    "watch": "yellow",
    "alarm": "bold red",
    "missing": "bold red",
}
_HIDDEN = (
    *range(0x7F, 0xA0),  # DEL and C1, which some terminals obey like escape sequences
    *(0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)),  # direction of writing
    *(0x2028, 0x2029),  # line and paragraph separators
    *range(0xD800, 0xE000),  # lone surrogates, which cannot be written
)
VISIBLE = {code: 0x2400 + code for code in range(32)} | dict.fromkeys(_HIDDEN, 0xFFFD)
"""Characters that control a terminal, or cannot be written to it, each with a visible symbol."""

_ESCAPED = {code: f"\\u{code:04x}" for code in _HIDDEN}
"""The same characters in JSON; ``json.dumps`` escapes those below 32."""


def show_json(document: Mapping[str, Any]) -> None:
    """Print one JSON document."""
    text = json.dumps(document, indent=2, ensure_ascii=False, default=_json_value)
    print(text.translate(_ESCAPED))


def say(sentence: str, style: str = "") -> None:
    """Print a sentence for the user on standard error."""
    Console(stderr=True, soft_wrap=True).print(Text(_visible(sentence), style))


def show(text: str) -> None:
    """Print a line of the result."""
    _console().print(Text(_visible(text)), soft_wrap=True)


def show_document(text: str) -> None:
    """Print a text of several lines, which may be redirected to a file."""
    print("\n".join(line.translate(VISIBLE) for line in text.removesuffix("\n").split("\n")))


def _visible(text: str) -> str:
    return with_code_points(text).translate(VISIBLE)


def counted(number: int, noun: str) -> str:
    """Return the number with its noun, in the plural unless the number is 1."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def show_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table with numbers aligned to the right and coloured statuses."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    cells = list(rows)
    for position, name in enumerate(columns):
        numeric = any(isinstance(row[position], int) for row in cells)
        table.add_column(name, justify="right" if numeric else "left", no_wrap=numeric, overflow="fold")
    for row in cells:
        table.add_row(*map(_cell, row))
    _console().print(table)


def show_notes(subject: str, notes: Sequence[str]) -> None:
    """Print sentences about a subject, wrapped and indented; nothing without notes."""
    if notes:
        _console().print(Text(_visible(subject), "bold"))
    for note in notes:
        _console().print(Padding(Text(_visible(note)), (0, 0, 0, 2)))


def _console() -> Console:
    return Console() if sys.stdout.isatty() else Console(width=PIPED_WIDTH)


def _cell(value: Any) -> Text:
    match value:
        case None:
            return Text("")
        case int():
            return Text(f"{value:,}")
        case datetime():
            return Text(f"{value:%Y-%m-%d %H:%M:%S}")
        case list():
            return Text("\n").join(map(_cell, value))
        case _:
            text = _visible(str(value))
            return Text(text, STATUS_STYLES.get(text, ""))


def _json_value(value: Any) -> str:
    if isinstance(value, date):  # or a datetime, which is one
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")
