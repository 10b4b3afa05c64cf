"""Dates and times as SQL: ISO 8601 in full, and the formats of a column; nothing else that DuckDB reads."""

from claimwatch.domain.contract.contract import Column, LogicalType
from claimwatch.domain.contract.date_formats import ambiguous, must_be_compared, shape_of_format
from claimwatch.domain.validation.sql_text import literal

FIRST, LAST = "0001-01-01", "9999-12-31"
"""The first and the last day that is stored: those that Python can read."""

_LAST = {LogicalType.DATE: LAST, LogicalType.TIMESTAMP: f"{LAST} 23:59:59.999999"}

_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_FRACTION = "(?:[.,][0-9]{1,9})?"
_MIDNIGHT = r"(?::00(?:[.,]0{1,9})?)?"
_TIME = rf"(?:(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9]{_FRACTION})?|24:00{_MIDNIGHT})"
_UTC = "(?: ?[Zz]| UTC)"
_OFFSET = " ?[+-](?:0[0-9]|1[0-5])(?::?[0-5][0-9])?"

ISO_DAY = rf"\A\s*({_DAY})(?:[Tt ](?:{_TIME}|00:00{_MIDNIGHT}(?:{_UTC}|{_OFFSET})))?\s*\z"
"""A day, also with a time (RE2): that of another zone could be another day, except midnight."""

ISO_UTC = rf"\s*{_DAY}(?:[Tt ]{_TIME}{_UTC}?)?\s*"
"""A moment in UTC (RE2)."""

ISO_ZONED = rf"\s*{_DAY}[Tt ]{_TIME}{_OFFSET}\s*"
"""A moment with an offset (RE2)."""

_CANONICAL = {LogicalType.DATE: _DAY, LogicalType.TIMESTAMP: f"{_DAY}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}"}
"""The usual form. A time without an offset is UTC."""


def is_canonical(column: Column, text: str) -> str:
    """Return SQL that is true for texts in the form that DuckDB and PostgreSQL read alike."""
    if ambiguous(column.date_formats):
        return "false"
    return f"regexp_full_match({text}, {literal(_CANONICAL[column.logical_type])})"


def date_value(column: Column, text: str, canonical: str) -> str:
    """Return SQL of the date or, in UTC, of the time; ``canonical`` is that of `is_canonical`."""
    kind = column.logical_type.upper()
    iso = _iso_day(text) if column.logical_type is LogicalType.DATE else _iso_moment(text)
    readings = [iso, *(_reading(text, form, kind) for form in column.date_formats)]
    if not ambiguous(column.date_formats):
        other = f"coalesce({', '.join(readings)})" if len(readings) > 1 else iso
        return f"CASE WHEN {canonical} THEN TRY_CAST({text} AS {kind}) ELSE {other} END"
    # Which of two readings is meant cannot be known.
    least, greatest = (f"{function}({', '.join(readings)})" for function in ("least", "greatest"))
    return f"CASE WHEN {least} = {greatest} THEN {least} END"


def possible_date(column: Column, value: str) -> str:
    """Return SQL that is false for dates that are not stored."""
    kind = column.logical_type.upper()
    return f"{value} BETWEEN {kind} '{FIRST}' AND {kind} '{_LAST[column.logical_type]}'"


def _iso_day(text: str) -> str:
    return f"TRY_CAST(regexp_extract({text}, {literal(ISO_DAY)}, 1) AS DATE)"


def _iso_moment(text: str) -> str:
    utc, zoned = literal(ISO_UTC), literal(ISO_ZONED)
    points = f"upper(replace({text}, ',', '.'))"
    # TIMESTAMP is faster than TIMESTAMPTZ but ignores offsets.
    return (
        f"CASE WHEN regexp_full_match({text}, {utc}) THEN TRY_CAST({points} AS TIMESTAMP)"
        f" WHEN regexp_full_match({text}, {zoned}) THEN"
        f" timezone('UTC', TRY_CAST(replace(replace({points}, ' +', '+'), ' -', '-') AS TIMESTAMPTZ)) END"
    )


def _reading(text: str, form: str, kind: str) -> str:
    """Return SQL of what a format reads in a text: strptime alone reads the year 26 from 3/2/26."""
    value = f"try_strptime({text}, {literal(form)})"
    if "%f" in form:  # Oracle writes nine digits; DuckDB has another directive for more than six
        nine = literal(form.replace("%f", "%n"))
        value = f"coalesce({value}, try_strptime({text}, {nine})::TIMESTAMP)"
    conditions = [f"regexp_full_match({text}, {literal(shape_of_format(form))})"]
    if must_be_compared(form):
        # It reads the 366th day of any year, and ignores the day of the week.
        written = f"replace(lower(strftime({value}, {literal(form)})), '0', '')"
        conditions.append(f"{written} = replace(lower(trim({text})), '0', '')")
    return f"CASE WHEN {' AND '.join(conditions)} THEN {value}::{kind} END"
