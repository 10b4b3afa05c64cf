"""Validates every cell of a batch of records: produces lines for COPY, and refused records with reasons."""

import atexit
import gc
import json
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import numpy as np
import numpy.typing as npt
from duckdb.func import SPECIAL

from claimwatch.domain.contract.contract import Column, LogicalType
from claimwatch.domain.contract.date_parts import read_date
from claimwatch.domain.files.header import column_finder, objects_layout
from claimwatch.domain.files.header_rows import HeaderRows
from claimwatch.domain.files.layout import Layout
from claimwatch.domain.files.records import Batch, Problem
from claimwatch.domain.validation.cells_sql import (
    EXTRA_OF_OBJECT,
    EXTRA_OF_TEXT,
    KEY_LISTS,
    KEY_LISTS_OF_VALID,
)
from claimwatch.domain.validation.claim_ids import claim_id_hashes
from claimwatch.domain.validation.extra_values import ExtraHashes
from claimwatch.domain.validation.identity_sql import FUNCTIONS
from claimwatch.domain.validation.keyed_hash import (
    DIGITS,
    REMEMBERED,
    KeyedHashes,
    canonical_number,
    canonical_text,
)
from claimwatch.domain.validation.row_rules_sql import KEY_OF_COLUMN, RuleQueries, rule_queries
from claimwatch.domain.validation.values_sql import date_function, hash_function, made_of_parts
from claimwatch.duckdb_access import restrict_access
from claimwatch.duckdb_errors import redact_duckdb_errors
from claimwatch.storage.quarantine import RefusedRow

BLOCK = 27 << 20
"""Bytes that are validated at a time: usually a whole chunk, and far less than a worker's memory.

They are those of the records, or of the lines for COPY where these may be much longer.
"""

MOST_RECORDS = 1 << 18
"""Records after which no more blocks are taken; a block of 1 MiB holds at most 524,288 of two bytes.

A record takes up to 250 bytes of memory besides its text.
"""

SHORT_RECORD, MOST_EXPLAINED = 256, 1_000
"""Bytes of refused records whose repetitions are explained only once, and how many: 0.5 MB."""

MOST_HASHES = 1 << 18
"""Hashes of personal values that a validator caches for all its columns: up to 100 MB."""

MOST_DATES = 1 << 14
"""Dates made of parts that a validator caches for a column: claims of 40 years have fewer."""

MEMORY_LIMIT = "1GB"
"""Limit of a DuckDB instance; a worker has 1.7 GB.

A chunk of the sample data needs far less. DuckDB allocates 32 KiB for each expression, however few the
records are: a table with 1,500 columns needs between 250 and 800 MB, depending on their types.
"""


_HASHED_VALUE = DIGITS + 16
"""Bytes that a hash instead of a short value adds to a line, with quotes."""

_MADE_DATE = len("2026-03-14,")
"""Bytes that a date made of parts adds to a line."""

_AT_ONCE = 2048
"""Rows that are fetched from DuckDB at a time: it computes as many at once."""

type Indexes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ValidationResult:
    """The outcome of validating ``read`` records.

    ``copy_text`` holds the ``loaded`` records, those that pass, as lines for COPY. ``claim_hashes`` has a
    64-bit hash of the claim id of each loaded record. ``refused`` yields the other records with their
    reasons; it must be exhausted before the next call of ``check``, because the records are explained while
    they are read. ``extra`` has the names of columns that the contract does not have.
    """

    read: int
    copy_text: bytes
    loaded: int
    claim_hashes: npt.NDArray[np.uint64]
    refused: Iterator[RefusedRow]
    extra: tuple[str, ...]


@dataclass(frozen=True)
class _Queries:
    """The queries of a layout, parsed once, because they are long."""

    layout: Layout
    rules: RuleQueries
    accept: duckdb.Statement
    explain: duckdb.Statement


class Validator:
    """Validates records of one layout, in a DuckDB instance of its own.

    ``personal_data_key`` is the key of the hashes that are stored instead of personal data. No accepted
    record becomes a Python object: DuckDB reads records from one file and writes lines for COPY to another.
    """

    def __init__(self, layout: Layout, personal_data_key: bytes) -> None:
        self.layout, self.personal_data_key = layout, personal_data_key
        self._growth = _growth(layout)
        self._headers = HeaderRows(layout) if layout.delimiter is not None else None
        self._required = sum(column.required for column in layout.contract.columns)
        self._folder = tempfile.TemporaryDirectory(prefix="claimwatch-")
        self._records, self._lines = (Path(self._folder.name) / name for name in ("records", "lines"))
        self._engine = duckdb.connect(
            config={
                "threads": 1,
                "memory_limit": MEMORY_LIMIT,
                "temp_directory": self._folder.name,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        self._engine.execute("SET TimeZone = 'UTC'")
        self._engine.execute("SET enable_progress_bar = false")  # it would be printed into the logs
        # It turns every IN (...) into a join, which takes longer to plan than the values to compare.
        self._engine.execute("SET disabled_optimizers = 'in_clause'")
        restrict_access(self._engine, self._folder.name)
        self._queries = self._make_queries(layout)
        has_column = partial(_has_key_of_column, column_finder(layout.contract))
        self._engine.create_function(KEY_OF_COLUMN, has_column, ["VARCHAR"], "BOOLEAN")
        for name, function in FUNCTIONS.items():  # these may return NULL
            self._engine.create_function(name, function, ["VARCHAR"], "VARCHAR", null_handling=SPECIAL)
        extra = ExtraHashes(personal_data_key)
        self._engine.create_function(EXTRA_OF_TEXT, extra.of_text, ["VARCHAR", "VARCHAR"], "VARCHAR")
        self._engine.create_function(EXTRA_OF_OBJECT, extra.of_object, ["VARCHAR"], "VARCHAR")
        for index in made_of_parts(layout):
            parts = tuple(part for part, _ in layout.contract.columns[index].date_parts)
            read = lru_cache(MOST_DATES)(partial(read_date, parts))
            self._engine.create_function(date_function(index), read, ["VARCHAR"], "VARCHAR")
        hashed = [index for index, column in enumerate(layout.contract.columns) if column.hashed]
        for index in hashed:  # a cache for each column, because other columns repeat other values
            column = layout.contract.columns[index]
            hashes = KeyedHashes(
                personal_data_key,
                column.hash_group,
                canonical_number if column.logical_type is LogicalType.NUMBER else canonical_text,
                min(REMEMBERED, MOST_HASHES // len(hashed)),
            )
            self._engine.create_function(hash_function(index), hashes.__getitem__, ["VARCHAR"], "VARCHAR")

    def _make_queries(self, layout: Layout) -> _Queries:
        rules = rule_queries(layout)
        accept, explain = self._engine.extract_statements(
            f"CREATE TEMP TABLE validated AS {rules.accept}; {rules.explain}"
        )
        return _Queries(layout, rules, accept, explain)

    def check(self, batches: Iterable[Batch], first_row: int) -> ValidationResult:
        """Validate the records of these batches, or of as many batches as memory allows at a time.

        ``first_row`` is the row number of the first record. Raises ``EngineFault`` if DuckDB fails.
        """
        taken = self._take(batches)
        read = sum(map(len, taken))
        if not read:
            return ValidationResult(0, b"", 0, claim_id_hashes(b""), iter(()), ())
        try:
            with redact_duckdb_errors(f"check {read} records"):
                loaded, ids, places, extra = self._accepted(taken, first_row)
                copy_text = self._lines.read_bytes() if loaded else b""
        finally:  # the instance may stay open for a long time; claims must not
            self._records.unlink(missing_ok=True)
            self._lines.unlink(missing_ok=True)
        if loaded + len(places) != read:
            raise AssertionError(f"{read} records were cut; {loaded} were loaded and {len(places)} refused")
        refused = self._refused(taken, places, first_row) if len(places) else iter(())
        return ValidationResult(read, copy_text, loaded, claim_id_hashes(ids), refused, extra)

    def _take(self, batches: Iterable[Batch]) -> list[Batch]:
        """Take as many batches as may be validated at a time."""
        taken: list[Batch] = []
        records = size = 0
        for batch in map(self._headers.mark, batches) if self._headers else batches:
            taken.append(batch)
            records += len(batch)
            size += len(batch.data) + self._growth * (len(batch) - len(batch.broken))
            if self.layout.delimiter is None:  # each member beyond the required ones may be an extra column
                members = batch.data.count(b":") - self._required * len(batch)
                size += _HASHED_VALUE * max(0, members)
            if records >= MOST_RECORDS or size >= BLOCK:
                break
        return taken

    def _accepted(self, batches: list[Batch], first_row: int) -> tuple[int, bytes, Indexes, tuple[str, ...]]:
        """Write the lines for COPY.

        Return their number, the claim ids, the indexes of the refused records, and the names of columns that
        the contract does not have.
        """
        readable = _readable(batches)
        if not len(readable):
            return 0, b"", np.arange(sum(map(len, batches))), ()
        # Usually DuckDB gets every record, and an empty one instead of each unreadable one, so that the
        # position of a record is its index. If most are unreadable, it gets the others only: a file of two
        # bytes per row would make it read hundreds of empty cells for each of them.
        sparse = 2 * len(readable) < sum(map(len, batches))
        with self._records.open("wb") as records:
            for batch in batches:
                records.writelines(_readable_records(batch) if sparse else (batch.text(),))
        layout = self._layout_of_records(batches)
        execute = self._engine.execute
        execute(self._queries.accept, {"path": str(self._records), "first_row": 0 if sparse else first_row})
        try:
            if sparse:
                loaded = self._write_lines(first_row + readable)
            else:
                # Without a quote character DuckDB writes each line as it is.
                [(loaded,)] = execute(
                    f"COPY (SELECT line FROM validated WHERE accepted) TO '{self._lines}'"
                    " (FORMAT csv, HEADER false, QUOTE '')"
                ).fetchall()
            [(ids,)] = execute(
                "SELECT encode(string_agg(claim_id || chr(0), '')) FROM validated WHERE accepted"
            ).fetchall()
            refused = execute("SELECT place FROM validated WHERE NOT accepted ORDER BY place").fetchall()
        finally:
            execute("DROP TABLE validated")
        places = np.array([place for (place,) in refused], np.int64)
        if sparse:
            unreadable = np.ones(sum(map(len, batches)), np.bool_)
            unreadable[readable] = False
            places = np.union1d(np.flatnonzero(unreadable), readable[places])
        return loaded, ids or b"", places, layout.extra

    def _layout_of_records(self, batches: list[Batch]) -> Layout:
        """Return the layout of the records in the file, and use the queries for it.

        Objects may have other keys than those at the beginning of their file.
        """
        if self.layout.delimiter is not None:
            return self.layout
        try:
            layout, all_valid = self._objects_layout(KEY_LISTS_OF_VALID), True
        except (duckdb.InvalidInputException, UnicodeDecodeError):  # it may quote half of a character
            layout, all_valid = self._objects_layout(KEY_LISTS), False
        # The names of other keys make no difference to the queries.
        queried = replace(
            layout,
            other_keys=layout.other_keys and ("any",),
            has_nan=any(b"NaN" in batch.data for batch in batches),
            all_valid=all_valid,
        )
        if queried != self._queries.layout:
            self._queries = self._make_queries(queried)
        return layout

    def _objects_layout(self, key_lists: str) -> Layout:
        found = self._engine.execute(key_lists, {"path": str(self._records)})
        lists = iter(partial(found.fetchmany, _AT_ONCE), [])
        keys_of_objects = (keys for some in lists for (keys,) in some)
        return objects_layout(self.layout.contract, keys_of_objects, self.layout.routed)

    def _write_lines(self, numbers: Indexes) -> int:
        """Write the lines for COPY, which begin with a record's position, with its row number instead."""
        found = self._engine.execute("SELECT place, line FROM validated WHERE accepted")
        loaded = 0
        with self._lines.open("w", encoding="utf-8", newline="") as lines:
            while some := found.fetchmany(_AT_ONCE):
                loaded += len(some)
                lines.writelines(f"{numbers[place]},{line.partition(',')[2]}\n" for place, line in some)
        return loaded

    def _refused(self, batches: list[Batch], places: Indexes, first_row: int) -> Iterator[RefusedRow]:
        """Yield the refused records with their reasons; ``places`` are their indexes in these batches."""
        try:
            with redact_duckdb_errors(f"explain {len(places)} records"):
                findings = self._findings(batches, places)
                explained: dict[bytes, tuple[Problem, ...]] = {}
                for place, batch, index in _located(batches, places):
                    if index in batch.broken:
                        problems: tuple[Problem, ...] = (batch.broken[index],)
                    elif (record := batch.record(index)) in explained:
                        problems = explained[record]
                    else:
                        problems = self._queries.rules.problems(*next(findings))
                        if _may_repeat(record, explained):
                            explained[record] = problems
                    yield RefusedRow(first_row + place, batch.raw(index), problems)
        finally:
            self._records.unlink(missing_ok=True)

    def _findings(self, batches: list[Batch], places: Indexes) -> Iterator[tuple[list[str], int]]:
        """Yield the findings of each of these records that is readable, and their number.

        Repetitions of short records, such as blank rows, are left out.
        """
        written = 0
        known: set[bytes] = set()
        with self._records.open("wb") as records:
            for _, batch, index in _located(batches, places):
                if index not in batch.broken and (record := batch.record(index)) not in known:
                    written += records.write(record + b"\n")
                    if _may_repeat(record, known):
                        known.add(record)
        if not written:
            return
        found = self._engine.execute(self._queries.explain, {"path": str(self._records)})
        while some := found.fetchmany(_AT_ONCE):
            yield from some

    def close(self) -> None:
        """Release the memory and the files of the DuckDB instance."""
        self._engine.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _has_key_of_column(column_of: Callable[[str], Column | None], json_object: str) -> bool:
    try:
        return any(map(column_of, json.loads(json_object)))
    except (ValueError, RecursionError):
        return True  # nobody can tell, so the record is refused


def _growth(layout: Layout) -> int:
    """Return by how many bytes a record may grow, at most, when it becomes a line for COPY.

    The name of an extra column is repeated in every line, and a value may become a hash.
    """
    hashed = sum(column.hashed for column in layout.contract.columns)
    names = sum(2 * len(name.encode()) + _HASHED_VALUE for name in layout.extra)
    return hashed * (DIGITS + 1) + names + _MADE_DATE * len(made_of_parts(layout))


def _may_repeat(record: bytes, known: Collection[bytes]) -> bool:
    """Return whether the explanation of a record is kept for its repetitions."""
    return len(record) <= SHORT_RECORD and len(known) < MOST_EXPLAINED


def _readable(batches: list[Batch]) -> Indexes:
    """Return the indexes of the readable records, counted through all batches."""
    readable = np.ones(sum(map(len, batches)), np.bool_)
    first = 0
    for batch in batches:
        readable[first + np.fromiter(batch.broken, np.int64, len(batch.broken))] = False
        first += len(batch)
    return np.flatnonzero(readable)


def _readable_records(batch: Batch) -> Iterator[bytes]:
    """Yield the readable records of a batch, each followed by one newline."""
    for index in range(len(batch)):
        if index not in batch.broken:
            yield batch.record(index) + b"\n"


def _located(batches: list[Batch], places: Indexes) -> Iterator[tuple[int, Batch, int]]:
    """Yield each of the places, in ascending order, with its batch and its index in the batch."""
    first = 0
    for batch in batches:
        begin, end = np.searchsorted(places, (first, first + len(batch)))
        for place in places[begin:end].tolist():
            yield place, batch, place - first
        first += len(batch)


_warm: list[Validator] = []
"""At most one validator, which is not in use."""


@contextmanager
def cached_validator(layout: Layout, personal_data_key: bytes) -> Iterator[Validator]:
    """Provide a validator for exclusive use, and keep it for the next chunk of the same layout.

    Creating a validator takes as long as validating 5,000 rows. After an error it is not used again.
    """
    validator = _warm.pop() if _warm else None
    if validator is None or (validator.layout, validator.personal_data_key) != (layout, personal_data_key):
        _close(validator)
        validator = Validator(layout, personal_data_key)
        _freeze_gc()
    try:
        yield validator
    except BaseException:
        _close(validator)
        raise
    _close(_warm.pop() if _warm else None)
    _warm.append(validator)


@cache
def _freeze_gc() -> None:
    """Exclude all present objects from garbage collection, so that it does not scan them for every chunk.

    This is done once: frozen objects are never collected, and later validators may be closed.
    """
    gc.freeze()


def _close(validator: Validator | None) -> None:
    if validator is not None:
        validator.close()


@atexit.register
def _close_cached() -> None:
    while _warm:
        _warm.pop().close()
    gc.unfreeze()  # DuckDB prints a list of its objects that are not collected at the end
