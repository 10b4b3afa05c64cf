"""Claims on their way from PostgreSQL to the model: CSV in, typed columns out.

They go through DuckDB, so that Python sees no cell of them but what the model needs as an object.
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
"""What a column is read as, by the kind of feature that is made of it."""

_THROUGH = {"flag": "BOOLEAN"}
"""How PostgreSQL writes a value, where that is not what it becomes."""


_BUFFER = 1 << 16
"""Bytes that are written at a time: a pipe holds as many, and psycopg2 hands over each line by itself."""


_LONGEST_LINE = 2 * MAX_RECORD + (1 << 16)
"""Bytes: every one of a record may be a quote, which is doubled. The engine fills a buffer before it reads
a byte of it, so that a large one would have it wait for all of a chunk."""

_OPEN_FILES = "/proc/self/fd" if Path("/proc/self/fd").is_dir() else "/dev/fd"
"""Where a file that is open has a name; a function's machine has no /dev/fd, a Mac nothing else."""


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """Kept warm between chunks. One thread, as everywhere: a function has one CPU."""
    engine = duckdb.connect(
        config={"threads": 1, "memory_limit": "600MB", "autoinstall_known_extensions": False}
    )
    engine.execute("SET enable_progress_bar = false")  # it is written to stdout, into the logs
    # It has the reader of CSV make the values, which then fails where TRY_CAST gives NULL.
    engine.execute("SET disabled_optimizers = 'type_pushdown'")
    return engine


def read_claims(
    write: Callable[[IO[bytes]], None], kinds: Mapping[str, str]
) -> tuple[Column, dict[str, Column]]:
    """Claim ids, and the columns as ``domain.features`` takes them, of the CSV that ``write`` writes.

    It is read through a pipe while it is written: PostgreSQL and this process work at the same time, and no
    claim lies on a disk. ``kinds`` are the columns in their order, behind the claim id, each with the kind of
    feature that it is read for. A value that does not become one of that kind counts as missing. Raises
    ``EngineFault`` where the CSV is none.
    """
    source, sink = os.pipe()
    with open(source, "rb", buffering=0) as rest, ThreadPoolExecutor(1) as hands:
        reading = hands.submit(_read_to_the_end, rest, kinds)
        with open(sink, "wb", _BUFFER) as text:
            write(text)
        return reading.result()


def _read_to_the_end(pipe: IO[bytes], kinds: Mapping[str, str]) -> tuple[Column, dict[str, Column]]:
    try:
        return _read(f"{_OPEN_FILES}/{pipe.fileno()}", kinds)
    finally:
        while pipe.read(_BUFFER):  # what the engine left, should it have failed: COPY has to come to its end
            pass


def _read(csv: str, kinds: Mapping[str, str]) -> tuple[Column, dict[str, Column]]:
    names = [f"c{number}" for number in range(len(kinds))]
    fields = ", ".join(f"'{name}': 'VARCHAR'" for name in ("claim_id", *names))
    wanted = "".join(
        f", {_cast(name, kind)} AS {name}" for name, kind in zip(names, kinds.values(), strict=True)
    )
    query = (
        f"SELECT claim_id{wanted} FROM read_csv(?, columns = {{{fields}}}, header = false,"
        " auto_detect = false, delim = ',', quote = '\"', escape = '\"', nullstr = '',"
        f" allow_quoted_nulls = false, parallel = false, max_line_size = {_LONGEST_LINE},"
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
    """Missing values as the kind has them: nan, NaT or None."""
    if not isinstance(values, np.ma.MaskedArray):
        return values
    missing: Any = {"DOUBLE": np.nan, "VARCHAR": None, "TIMESTAMP": np.datetime64("NaT", "us")}[
        SQL_TYPES[kind]
    ]
    data = values.data
    data[np.ma.getmaskarray(values)] = missing
    return data
