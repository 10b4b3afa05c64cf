"""A chunk's claims between PostgreSQL and the model: typed columns in, lines for COPY out.

Both go through DuckDB, so that Python sees no cell of them but what the model needs as an object.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Block:
    """Claims with their scores, an entry for each."""

    claim_ids: Column
    probability: npt.NDArray[np.float64]
    percentile: npt.NDArray[np.float64]
    referred: npt.NDArray[np.bool_]
    audited: npt.NDArray[np.bool_]

    def of(self, rows: npt.NDArray[np.bool_]) -> "Block":
        """Some of them."""
        return Block(*(values[rows] for values in vars(self).values()))

    def lines(self, reasons: Sequence[str] | None = None) -> bytes:
        """As ``scores.add`` takes them; ``reasons`` are JSON, one for each claim."""
        engine = _engine().cursor()
        told = np.full(len(self.claim_ids), None) if reasons is None else np.array(reasons, dtype=object)
        engine.register("scored", vars(self) | {"reasons": told})
        with tempfile.TemporaryDirectory(prefix="claimwatch-") as folder:
            csv = Path(folder, "scores.csv")
            engine.execute(f"COPY scored TO '{str(csv).replace("'", "''")}' (FORMAT csv, HEADER false)")
            return csv.read_bytes()


class Lines:
    """A file of blocks of lines, each made when it is read.

    What making one raises is kept in ``failed``: psycopg2 replaces it by an error of its own.
    """

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._held = memoryview(b"")
        self.failed: Exception | None = None

    def read(self, size: int) -> bytes:
        """The next bytes, at most so many; none at the end."""
        try:
            while not self._held:
                self._held = memoryview(next(self._blocks))
        except StopIteration:
            return b""
        except Exception as error:
            self.failed = error
            raise
        part, self._held = self._held[:size], self._held[size:]
        return bytes(part)
