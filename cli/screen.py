"""Output of the command line: results on standard output, everything else on standard error."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

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
_VISIBLE = {code: 0x2400 + code for code in range(32)} | {0x7F: 0x2421}
"""Control characters as visible symbols: the content of a file must not control the terminal."""


def show_json(document: Mapping[str, Any]) -> None:
    """Print one JSON document."""
    print(json.dumps(document, indent=2, ensure_ascii=False, default=_json_value))


def say(sentence: str, style: str = "") -> None:
    """Print a sentence for the user on standard error."""
    Console(stderr=True, soft_wrap=True).print(Text(sentence, style))


def show(text: str) -> None:
    """Print a line of the result."""
    _console().print(Text(text), soft_wrap=True)


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
            text = str(value).translate(_VISIBLE)
            return Text(text, STATUS_STYLES.get(text, ""))


def _json_value(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")
