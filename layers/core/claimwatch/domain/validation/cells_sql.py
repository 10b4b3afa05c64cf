"""The cells of a file of records as text, in SQL: of a CSV file or of JSON objects, one record per line."""

import json
from collections.abc import Callable

from claimwatch.domain.contract.contract import NUMERIC, Column, Contract, ExtraValues, LogicalType
from claimwatch.domain.files.layout import Layout
from claimwatch.domain.files.records import MAX_RECORD
from claimwatch.domain.files.stream_files import ROUTING_KEY
from claimwatch.domain.validation import identity_sql
from claimwatch.domain.validation.sql_text import literal

LINE_LIMIT = MAX_RECORD + 4096
"""Size limit of a line for DuckDB's reader: a record may grow a little when it is rewritten."""

EXTRA_OF_TEXT, EXTRA_OF_OBJECT = "extra_of_text", "extra_of_object"
"""Names of the DuckDB functions that hash the values of columns that the contract does not have: one cell of
the column with this name, and all members of a JSON object."""

_READER = f"parallel = false, max_line_size = {LINE_LIMIT}, buffer_size = {2 * LINE_LIMIT}"
"""Options of DuckDB's reader: its default buffer of 32 MiB does not fit the processor's caches."""

_RECORDS = f"""
    read_csv($path, header = false, auto_detect = false, columns = {{'record': 'VARCHAR'}},
             delim = '\x1f', quote = '', escape = '', new_line = '\\n', {_READER})
"""

_ITEMS = f"""
    SELECT place,
           CASE WHEN starts_with(document, '{{') OR json_type(document) = 'OBJECT' THEN document END AS item
    FROM (SELECT row_number() OVER () - 1 AS place, CASE WHEN json_valid(record) THEN record END AS document
          FROM {_RECORDS})
"""
"""The records of an NDJSON file: ``place`` from 0, and ``item``, the object, or NULL if it is not one.

Each step reads only what the previous step let through: the JSON functions fail on invalid JSON.
"""

_VALID_ITEMS = f"""
    SELECT row_number() OVER () - 1 AS place,
           CASE WHEN starts_with(record, '{{') OR json_type(record) = 'OBJECT' THEN record END AS item
    FROM {_RECORDS}
"""
"""The same for a file of valid JSON: each function that is called parses the record again."""

KEY_LISTS = f"SELECT DISTINCT json_keys(item) FROM ({_ITEMS}) WHERE item IS NOT NULL"
"""The lists of keys that the objects of an NDJSON file have; the parameter ``path`` is the file's path."""

KEY_LISTS_OF_VALID = f"SELECT DISTINCT json_keys(record) FROM {_RECORDS}"
"""The same for a file of valid JSON; it fails on any other. What is no object has no keys."""


def cells_as_text(layout: Layout) -> str:
    """Return SQL of the cells as text: ``place`` from 0, ``text_<n>`` for each column, ``extra`` as JSON."""
    contract = layout.contract
    if layout.delimiter is None:
        cells = ", ".join(
            f"{_missing(column, _json_cell(layout, column))} AS text_{index}"
            for index, column in enumerate(contract.columns)
        )
        # One function reads all keys: each call would parse the object again.
        pointers = ", ".join(literal(pointer_of(key)) for _, key in layout.keys)
        found = (
            identity_sql.exact_cells(f"json_extract_string(item, [{pointers}])")
            if pointers
            else "NULL::VARCHAR[]"
        )
        others = "NULL::VARCHAR"
        if layout.other_keys or layout.misspelt:
            known = [key for _, key in layout.keys] + [ROUTING_KEY] * (layout.routed is not None)
            removal = literal(json.dumps(dict.fromkeys(known), ensure_ascii=False))
            others = identity_sql.exact_json(f"nullif(json_merge_patch(item, {removal})::VARCHAR, '{{}}')")
        return f"""
            SELECT place, item, {cells}, extra
            FROM (SELECT place, item, marked, {found} AS found, {others} AS extra
                  FROM ({identity_sql.with_exact_numbers(_VALID_ITEMS if layout.all_valid else _ITEMS)}))
        """
    shared = tuple(dict.fromkeys(["", *_shared_missing(contract, layout.delimiter)]))
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
        pairs = ", ".join(f"{literal(name)}, {_extra_cell(contract, name, cell)}" for name, cell in extra)
        cells_of_extra = ", ".join(cell for _, cell in extra)
        extra_json = (
            f"CASE WHEN coalesce({cells_of_extra}, NULL) IS NOT NULL THEN json_object({pairs})::VARCHAR END"
        )
    return f"""
        SELECT row_number() OVER () - 1 AS place, {cells}, {extra_json} AS extra
        FROM read_csv($path, header = false, auto_detect = false, columns = {{{names}}},
                      delim = {literal(layout.delimiter)}, quote = '"', escape = '"', new_line = '\\n',
                      nullstr = [{", ".join(literal(token) for token in shared)}],
                      {_READER})
    """


def _extra_cell(contract: Contract, name: str, cell: str) -> str:
    return f"{EXTRA_OF_TEXT}({literal(name)}, {cell})" if contract.extra is ExtraValues.HASH else cell


def _csv_cell(layout: Layout, column: Column) -> str:
    if column.name not in layout.fields:
        return "NULL::VARCHAR"
    cell = f"field_{layout.fields.index(column.name)}"
    return identity_sql.double_cell(layout, column, cell) if column.name in layout.doubles else cell


def _json_cell(layout: Layout, column: Column) -> str:
    places = {key: place for place, (_, key) in enumerate(layout.keys, 1)}
    return first_of(layout, column, lambda key: _found_cell(layout, column, places[key]))


def first_of(layout: Layout, column: Column, cell: Callable[[str], str]) -> str:
    """Return SQL of the cell of the first key of a column that an object has."""
    cells = [cell(key) for name, key in layout.keys if name == column.name]
    if not cells:
        return "NULL::VARCHAR"
    return f"coalesce({', '.join(cells)})" if len(cells) > 1 else cells[0]


def _found_cell(layout: Layout, column: Column, place: int) -> str:
    """Return SQL of the text of a member; numbers of JSON have a point, whatever the contract says."""
    cell, pointer = f"found[{place}]", literal(pointer_of(layout.keys[place - 1][1]))
    if column.logical_type is LogicalType.STRING:
        return identity_sql.text_member(layout, column, cell, pointer)
    number = identity_sql.unmarked(cell)
    if column.logical_type not in NUMERIC or column.decimal_separator == ".":
        return f"CASE WHEN marked THEN {number} ELSE {cell} END"
    is_text = f"json_type(item, {pointer}) = 'VARCHAR' AND NOT {identity_sql.is_marked(cell)}"
    return f"CASE WHEN {is_text} THEN {cell} ELSE replace({number}, '.', ',') END"


def pointer_of(key: str) -> str:
    """Return the JSON pointer of a member."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _shared_missing(contract: Contract, delimiter: str) -> tuple[str, ...]:
    """Return the tokens that mean "missing" in every column and that DuckDB's CSV reader can replace.

    It cannot if a token contains a character of the format.
    """
    first, *others = (column.missing_values for column in contract.columns)
    plain = (token for token in first if not set(token) & {delimiter, '"', "\r", "\n"})
    return tuple(token for token in plain if all(token in tokens for tokens in others))


def _missing(column: Column, cell: str, replaced: tuple[str, ...] = ()) -> str:
    tokens = [token for token in ("", *column.missing_values) if token not in replaced]
    if not tokens:
        return cell
    return f"CASE WHEN {cell} NOT IN ({', '.join(literal(token) for token in tokens)}) THEN {cell} END"
