"""What people pick instead: raw COPY, pandas with COPY, awswrangler. Each loads into a table of its own."""

import hashlib
import hmac
import io
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import awswrangler
import pandas as pd
import pg8000  # type: ignore[import-untyped]

from benchmarks.book import COLUMNS, BookFile
from benchmarks.database import Bench
from benchmarks.worker import PERSONAL_DATA_KEY
from claimwatch.domain.contract import Column, Contract, LogicalType

PANDAS_ROWS = 100_000
"""Rows that the pandas loader reads at a time, so that its memory has a bound too."""

OVERFLOW = ["overflow_1", "overflow_2", "overflow_3", "overflow_4"]
"""Columns that only rows with too many fields have."""

WRANGLER_CHUNK = 1_800
"""Rows of one INSERT: nearly the 65,535 parameters that PostgreSQL takes; awswrangler's default is 200."""


def raw_copy(bench: Bench, clean: Path) -> int:
    """COPY of a clean file, nothing looked at: the least that loading can cost."""
    with bench.connected() as connection, connection.cursor() as cursor, clean.open("rb") as file:
        cursor.copy_expert("COPY peers.raw_copy FROM STDIN (FORMAT csv, HEADER)", file, size=1 << 18)
        connection.commit()
        return cursor.rowcount


def pandas_copy(bench: Bench, book: BookFile) -> int:
    """read_csv, the contract's checks column by column, COPY of the good rows and of the quarantine."""
    loaded = 0
    with bench.connected() as connection, connection.cursor() as cursor:
        for frame in _frames(book.path):
            refused = broken_rules(frame, bench.contract)
            bad = refused.any(axis=1)
            good = frame.loc[~bad, list(COLUMNS)]
            _copy(good_values(good, bench.contract), f"peers.pandas ({', '.join(COLUMNS)})", cursor)
            _copy(_quarantined(frame[bad], refused[bad]), "peers.quarantine", cursor)
            loaded += len(good)
        connection.commit()
    return loaded


def wrangler_frame(bench: Bench, book: BookFile, rows: int) -> pd.DataFrame:
    """Checked rows with the types that awswrangler writes; making it is not on its clock."""
    frame = next(_frames(book.path))
    good = frame.loc[~broken_rules(frame, bench.contract).any(axis=1), list(COLUMNS)].head(rows)
    typed = good_values(good, bench.contract)
    for column in bench.contract.columns:
        match column.logical_type:
            case LogicalType.INTEGER:
                typed[column.name] = typed[column.name].astype("Int64")
            case LogicalType.NUMBER:
                typed[column.name] = pd.to_numeric(typed[column.name])
            case LogicalType.BOOLEAN:
                typed[column.name] = typed[column.name].map({"true": True, "false": False}).astype("boolean")
            case LogicalType.DATE:
                typed[column.name] = pd.to_datetime(typed[column.name]).dt.date
            case LogicalType.TIMESTAMP:
                typed[column.name] = pd.to_datetime(typed[column.name], utc=True)
    return typed


def wrangler_to_sql(bench: Bench, frame: pd.DataFrame) -> int:
    """awswrangler's to_sql over pg8000, rows in multi-row INSERTs, in one transaction."""
    url = urlsplit(bench.url)
    with closing(
        pg8000.connect(
            user=url.username or "",
            password=url.password,
            host=url.hostname or "",
            port=url.port or 5432,
            database=url.path.lstrip("/"),
        )
    ) as connection:
        awswrangler.postgresql.to_sql(
            df=frame,
            con=connection,
            table="awswrangler",
            schema="peers",
            mode="append",
            use_column_names=True,
            chunksize=WRANGLER_CHUNK,
        )
    return len(frame)


def broken_rules(frame: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """One column of booleans for each column of the contract: whether the cell breaks a rule."""
    rules = {column.name: _breaks(frame[column.name], column) for column in contract.columns}
    return pd.DataFrame(rules) | frame[OVERFLOW].notna().any(axis=1).to_numpy()[:, None]


def good_values(frame: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """The frame with keyed hashes in the place of personal data."""
    frame = frame.copy()
    for column in contract.columns:
        if column.hashed:
            frame[column.name] = frame[column.name].map(_keyed_hash, na_action="ignore")
    return frame


def _frames(path: Path) -> Iterator[pd.DataFrame]:
    yield from pd.read_csv(
        path,
        names=[*COLUMNS, *OVERFLOW],
        skiprows=1,
        dtype=str,
        keep_default_na=False,
        na_values=["", "?", "NA", "N/A"],
        index_col=False,
        chunksize=PANDAS_ROWS,
        encoding_errors="replace",
    )


def _breaks(cells: pd.Series, column: Column) -> pd.Series:
    present = cells.notna()
    match column.logical_type:
        case LogicalType.INTEGER | LogicalType.NUMBER:
            values = pd.to_numeric(cells, errors="coerce")
            broken = present & values.isna()
            if column.logical_type is LogicalType.INTEGER:
                broken |= present & (values % 1 != 0)
            broken |= _outside(values, column, float)
        case LogicalType.DATE:
            values = pd.to_datetime(cells, format="%Y-%m-%d", errors="coerce")
            broken = (present & values.isna()) | _outside(values, column, pd.Timestamp)
        case LogicalType.TIMESTAMP:
            values = pd.to_datetime(cells, format="ISO8601", errors="coerce", utc=True)
            broken = (present & values.isna()) | _outside(values, column, pd.Timestamp)
        case LogicalType.BOOLEAN:
            broken = present & ~cells.isin(["true", "false"])
        case LogicalType.STRING:
            broken = pd.Series(data=False, index=cells.index)
            if column.valid_values is not None:
                broken |= present & ~cells.isin(column.valid_values)
            if column.pattern is not None:
                broken |= present & ~cells.str.fullmatch(column.pattern).fillna(value=False).astype(bool)
            if column.max_length is not None:
                broken |= cells.str.len() > column.max_length
    if column.required:
        broken |= ~present
    return broken


def _outside(values: pd.Series, column: Column, kind: type) -> pd.Series:
    outside = pd.Series(data=False, index=values.index)
    if column.minimum is not None:
        outside |= values < kind(column.minimum)
    if column.maximum is not None:
        outside |= values > kind(column.maximum)
    if column.exclusive_minimum is not None:
        outside |= values <= kind(column.exclusive_minimum)
    if column.exclusive_maximum is not None:
        outside |= values >= kind(column.exclusive_maximum)
    return outside


def _keyed_hash(value: str) -> str:
    return hmac.digest(PERSONAL_DATA_KEY, value.strip().lower().encode(), hashlib.sha256).hex()[:32]


def _quarantined(rows: pd.DataFrame, refused: pd.DataFrame) -> pd.DataFrame:
    names = refused.columns.to_numpy()
    return pd.DataFrame(
        {
            "row_number": rows.index + 1,
            "raw": rows.to_csv(header=False, index=False, lineterminator="\0").split("\0")[: len(rows)],
            "reasons": [json.dumps(names[broken].tolist()) for broken in refused.to_numpy()],
        }
    )


def _copy(frame: pd.DataFrame, target: str, cursor: object) -> None:
    buffer = io.StringIO()
    frame.to_csv(buffer, header=False, index=False)
    buffer.seek(0)
    cursor.copy_expert(f"COPY {target} FROM STDIN (FORMAT csv)", buffer)  # type: ignore[attr-defined]
