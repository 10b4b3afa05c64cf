"""A contract's rules as SQL, with which a vectorised engine (DuckDB) validates every cell.

One query decides which records are accepted and formats them as lines for PostgreSQL's COPY; another lists
every rule that a refused record breaks.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal

from claimwatch.domain.contract.contract import NUMERIC, Bound, Column, Contract, LogicalType
from claimwatch.domain.contract.date_parts import LONGEST_DATE
from claimwatch.domain.files.layout import Layout
from claimwatch.domain.files.records import Problem
from claimwatch.domain.validation import identity_sql
from claimwatch.domain.validation.cells_sql import first_of, pointer_of
from claimwatch.domain.validation.dates_sql import possible_date
from claimwatch.domain.validation.numbers_sql import written_well
from claimwatch.domain.validation.sql_text import literal
from claimwatch.domain.validation.unreadable import why_unreadable
from claimwatch.domain.validation.values_sql import copy_line, signed_text, typed_cells
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

KEY_OF_COLUMN = "has_key_of_column"
"""Name of the DuckDB function that says whether a JSON object has a key that means a column."""

_NOT_NUMBERS = "'NaN', 'nan', '-nan', 'Infinity', '-Infinity', 'Inf', 'inf', '-inf'"
"""What writers of JSON put in place of numbers that it does not have; DuckDB accepts them without quotes."""

_SIGNS = frozenset(" !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~€£¥§°")
"""Characters that a reason shows; they say nothing about a person."""

_TYPE_NAMES = {
    LogicalType.INTEGER: "a whole number",
    LogicalType.NUMBER: "a number",
    LogicalType.BOOLEAN: "true or false",
    LogicalType.DATE: "a date (YYYY-MM-DD)",
    LogicalType.TIMESTAMP: "a date and time (YYYY-MM-DDTHH:MM:SSZ)",
}


@dataclass(frozen=True)
class RuleQueries:
    """Two queries over a file of records, one per line; the parameter ``path`` is the path of the file.

    ``accept`` has one row per record. They are ordered by claim id, because COPY takes a third less time if
    consecutive lines belong to the same leaf of the index on claim ids:

    - ``place``: the index of the record, from 0
    - ``accepted``: whether it keeps all rules
    - ``line``: the record as a line for COPY, without its line break
    - ``claim_id``: as text

    Its parameter ``first_row`` is the row number of the first record. For each column that is stored as a
    hash it calls the function that ``hash_function`` names.

    ``explain`` is for refused records. It has one row per record, in the order of the file, with two columns
    that `problems` translates: the list of its first findings, and the number of all its findings. It is a
    query of its own because it takes much longer.
    """

    accept: str
    explain: str
    _findings: tuple["_Finding", ...]

    def problems(self, findings: list[str], number: int) -> tuple[Problem, ...]:
        """Return the problems that the findings of a record stand for."""
        found = tuple(map(self._problem, findings))
        if number <= len(found):
            return found
        return (*found, Problem(None, "more", f"the row breaks {number - len(found)} more rules"))

    def _problem(self, finding: str) -> Problem:
        number, _, value = finding.partition(":")
        found = self._findings[int(number)]
        column, message = None, found.message
        if found.column is not None:
            column = found.column.name
            shown = "the value" if found.column.personal or not value else f"a value like '{shape_of(value)}'"
            why = why_unreadable(found.column, value) if found.rule == "type" else ""
            message = f"{shown}{message}{f': {why}' if why else ''}"
        return Problem(column, found.rule, message)


@dataclass(frozen=True)
class _Finding:
    """A possible problem: the SQL of its condition, and of the value that the message describes.

    The message about a column follows the words "the value".
    """

    column: Column | None
    rule: str
    condition: str
    message: str
    value: str = "''"


@dataclass(frozen=True)
class _Rule:
    name: str
    broken: str
    """SQL that is true if a present, readable value breaks the rule."""
    kept: str
    """SQL that is true if the value keeps the rule, in its cheapest form; NULL if there is no value."""
    message: str
    """The rest of the sentence, after the value."""


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


def rule_queries(layout: Layout) -> RuleQueries:
    """Return the queries that check every cell, and each record as a whole."""
    contract = layout.contract
    identifier = contract.columns.index(contract.identifier)
    whole = tuple(_findings_of_record(layout))
    columns = tuple(enumerate(_indexable(contract, column) for column in contract.columns))
    cells = tuple(
        finding for index, column in columns for finding in _findings_of_cell(layout, column, index)
    )
    passes = " AND ".join(
        [
            *(f"({finding.condition}) IS NOT TRUE" for finding in whole),
            *(kept for index, column in columns for kept in _passes(layout, column, index)),
        ]
    )
    # Within CASE WHEN, a condition is evaluated only for records that meet all conditions before it.
    accept = f"""
        SELECT place,
               CASE WHEN {passes} THEN true ELSE false END AS accepted,
               concat({copy_line(layout)}) AS line,
               value_{identifier}::VARCHAR AS claim_id
        FROM ({typed_cells(layout)})
        ORDER BY value_{identifier}
    """
    # Only to explain: the identifier is required, so a record without any value is refused anyway.
    whole = (*whole, _blank(layout))
    # Not ordered, so that the rows stream: one thread reads the records, and keeps their order.
    explain = f"""
        SELECT found[:{MOST_REASONS}], len(found)
        FROM (SELECT {_list_of(whole, cells)} AS found FROM ({typed_cells(layout)}))
    """
    return RuleQueries(accept, explain, (*whole, *cells))


def _indexable(contract: Contract, column: Column) -> Column:
    """Return the column with a limit of its length if it is part of an index."""
    if column not in (contract.identifier, contract.event_column):
        return column
    return replace(column, max_length=min(column.max_length or LONGEST_INDEXED, LONGEST_INDEXED))


def _list_of(whole: tuple[_Finding, ...], cells: tuple[_Finding, ...]) -> str:
    """Return SQL of the list of findings; those of cells are left out if the whole record is invalid."""
    findings = [
        f"CASE WHEN {finding.condition} THEN '{number}:' || {finding.value} END"
        for number, finding in enumerate((*whole, *cells))
    ]
    of_cells = f"list_filter([{', '.join(findings[len(whole) :])}], lambda finding: finding IS NOT NULL)"
    first = f"coalesce({', '.join(findings[: len(whole)])})"
    return f"CASE WHEN {first} IS NOT NULL THEN [{first}] ELSE {of_cells} END"


def _findings_of_record(layout: Layout) -> Iterator[_Finding]:
    if layout.delimiter is not None:
        return
    yield _Finding(None, "json", "item IS NULL", "the row is not a JSON object")
    for name in layout.doubled:
        keys = ", ".join(literal(key) for column, key in layout.keys if column == name)
        yield _Finding(
            None,
            "json",
            f"len(list_filter(json_keys(item), lambda key: key IN ({keys}))) > 1",
            f"the object has column '{name}' more than once: send it once",
        )
    if layout.misspelt:
        yield _Finding(
            None,
            "json",
            f"(extra IS NOT NULL AND {KEY_OF_COLUMN}(extra))",
            "the file spells the name of a column in too many ways: use the name in the contract",
        )
    yield from _findings_of_texts(layout)
    # JSON that DuckDB accepts and PostgreSQL does not. Strings may contain these words and are ignored.
    bare = """regexp_replace(extra, '"(?:[^"\\\\]|\\\\.)*"', '', 'g')"""
    lists = f"strlen({bare}) - strlen(replace(replace({bare}, '[', ''), '{{', ''))"
    unknown = f"regexp_matches({bare}, '(?i)nan|inf|e[+-]?[0-9]{{5}}') OR {lists} > {MOST_LISTS}"
    # The pattern is slow, so it is for long records only.
    long = (
        f"CASE WHEN strlen(extra) > {MOST_DIGITS} THEN regexp_matches({bare}, '[0-9]{{{MOST_DIGITS}}}') END"
    )
    yield _Finding(
        None,
        "json",
        f"(extra IS NOT NULL AND ({unknown} OR {long}))",
        "an extra column has NaN, Infinity, a number out of all bounds, or too many lists",
    )


def _findings_of_texts(layout: Layout) -> Iterator[_Finding]:
    """Yield findings of columns of text in which an object has another value, which would become text."""
    identifier = layout.contract.identifier
    for index, column in enumerate(layout.contract.columns):
        if column.logical_type is not LogicalType.STRING or all(
            name != column.name for name, _ in layout.keys
        ):
            continue
        text = f"text_{index}"
        if column == identifier:
            suspicious = f"{text} IN ({_NOT_NUMBERS}) OR {text} LIKE '[%' OR {text} LIKE '{{%'"
            what = "NaN, a list or an object instead of a text"
        elif layout.has_nan:
            suspicious, what = f"{text} = 'NaN'", "NaN, which is not JSON: write null"
        else:
            continue
        # Not with AND, of which DuckDB computes both sides: the type would parse every object again.
        kind = first_of(layout, column, lambda key: f"json_type(item, {literal(pointer_of(key))})")
        condition = f"CASE WHEN {suspicious} THEN {kind} <> 'VARCHAR' END"
        yield _Finding(None, "json", condition, f"column '{column.name}' has {what}")


def _blank(layout: Layout) -> _Finding:
    """Return the finding of a record without any value: spreadsheets may end in many blank rows."""
    texts = ", ".join([*(f"text_{index}" for index, _ in enumerate(layout.contract.columns)), "extra"])
    return _Finding(None, "blank", f"coalesce({texts}) IS NULL", "the row has no value in any column")


def _passes(layout: Layout, column: Column, index: int) -> Iterator[str]:
    """Yield SQL conditions that are all true if the cell is accepted."""
    text, value = f"text_{index}", f"value_{index}"
    rules = {rule.name: rule.kept for rule in _rules(column, value)}
    if column.minimum is not None and column.maximum is not None:
        rules["minimum"] = f"{value} BETWEEN {_bound(column.minimum)} AND {_bound(column.maximum)}"
        del rules["maximum"]
    elif possible := _possible(column, value):
        rules["possible"] = possible
    conditions = [*rules.values(), *_well_read(column, index)]
    if not conditions and identity_sql.may_be_unreadable(layout, column):
        conditions = [f"{value} IS NOT NULL"]
    if not column.required:
        if conditions or column.logical_type is not LogicalType.STRING:
            # The condition is first, because most cells are present.
            yield f"(({' AND '.join(conditions or [f'{value} IS NOT NULL'])}) OR {_absent(column, text)})"
    else:
        yield from conditions or [f"{value} IS NOT NULL"]


def _findings_of_cell(layout: Layout, column: Column, index: int) -> Iterator[_Finding]:
    text, value = f"text_{index}", f"value_{index}"
    if column.required:
        yield _Finding(column, "required", _absent(column, text), " is missing")
    # The reason why a date is none needs all of its parts.
    shown = identity_sql.shown(text, LONGEST_DATE if column.date_parts else SHOWN + 1)
    possible = " AND ".join([*filter(None, [_possible(column, value)]), *_well_read(column, index)])
    if column.logical_type is not LogicalType.STRING:
        unread = f"({value} IS NULL{f' OR NOT ({possible})' if possible else ''})"
        what = f" is not {_TYPE_NAMES[column.logical_type]}"
        yield _Finding(column, "type", f"NOT ({_absent(column, text)}) AND {unread}", what, shown)
    elif identity_sql.may_be_unreadable(layout, column):
        what = identity_sql.why_unreadable(layout, column)
        yield _Finding(column, "type", f"{text} IS NOT NULL AND {value} IS NULL", what, shown)
    for rule in _rules(column, value):
        broken = f"{possible} AND {rule.broken}" if possible else rule.broken
        yield _Finding(column, rule.name, broken, rule.message, shown)


def _absent(column: Column, text: str) -> str:
    """Return SQL that is true if a cell has no value: blanks are a value only of a text."""
    if column.logical_type is LogicalType.STRING:
        return f"{text} IS NULL"
    return f"({text} IS NULL OR regexp_full_match({text}, '[\\s\\x{{00a0}}]*'))"


def _possible(column: Column, value: str) -> str:
    """Return SQL that is false for values that DuckDB reads and nobody means: infinity, not a number."""
    match column.logical_type:
        case LogicalType.NUMBER:
            return f"isfinite({value})"
        case LogicalType.DATE | LogicalType.TIMESTAMP:
            return possible_date(column, value)
        case _:
            return ""


def _well_read(column: Column, index: int) -> Iterator[str]:
    """Yield SQL that is false for texts that DuckDB reads as a value and PostgreSQL or people do not."""
    if column.logical_type in NUMERIC:
        yield from written_well(column, index, signed_text(column, index))


def _rules(column: Column, value: str) -> Iterator[_Rule]:
    bounds: tuple[tuple[str, Bound | None, str, str, str], ...] = (
        ("minimum", column.minimum, "<", ">=", "is below the minimum"),
        ("maximum", column.maximum, ">", "<=", "is above the maximum"),
        ("exclusiveMinimum", column.exclusive_minimum, "<=", ">", "is not above"),
        ("exclusiveMaximum", column.exclusive_maximum, ">=", "<", "is not below"),
    )
    for name, bound, broken, kept, words in bounds:
        if bound is not None:
            limit = _bound(bound)
            yield _Rule(name, f"{value} {broken} {limit}", f"{value} {kept} {limit}", f" {words} {bound}")
    longest = column.max_length
    if column.logical_type is LogicalType.STRING:
        if column.min_length is not None:
            yield _Rule(
                "minLength",
                f"length({value}) < {column.min_length}",
                f"length({value}) >= {column.min_length}",
                f" is shorter than {column.min_length} characters",
            )
        if longest is not None:
            yield _Rule(
                "maxLength",
                # The number of bytes is known; characters are counted only if there could be too many.
                f"(strlen({value}) > {longest} AND length({value}) > {longest})",
                f"(strlen({value}) <= {longest} OR length({value}) <= {longest})",
                f" is longer than {longest} characters",
            )
        if column.pattern is not None:
            yield _Rule(
                "pattern",
                f"NOT regexp_full_match({value}, {literal(column.pattern)})",
                f"regexp_full_match({value}, {literal(column.pattern)})",
                f" does not match the pattern {column.pattern}",
            )
    if column.valid_values is not None:
        words = ", ".join(literal(word) for word in column.valid_values)
        few = ", ".join(column.valid_values[:8]) + (", ..." if len(column.valid_values) > 8 else "")
        kind = "" if column.logical_type is LogicalType.STRING else "::VARCHAR"
        # Not IN (...): DuckDB plans a join for each long list, which costs several times the look-up.
        known = f"TRY_CAST({value}{kind} AS ENUM ({words}))"
        unknown = f"({value} IS NOT NULL AND {known} IS NULL)"
        yield _Rule("validValues", unknown, f"{known} IS NOT NULL", f" is not one of {few}")


def _bound(bound: Bound) -> str:
    match bound:
        case Decimal():
            # Brackets around negative bounds: two hyphens would start a comment.
            return f"({bound:f})"
        case datetime():
            moment = bound.astimezone(UTC).replace(tzinfo=None) if bound.tzinfo else bound
            return f"TIMESTAMP '{moment.isoformat(sep=' ')}'"
        case date():
            return f"DATE '{bound.isoformat()}'"
