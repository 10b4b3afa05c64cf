"""A contract's rules as SQL, with which a vectorised engine (DuckDB) validates every cell.

One query decides which records are accepted and formats them as lines for PostgreSQL's COPY; another lists
every rule that a refused record breaks.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from claimwatch.domain.contract.contract import NUMERIC, Bound, Column, LogicalType
from claimwatch.domain.files.layout import Layout
from claimwatch.domain.files.records import Problem
from claimwatch.domain.files.stream_files import ROUTING_KEY
from claimwatch.domain.validation import identity_sql, row_rules
from claimwatch.domain.validation.cells_sql import first_of, pointer_of
from claimwatch.domain.validation.dates_sql import possible_date
from claimwatch.domain.validation.numbers_sql import written_well
from claimwatch.domain.validation.row_rules import Rule
from claimwatch.domain.validation.sql_text import literal
from claimwatch.domain.validation.values_sql import copy_line, signed_text, typed_cells

KEY_OF_COLUMN = "has_key_of_column"
"""Name of the DuckDB function that says whether a JSON object has a key that means a column."""

_COMPARISONS = {
    "minimum": ("<", ">="),
    "maximum": (">", "<="),
    "exclusiveMinimum": ("<=", ">"),
    "exclusiveMaximum": (">=", "<"),
}
"""How a value breaks a bound, and how it keeps it."""

_NOT_NUMBERS = ", ".join(map(literal, row_rules.NOT_NUMBERS))


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
    _findings: tuple["_Finding | _OfRecord", ...]

    def problems(self, findings: list[str], number: int) -> tuple[Problem, ...]:
        """Return the problems that the findings of a record stand for."""
        return row_rules.listed(tuple(map(self._problem, findings)), number)

    def _problem(self, finding: str) -> Problem:
        number, _, value = finding.partition(":")
        found = self._findings[int(number)]
        if isinstance(found, _OfRecord):
            return found.problem
        return row_rules.cell_problem(found.column, found.rule, found.message, value, with_shape=True)


@dataclass(frozen=True)
class _OfRecord:
    """A possible problem of a record as a whole, and the SQL of its condition."""

    problem: Problem
    condition: str

    value = "''"


@dataclass(frozen=True)
class _Finding:
    """A possible problem of a cell: the SQL of its condition, and of the value that the message describes.

    The message follows the words "the value".
    """

    column: Column
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


def rule_queries(layout: Layout) -> RuleQueries:
    """Return the queries that check every cell, and each record as a whole."""
    contract = layout.contract
    identifier = contract.columns.index(contract.identifier)
    whole = tuple(_findings_of_record(layout))
    columns = tuple(enumerate(row_rules.indexable(contract, column) for column in contract.columns))
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
        SELECT found[:{row_rules.MOST_REASONS}], len(found)
        FROM (SELECT {_list_of(whole, cells)} AS found FROM ({typed_cells(layout)}))
    """
    return RuleQueries(accept, explain, (*whole, *cells))


def _list_of(whole: tuple[_OfRecord, ...], cells: tuple[_Finding, ...]) -> str:
    """Return SQL of the list of findings; those of cells are left out if the whole record is invalid."""
    both: tuple[_OfRecord | _Finding, ...] = (*whole, *cells)
    findings = [
        f"CASE WHEN {finding.condition} THEN '{number}:' || {finding.value} END"
        for number, finding in enumerate(both)
    ]
    of_cells = f"list_filter([{', '.join(findings[len(whole) :])}], lambda finding: finding IS NOT NULL)"
    first = f"coalesce({', '.join(findings[: len(whole)])})"
    return f"CASE WHEN {first} IS NOT NULL THEN [{first}] ELSE {of_cells} END"


def _findings_of_record(layout: Layout) -> Iterator[_OfRecord]:
    if layout.delimiter is not None:
        return
    yield _OfRecord(row_rules.NOT_AN_OBJECT, "item IS NULL")
    for name in layout.doubled:
        keys = ", ".join(literal(key) for column, key in layout.keys if column == name)
        yield _OfRecord(
            row_rules.sent_twice(name), f"len(list_filter(json_keys(item), lambda key: key IN ({keys}))) > 1"
        )
    if layout.routed is not None:
        named = f"json_extract_string(item, {literal(pointer_of(ROUTING_KEY))})"
        yield _OfRecord(row_rules.OTHER_LINE, f"{named} <> {literal(layout.routed)}")
    if layout.misspelt:
        yield _OfRecord(row_rules.MISSPELT, f"(extra IS NOT NULL AND {KEY_OF_COLUMN}(extra))")
    yield from _findings_of_texts(layout)
    # JSON that DuckDB accepts and PostgreSQL does not. Strings may contain these words and are ignored.
    bare = """regexp_replace(extra, '"(?:[^"\\\\]|\\\\.)*"', '', 'g')"""
    lists = f"strlen({bare}) - strlen(replace(replace({bare}, '[', ''), '{{', ''))"
    unknown = (
        f"regexp_matches({bare}, '(?i)nan|inf|{row_rules.HUGE_EXPONENT}') OR {lists} > {row_rules.MOST_LISTS}"
    )
    # The pattern is slow, so it is for long records only.
    most = row_rules.MOST_DIGITS
    long = f"CASE WHEN strlen(extra) > {most} THEN regexp_matches({bare}, '[0-9]{{{most}}}') END"
    yield _OfRecord(row_rules.UNSTORABLE_EXTRA, f"(extra IS NOT NULL AND ({unknown} OR {long}))")


def _findings_of_texts(layout: Layout) -> Iterator[_OfRecord]:
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
        elif layout.has_nan:
            suspicious = f"{text} = 'NaN'"
        else:
            continue
        # Not with AND, of which DuckDB computes both sides: the type would parse every object again.
        kind = first_of(layout, column, lambda key: f"json_type(item, {literal(pointer_of(key))})")
        condition = f"CASE WHEN {suspicious} THEN {kind} <> 'VARCHAR' END"
        yield _OfRecord(row_rules.another_value(layout.contract, column), condition)


def _blank(layout: Layout) -> _OfRecord:
    """Return the finding of a record without any value: spreadsheets may end in many blank rows."""
    texts = ", ".join([*(f"text_{index}" for index, _ in enumerate(layout.contract.columns)), "extra"])
    return _OfRecord(row_rules.BLANK, f"coalesce({texts}) IS NULL")


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
        yield _Finding(column, "required", _absent(column, text), row_rules.MISSING)
    shown = identity_sql.shown(text, row_rules.longest_shown(column))
    possible = " AND ".join([*filter(None, [_possible(column, value)]), *_well_read(column, index)])
    if column.logical_type is not LogicalType.STRING:
        unread = f"({value} IS NULL{f' OR NOT ({possible})' if possible else ''})"
        unreadable = row_rules.unreadable_value(column)
        yield _Finding(column, "type", f"NOT ({_absent(column, text)}) AND {unread}", unreadable, shown)
    elif identity_sql.may_be_unreadable(layout, column):
        unreadable = row_rules.unreadable_text(layout.contract, column)
        yield _Finding(column, "type", f"{text} IS NOT NULL AND {value} IS NULL", unreadable, shown)
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
    for rule in row_rules.rules_of(column):
        yield _Rule(rule.name, *_broken_and_kept(column, value, rule), rule.message)


def _broken_and_kept(column: Column, value: str, rule: Rule) -> tuple[str, str]:
    match rule.name, rule.limit:
        case (("minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum"), Decimal() | date() as bound):
            broken, kept = _COMPARISONS[rule.name]
            return f"{value} {broken} {_bound(bound)}", f"{value} {kept} {_bound(bound)}"
        case "minLength", least:
            return f"length({value}) < {least}", f"length({value}) >= {least}"
        case "maxLength", most:
            # The number of bytes is known; characters are counted only if there could be too many.
            return (
                f"(strlen({value}) > {most} AND length({value}) > {most})",
                f"(strlen({value}) <= {most} OR length({value}) <= {most})",
            )
        case "pattern", str() as pattern:
            kept = f"regexp_full_match({value}, {literal(pattern)})"
            return f"NOT {kept}", kept
        case "validValues", tuple() as values:
            words = ", ".join(map(literal, values))
            kind = "" if column.logical_type is LogicalType.STRING else "::VARCHAR"
            # Not IN (...): DuckDB plans a join for each long list, which costs several times the look-up.
            known = f"TRY_CAST({value}{kind} AS ENUM ({words}))"
            return f"({value} IS NOT NULL AND {known} IS NULL)", f"{known} IS NOT NULL"
        case _:
            raise AssertionError(f"rule {rule.name} has no SQL")


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
