"""Converts a Parquet file to CSV: dates in ISO format, numbers as the contract writes them, lists as JSON."""

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb

from claimwatch.domain.contract.contract import folded_name
from claimwatch.domain.files.header import quoted_name
from claimwatch.duckdb_access import restrict_access
from claimwatch.errors import RefusedFile

MEMORY_LIMIT = "128MB"

_LINES = 2048
"""Number of lines in memory at a time: DuckDB produces as many at once."""

_DAMAGED = "the Parquet file is damaged: {}; write it again"
_ISO = "%Y-%m-%dT%H:%M:%S.%f"
_EXACT_BELOW = {"DOUBLE": 2**53, "FLOAT": 2**24}
"""The limits below which a whole number in a type of floating-point numbers was not rounded."""
_UNQUOTED = re.compile(
    r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DOUBLE|FLOAT|BOOLEAN|DATE|(DECIMAL|TIME).*(?<!\])"
)


class ParquetTable:
    """A Parquet file.

    Raises ``RefusedFile`` if it cannot be read; no message contains a value of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._engine = duckdb.connect(
            config={
                "threads": 1,
                "memory_limit": MEMORY_LIMIT,
                "temp_directory": str(path.parent),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        self._engine.execute("SET TimeZone = 'UTC'")
        self._engine.execute("SET enable_progress_bar = false")  # it would be printed into the logs
        self._engine.execute(
            "SET disable_parquet_prefetching = true"
        )  # otherwise whole row groups are in memory
        restrict_access(self._engine, path.parent)
        # Some writers do not declare which of their byte columns are text.
        self._table = f"read_parquet({_literal(str(path))}, binary_as_string = true)"
        try:
            described = self._engine.execute(f"DESCRIBE SELECT * FROM {self._table}").fetchall()
        except duckdb.Error as error:
            raise RefusedFile(_DAMAGED.format("its table of contents cannot be read")) from error
        self._columns = {name: kind for name, kind, *_ in described}
        self.header = tuple(
            name.replace("\0", "\ufffd").strip() or f"column_{place}"
            for place, name in enumerate(self._names(), 1)
        )

    @property
    def doubles(self) -> tuple[int, ...]:
        """The places of the columns of floating-point numbers.

        In these, a whole number is written without a point if it was not rounded.
        """
        return tuple(place for place, kind in enumerate(self._columns.values()) if kind in _EXACT_BELOW)

    def _names(self) -> list[str]:
        """Return the names as they are written: DuckDB changes one that differs from another only by case."""
        query = "SELECT name, coalesce(num_children, 0) FROM parquet_schema(?)"
        try:
            (_, *columns) = self._engine.execute(query, [str(self._path)]).fetchall()
        except duckdb.Error as error:
            raise RefusedFile(_DAMAGED.format("its table of contents cannot be read")) from error
        names: list[str] = []
        inner = 0  # parts of the last column that are still to come
        for name, parts in columns:
            if not inner:
                names.append(name)
            inner += parts - (1 if inner else 0)
        return names if len(names) == len(self._columns) else list(self._columns)

    def lines(self, decimal_commas: Collection[str] = ()) -> Iterator[bytes]:
        """Yield the rows as CSV, some whole lines at a time.

        ``decimal_commas`` names columns whose numbers the contract reads with a decimal comma.

        Rows are fetched on demand. COPY to a pipe would buffer everything that a slow reader has not read.
        """
        with_comma = set(map(folded_name, decimal_commas))
        cells = [
            _cell_as_csv(name, kind, decimal_comma=_is_fractional(kind) and folded_name(name) in with_comma)
            for name, kind in self._columns.items()
        ]
        if len(cells) == 1:  # otherwise a missing value would be a blank line, which is not a row
            cells = [f"coalesce(nullif({cells[0]}, ''), '\"\"')"]
        query = f"SELECT concat({", ',', ".join(cells)}, chr(10)) FROM {self._table}"
        try:
            result = self._engine.execute(query)
            while rows := result.fetchmany(_LINES):
                yield "".join([line for (line,) in rows]).encode()
        except duckdb.OutOfMemoryException as error:
            raise RefusedFile("a page of the Parquet file is too large; write smaller ones") from error
        except duckdb.Error as error:
            raise RefusedFile(self._why_unreadable(error)) from error

    def _why_unreadable(self, error: duckdb.Error) -> str:
        if "not valid UTF" not in str(error) and "string encoding" not in str(error):
            return _DAMAGED.format("its pages cannot be read")
        query = """
            SELECT name FROM parquet_schema(?)
            WHERE type IN ('BYTE_ARRAY', 'FIXED_LEN_BYTE_ARRAY')
              AND converted_type IS NULL AND logical_type IS NULL
        """
        try:
            not_called_text = self._engine.execute(query, [str(self._path)]).fetchall()
        except duckdb.Error:  # the names are not valid UTF-8 either
            not_called_text = []
        if not_called_text:
            name = quoted_name(not_called_text[0][0])
            return f"the column {name} of the Parquet file holds binary data; leave it out"
        return _DAMAGED.format("a text in it is not valid UTF-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._engine.close()


def _is_fractional(kind: str) -> bool:
    return kind in _EXACT_BELOW or re.fullmatch(r"DECIMAL\(\d+,\d+\)", kind) is not None


def _cell_as_csv(name: str, kind: str, *, decimal_comma: bool = False) -> str:
    """Return SQL of a column as the cells of a CSV file."""
    text = _cell_as_text('"' + name.replace('"', '""') + '"', kind)
    if decimal_comma:
        return f"""'"' || replace({text}, '.', ',') || '"'"""
    if _UNQUOTED.fullmatch(kind):
        return text
    quoted = f"""'"' || replace({text}, '"', '""') || '"'"""
    return f"""CASE WHEN regexp_matches({text}, '[",\\r\\n]') THEN {quoted} ELSE {text} END"""


def _cell_as_text(column: str, kind: str) -> str:
    if kind.endswith(("]", ")")) and not kind.startswith(("DECIMAL", "ENUM")):
        return f"to_json({column})::VARCHAR"
    if kind in _EXACT_BELOW:  # whole numbers with missing values are often stored as these
        whole = f"{column} = trunc({column}) AND abs({column})"
        digits = f"{column}::BIGINT::VARCHAR"
        return (
            f"CASE WHEN {whole} < {_EXACT_BELOW[kind]} THEN {digits}"
            f" WHEN {whole} < 1e15 THEN {digits} || '.0' ELSE {column}::VARCHAR END"
        )
    if kind.startswith("DECIMAL") and not kind.endswith(",0)"):
        whole = f"trunc({column})"
        return (
            f"CASE WHEN {column} = {whole} THEN {whole}::DECIMAL(38, 0)::VARCHAR ELSE {column}::VARCHAR END"
        )
    if kind in {"TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"}:
        return f"replace(strftime({column}::TIMESTAMPTZ, '{_ISO}'), '.000000', '') || 'Z'"
    if kind.startswith("TIMESTAMP"):
        return f"replace(strftime({column}::TIMESTAMP, '{_ISO}'), '.000000', '')"
    return f"{column}::VARCHAR"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
