"""A contract's checks as SQL, so that a vectorised engine (DuckDB) looks at every cell.

One query goes over the records of a block, writes those that pass as PostgreSQL's COPY reads them, and says
why the few others do not, every reason at once. Text is taken as it came; the values of other types are
written in their canonical form.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from claimwatch.domain.contract.contract import Bound, Column, Contract, LogicalType
from claimwatch.domain.files.layout import (
    COPY_DELIMITERS,
    Layout,
    columns_in_order,
    copy_delimiter,
)
from claimwatch.domain.files.records import MAX_RECORD, Problem

SHOWN = 60
"""Characters of a refused value that a reason quotes."""

TRUE_WORDS = ("true", "t", "yes", "y", "1")
FALSE_WORDS = ("false", "f", "no", "n", "0")
LARGEST_INTEGER = 2**63 - 1
LINE_LIMIT = MAX_RECORD + 4096
"""Bytes that the engine's reader takes for a line: a record may grow a little when it is written anew."""
LONGEST_NUMBER = 400
"""Characters: far more than a float has digits, far fewer than PostgreSQL's numeric."""
MOST_LISTS = 1_000
"""Lists and objects in the extra columns of a JSON record: PostgreSQL's jsonb reads them on its stack."""
LONGEST_IDENTIFIER = 400
"""Characters: PostgreSQL's index entries end at 2,700 bytes."""

_PLAIN_PATTERN = re.compile(
    r"\^?(?:(?:[A-Za-z0-9 _-]|\[(?:[A-Z]-[A-Z]|[a-z]-[a-z]|[0-9]-[0-9]|[A-Za-z0-9_])+\])"
    r"(?:\{\d+(?:,\d*)?\}|[*+?])?)*\$?"
)
"""Patterns that only letters, digits, blanks, hyphens and underscores match."""

_TYPE_NAMES = {
    LogicalType.INTEGER: "a whole number",
    LogicalType.NUMBER: "a number",
    LogicalType.BOOLEAN: "true or false",
    LogicalType.DATE: "a date (YYYY-MM-DD)",
    LogicalType.TIMESTAMP: "a date and time (YYYY-MM-DDTHH:MM:SSZ)",
}


@dataclass(frozen=True)
class RuleQuery:
    """What is asked about a batch of records, and how to read the answer.

    The query's parameter is the path of the records, one a line. For each column that is stored as a hash it
    calls the function that ``hash_function`` names. It returns a row each:

    - ``place``: which record it is, from 0,
    - ``refused``: whether it is,
    - ``line``: what follows its row number in a line for COPY, line break included, in UTF-8,
    - ``claim_id``: in UTF-8, empty if there is none,
    - ``findings``: if it is refused, everything that is wrong with it, for ``problem`` to read.
    """

    query: str
    _findings: tuple["_Finding", ...]

    def problem(self, finding: str) -> Problem:
        """What a finding says."""
        number, _, value = finding.partition(":")
        found = self._findings[int(number)]
        shown = value if len(value) <= SHOWN else f"{value[:SHOWN]}..."
        return Problem(found.column, found.rule, shown + found.message)


@dataclass(frozen=True)
class _Finding:
    """Something that can be wrong: SQL of the condition, and of the value that stands before the message."""

    column: str | None
    rule: str
    condition: str
    message: str
    value: str = "''"


@dataclass(frozen=True)
class _Rule:
    name: str
    broken: str
    """SQL that is true where a present, readable value breaks the rule."""
    kept: str
    """SQL that is true where it keeps it, the cheapest way to say so; NULL for no value."""
    message: str
    """What follows the value in the sentence that says so."""


def rule_query(layout: Layout) -> RuleQuery:
    """The checks of every cell, and of each record as a whole."""
    contract = layout.contract
    identifier = contract.columns.index(contract.identifier)
    whole = tuple(_of_the_whole(layout))
    cells = tuple(
        finding for index, column in enumerate(contract.columns) for finding in _of_the_cell(column, index)
    )
    passes = " AND ".join(
        [
            *(f"({finding.condition}) IS NOT TRUE" for finding in whole),
            *(kept for index, column in enumerate(contract.columns) for kept in _passes(column, index)),
        ]
    )
    # CASE looks at a condition only where those before it hold, and for findings only where there are any.
    query = f"""
        WITH typed AS ({_typed(layout)}),
        judged AS (SELECT *, CASE WHEN {passes} THEN false ELSE true END AS refused FROM typed)
        SELECT place,
               refused,
               encode(concat({_line(layout)})) AS line,
               encode(coalesce(value_{identifier}::VARCHAR, '')) AS claim_id,
               CASE WHEN refused THEN {_found(whole, cells)} END AS findings
        FROM judged
    """
    return RuleQuery(query, (*whole, *cells))


def _found(whole: tuple[_Finding, ...], cells: tuple[_Finding, ...]) -> str:
    """SQL of the list of findings; a record that is wrong as a whole has no cells to speak of."""
    told = [
        f"CASE WHEN {finding.condition} THEN '{number}:' || {finding.value} END"
        for number, finding in enumerate((*whole, *cells))
    ]
    found = f"list_filter([{', '.join(told[len(whole) :])}], lambda finding: finding IS NOT NULL)"
    if not whole:
        return found
    first = f"coalesce({', '.join(told[: len(whole)])})"
    return f"CASE WHEN {first} IS NOT NULL THEN [{first}] ELSE {found} END"


def _line(layout: Layout) -> str:
    """SQL of what a line consists of, as arguments of ``concat``."""
    delimiter = _literal(copy_delimiter(layout))
    parts = []
    for index, column in columns_in_order(layout):
        parts += [delimiter, *_written(column, index)]
    return ", ".join([*parts, delimiter, _quoted("extra"), "chr(10)"])


def _source(layout: Layout) -> str:
    """SQL of the records' cells as text: ``place`` from 0, one ``text_<n>`` a column, ``extra`` as JSON."""
    contract = layout.contract
    if layout.delimiter is None:
        keys = dict(layout.keys)
        cells = ", ".join(
            f"{_missing(column, _json_cell(keys.get(column.name)))} AS text_{index}"
            for index, column in enumerate(contract.columns)
        )
        removal = _literal("{" + ",".join(f"{_json_text(key)}:null" for key in keys.values()) + "}")
        # Each step looks only at what the one before has let through: the JSON functions stop at bad JSON.
        return f"""
            SELECT place, item, {cells}, nullif(json_merge_patch(item, {removal})::VARCHAR, '{{}}') AS extra
            FROM (SELECT place, CASE WHEN json_type(document) = 'OBJECT' THEN document END AS item
                  FROM (SELECT row_number() OVER () - 1 AS place,
                               CASE WHEN json_valid(record) THEN record END AS document
                        FROM read_csv(?, header = false, auto_detect = false,
                                      columns = {{'record': 'VARCHAR'}}, delim = '\x1f', quote = '',
                                      escape = '', new_line = '\\n', parallel = false,
                                      max_line_size = {LINE_LIMIT})))
        """
    shared = tuple(dict.fromkeys(["", *_shared_missing(contract)]))
    names = ", ".join(f"'field_{position}': 'VARCHAR'" for position in range(len(layout.fields)))
    cells = ", ".join(
        f"{_missing(column, _csv_cell(layout, column), shared)} AS text_{index}"
        for index, column in enumerate(contract.columns)
    )
    extra = [
        (name, f"field_{position}")
        for position, name in enumerate(layout.fields)
        if contract.column(name) is None
    ]
    extra_json = "NULL::VARCHAR"
    if extra:
        pairs = ", ".join(f"{_literal(name)}, {cell}" for name, cell in extra)
        cells_of_extra = ", ".join(cell for _, cell in extra)
        extra_json = (
            f"CASE WHEN coalesce({cells_of_extra}, NULL) IS NOT NULL THEN json_object({pairs})::VARCHAR END"
        )
    return f"""
        SELECT row_number() OVER () - 1 AS place, {cells}, {extra_json} AS extra
        FROM read_csv(?, header = false, auto_detect = false, columns = {{{names}}},
                      delim = {_literal(layout.delimiter)}, quote = '"', escape = '"', new_line = '\\n',
                      nullstr = [{", ".join(_literal(token) for token in shared)}],
                      parallel = false, max_line_size = {LINE_LIMIT})
    """


def _typed(layout: Layout) -> str:
    """SQL of the cells with their values: ``value_<n>`` is NULL where there is none or it cannot be read."""
    columns = tuple(enumerate(layout.contract.columns))
    integers = [(column, index) for index, column in columns if column.logical_type is LogicalType.INTEGER]
    # One step for each thing that is used twice: the engine would do it twice.
    cast = [
        f"TRY_CAST({_plain_number(column, f'text_{index}')} AS BIGINT) AS number_{index}"
        for column, index in integers
    ]
    digits = [f"number_{index}::VARCHAR AS digits_{index}" for _, index in integers]
    values = [f"{_value(column, index)} AS value_{index}" for index, column in columns]
    return f"""
        SELECT {", ".join(["*", *values])} FROM (
            SELECT {", ".join(["*", *digits])} FROM (
                SELECT {", ".join(["*", *cast])} FROM ({_source(layout)})))
    """


def _of_the_whole(layout: Layout) -> Iterator[_Finding]:
    if layout.delimiter is not None:
        return
    yield _Finding(None, "json", "item IS NULL", "the row is not a JSON object")
    # What this engine takes for JSON and PostgreSQL does not; strings are left out, as they may say so.
    bare = """regexp_replace(extra, '"(?:[^"\\\\]|\\\\.)*"', '', 'g')"""
    lists = f"strlen({bare}) - strlen(replace(replace({bare}, '[', ''), '{{', ''))"
    unknown = f"regexp_matches({bare}, '(?i)nan|inf|e[+-]?[0-9]{{5}}') OR {lists} > {MOST_LISTS}"
    yield _Finding(
        None,
        "json",
        f"(extra IS NOT NULL AND ({unknown}))",
        "an extra column has NaN, Infinity, a number out of all bounds, or too many lists",
    )


def _csv_cell(layout: Layout, column: Column) -> str:
    if column.name in layout.fields:
        return f"field_{layout.fields.index(column.name)}"
    return "NULL::VARCHAR"


def _json_cell(key: str | None) -> str:
    if key is None:
        return "NULL::VARCHAR"
    pointer = "/" + key.replace("~", "~0").replace("/", "~1")
    return f"json_extract_string(item, {_literal(pointer)})"


def _shared_missing(contract: Contract) -> tuple[str, ...]:
    """The tokens that every column reads as missing; the reader itself takes them out."""
    first, *others = (column.missing_values for column in contract.columns)
    return tuple(token for token in first if all(token in tokens for tokens in others))


def _missing(column: Column, cell: str, taken_out: tuple[str, ...] = ()) -> str:
    tokens = [token for token in ("", *column.missing_values) if token not in taken_out]
    if not tokens:
        return cell
    return f"CASE WHEN {cell} NOT IN ({', '.join(_literal(token) for token in tokens)}) THEN {cell} END"


def _value(column: Column, index: int) -> str:
    text = f"text_{index}"
    match column.logical_type:
        case LogicalType.STRING:
            return f"trim({text})" if column.role == "identifier" else text
        case LogicalType.INTEGER:
            plain, number, digits = _plain_number(column, text), f"number_{index}", f"digits_{index}"
            # The cast rounds 12.5 and reads 0x1F, so only what it would write itself passes without a second
            # look.
            return (
                f"CASE WHEN {digits} = {plain} THEN {number}"
                f" WHEN regexp_full_match({plain}, '\\s*[+-]?[0-9]+(\\.0*)?\\s*') THEN {number} END"
            )
        case LogicalType.NUMBER:
            return f"TRY_CAST({_plain_number(column, text)} AS DOUBLE)"
        case LogicalType.BOOLEAN:
            word = f"lower(trim({text}))"
            true, false = (", ".join(map(_literal, words)) for words in (TRUE_WORDS, FALSE_WORDS))
            return f"CASE WHEN {word} IN ({true}) THEN true WHEN {word} IN ({false}) THEN false END"
        case LogicalType.DATE | LogicalType.TIMESTAMP:
            kind = column.logical_type.upper()
            # Without an offset a time is taken as UTC; the plain TIMESTAMP would take one with an offset as
            # UTC too. It is the faster one, so it reads what can have none.
            zoned = (
                f"CASE WHEN {text} LIKE '____-__-__T__:__:__' THEN TRY_CAST({text} AS TIMESTAMP)"
                f" ELSE timezone('UTC', TRY_CAST({text} AS TIMESTAMPTZ)) END"
            )
            iso = zoned if column.logical_type is LogicalType.TIMESTAMP else f"TRY_CAST({text} AS DATE)"
            return f"coalesce({iso}{_other_formats(column, text, kind)})" if column.date_formats else iso


def _other_formats(column: Column, text: str, kind: str) -> str:
    formats = ", ".join(_literal(form) for form in column.date_formats)
    return f", try_strptime(trim({text}), [{formats}])::{kind}"


def _plain_number(column: Column, text: str) -> str:
    plain = text
    if column.thousands_separator:
        plain = f"replace({plain}, {_literal(column.thousands_separator)}, '')"
    if column.decimal_separator != ".":
        plain = f"replace({plain}, {_literal(column.decimal_separator)}, '.')"
    return plain


def _written(column: Column, index: int) -> tuple[str, ...]:
    """SQL of the cell as COPY's CSV has it: ``concat`` drops a NULL, which leaves COPY's own sign for it."""
    text, value = f"text_{index}", f"value_{index}"
    if column.hashed:
        return (f"{hash_function(index)}(lower(trim({text})))",)
    match column.logical_type:
        case LogicalType.STRING:
            if _plain(column):
                return (value,)
            if column.required:  # where it is NULL the line is not used
                return ("'\"'", _escaped(value), "'\"'")
            return (_quoted(value),)
        case LogicalType.NUMBER:
            # The text, not the float: numeric keeps every digit. PostgreSQL minds no white space around it;
            # in quotes a line break among that does not end the line.
            plain = _plain_number(column, text)
            if column.required:
                return ("'\"'", plain, "'\"'")
            return (f"""'"' || {plain} || '"'""",)
        case LogicalType.TIMESTAMP:
            return (f"{value}::VARCHAR || '+00'",)
        case LogicalType.INTEGER:
            return (f"digits_{index}",)
        case _:
            return (f"{value}::VARCHAR",)


def _plain(column: Column) -> bool:
    """Whether what passes never holds a character that CSV quotes."""
    if column.valid_values:
        return not any(set(word) & {'"', "\r", "\n", *COPY_DELIMITERS} for word in column.valid_values)
    return column.pattern is not None and _PLAIN_PATTERN.fullmatch(column.pattern) is not None


def _quoted(text: str) -> str:
    return f"""'"' || {_escaped(text)} || '"'"""


def _escaped(text: str) -> str:
    return f"""replace({text}, '"', '""')"""


def hash_function(index: int) -> str:
    """The engine's name for the function that hashes the column of this index."""
    return f"keyed_hash_{index}"


def _passes(column: Column, index: int) -> Iterator[str]:
    """SQL conditions that are all true where the cell passes."""
    text, value = f"text_{index}", f"value_{index}"
    rules = {rule.name: rule.kept for rule in _rules(column, value)}
    if column.minimum is not None and column.maximum is not None:
        rules["minimum"] = f"{value} BETWEEN {_bound(column.minimum)} AND {_bound(column.maximum)}"
        del rules["maximum"]
    elif possible := _possible(column, value):
        rules["possible"] = possible
    conditions = [*rules.values(), *_well_read(column, text, value)]
    if not column.required:
        if conditions or column.logical_type is not LogicalType.STRING:
            yield f"({text} IS NULL OR ({' AND '.join(conditions or [f'{value} IS NOT NULL'])}))"
    else:
        yield from conditions or [f"{value} IS NOT NULL"]


def _of_the_cell(column: Column, index: int) -> Iterator[_Finding]:
    text, value = f"text_{index}", f"value_{index}"
    if column.required:
        yield _Finding(column.name, "required", f"{text} IS NULL", "the value is missing")
    subject, shown = ("the value", "''") if column.personal else ("", text)
    possible = " AND ".join([*filter(None, [_possible(column, value)]), *_well_read(column, text, value)])
    if column.logical_type is not LogicalType.STRING:
        unread = f"({value} IS NULL{f' OR NOT ({possible})' if possible else ''})"
        what = f"{subject} is not {_TYPE_NAMES[column.logical_type]}"
        yield _Finding(column.name, "type", f"{text} IS NOT NULL AND {unread}", what, shown)
    for rule in _rules(column, value):
        broken = f"{possible} AND {rule.broken}" if possible else rule.broken
        yield _Finding(column.name, rule.name, broken, subject + rule.message, shown)


def _possible(column: Column, value: str) -> str:
    """SQL that is false for what the engine reads as a value and nobody means: infinity, not a number."""
    match column.logical_type:
        case LogicalType.NUMBER:
            return f"isfinite({value})"
        case LogicalType.DATE:
            return f"{value} BETWEEN DATE '0001-01-01' AND DATE '9999-12-30'"
        case LogicalType.TIMESTAMP:
            return f"{value} BETWEEN TIMESTAMP '0001-01-01' AND TIMESTAMP '9999-12-30'"
        case _:
            return ""


def _well_read(column: Column, text: str, value: str) -> Iterator[str]:
    """SQL that is false for what the engine reads as a value, and PostgreSQL or a person does not."""
    match column.logical_type:
        case LogicalType.NUMBER:
            yield f"strlen({text}) <= {LONGEST_NUMBER}"
            yield f"({value} <> 0 OR NOT regexp_matches({text}, '[eE][+-]?[0-9]{{4}}'))"
        case LogicalType.DATE | LogicalType.TIMESTAMP:
            kind = column.logical_type.upper()
            yield f"({value} <> {kind} '1970-01-01' OR NOT contains(lower({text}), 'epoch'))"


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
    if column.role == "identifier":
        longest = min(longest or LONGEST_IDENTIFIER, LONGEST_IDENTIFIER)
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
                # Bytes are known without counting; characters are counted only where there could be too many.
                f"(strlen({value}) > {longest} AND length({value}) > {longest})",
                f"(strlen({value}) <= {longest} OR length({value}) <= {longest})",
                f" is longer than {longest} characters",
            )
        if column.pattern is not None:
            yield _Rule(
                "pattern",
                f"NOT regexp_full_match({value}, {_literal(column.pattern)})",
                f"regexp_full_match({value}, {_literal(column.pattern)})",
                f" does not match the pattern {column.pattern}",
            )
    if column.valid_values is not None:
        words = ", ".join(_literal(word) for word in column.valid_values)
        few = ", ".join(column.valid_values[:8]) + (", ..." if len(column.valid_values) > 8 else "")
        kind = "" if column.logical_type is LogicalType.STRING else "::VARCHAR"
        # Not IN (...): the engine plans a join for each long list, which costs several times the look-up.
        known = f"TRY_CAST({value}{kind} AS ENUM ({words}))"
        unknown = f"({value} IS NOT NULL AND {known} IS NULL)"
        yield _Rule("validValues", unknown, f"{known} IS NOT NULL", f" is not one of {few}")


def _bound(bound: Bound) -> str:
    match bound:
        case Decimal():
            # Negative bounds stand in brackets: two hyphens begin a comment.
            return f"({bound:f})"
        case datetime():
            moment = bound.astimezone(UTC).replace(tzinfo=None) if bound.tzinfo else bound
            return f"TIMESTAMP '{moment.isoformat(sep=' ')}'"
        case date():
            return f"DATE '{bound.isoformat()}'"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _json_text(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
