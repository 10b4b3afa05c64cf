"""What people would use instead: raw COPY of a clean file, pandas, and AWS's own library for pandas."""

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
"""Bytes; psycopg2's own 8 KiB are a few per cent slower."""

PANDAS_ROWS = 100_000
"""Rows of a chunk: whole files of a million would take several gigabytes."""

MOST_EXTRA_FIELDS = 3
WRANGLER_ROWS = 20_000
WRANGLER_MOST = 1_800
"""Rows of one INSERT, nearly as many as PostgreSQL takes (65,535 values); awswrangler's own choice is 200."""


def raw_copy(bench: Bench, book: BookFile) -> float:
    """Seconds of COPYing the good rows, unchecked, over one connection."""
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
    """Seconds of reading, checking, hashing and COPYing with pandas, bad rows to a quarantine of its own.

    And how many bad rows it takes for good ones.
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
    # Its reader fills up a row that is cut off: where the last cells may be empty, it looks like a good one.
    assert all(book.bad[row] is Kind.TOO_SHORT for row in missed), "pandas missed bad rows"
    assert bench.count("peers.pandas") == book.good + len(missed)
    return seconds, len(missed)


def chunks_of(path: Path, contract: Contract) -> Iterator[pd.DataFrame]:
    """A file as text, chunk by chunk; the index is the number of the row, from 1."""
    names = [column.name for column in contract.columns]
    reader = pd.read_csv(
        path,
        dtype=str,
        header=None,
        skiprows=1,
        # More names than columns: else the reader stops at the first row that is too long.
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
    """The reasons of each row that is refused, by its number."""
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
    """awswrangler's to_sql, given rows that are checked and typed already; of fewer rows, as a rate.

    ``options`` are those that it is called with beyond what it must know.
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
        """Seconds of to_sql."""
        place = urlsplit(self._bench.url)
        connection = pg8000.connect(
            user=unquote(place.username or ""),
            password=unquote(place.password or ""),
            host=place.hostname or "",
            port=place.port or 0,
            database=place.path.lstrip("/"),
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
    """The column as somebody has it who works with pandas."""
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
