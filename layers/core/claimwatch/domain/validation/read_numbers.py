"""Numbers of single claims, as `numbers_sql` reads them in files."""

from collections.abc import Callable
from math import isfinite

from claimwatch.domain.contract.contract import Column, LogicalType
from claimwatch.domain.validation.claim_json import Number
from claimwatch.domain.validation.linear_patterns import finder, groups_finder, matcher
from claimwatch.domain.validation.numbers_sql import (
    EXTREME_EXPONENT,
    LONGEST_NUMBER,
    MINUS,
    group_separators,
    has_own_signs,
    number_pattern,
    signed_forms,
    suspicious_signs,
    whole_number_pattern,
)

_FIRST, _LAST = -(2**63), 2**63 - 1
"""The range of bigint."""

_SURE_DIGITS = 18
"""Digits that bigint always holds."""

_BLANKS_OF_DUCKDB = " \t\n\v\f\r"
"""White space around a number that DuckDB's cast ignores."""


def whole_number_reader(column: Column) -> Callable[[str], int | None]:
    """Return a function that returns the whole number that a text means, or None."""
    signed, plain = _signed_reader(column), _plain_reader(column)
    well_written = matcher(whole_number_pattern(column))

    def read(text: str) -> int | None:
        digits = text[1:] if text.startswith("-") else text
        if digits.isascii() and digits.isdigit() and len(digits) <= _SURE_DIGITS:
            return int(text)
        number = signed(text)
        if number is None or not well_written(number):
            return None
        whole = plain(number).strip(_BLANKS_OF_DUCKDB).partition(".")[0]
        digits = whole.lstrip("+-0") or "0"
        if len(digits) > _SURE_DIGITS + 1:  # Python refuses to read thousands of digits
            return None
        value = -int(digits) if whole.startswith("-") else int(digits)
        return value if _FIRST <= value <= _LAST else None

    return read


def number_reader(column: Column) -> Callable[[str], float | None]:
    """Return a function that returns the number that a text means, or None.

    It is the double next to the number that PostgreSQL stores, whose zero has no sign.
    """
    signed, plain = _signed_reader(column), _plain_reader(column)
    well_written, extreme = matcher(number_pattern(column)), finder(EXTREME_EXPONENT)
    suspicious = suspicious_signs(column)

    def read(text: str) -> float | None:
        number = text
        if type(text) is not Number:  # a number of JSON is written well in every notation
            signed_text = signed(text)
            if signed_text is None:
                return None
            number = signed_text
            # DuckDB's cast ignores more white space after a number than the pattern allows.
            usual = number >= "-" and not any(sign in number for sign in suspicious)
            if not well_written(number.rstrip(_BLANKS_OF_DUCKDB) if usual else number):
                return None
        if len(number) > LONGEST_NUMBER or len(number.encode()) > LONGEST_NUMBER:
            return None
        value = float(plain(number))
        if value == 0.0:
            if extreme(number):
                return None
            mantissa = number.lower().partition("e")[0]
            return value if any(digit in mantissa for digit in "123456789") else 0.0
        return value if isfinite(value) else None

    return read


def reader(column: Column) -> Callable[[str], int | float | None]:
    """Return the function that reads the numbers of a column."""
    return (
        whole_number_reader(column) if column.logical_type is LogicalType.INTEGER else number_reader(column)
    )


def _signed_reader(column: Column) -> Callable[[str], str | None]:
    """Return a function that returns a number without its unit and with its sign in front, or None."""
    if not has_own_signs(column):
        return lambda text: text
    forms = [(groups_finder(form), sign) for form, sign in signed_forms(column)]

    def read(text: str) -> str | None:
        for find, sign in forms:
            groups = find(text)
            if groups is not None:
                return sign + "".join(groups).replace(MINUS, "-")
        return None

    return read


def _plain_reader(column: Column) -> Callable[[str], str]:
    """Return a function that removes separators of thousands and writes the decimal separator as a point."""
    separators, decimal = group_separators(column), column.decimal_separator

    def read(text: str) -> str:
        for separator in separators:
            text = text.replace(separator, "")
        return text if decimal == "." else text.replace(decimal, ".")

    return read
