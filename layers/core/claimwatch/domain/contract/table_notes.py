"""What a person should know about a table: no header, several header rows, totals, a wrong separator.

Notes quote no value.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from claimwatch.domain.contract.column_words import DATED, NUMBERED, words_of
from claimwatch.domain.contract.contract import LogicalType
from claimwatch.domain.contract.type_inference import infer_type, is_value

_MOST_HEADER_ROWS = 3
_LOOKED_AT = 200
"""Rows from which the types below a second header are inferred."""

_SAME_SHAPE = 0.8
"""Share of the values of a column that have the shape of its name if that is a value."""

_LEAST_SHAPED = 4
"""Characters of the shortest name that has a shape: Q1 is the name of a quarter."""

_LEAST_AMONG = 2
"""Columns whose names are among their own values, from which the header is taken for a claim."""

_TOTALS = re.compile(
    r"(?:grand |sub)?totals?|totaux|sum|summen?|gesamt(?:summe|betrag)?|zwischensumme|insgesamt|total général"
    r"|total general|totale|totaal|suma|somme|average|mean|durchschnitt|end of (?:file|report)|eof",
    re.IGNORECASE,
)
_LAST_ROWS = 3
_SEPARATORS = ((";", "semicolons"), ("|", "bars"), ("\t", "tabs"))


def is_row_of_values(header: Sequence[str], rows: Sequence[Sequence[str]] = ()) -> bool:
    """Return whether a header is a claim: a cell is a date, an address, a number, or like those below it.

    It is one, too, if the names of most columns are among their own values.

    A name such as loss_date or claim_no makes it a header.
    """
    names = [words_of(cell) for cell in header]
    if any(len(words) > 1 and words[-1] in (NUMBERED | DATED) - {"time", "when"} for words in names):
        return False
    if any(map(is_value, header)):
        return True
    columns = [[row[place] for row in rows[:_LOOKED_AT]] for place in range(len(header))]
    if any(map(_is_like_the_column, header, columns)):
        return True
    among = sum(map(_is_among, header, columns))
    return among >= max(_LEAST_AMONG, len(header) / 2)


def _is_among(name: str, cells: Sequence[str]) -> bool:
    """Return whether a name is a value that repeats: a header of a joined file would be there once."""
    return bool(name.strip()) and cells.count(name) > 1


def _is_like_the_column(name: str, cells: Sequence[str]) -> bool:
    """Return whether a name has the shape of most values, which are codes such as C-10000."""
    shape = _shape(name)
    if (
        len(name) < _LEAST_SHAPED
        or "9" not in shape
        or "a" not in shape.lower()
        or len(cells) < _LEAST_SHAPED
    ):
        return False
    return sum(_shape(cell) == shape for cell in cells) >= _SAME_SHAPE * len(cells) and name not in cells


def _shape(text: str) -> str:
    text = re.sub(r"\d", "9", text.strip())
    return re.sub(r"[^\W\d_]", lambda found: "A" if found[0].isupper() else "a", text)


def header_rows(rows: Sequence[Sequence[str]]) -> int:
    """Return how many of the first rows belong to the header: without them, texts are numbers and dates."""
    for number in range(1, _MOST_HEADER_ROWS):
        if len(rows) <= number + 1:
            return 0
        typed = untyped = 0
        for first, *cells in zip(*islice(rows, number - 1, _LOOKED_AT), strict=True):
            if first.strip() and _is_typed(cells):
                typed, untyped = (typed + 1, untyped) if _is_typed([first]) else (typed, untyped + 1)
        if not typed and untyped:
            return number
    return 0


def _is_typed(cells: Sequence[str]) -> bool:
    return infer_type(cells).logical_type is not LogicalType.STRING


def table_notes(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the notes on a table, each a sentence without its full stop."""
    for sign, name in _SEPARATORS:
        counts = {sum(cell.count(sign) for cell in row) for row in rows[:_LOOKED_AT]}
        if rows and len(counts) == 1 and counts != {0} and len(header) <= max(counts):
            yield f"every row has the same number of {name}: the file may be written with another separator"
            break
    else:
        if len(header) == 1 and rows:
            yield "there is only one column: the file may be written with another separator"
    if any(_TOTALS.match(cell.strip()) for row in rows[-_LAST_ROWS:] for cell in row[:3]):
        yield "one of the last rows of the sample looks like a total, which would be loaded as a claim"
