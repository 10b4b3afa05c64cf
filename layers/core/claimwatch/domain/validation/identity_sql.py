"""SQL of texts that must stay what their sender meant: ids, and numbers in columns of text.

DuckDB reads numbers of JSON as doubles, and some writers keep ids as doubles. A text that such a detour may
have changed is marked with ``JSON_NUMBER``; values are computed from marked texts by functions of
`identifier_text` and `exact_numbers`.
"""

from collections.abc import Callable, Mapping

from claimwatch.domain.contract.contract import Column, LogicalType
from claimwatch.domain.files.layout import Layout
from claimwatch.domain.validation import row_rules
from claimwatch.domain.validation.exact_numbers import INEXACT_PATTERN, MARKED_PATTERN, mark_numbers
from claimwatch.domain.validation.identifier_text import (
    CLEAN_PATTERN,
    JSON_NUMBER,
    LOST_NUMBER,
    clean_identifier,
    number_as_text,
)

_MARK_NUMBERS, _CLEAN_IDENTIFIER, _NUMBER_AS_TEXT = "mark_numbers", "clean_identifier", "number_as_text"

FUNCTIONS: Mapping[str, Callable[[str], str | None]] = {
    _MARK_NUMBERS: mark_numbers,
    _CLEAN_IDENTIFIER: clean_identifier,
    _NUMBER_AS_TEXT: number_as_text,
}
"""Functions that the SQL calls, by their names in DuckDB. Few rows need them, and none with NULL."""


def with_exact_numbers(items: str) -> str:
    """Return SQL of JSON objects whose numbers keep their digits; such an object is ``marked``."""
    exact = f"CASE WHEN regexp_matches(item, '{INEXACT_PATTERN}') THEN {_MARK_NUMBERS}(item) ELSE item END"
    return f"""
        SELECT place, exact AS item, strlen(exact) > strlen(item) AS marked
        FROM (SELECT place, item, {exact} AS exact FROM ({items}))
    """


def exact_json(text: str) -> str:
    """Return SQL of a text of JSON with marked numbers as numbers."""
    restored = f"regexp_replace({text}, '{MARKED_PATTERN}', '\\1', 'g')"
    return f"CASE WHEN marked THEN {restored} ELSE {text} END"


def exact_cells(texts: str) -> str:
    """Return SQL of a list of values of JSON, as text; numbers in lists and objects are numbers again."""
    restored = f"regexp_replace(cell, '{MARKED_PATTERN}', '\\1', 'g')"
    return f"CASE WHEN marked THEN list_transform({texts}, lambda cell: {restored}) ELSE {texts} END"


def text_member(layout: Layout, column: Column, cell: str, pointer: str) -> str:
    """Return SQL of the value of an object's member for a column of text; numbers are marked."""
    # Few cells look like numbers with a point, and only those are read as JSON once more.
    if identifies(layout, column):
        looks = f"regexp_full_match({cell}, '-?[0-9]+\\.[0-9]+')"
    else:
        looks = f"ends_with({cell}, '.0')"
    # Not with AND, of which DuckDB may compute both sides: the type parses the object again.
    number = f"CASE WHEN {looks} THEN json_type(item, {pointer}) = 'DOUBLE' END"
    return f"CASE WHEN {number} THEN '{JSON_NUMBER}' || {cell} ELSE {cell} END"


def is_marked(cell: str) -> str:
    """Return SQL of whether a cell is a marked number."""
    return f"starts_with({cell}, '{JSON_NUMBER}')"


def unmarked(cell: str) -> str:
    """Return SQL of a cell without its mark."""
    return f"ltrim({cell}, '{JSON_NUMBER}')"


def double_cell(layout: Layout, column: Column, cell: str) -> str:
    """Return SQL of the cell of a column that the file holds as doubles; whole numbers have no point."""
    match column.logical_type:
        case LogicalType.STRING if not identifies(layout, column):
            exact = "-?[0-9]+(\\.[0-9]*[1-9])?"
        case LogicalType.STRING | LogicalType.INTEGER:
            exact = "-?[0-9]+"
        case _:
            return cell
    return (
        f"CASE WHEN {cell} = '' OR regexp_full_match({cell}, '{exact}') THEN {cell} "
        f"ELSE '{LOST_NUMBER}' || {cell} END"
    )


def text_value(layout: Layout, column: Column, text: str) -> str:
    """Return SQL of the value of a column of text; NULL if it cannot be told."""
    if identifies(layout, column):
        return (
            f"CASE WHEN regexp_full_match({text}, '{CLEAN_PATTERN}') THEN {text} "
            f"WHEN {text} IS NOT NULL THEN {_CLEAN_IDENTIFIER}({text}) END"
        )
    if may_be_number(layout, column):
        return f"CASE WHEN {is_marked(text)} THEN {_NUMBER_AS_TEXT}({text}) ELSE {text} END"
    return text


def identifies(layout: Layout, column: Column) -> bool:
    """Return whether the values of a column of text are ids: of claims, or of the events of photos."""
    return row_rules.identifies(layout.contract, column)


def may_be_number(layout: Layout, column: Column) -> bool:
    """Return whether a column of text may have numbers in the file."""
    return column.logical_type is LogicalType.STRING and (
        layout.delimiter is None or column.name in layout.doubles
    )


def may_be_unreadable(layout: Layout, column: Column) -> bool:
    """Return whether a column of text may have cells that cannot be told."""
    return identifies(layout, column) or may_be_number(layout, column)


def shown(text: str, most: int) -> str:
    """Return SQL of the beginning of a text without marks."""
    return f"left(ltrim({text}, '{LOST_NUMBER}'), {most})"
