"""Claims from PostgreSQL as typed columns for a model: CSV in, arrays out.

DuckDB reads the CSV, so that a cell becomes a Python object only if the model needs it as one.
"""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import IO, Any

import duckdb
import numpy as np
import numpy.typing as npt

from claimwatch.domain.files.records import MAX_RECORD
from claimwatch.duckdb_access import restrict_access
from claimwatch.duckdb_errors import redact_duckdb_errors

type Column = npt.NDArray[Any]

SQL_TYPES = {
    "number": "DOUBLE",
    "flag": "DOUBLE",
    "category": "VARCHAR",
    "days": "TIMESTAMP",
    "hour": "TIMESTAMP",
    "weekday": "TIMESTAMP",
}
"""The type that a column is read as, by the kind of feature made from it."""

_THROUGH = {"flag": "BOOLEAN"}
"""The type in which PostgreSQL writes a value, where it differs from the type that is read."""

_BUFFER = 1 << 16
"""Bytes written at a time: the capacity of a pipe. psycopg2 hands over one line at a time."""

_LONGEST_LINE = 2 * MAX_RECORD + (1 << 16)
"""Bytes: every byte of a record may be a quote, and quotes are doubled. DuckDB fills its buffer before it
parses any of it, so a larger buffer would make it wait for the whole chunk."""

_OPEN_FILES = "/proc/self/fd" if Path("/proc/self/fd").is_dir() else "/dev/fd"
"""The folder in which open files have names: Lambda has no /dev/fd, and macOS has only that."""


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """Return a connection that is kept between chunks, with one thread: a function has one CPU."""
    engine = duckdb.connect(
        config={"threads": 1, "memory_limit": "600MB", "autoinstall_known_extensions": False}
    )
    engine.execute("SET enable_progress_bar = false")  # it would be written to the logs
    # This optimizer moves casts into the CSV reader, which then fails where TRY_CAST returns NULL.
    engine.execute("SET disabled_optimizers = 'type_pushdown'")
    restrict_access(engine, _OPEN_FILES)
    return engine


def read_claims(
    write: Callable[[IO[bytes]], None], kinds: Mapping[str, str]
) -> tuple[Column, dict[str, Column]]:
    """Return claim ids and columns, as ``domain.model.features`` expects them, of the CSV from ``write``.

    The CSV is read through a pipe while it is written: PostgreSQL and this process work at the same time, and
    no claim is written to disk. ``kinds`` names the columns that follow the claim id, in their order, each
    with the kind of feature made from it. A value that cannot be converted to that kind counts as missing.
    Raises ``EngineFault`` if the CSV is malformed.
    """
    source, sink = os.pipe()
    with open(source, "rb", buffering=0) as pipe, ThreadPoolExecutor(1) as thread:
        reading = thread.submit(_read_to_the_end, pipe, kinds)
        with open(sink, "wb", _BUFFER) as text:
            write(text)
        return reading.result()


def _read_to_the_end(pipe: IO[bytes], kinds: Mapping[str, str]) -> tuple[Column, dict[str, Column]]:
    try:
        return _read(f"{_OPEN_FILES}/{pipe.fileno()}", kinds)
    finally:
        while pipe.read(_BUFFER):  # drain what DuckDB left after an error, so that COPY can end
            pass


def _read(csv: str, kinds: Mapping[str, str]) -> tuple[Column, dict[str, Column]]:
    names = [f"c{number}" for number in range(len(kinds))]
    fields = ", ".join(f"'{name}': 'VARCHAR'" for name in ("claim_id", *names))
    casts = "".join(
        f", {_cast(name, kind)} AS {name}" for name, kind in zip(names, kinds.values(), strict=True)
    )
    query = (
        f"SELECT claim_id{casts} FROM read_csv(?, columns = {{{fields}}}, header = false,"
        " auto_detect = false, delim = ',', quote = '\"', escape = '\"', nullstr = '',"
        f" allow_quoted_nulls = false, new_line = '\\n', parallel = false, max_line_size = {_LONGEST_LINE},"
        f" buffer_size = {_LONGEST_LINE + 1})"
    )
    with redact_duckdb_errors("read claims that PostgreSQL wrote"):
        found = _engine().cursor().execute(query, [csv]).fetchnumpy()
    columns = {
        column: _filled(np.asanyarray(found[name]), kind)
        for name, (column, kind) in zip(names, kinds.items(), strict=True)
    }
    return np.asarray(found["claim_id"], dtype=object), columns


def _cast(name: str, kind: str) -> str:
    through = f"TRY_CAST({name} AS {_THROUGH[kind]})" if kind in _THROUGH else name
    return f"TRY_CAST({through} AS {SQL_TYPES[kind]})"


def _filled(values: Column, kind: str) -> Column:
    """Replace masked values by the kind's missing value: nan, NaT or None."""
    if not isinstance(values, np.ma.MaskedArray):
        return values
    missing: Any = {"DOUBLE": np.nan, "VARCHAR": None, "TIMESTAMP": np.datetime64("NaT", "us")}[
        SQL_TYPES[kind]
    ]
    data = values.data
    data[np.ma.getmaskarray(values)] = missing
    return data
