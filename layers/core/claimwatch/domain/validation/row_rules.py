"""Rules of a contract for one claim: their names, their order, and the reasons for a refusal.

The rules have two forms: SQL for files (`row_rules_sql`), and Python for single claims (`claim_validator`).
What both must have in common is defined here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from claimwatch.domain.contract.contract import Bound, Column, Contract, LogicalType
from claimwatch.domain.contract.date_parts import LONGEST_DATE
from claimwatch.domain.files.records import Problem
from claimwatch.invisible import INVISIBLE, with_code_points

SHOWN = 40
"""Maximum number of characters of a refused value whose shape a reason shows."""

MOST_REASONS = 10
"""Maximum number of reasons that a row keeps; one more says how many there are beyond these."""

MOST_LISTS = 1_000
"""Maximum number of lists and objects in the extra columns of a JSON record.

PostgreSQL parses nested jsonb recursively, on its stack.
"""

LONGEST_INDEXED = 400
"""Characters of a claim id or an event id: an index entry of PostgreSQL holds at most 2,700 bytes."""

MOST_DIGITS = 1_000
"""Maximum number of consecutive digits of a number in the extra columns of a JSON record.

PostgreSQL's numeric has at most 131,072 digits before the decimal point and 16,383 after it.
"""

HUGE_EXPONENT = "e[+-]?[0-9]{5}"
"""Exponents of numbers in the extra columns of a JSON record that are out of all bounds (RE2, any case)."""

NOT_NUMBERS = ("NaN", "nan", "-nan", "Infinity", "-Infinity", "Inf", "inf", "-inf")
"""What writers of JSON put in place of numbers that it does not have; DuckDB accepts them without quotes."""

NOT_AN_OBJECT = Problem(None, "json", "the row is not a JSON object")
MISSPELT = Problem(
    None, "json", "the file spells the name of a column in too many ways: use the name in the contract"
)
OTHER_LINE = Problem(
    None, "line", "the record names another line than that of its folder: send it with the right line"
)
UNSTORABLE_EXTRA = Problem(
    None, "json", "an extra column has NaN, Infinity, a number out of all bounds, or too many lists"
)
BLANK = Problem(None, "blank", "the row has no value in any column")

MISSING = " is missing"
NOT_AN_ID = " is not an id: it is a number that lost digits, or has unreadable characters; send it as text"
LOST_DIGITS = " is a number that lost digits; send it as text"

_TYPE_NAMES = {
    LogicalType.INTEGER: "a whole number",
    LogicalType.NUMBER: "a number",
    LogicalType.BOOLEAN: "true or false",
    LogicalType.DATE: "a date (YYYY-MM-DD)",
    LogicalType.TIMESTAMP: "a date and time (YYYY-MM-DDTHH:MM:SSZ)",
}

_SIGNS = frozenset(" !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~€£¥§°")
"""Characters that a reason shows; they say nothing about a person."""


@dataclass(frozen=True)
class Rule:
    """A rule for the values of a column, with its limit; the message follows the value in a sentence."""

    name: str
    limit: Bound | int | str | tuple[str, ...]
    message: str


def rules_of(column: Column) -> Iterator[Rule]:
    """Yield the rules for readable values of a column, in the order of the reasons."""
    bounds: tuple[tuple[str, Bound | None, str], ...] = (
        ("minimum", column.minimum, "is below the minimum"),
        ("maximum", column.maximum, "is above the maximum"),
        ("exclusiveMinimum", column.exclusive_minimum, "is not above"),
        ("exclusiveMaximum", column.exclusive_maximum, "is not below"),
    )
    for name, bound, words in bounds:
        if bound is not None:
            yield Rule(name, bound, f" {words} {bound}")
    if column.logical_type is LogicalType.STRING:
        if (least := column.min_length) is not None:
            yield Rule("minLength", least, f" is shorter than {least} characters")
        if (most := column.max_length) is not None:
            yield Rule("maxLength", most, f" is longer than {most} characters")
        if column.pattern is not None:
            yield Rule("pattern", column.pattern, f" does not match the pattern {column.pattern}")
    if (values := column.valid_values) is not None:
        few = ", ".join(values[:8]) + (", ..." if len(values) > 8 else "")
        yield Rule("validValues", values, f" is not one of {few}")


def indexable(contract: Contract, column: Column) -> Column:
    """Return the column with a limit of its length if it is part of an index."""
    if column not in (contract.identifier, contract.event_column):
        return column
    return replace(column, max_length=min(column.max_length or LONGEST_INDEXED, LONGEST_INDEXED))


def identifies(contract: Contract, column: Column) -> bool:
    """Return whether the values of a column of text are ids: of claims, or of the events of photos."""
    names = (contract.identifier.name, contract.event_column.name)
    return column.logical_type is LogicalType.STRING and column.name in names


def unreadable_text(contract: Contract, column: Column) -> str:
    """Return the message about a cell of text that cannot be told, after its value."""
    return NOT_AN_ID if identifies(contract, column) else LOST_DIGITS


def unreadable_value(column: Column) -> str:
    """Return the message about a cell that is not a value of the column's type, after its value."""
    return f" is not {_TYPE_NAMES[column.logical_type]}"


def sent_twice(name: str) -> Problem:
    """Return the problem of an object that has a column more than once."""
    return Problem(None, "json", f"the object has column '{name}' more than once: send it once")


def sent_earlier(name: str) -> Problem:
    """Return the problem of a claim of a request whose claim id an earlier claim of the request has."""
    return Problem(name, "unique", f"an earlier claim of this request has the same {name}")


def another_value(contract: Contract, column: Column) -> Problem:
    """Return the problem of an object that has another value in a column of text, which would become text."""
    if column == contract.identifier:
        what = "NaN, a list or an object instead of a text"
    else:
        what = "NaN, which is not JSON: write null"
    return Problem(None, "json", f"column '{column.name}' has {what}")


def longest_shown(column: Column) -> int:
    """Return how many characters of a value its reason needs: why a date is none needs all of its parts."""
    return LONGEST_DATE if column.date_parts else SHOWN + 1


def cell_problem(column: Column, rule: str, message: str, value: str, *, with_shape: bool) -> Problem:
    """Return the problem of a cell; ``value`` is the beginning of its text, or empty.

    The message has the shape of the value, unless the column is personal or ``with_shape`` is false.
    """
    # A function that scores claims starts without the patterns of explanations; few claims need them.
    from claimwatch.domain.validation.unreadable import why_unreadable  # noqa: PLC0415

    shown = (
        f"a value like '{shape_of(value)}'" if with_shape and value and not column.personal else "the value"
    )
    why = why_unreadable(column, value) if rule == "type" else ""
    return Problem(column.name, rule, f"{shown}{message}{f': {why}' if why else ''}")


def listed(problems: Sequence[Problem], number: int) -> tuple[Problem, ...]:
    """Return the first problems of a row as they are kept; ``number`` is how many there are in all."""
    first = tuple(problems[:MOST_REASONS])
    if number <= len(first):
        return first
    return (*first, Problem(None, "more", f"the row breaks {number - len(first)} more rules"))


def shape_of(text: str) -> str:
    """Return the shape of a value: letters as A or a, digits as 9, signs as they are.

    Invisible characters are shown by code point. A reason shows the shape only: if the cells of a row are
    shifted, any column may hold a personal value. The text itself is in the quarantine.
    """
    shape = "".join(map(_shape_of_character, text[:SHOWN]))
    return shape if len(text) <= SHOWN else f"{shape}..."


def _shape_of_character(character: str) -> str:
    if character.isdecimal():
        return "9"
    if character.isalpha():
        return "A" if character.isupper() else "a"
    if character < "\U00010000" and INVISIBLE.match(character):  # the others may spell a hidden text
        return with_code_points(character)
    return character if character in _SIGNS else "?"
