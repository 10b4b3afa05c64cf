"""A chunk's claims on their way from PostgreSQL to the model: CSV in, typed columns out.

They go through DuckDB, so that Python sees no cell of them but what the model needs as an object.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

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


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """Kept warm between chunks. One thread, as everywhere: a function has one CPU."""
    engine = duckdb.connect(
        config={"threads": 1, "memory_limit": "600MB", "autoinstall_known_extensions": False}
    )
    engine.execute("SET enable_progress_bar = false")  # it is written to stdout, into the logs
    return engine


def read_claims(csv: Path, kinds: Mapping[str, str]) -> tuple[Column, dict[str, Column]]:
    """Claim ids, and the columns as ``domain.features`` takes them, of what ``scores.copy_claims`` wrote.

    ``kinds`` are the columns in their order, each with the kind of feature that it is read for. A value that
    does not become one of that kind counts as missing.
    """
    names = [f"c{number}" for number in range(len(kinds))]
    fields = ", ".join(f"'{name}': 'VARCHAR'" for name in ("claim_id", *names))
    wanted = "".join(
        f", {_cast(name, kind)} AS {name}" for name, kind in zip(names, kinds.values(), strict=True)
    )
    found = (
        _engine()
        .cursor()
        .execute(
            f"SELECT claim_id{wanted} FROM read_csv(?, columns = {{{fields}}}, header = false,"
            " auto_detect = false, delim = ',', quote = '\"', escape = '\"', nullstr = '',"
            " allow_quoted_nulls = false, max_line_size = 16777216)",
            [str(csv)],
        )
        .fetchnumpy()
    )
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
