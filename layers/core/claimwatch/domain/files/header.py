"""Matching of a file's columns to the columns of its contract."""

import difflib
from collections.abc import Callable, Iterable, Sequence

from claimwatch.domain.contract.column_names import (
    LONGEST_KEY,
    MOST_REMEMBERED,
    MOST_SPELLINGS,
    column_names,
)
from claimwatch.domain.contract.contract import MAX_NAME, OUTCOME_TABLE, Column, Contract, folded_name
from claimwatch.domain.contract.type_inference import is_value
from claimwatch.domain.files.layout import Layout
from claimwatch.domain.files.stream_files import ROUTING_KEY
from claimwatch.errors import RefusedFile
from claimwatch.invisible import show_invisible, without_invisible

MOST_OTHER_KEYS = 100
"""Keys that mean no column and are reported; the values of all of them are stored."""

MOST_FIELDS = 1600
"""Maximum number of columns of a file; a table of PostgreSQL has no more. DuckDB takes 32 KiB for each."""

MOST_HINTS = 10
"""Missing columns for which a similar name is looked for: it takes time, and nobody reads more."""


def shown_name(name: str) -> str:
    """Return a column's name in a file as it is stored: on one line, printable and not too long.

    A name may be anything that a sender wrote, and it reaches tables, notifications and terminals. Names that
    differ in invisible characters only are stored as one.
    """
    visible = " ".join(without_invisible(name).split())
    return _shortened("".join(letter if letter.isprintable() else "\ufffd" for letter in visible))


def quoted_name(name: str) -> str:
    """Return a column's name in a file as a message quotes it, with its invisible characters in sight."""
    return f"'{_shortened(show_invisible(name))}'"


def _shortened(line: str) -> str:
    return line if len(line) <= MAX_NAME else f"{line[: MAX_NAME - 1]}\u2026"


def refuse_too_wide(header: Sequence[str]) -> None:
    """Raise ``RefusedFile`` if a file has more columns than can be loaded."""
    if len(header) > MOST_FIELDS:
        raise RefusedFile(
            f"the header has {len(header):,} columns; the maximum is {MOST_FIELDS:,}: leave out those that "
            "the contract does not need"
        )


def csv_layout(
    contract: Contract, header: Sequence[str], delimiter: str, doubles: Sequence[int] = ()
) -> Layout:
    """Return the layout of a CSV file with this header.

    The columns may be in any order; unknown columns are kept as extra. ``doubles`` are the places of columns
    of floating-point numbers. Raises ``RefusedFile`` if a required
    column is missing or a column is duplicated.
    """
    known = column_names(contract)
    fields: dict[str, None] = {}  # ordered, and fast to look up
    extra = _ExtraNames(contract)
    for position, name in enumerate(header, start=1):
        column = known.get(folded_name(name))
        if column is not None and column in fields:
            first = header[list(fields).index(column)]
            raise RefusedFile(
                f"the header has column '{column}' twice, as {quoted_name(first)} and as "
                f"{quoted_name(name)}: send it once"
            )
        fields[column or extra.unused(shown_name(name) or f"column_{position}")] = None
    _refuse_missing(contract, set(fields), header)
    names = tuple(fields)
    of_contract = tuple(names[place] for place in doubles if contract.column(names[place]) is not None)
    return Layout(contract, fields=names, delimiter=delimiter, doubles=of_contract)


def ndjson_layout(contract: Contract, keys: Sequence[str], routed: str | None = None) -> Layout:
    """Return the layout of an NDJSON file whose first objects have these keys.

    ``routed`` is the line to which the stream routed the objects. Raises ``RefusedFile`` if none of them
    means a required column.
    """
    layout = objects_layout(contract, ([key] for key in keys), routed)
    _refuse_missing(contract, {column for column, _ in layout.keys}, keys)
    return layout


def objects_layout(
    contract: Contract, key_lists: Iterable[Iterable[str]], routed: str | None = None
) -> Layout:
    """Return the layout of JSON objects from the lists of their keys, which may repeat a key.

    Every key that means a column is found, whichever object has it first. Memory is bounded: the rest are
    counted among ``other_keys`` or as ``misspelt``.
    """
    known = column_names(contract)
    meanings: dict[str, str | None] = {}
    spellings: dict[str, list[str]] = {}
    others: dict[str, None] = {}
    doubled: set[str] = set()
    misspelt = False
    for keys in key_lists:
        met: set[str] = set()
        for key in keys:
            column = meanings[key] if key in meanings else known.get(folded_name(key))
            if key not in meanings and len(meanings) < MOST_REMEMBERED and len(key) <= LONGEST_KEY:
                meanings[key] = column
            if column is None:
                if len(others) < MOST_OTHER_KEYS and (routed is None or key != ROUTING_KEY):
                    others[shown_name(key) or "(no name)"] = None
                continue
            if column in met:
                doubled.add(column)
            met.add(column)
            spelt = spellings.setdefault(column, [])
            if key not in spelt:
                if len(spelt) < MOST_SPELLINGS and len(key) <= LONGEST_KEY:
                    spelt.append(key)
                else:
                    misspelt = True
    pairs = sorted((column, key) for column, spelt in spellings.items() for key in spelt)
    return Layout(
        contract,
        keys=tuple(pairs),
        other_keys=tuple(others),
        doubled=tuple(sorted(doubled)),
        misspelt=misspelt,
        routed=routed,
    )


def column_finder(contract: Contract) -> Callable[[str], Column | None]:
    """Return a function that returns the column of the contract that a name in a file means, or None."""
    known = column_names(contract)

    def find(name: str) -> Column | None:
        column = known.get(folded_name(name))
        return None if column is None else contract.column(column)

    return find


class _ExtraNames:
    """The names of extra columns: each differs from those before it and from the contract's columns."""

    def __init__(self, contract: Contract) -> None:
        self._taken = {column.name for column in contract.columns}
        self._next: dict[str, int] = {}

    def unused(self, base: str) -> str:
        """Return the name, with the lowest number that makes it unused."""
        name = base
        while name in self._taken:
            number = self._next.get(base, 2)
            name, self._next[base] = f"{base}_{number}", number + 1
        self._taken.add(name)
        return name


def _refuse_missing(contract: Contract, found: set[str], names: Sequence[str]) -> None:
    missing = [
        name
        for column in contract.columns
        if column.required and column.name not in found
        for name in _to_be_sent(contract, column)
        if name not in found
    ]
    missing = list(dict.fromkeys(missing))
    if not missing:
        return
    known = column_names(contract)
    unknown = [shown_name(name) for name in names if folded_name(name) not in known and not is_value(name)]
    if contract.table == OUTCOME_TABLE:
        required_by, advice = "files of outcomes", "rename it"
    else:
        required_by, advice = f"contract {contract.line} {contract.version}", "add that as a synonym"
    named = []
    for number, name in enumerate(missing):
        similar = unknown[:MOST_FIELDS] if number < MOST_HINTS else []
        close = difflib.get_close_matches(name, similar, n=1, cutoff=0.7)
        named.append(f"'{name}' (is it '{close[0]}'? {advice})" if close else f"'{name}'")
    noun = "column" if len(missing) == 1 else "columns"
    raise RefusedFile(f"the file lacks the required {noun} {', '.join(named)} of {required_by}")


def _to_be_sent(contract: Contract, column: Column) -> list[str]:
    """Return the columns without which a file has no value of a column: its parts, if it is made of some."""
    parts = [source for _, source in column.date_parts if contract.column(source)]
    return parts or [column.name]
