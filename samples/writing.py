"""Writing a week's claims to one file, block by block, and telling exactly what is in it."""

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
from samples.dirt import BREAKS_THE_CONTRACT, Dirt, Spoiler, damaged_numbers
from samples.draws import Integers, Words64
from samples.layout import CsvLayout, Layout, Records, Shape, lay_out, layout_of
from samples.manifest import Kind, Manifest

type Writer = Callable[[bytes], object]

CSV = Shape()
CLEAN = Dirt()
BLOCK_ROWS = 8_192
"""Fits the caches: larger blocks were slower."""
_PARQUET_ROWS = 65_536
_REACH = 1_000
"""How many claims back a duplicate can look."""


@dataclass(frozen=True)
class Corrections:
    """A share of an earlier week's claims, sent again at the end of a file with newer facts."""

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
    """Stream so many claims to a file, round(bad_share * rows) of them bad; the others keep the contract."""
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
    """Write the claims of one week. The bytes do not depend on the block's size.

    Raises ValueError for damage that the shape cannot hold.
    """
    dirt.check(shape)
    path = Path(path)
    names = [field.name for field in motor_fields()]
    layout = layout_of(shape, names)
    manifest = Manifest(path.name, names)
    spoiler = Spoiler(book.config.seed, week, dirt, layout)
    rows_at_once = _PARQUET_ROWS if shape.format == "parquet" else block_rows
    with _opened(path, shape, layout) as write:
        for stretch in _arranged(book, week, dirt, duplicate_share, rows_at_once):
            columns = _in_order(book.claims(week, stretch.numbers).columns)
            records = lay_out(columns, layout, len(stretch.numbers))
            write(_with_damage(records, stretch, spoiler, columns, manifest))
            for row, of_row in stretch.duplicates:
                manifest.add_duplicate(row, of_row)
            manifest.rows += len(stretch.numbers)
        if corrections:
            for numbers in _corrected(book, corrections, rows_at_once):
                columns = _in_order(book.claims(corrections.of_week, numbers, corrected=True).columns)
                write(lay_out(columns, layout, len(numbers)).text())
                manifest.corrected_rows += range(manifest.rows + 1, manifest.rows + len(numbers) + 1)
                manifest.rows += len(numbers)
    return _sealed(manifest, path)


def write_table(path: Path, names: list[str], blocks: Iterable[Mapping[str, Column]]) -> Manifest:
    """Write blocks of columns as a plain CSV."""
    layout = CsvLayout(CSV, names)
    manifest = Manifest(path.name, names)
    with _opened(path, CSV, layout) as write:
        for block in blocks:
            rows = len(block[names[0]].missing)
            write(lay_out([block[name] for name in names], layout, rows).text())
            manifest.rows += rows
    return _sealed(manifest, path)


@dataclass(frozen=True)
class _Stretch:
    """Claims that follow each other in a file, copies among them."""

    first_row: int
    """Row in the file of the first one."""
    numbers: Words64
    damaged: list[tuple[int, int]]
    """(place in the stretch, the week's stretch that this damage stands for)"""
    duplicates: list[tuple[int, int]]
    """(row of the copy, row of the original)"""


def _arranged(
    book: Book, week: int, dirt: Dirt, duplicate_share: float, block_rows: int
) -> Iterator[_Stretch]:
    """The week's claims in their order, some followed by a copy of an earlier one that is sound."""
    seed, claims = book.config.seed, book.config.claims_per_week
    first_row = 1
    recent_rows = np.empty(0, dtype=np.int64)  # rows of the last claims, up to _REACH of them
    for numbers in book.blocks(week, block_rows):
        first, stop = int(numbers[0]), int(numbers[-1]) + 1
        known_from = first - len(recent_rows)
        damaged, stretches = damaged_numbers(seed, week, known_from, stop, claims, dirt)

        lane = book.claim_lane(week, numbers)
        original = numbers.astype(np.int64) - 1 - lane.below("how far back", _REACH)
        copied = lane.chance("copied", duplicate_share) & (original >= 0) & ~np.isin(original, damaged)

        counts = 1 + copied.astype(np.int64)
        ends = np.cumsum(counts)
        rows = first_row + ends - counts
        sequence = np.repeat(numbers, counts)
        sequence[ends[copied] - 1] = original[copied].astype(np.uint64)
        all_rows = np.concatenate([recent_rows, rows])
        now = damaged >= first
        yield _Stretch(
            first_row,
            sequence,
            damaged=_pairs(rows[damaged[now].astype(np.int64) - first] - first_row, stretches[now]),
            duplicates=_pairs(rows[copied] + 1, all_rows[original[copied] - known_from]),
        )
        first_row += len(sequence)
        recent_rows = all_rows[-_REACH:]


def _corrected(book: Book, corrections: Corrections, block_rows: int) -> Iterator[Words64]:
    for numbers in book.blocks(corrections.of_week, block_rows):
        lane = book.claim_lane(corrections.of_week, numbers)
        chosen = numbers[lane.chance("corrected later", corrections.share)]
        if len(chosen):
            yield chosen


def _with_damage(
    records: Records, stretch: _Stretch, spoiler: Spoiler, columns: list[Column], manifest: Manifest
) -> bytes:
    text = records.text()
    if not stretch.damaged:
        return text
    ends = [0, *records.ends()]
    pieces = []
    sound_from = 0
    for place, number in stretch.damaged:
        spoilt = spoiler.spoil(records, place, number, columns)
        manifest.add_damage(stretch.first_row + place, spoilt.kind, spoilt.column)
        pieces += [text[sound_from : ends[place]], spoilt.text]
        sound_from = ends[place + 1]
    return b"".join([*pieces, text[sound_from:]])


def _in_order(columns: Mapping[str, Column]) -> list[Column]:
    return [columns[field.name] for field in motor_fields()]


def _pairs(left: Integers, right: Integers | Words64) -> list[tuple[int, int]]:
    return list(zip(left.tolist(), right.tolist(), strict=True))


@contextmanager
def _opened(path: Path, shape: Shape, layout: Layout) -> Iterator[Writer]:
    path.parent.mkdir(parents=True, exist_ok=True)
    if shape.format == "parquet":
        with _parquet(path, layout) as write:
            yield write
        return
    with path.open("wb") as raw:
        # No name and no time in the gzip header: the same claims are the same bytes.
        packed = gzip.GzipFile("", "wb", compresslevel=4, fileobj=raw, mtime=0) if shape.gzip else raw
        packed.write(shape.preamble + shape.encoded(layout.header))
        yield lambda text: packed.write(shape.encoded(text))
        packed.close()


@contextmanager
def _parquet(path: Path, layout: Layout) -> Iterator[Writer]:
    """Each block goes through CSV, so that the two formats cannot differ. Needs pyarrow."""
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


def _sealed(manifest: Manifest, path: Path) -> Manifest:
    with path.open("rb") as written:
        manifest.sha256 = hashlib.file_digest(written, "sha256").hexdigest()
    manifest.bytes = path.stat().st_size
    return manifest
