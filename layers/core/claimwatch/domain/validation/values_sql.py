"""Values in SQL: what the cells of each column mean, and how they are written for PostgreSQL's COPY.

Text is stored unchanged; values of other types are written in their canonical form.
"""

import re

from claimwatch.domain.contract.contract import Column, ExtraValues, LogicalType, is_stated
from claimwatch.domain.contract.date_parts import PART_SEPARATOR
from claimwatch.domain.files.layout import Layout
from claimwatch.domain.validation import identity_sql
from claimwatch.domain.validation.cells_sql import EXTRA_OF_OBJECT, cells_as_text
from claimwatch.domain.validation.dates_sql import date_value, is_canonical
from claimwatch.domain.validation.identifier_text import LOST_NUMBER
from claimwatch.domain.validation.numbers_sql import has_own_signs, plain_number, signed_number
from claimwatch.domain.validation.sql_text import literal
from claimwatch.domain.validation.truth_words import truth_words

_PLAIN_PATTERN = re.compile(
    r"\^?(?:(?:[A-Za-z0-9 _-]|\[(?:[A-Z]-[A-Z]|[a-z]-[a-z]|[0-9]-[0-9]|[A-Za-z0-9_])+\])"
    r"(?:\{\d+(?:,\d*)?\}|[*+?])?)*\$?"
)
"""Patterns that match nothing but letters, digits, spaces, hyphens and underscores."""


def typed_cells(layout: Layout) -> str:
    """Return SQL of cells and values: ``value_<n>`` is NULL if the cell is missing or cannot be read."""
    # One subquery per expression that is used twice: DuckDB would compute it twice.
    signed: list[str] = []
    cast: list[str] = []
    written: list[str] = []
    values: list[str] = []
    for index, column in enumerate(layout.contract.columns):
        text = f"text_{index}"
        match column.logical_type:
            case LogicalType.INTEGER | LogicalType.NUMBER:
                if has_own_signs(column):
                    signed.append(f"{signed_number(column, text)} AS signed_{index}")
                if column.logical_type is LogicalType.INTEGER:
                    plain = plain_number(column, signed_text(column, index))
                    cast.append(f"TRY_CAST({plain} AS BIGINT) AS number_{index}")
                    written.append(f"number_{index}::VARCHAR AS digits_{index}")
            case LogicalType.BOOLEAN:
                written.append(f"lower(trim({text})) AS word_{index}")
            case LogicalType.DATE | LogicalType.TIMESTAMP:
                written.append(f"{is_canonical(column, text)} AS canonical_{index}")
        values.append(f"{_value(layout, column, index)} AS value_{index}")
    query = cells_as_text(layout)
    if dates := [f"{_date_of_parts(layout, index)} AS text_{index}" for index in made_of_parts(layout)]:
        query = f"SELECT * REPLACE ({', '.join(dates)}) FROM ({query})"
    for step in filter(None, (signed, cast, written, values)):
        query = f"SELECT {', '.join(['*', *step])} FROM ({query})"
    return query


def made_of_parts(layout: Layout) -> tuple[int, ...]:
    """Return the indexes of the columns that are made of other columns."""
    return tuple(index for index, column in enumerate(layout.contract.columns) if column.date_parts)


def date_function(index: int) -> str:
    """Return the name of the DuckDB function that makes the date of the column with this index."""
    return f"date_of_parts_{index}"


def _date_of_parts(layout: Layout, index: int) -> str:
    """Return SQL of a date as text: the cell of the file or, if it has none, the date that its parts make."""
    places = {column.name: place for place, column in enumerate(layout.contract.columns)}
    parts = [
        literal(source)
        if is_stated(source)
        else f"nullif(trim(ltrim(text_{places[source]}, '{LOST_NUMBER}')), '')"
        for _, source in layout.contract.columns[index].date_parts
    ]
    joined = f" || '{PART_SEPARATOR}' || ".join(parts)
    return f"coalesce(text_{index}, {date_function(index)}({joined}))"


def _value(layout: Layout, column: Column, index: int) -> str:
    text = f"text_{index}"
    match column.logical_type:
        case LogicalType.STRING:
            return identity_sql.text_value(layout, column, text)
        case LogicalType.INTEGER:
            return f"number_{index}"
        case LogicalType.NUMBER:
            return f"TRY_CAST({plain_number(column, signed_text(column, index))} AS DOUBLE)"
        case LogicalType.BOOLEAN:
            words = truth_words(column)
            true, false = (
                ", ".join(literal(word) for word in words if words[word] is truth) for truth in (True, False)
            )
            word = f"word_{index}"
            return f"CASE WHEN {word} IN ({true}) THEN true WHEN {word} IN ({false}) THEN false END"
        case LogicalType.DATE | LogicalType.TIMESTAMP:
            return date_value(column, text, f"canonical_{index}")


def signed_text(column: Column, index: int) -> str:
    """Return the name of a number that has its sign in front and no unit."""
    return f"signed_{index}" if has_own_signs(column) else f"text_{index}"


def copy_line(layout: Layout) -> str:
    """Return SQL of the parts of a line, as arguments of ``concat``."""
    parts = ["$first_row + place"]
    for index, column in enumerate(layout.contract.columns):
        parts += ["','", *_written(column, index)]
    return ", ".join([*parts, "','", _quoted(_extra(layout))])


def _extra(layout: Layout) -> str:
    """Return SQL of the extra columns as they are stored."""
    match layout.contract.extra:
        case ExtraValues.DROP:
            return "NULL::VARCHAR"
        case ExtraValues.HASH if layout.delimiter is None and layout.extra:
            return f"{EXTRA_OF_OBJECT}(extra)"
        case _:
            return "extra"


def _written(column: Column, index: int) -> tuple[str, ...]:
    """Return SQL of the cell in COPY's CSV: ``concat`` drops a NULL, and COPY reads an empty cell as NULL."""
    value = f"value_{index}"
    if column.hashed:
        return (f"{hash_function(index)}({_hashable(column, index)})",)
    match column.logical_type:
        case LogicalType.STRING:
            if _plain(column):
                return (value,)
            if column.required:  # if it is NULL, the record is refused
                return ("'\"'", _escaped(value), "'\"'")
            return (_quoted(value),)
        case LogicalType.NUMBER:
            # The text, not the float: numeric keeps every digit. PostgreSQL ignores white space around it;
            # the quotes keep a line break in it from ending the line.
            plain = plain_number(column, signed_text(column, index))
            if column.required:
                return ("'\"'", plain, "'\"'")
            return (f"""CASE WHEN {value} IS NOT NULL THEN '"' || {plain} || '"' END""",)
        case LogicalType.DATE:
            return (_date_text(index),)
        case LogicalType.TIMESTAMP:
            return (f"{_date_text(index)} || '+00'",)
        case LogicalType.INTEGER:
            return (f"digits_{index}",)
        case _:
            return (f"{value}::VARCHAR",)


def _date_text(index: int) -> str:
    return f"CASE WHEN canonical_{index} THEN text_{index} ELSE value_{index}::VARCHAR END"


def _hashable(column: Column, index: int) -> str:
    """Return SQL of what is hashed: as a value of its type would be stored, so that notation is irrelevant.

    The hash function brings texts and numbers into their canonical form.
    """
    match column.logical_type:
        case LogicalType.STRING:
            return f"value_{index}"
        case LogicalType.NUMBER:
            plain = plain_number(column, signed_text(column, index))
            return f"CASE WHEN value_{index} IS NOT NULL THEN {plain} END"
        case LogicalType.TIMESTAMP:
            return f"value_{index}::VARCHAR || '+00'"
        case LogicalType.INTEGER:
            return f"digits_{index}"
        case _:
            return f"value_{index}::VARCHAR"


def _plain(column: Column) -> bool:
    """Return whether no accepted value contains a character that CSV must quote."""
    if column.valid_values:
        return not any(set(word) & set('",\r\n') for word in column.valid_values)
    return column.pattern is not None and _PLAIN_PATTERN.fullmatch(column.pattern) is not None


def _quoted(text: str) -> str:
    return f"""'"' || {_escaped(text)} || '"'"""


def _escaped(text: str) -> str:
    return f"""replace({text}, '"', '""')"""


def hash_function(index: int) -> str:
    """Return the name of the DuckDB function that hashes the column with this index."""
    return f"keyed_hash_{index}"
