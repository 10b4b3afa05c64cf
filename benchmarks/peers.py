"""The alternatives to Claimwatch: raw COPY of a clean file, pandas, and AWS's library for pandas."""

import csv
import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import awswrangler
import pandas as pd
import pg8000  # type: ignore[import-untyped]
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from benchmarks.book import BookFile, good_rows
from benchmarks.database import Bench
from benchmarks.pandas_checks import keyed_hashes, problems, typed
from benchmarks.worker import PERSONAL_DATA_KEY
from claimwatch.domain.contract.contract import Column, Contract, LogicalType
from samples import Kind

COPY_BUFFER = 1 << 20
"""Bytes sent at a time; psycopg2's default of 8 KiB is a few per cent slower."""

PANDAS_ROWS = 100_000
"""Rows of a chunk: a file of a million rows as a whole would take several gigabytes."""

MOST_EXTRA_FIELDS = 3
WRANGLER_ROWS = 20_000
WRANGLER_MOST = 1_800
"""Rows of one INSERT, close to PostgreSQL's limit of 65,535 values; awswrangler's default is 200."""


def raw_copy(bench: Bench, book: BookFile) -> float:
    """Copy the good rows, without checks, over one connection; return the seconds."""
    path = good_rows(book)
    columns = ", ".join(f'"{column.name}"' for column in bench.contract.columns)
    with bench.connected() as connection, connection.cursor() as cursor, path.open("rb") as file:
        begun = time.perf_counter()
        cursor.copy_expert(
            f"COPY peers.raw_copy ({columns}) FROM STDIN (FORMAT csv, HEADER)", file, COPY_BUFFER
        )
        connection.commit()
        seconds = time.perf_counter() - begun
    assert bench.count("peers.raw_copy") == book.good
    return seconds


def pandas(bench: Bench, book: BookFile) -> tuple[float, int]:
    """Read, check, hash and copy with pandas; bad rows go to a quarantine table of its own.

    Return the seconds, and the number of bad rows that were loaded as good ones.
    """
    with bench.connected() as connection, connection.cursor() as cursor:
        begun = time.perf_counter()
        for frame in chunks_of(book.path, bench.contract):
            _load_checked(cursor, frame, bench.contract)
        connection.commit()
        seconds = time.perf_counter() - begun
    refused = {row for (row,) in bench.ask("SELECT row_number FROM peers.quarantine")}
    missed = set(book.bad) - refused
    assert refused <= set(book.bad), "pandas refused good rows"
    # The reader of pandas pads a row that is too short: if its last cells may be empty, it looks valid.
    assert all(book.bad[row] is Kind.TOO_SHORT for row in missed), "pandas missed bad rows"
    assert bench.count("peers.pandas") == book.good + len(missed)
    return seconds, len(missed)


def chunks_of(path: Path, contract: Contract) -> Iterator[pd.DataFrame]:
    """Yield a file as text in chunks; the index is the row number, from 1."""
    names = [column.name for column in contract.columns]
    reader = pd.read_csv(
        path,
        dtype=str,
        header=None,
        skiprows=1,
        # More names than columns; otherwise the reader fails at the first row that is too long.
        names=[*names, *_extra_fields()],
        keep_default_na=False,
        na_values=[""],
        chunksize=PANDAS_ROWS,
    )
    with reader:
        for frame in reader:
            frame.index += 1
            yield frame


def refused(frame: pd.DataFrame, contract: Contract) -> dict[int, list[dict[str, str | None]]]:
    """Return the reasons of each refused row, by row number."""
    found: dict[int, list[dict[str, str | None]]] = {}
    too_long = frame[_extra_fields()].notna().any(axis=1)
    for column, rule, mask in [(None, "fields", too_long), *problems(frame, contract)]:
        for row in frame.index[mask]:
            found.setdefault(row, []).append({"column": column, "rule": rule})
    return found


def _extra_fields() -> list[str]:
    return [f"extra_{number}" for number in range(MOST_EXTRA_FIELDS)]


def _load_checked(cursor: Cursor, frame: pd.DataFrame, contract: Contract) -> None:
    reasons = refused(frame, contract)
    bad = frame.loc[sorted(reasons)]
    good = frame.drop(index=bad.index, columns=_extra_fields())
    for column in contract.columns:
        if column.hashed:
            good[column.name] = keyed_hashes(good[column.name], PERSONAL_DATA_KEY)
    buffer = io.StringIO()
    good.to_csv(buffer, index=False, header=False)
    buffer.seek(0)
    columns = ", ".join(f'"{name}"' for name in good.columns)
    cursor.copy_expert(f"COPY peers.pandas ({columns}) FROM STDIN (FORMAT csv)", buffer, COPY_BUFFER)

    quarantine = io.StringIO()
    writer = csv.writer(quarantine)
    for row, raw in zip(bad.index, bad.to_csv(index=False, header=False).splitlines(), strict=True):
        writer.writerow((row, raw, json.dumps(reasons[row])))
    quarantine.seek(0)
    cursor.copy_expert("COPY peers.quarantine (row_number, raw, reasons) FROM STDIN (FORMAT csv)", quarantine)


class Wrangler:
    """The function ``to_sql`` of awswrangler, for rows that have already been checked and typed.

    It loads fewer rows than the other contestants. ``options`` are its optional arguments.
    """

    def __init__(self, bench: Bench, book: BookFile, rows: int = WRANGLER_ROWS, **options: Any) -> None:
        self._bench, self._options = bench, options
        (frame,) = pd.read_csv(
            good_rows(book), dtype=str, keep_default_na=False, na_values=[""], chunksize=rows, nrows=rows
        )
        self._frame = pd.DataFrame(
            {column.name: _native(frame[column.name], column) for column in bench.contract.columns}
        )
        self.rows = len(frame)

    def run(self) -> float:
        """Run to_sql and return the seconds."""
        url = urlsplit(self._bench.url)
        connection = pg8000.connect(
            user=unquote(url.username or ""),
            password=unquote(url.password or ""),
            host=url.hostname or "",
            port=url.port or 0,
            database=url.path.lstrip("/"),
        )
        try:
            begun = time.perf_counter()
            awswrangler.postgresql.to_sql(
                self._frame,
                connection,
                table="awswrangler",
                schema="peers",
                mode="append",
                use_column_names=True,
                **self._options,
            )
            seconds = time.perf_counter() - begun
        finally:
            connection.close()
        assert self._bench.count("peers.awswrangler") == self.rows
        return seconds


def _native(text: pd.Series, column: Column) -> "pd.Series[Any]":
    """Convert a column to the type that pandas users would choose."""
    values = typed(text, column)
    match column.logical_type:
        case LogicalType.INTEGER:
            return values.astype("Int64")
        case LogicalType.BOOLEAN:
            return values.astype("boolean")
        case LogicalType.DATE:
            return pd.Series(values.dt.date, dtype=object)
        case _:
            return values
