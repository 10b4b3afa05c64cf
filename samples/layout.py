"""The shape of a file (format, dialect, encoding) and the layout of a block of columns in it."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, override

import numpy as np

from samples.columns import Cells, Column, Escapes, Quoting, matrix_of, side_by_side

type Format = Literal["csv", "ndjson", "parquet"]

_BYTE_ORDER_MARKS = {"utf-8": b"\xef\xbb\xbf", "utf-16-le": b"\xff\xfe"}


@dataclass(frozen=True)
class Shape:
    """Format, dialect and encoding of a file."""

    format: Format = "csv"
    gzip: bool = False
    encoding: Literal["utf-8", "latin-1", "utf-16-le"] = "utf-8"
    bom: bool = False
    delimiter: str = ","
    line_end: str = "\n"
    missing: str = ""
    """Text of a missing value in CSV; one of the contract's missingValues."""
    multiline: bool = False
    """Whether descriptions contain line breaks."""

    @property
    def suffix(self) -> str:
        """Suffix of the file name."""
        return self.format + ".gz" * self.gzip

    @property
    def preamble(self) -> bytes:
        """The byte order mark, if any."""
        return _BYTE_ORDER_MARKS[self.encoding] if self.bom else b""

    def encoded(self, text: bytes) -> bytes:
        """Convert UTF-8 text to the file's encoding."""
        return text if self.encoding == "utf-8" else text.decode().encode(self.encoding)


SHAPES: Mapping[str, Shape] = {
    "csv": Shape(),
    "csv-gz": Shape(gzip=True),
    "bom": Shape(bom=True),
    "excel": Shape(bom=True, delimiter=";", line_end="\r\n"),
    "tab": Shape(delimiter="\t"),
    "multiline": Shape(multiline=True),
    "multiline-crlf": Shape(multiline=True, line_end="\r\n"),
    "latin-1": Shape(encoding="latin-1"),
    "utf-16": Shape(encoding="utf-16-le", bom=True),
    "question-marks": Shape(missing="?"),
    "ndjson": Shape(format="ndjson"),
    "ndjson-gz": Shape(format="ndjson", gzip=True),
    "parquet": Shape(format="parquet"),
}


class Layout(ABC):
    """Layout of records in one format."""

    header: bytes
    prefixes: Sequence[bytes]
    """The bytes before the value of each column."""
    end: bytes
    """The bytes after the last value."""

    @abstractmethod
    def cells(self, column: Column) -> Cells:
        """Return the values of a column, quoted as the format requires."""

    @abstractmethod
    def value(self, text: str, like: Column) -> bytes:
        """Return a single value of such a column; a missing value if the text is empty."""

    @abstractmethod
    def with_inserted(self, value: bytes, text: bytes) -> bytes:
        """Insert raw bytes before the last character of a written value of two or more characters."""

    @abstractmethod
    def too_short(self, fields: Sequence[bytes], lost: int) -> bytes:
        """Return a record without its last fields; `fields` include their prefixes."""

    @abstractmethod
    def too_long(self, fields: Sequence[bytes], extra: Sequence[str]) -> bytes:
        """Return a record with extra fields."""


class CsvLayout(Layout):
    """Layout of CSV. Free text is always quoted, so that one layout fits every dialect."""

    def __init__(self, shape: Shape, names: Sequence[str]) -> None:
        self._missing = shape.missing.encode()
        self._delimiter = shape.delimiter.encode()
        self._escapes = Escapes(quote='""', line_break="\n" if shape.multiline else " ")
        self.end = shape.line_end.encode()
        self.prefixes = [b"", *[self._delimiter] * (len(names) - 1)]
        self.header = self._delimiter.join(name.encode() for name in names) + self.end

    @override
    def cells(self, column: Column) -> Cells:
        return _quoted(column, self._escapes, column.quoting is Quoting.ALWAYS, self._missing)

    @override
    def value(self, text: str, like: Column) -> bytes:
        return (f'"{text}"' if like.quoting is Quoting.ALWAYS and text else text).encode()

    @override
    def with_inserted(self, value: bytes, text: bytes) -> bytes:
        return value[:-1] + text + value[-1:]

    @override
    def too_short(self, fields: Sequence[bytes], lost: int) -> bytes:
        return b"".join(fields[:-lost]) + self.end

    @override
    def too_long(self, fields: Sequence[bytes], extra: Sequence[str]) -> bytes:
        return b"".join([*fields, *(self._delimiter + text.encode() for text in extra)]) + self.end


class NdjsonLayout(Layout):
    """Layout of NDJSON, with null for missing values. Records of a wrong length are not valid JSON."""

    def __init__(self, shape: Shape, names: Sequence[str]) -> None:
        self._escapes = Escapes(quote='\\"', line_break="\\n" if shape.multiline else " ")
        self.end = b"}\n"
        self.prefixes = [
            f"{',' if position else '{'}{json.dumps(name)}:".encode() for position, name in enumerate(names)
        ]
        self.header = b""

    @override
    def cells(self, column: Column) -> Cells:
        return _quoted(column, self._escapes, column.quoting is not Quoting.NEVER, b"null")

    @override
    def value(self, text: str, like: Column) -> bytes:
        if not text:
            return b"null"
        bare = like.quoting is Quoting.NEVER and _is_number(text)
        return text.encode() if bare else json.dumps(text, ensure_ascii=False).encode()

    @override
    def with_inserted(self, value: bytes, text: bytes) -> bytes:
        return value[:-1] + text.replace(b"\0", b"\\u0000") + value[-1:]

    @override
    def too_short(self, fields: Sequence[bytes], lost: int) -> bytes:
        return b"".join(fields[:-lost]) + b"\n"

    @override
    def too_long(self, fields: Sequence[bytes], extra: Sequence[str]) -> bytes:
        return b"".join([*fields, b"} ", *(text.encode() for text in extra)]) + b"\n"


def layout_of(shape: Shape, names: Sequence[str]) -> Layout:
    """Return the layout of these columns; a Parquet file is converted from the CSV layout."""
    return NdjsonLayout(shape, names) if shape.format == "ndjson" else CsvLayout(shape, names)


@dataclass(frozen=True)
class Records:
    """The text of a block, with access to single records and fields."""

    cells: Sequence[Cells]
    """The quoted columns."""
    matrix: Cells
    """The whole records."""

    def text(self) -> bytes:
        """Return all records in UTF-8."""
        flat = self.matrix.reshape(-1)
        return bytes(flat[flat != 0])

    def ends(self) -> list[int]:
        """Return the end of each record in the text."""
        ends: list[int] = np.cumsum(np.count_nonzero(self.matrix, axis=1)).tolist()
        return ends

    def field(self, row: int, column: int) -> bytes:
        """Return one value as written, including quotes."""
        return bytes(self.cells[column][row]).replace(b"\0", b"")


def lay_out(columns: Sequence[Column], layout: Layout, rows: int) -> Records:
    """Lay out the records of a block."""
    cells = [layout.cells(column) for column in columns]
    pieces: list[bytes | Cells] = []
    for prefix, cell in zip(layout.prefixes, cells, strict=True):
        pieces += [prefix, cell]
    return Records(cells, side_by_side([*pieces, layout.end], rows))


def _quoted(column: Column, escapes: Escapes, quoted: bool, missing: bytes) -> Cells:
    cells, absent = column.cells(escapes), column.missing
    if quoted:
        cells = side_by_side([b'"', cells, b'"'], len(absent))
    if not absent.any():
        return cells
    token = matrix_of([missing])[0]
    if cells.shape[1] < len(token):
        cells = np.pad(cells, ((0, 0), (0, len(token) - cells.shape[1])))
    cells[absent] = 0
    cells[absent, : len(token)] = token
    return cells


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
