"""Writes a week's claims to one file, block by block, with a manifest of its exact content."""

import gzip
import hashlib
import importlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from samples.book import Book, BookConfig
from samples.columns import Column
from samples.contract import motor_fields
from samples.dirt import BREAKS_THE_CONTRACT, Damager, Dirt, damaged_numbers
from samples.draws import Integers, Unsigned
from samples.layout import CsvLayout, Layout, Records, Shape, lay_out, layout_of
from samples.manifest import Kind, Manifest

type Writer = Callable[[bytes], object]

CSV = Shape()
CLEAN = Dirt()
BLOCK_ROWS = 8_192
"""Small enough for the processor caches: larger blocks were slower."""
_PARQUET_ROWS = 65_536
_MAX_DISTANCE = 1_000
"""Greatest distance, in claims, between a duplicate and its original."""


@dataclass(frozen=True)
class Corrections:
    """A share of an earlier week's claims, corrected at the end of a file."""

    of_week: int
    share: float


def write_claims(
    path: str | Path,
    rows: int,
    seed: int = 7,
    bad_share: float = 0.0,
    *,
    shape: Shape = CSV,
    kinds: tuple[Kind, ...] = BREAKS_THE_CONTRACT,
) -> Manifest:
    """Stream claims to a file: round(bad_share * rows) bad rows; all other rows satisfy the contract."""
    book = Book(BookConfig(seed=seed, claims_per_week=rows))
    return write_week(path, book, week=0, shape=shape, dirt=Dirt(bad_share, kinds))


def write_week(
    path: str | Path,
    book: Book,
    week: int,
    *,
    shape: Shape = CSV,
    dirt: Dirt = CLEAN,
    duplicate_share: float = 0.0,
    corrections: Corrections | None = None,
    block_rows: int = BLOCK_ROWS,
) -> Manifest:
    """Write the claims of one week. The bytes do not depend on `block_rows`.

    Raises ValueError for damage that the shape cannot hold.
    """
    dirt.check(shape)
    path = Path(path)
    names = [field.name for field in motor_fields()]
    layout = layout_of(shape, names)
    manifest = Manifest(path.name, names)
    damager = Damager(book.config.seed, week, dirt, layout)
    rows_at_once = _PARQUET_ROWS if shape.format == "parquet" else block_rows
    with _opened(path, shape, layout) as write:
        for segment in _segments(book, week, dirt, duplicate_share, rows_at_once):
            columns = _in_order(book.claims(week, segment.numbers).columns)
            records = lay_out(columns, layout, len(segment.numbers))
            write(_with_damage(records, segment, damager, columns, manifest))
            for row, of_row in segment.duplicates:
                manifest.add_duplicate(row, of_row)
            manifest.rows += len(segment.numbers)
        if corrections:
            for numbers in _corrected(book, corrections, rows_at_once):
                columns = _in_order(book.claims(corrections.of_week, numbers, corrected=True).columns)
                write(lay_out(columns, layout, len(numbers)).text())
                manifest.corrected_rows += range(manifest.rows + 1, manifest.rows + len(numbers) + 1)
                manifest.rows += len(numbers)
    return _with_checksum(manifest, path)


def write_table(path: Path, names: list[str], blocks: Iterable[Mapping[str, Column]]) -> Manifest:
    """Write blocks of columns as plain CSV."""
    layout = CsvLayout(CSV, names)
    manifest = Manifest(path.name, names)
    with _opened(path, CSV, layout) as write:
        for block in blocks:
            rows = len(block[names[0]].missing)
            write(lay_out([block[name] for name in names], layout, rows).text())
            manifest.rows += rows
    return _with_checksum(manifest, path)


@dataclass(frozen=True)
class _Segment:
    """Consecutive claims of a file, including duplicates."""

    first_row: int
    """Row of the first claim in the file, counted from 1."""
    numbers: Unsigned
    damaged: list[tuple[int, int]]
    """(row in the segment, interval of the week that determines the damage)"""
    duplicates: list[tuple[int, int]]
    """(row of the duplicate, row of the original)"""


def _segments(
    book: Book, week: int, dirt: Dirt, duplicate_share: float, block_rows: int
) -> Iterator[_Segment]:
    """Yield the week's claims in order, some followed by a duplicate of an earlier clean claim."""
    seed, claims = book.config.seed, book.config.claims_per_week
    first_row = 1
    recent_rows = np.empty(0, dtype=np.int64)  # rows of the last claims, at most _MAX_DISTANCE
    for numbers in book.blocks(week, block_rows):
        first, stop = int(numbers[0]), int(numbers[-1]) + 1
        known_from = first - len(recent_rows)
        damaged, intervals = damaged_numbers(seed, week, known_from, stop, claims, dirt)

        draws = book.claim_draws(week, numbers)
        original = numbers.astype(np.int64) - 1 - draws.below("how far back", _MAX_DISTANCE)
        copied = draws.chance("copied", duplicate_share) & (original >= 0) & ~np.isin(original, damaged)

        counts = 1 + copied.astype(np.int64)
        ends = np.cumsum(counts)
        rows = first_row + ends - counts
        sequence = np.repeat(numbers, counts)
        sequence[ends[copied] - 1] = original[copied].astype(np.uint64)
        all_rows = np.concatenate([recent_rows, rows])
        current = damaged >= first
        yield _Segment(
            first_row,
            sequence,
            damaged=_pairs(rows[damaged[current].astype(np.int64) - first] - first_row, intervals[current]),
            duplicates=_pairs(rows[copied] + 1, all_rows[original[copied] - known_from]),
        )
        first_row += len(sequence)
        recent_rows = all_rows[-_MAX_DISTANCE:]


def _corrected(book: Book, corrections: Corrections, block_rows: int) -> Iterator[Unsigned]:
    for numbers in book.blocks(corrections.of_week, block_rows):
        draws = book.claim_draws(corrections.of_week, numbers)
        chosen = numbers[draws.chance("corrected later", corrections.share)]
        if len(chosen):
            yield chosen


def _with_damage(
    records: Records, segment: _Segment, damager: Damager, columns: list[Column], manifest: Manifest
) -> bytes:
    text = records.text()
    if not segment.damaged:
        return text
    ends = [0, *records.ends()]
    pieces = []
    clean_from = 0
    for row, interval in segment.damaged:
        record = damager.damage(records, row, interval, columns)
        manifest.add_damage(segment.first_row + row, record.kind, record.column)
        pieces += [text[clean_from : ends[row]], record.text]
        clean_from = ends[row + 1]
    return b"".join([*pieces, text[clean_from:]])


def _in_order(columns: Mapping[str, Column]) -> list[Column]:
    return [columns[field.name] for field in motor_fields()]


def _pairs(left: Integers, right: Integers | Unsigned) -> list[tuple[int, int]]:
    return list(zip(left.tolist(), right.tolist(), strict=True))


@contextmanager
def _opened(path: Path, shape: Shape, layout: Layout) -> Iterator[Writer]:
    path.parent.mkdir(parents=True, exist_ok=True)
    if shape.format == "parquet":
        with _parquet(path, layout) as write:
            yield write
        return
    with path.open("wb") as raw:
        # Without name and time in the gzip header, the same claims give the same bytes.
        packed = gzip.GzipFile("", "wb", compresslevel=4, fileobj=raw, mtime=0) if shape.gzip else raw
        packed.write(shape.preamble + shape.encoded(layout.header))
        yield lambda text: packed.write(shape.encoded(text))
        packed.close()


@contextmanager
def _parquet(path: Path, layout: Layout) -> Iterator[Writer]:
    """Open a Parquet file; blocks are converted from CSV, so that both formats agree. Needs pyarrow."""
    arrow, csv, parquet = (
        importlib.import_module(name) for name in ("pyarrow", "pyarrow.csv", "pyarrow.parquet")
    )
    types: dict[str, Any] = {
        "string": arrow.string(),
        "integer": arrow.int64(),
        "number": arrow.float64(),
        "boolean": arrow.bool_(),
        "date": arrow.date32(),
        "timestamp": arrow.timestamp("ms"),
    }
    schema = arrow.schema([(field.name, types[field.type]) for field in motor_fields()])
    options = csv.ConvertOptions(
        column_types=schema, strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""]
    )
    parsing = csv.ParseOptions(newlines_in_values=True)
    with parquet.ParquetWriter(path, schema) as writer:
        yield lambda text: writer.write_table(
            csv.read_csv(io.BytesIO(layout.header + text), convert_options=options, parse_options=parsing)
        )


def _with_checksum(manifest: Manifest, path: Path) -> Manifest:
    with path.open("rb") as written:
        manifest.sha256 = hashlib.file_digest(written, "sha256").hexdigest()
    manifest.bytes = path.stat().st_size
    return manifest
