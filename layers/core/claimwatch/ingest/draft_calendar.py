"""Columns of a draft that the event time determines, such as the month, whatever their names are."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from claimwatch.domain.contract.contract import NUMERIC, Column, LogicalType, Role, folded_name
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.model.calendar import MOST_CLAIMS, Part, part_of_calendar
from claimwatch.errors import RefusedContract
from claimwatch.ingest.draft_trial import MOST_COLUMNS

_WORDS = (LogicalType.STRING, LogicalType.BOOLEAN)


def calendar_checks(
    text: str, line: str, header: Sequence[str], rows: Sequence[Sequence[str]]
) -> dict[str, str]:
    """Return a sentence for each feature of a draft that is a part of the calendar, by its name.

    A draft that lacks something, such as the event time, or is too wide is not judged. What a single week
    shows completely, as it does weekdays, needs no sentence.
    """
    if len(header) > MOST_COLUMNS:
        return {}
    rows = rows[:: -(-len(rows) // MOST_CLAIMS) or 1]
    try:
        contract = parse_contract(text, line)
    except RefusedContract:
        return {}
    names = {folded_name(name): place for place, name in enumerate(header)}
    places: dict[str, int] = {}
    for column in contract.columns:
        known = [names[key] for key in map(folded_name, (column.name, *column.synonyms)) if key in names]
        places |= {column.name: known[0]} if known else {}
    event = next((column for column in contract.columns if column.role is Role.EVENT_TIME), None)
    if event is None or event.name not in places:
        return {}
    time = np.array([_moment(row[places[event.name]], event) for row in rows], dtype="datetime64[us]")
    found = {}
    for column in contract.columns:
        judged = column.role is Role.FEATURE and not column.personal and column.name in places
        if not judged or column.logical_type not in (*NUMERIC, *_WORDS):
            continue
        cells = [row[places[column.name]].strip() for row in rows]
        part = part_of_calendar(_values(cells, column), time)
        if part is not None and not part.within_a_week:
            found[column.name] = _sentence(part, event.name)
    return found


def _sentence(part: Part, event: str) -> str:
    returns = "never comes round" if part.period == "never" else f"comes round every {part.period}"
    learnt = (
        "models learn nothing from it"
        if part.period == "never"
        else f"models learn from it only if the training claims are of two {part.period}s or more"
    )
    return (
        f"is a part of the calendar that {returns}: '{event}' explains {part.share:.0%} of it;"
        f" {learnt}, and weekly checks of drift leave it out. Write role ignored if it is not needed"
    )


def _moment(cell: str, event: Column) -> str:
    """Return a date or time in UTC as NumPy reads it; empty if it cannot be read."""
    written = cell.strip()
    for form in ("", *event.date_formats):
        try:
            read = datetime.strptime(written, form) if form else datetime.fromisoformat(written)  # noqa: DTZ007
        except ValueError:
            continue
        return (read.astimezone(UTC).replace(tzinfo=None) if read.tzinfo else read).isoformat()
    return ""


def _values(cells: Sequence[str], column: Column) -> npt.NDArray[np.float64]:
    """Return numbers, or the codes of words; nan is missing."""
    missing = {"", *column.missing_values}
    if column.logical_type in NUMERIC:
        return np.array([np.nan if cell in missing else _number(cell, column) for cell in cells])
    codes = {word: float(code) for code, word in enumerate(sorted(set(cells) - missing))}
    return np.array([codes.get(cell, np.nan) for cell in cells])


def _number(cell: str, column: Column) -> float:
    digits = cell.replace(column.thousands_separator, "") if column.thousands_separator else cell
    try:
        return float(digits.replace(column.decimal_separator, "."))
    except ValueError:
        return float("nan")
