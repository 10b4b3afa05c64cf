"""Columns of a block of claims, and how each becomes text for all its rows at once.

The text of a column is a matrix of bytes, one row for each claim, padded with NULs; a record is such
matrices side by side, and dropping every NUL leaves the file. So a million rows are rendered in seconds.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import override

import numpy as np
from numpy.typing import NDArray

from samples.draws import Integers

type Cells = NDArray[np.uint8]
type Mask = NDArray[np.bool_]

MISSING = -1


class Dress(Enum):
    """What a value wears in a file: nothing, quotes in JSON only, or quotes everywhere."""

    BARE = "bare"
    TEXT = "text"
    PROSE = "prose"


@dataclass(frozen=True)
class Escapes:
    """How a format writes the characters that it cannot write as they are."""

    quote: str
    line_break: str

    def escaped(self, text: str) -> bytes:
        """The text in UTF-8; a "\\v" in it is where its teller may break the line."""
        return text.replace('"', self.quote).replace("\v", self.line_break).encode()


@dataclass(frozen=True)
class Column(ABC):
    """One column of a block."""

    dress = Dress.TEXT

    @property
    @abstractmethod
    def missing(self) -> Mask:
        """Where there is no value."""

    @abstractmethod
    def cells(self, escapes: Escapes) -> Cells:
        """The text, without its dress; rows of NULs where the value is missing."""


@dataclass(frozen=True)
class Words(Column):
    """Entries of a table, by their number; MISSING for none."""

    table: tuple[str, ...]
    codes: Integers
    dress: Dress = Dress.TEXT

    @property
    @override
    def missing(self) -> Mask:
        return self.codes < 0

    @override
    def cells(self, escapes: Escapes) -> Cells:
        return _entries(self.table, escapes)[self.codes]  # -1 reads the empty last entry


@dataclass(frozen=True)
class Numbers(Column):
    """Whole numbers of units of 10 ** -decimals (amounts in cents have 2); below zero for none."""

    values: Integers
    decimals: int = 0
    dress = Dress.BARE

    @property
    @override
    def missing(self) -> Mask:
        return self.values < 0

    @override
    def cells(self, escapes: Escapes) -> Cells:
        present = np.maximum(self.values, 0)
        whole = _plain(present // 10**self.decimals)
        if self.decimals:
            fraction = _padded(present % 10**self.decimals, self.decimals)
            whole = np.hstack([whole, _literal(b".", len(present)), fraction])
        return _blanked(whole, self.missing)


@dataclass(frozen=True)
class Serials(Column):
    """A prefix and a fixed count of digits."""

    prefix: str
    values: Integers
    digits: int
    base: int = 10

    @property
    @override
    def missing(self) -> Mask:
        return np.zeros(len(self.values), dtype=np.bool_)

    @override
    def cells(self, escapes: Escapes) -> Cells:
        return np.hstack([_literal(self.prefix.encode(), len(self.values)),
                          _padded(self.values, self.digits, self.base)])  # fmt: skip


@dataclass(frozen=True)
class Days(Column):
    """Dates as days since 1970-01-01."""

    values: Integers

    @property
    @override
    def missing(self) -> Mask:
        return np.zeros(len(self.values), dtype=np.bool_)

    @override
    def cells(self, escapes: Escapes) -> Cells:
        return _dates()[self.values]


@dataclass(frozen=True)
class Moments(Column):
    """Timestamps as seconds since 1970-01-01 UTC."""

    values: Integers

    @property
    @override
    def missing(self) -> Mask:
        return np.zeros(len(self.values), dtype=np.bool_)

    @override
    def cells(self, escapes: Escapes) -> Cells:
        days, seconds = np.divmod(self.values, 86_400)
        return np.hstack([_dates()[days], _literal(b"T", len(days)), _clock()[seconds]])


@dataclass(frozen=True)
class Joined(Column):
    """Columns and fixed words written one after the other; missing where the mask says so."""

    parts: Sequence[Column | str]
    absent: Mask
    dress: Dress = Dress.PROSE

    @property
    @override
    def missing(self) -> Mask:
        return self.absent

    @override
    def cells(self, escapes: Escapes) -> Cells:
        rows = len(self.absent)
        texts = [
            _literal(escapes.escaped(part), rows) if isinstance(part, str) else part.cells(escapes)
            for part in self.parts
        ]
        return _blanked(np.hstack(texts), self.absent)


def side_by_side(pieces: Sequence[bytes | Cells], rows: int) -> Cells:
    """One matrix of all pieces in their order, each fixed piece repeated on every row."""
    widths = [len(piece) if isinstance(piece, bytes) else piece.shape[1] for piece in pieces]
    out = np.zeros((rows, sum(widths)), dtype=np.uint8)
    start = 0
    for piece, width in zip(pieces, widths, strict=True):
        out[:, start : start + width] = (
            np.frombuffer(piece, dtype=np.uint8) if isinstance(piece, bytes) else piece
        )
        start += width
    return out


def matrix_of(texts: Sequence[bytes]) -> Cells:
    """The texts as rows, padded with NULs on the right."""
    width = max([1, *map(len, texts)])
    return np.array(texts, dtype=f"S{width}").view(np.uint8).reshape(len(texts), width)


def _literal(text: bytes, rows: int) -> Cells:
    return np.broadcast_to(np.frombuffer(text, dtype=np.uint8), (rows, len(text)))


def _blanked(cells: Cells, rows: Mask) -> Cells:
    if rows.any():
        cells[rows] = 0
    return cells


def _plain(values: Integers) -> Cells:
    """Numbers without leading zeros."""
    higher, lowest = np.divmod(values, 10_000)
    if not higher.any():
        return _stripped_groups()[lowest]
    led = (higher > 0)[:, None]
    return np.hstack([
        np.where(led, _plain(higher), np.uint8(0)),
        np.where(led, _digit_groups(10)[lowest], _stripped_groups()[lowest]),
    ])  # fmt: skip


def _padded(values: Integers, digits: int, base: int = 10) -> Cells:
    """Exactly so many digits, four at a time."""
    groups = []
    rest = values
    for _ in range(0, digits, 4):
        rest, lowest = np.divmod(rest, base**4)
        groups.append(_digit_groups(base)[lowest])
    return np.hstack(groups[::-1])[:, -digits:]


@cache
def _entries(table: tuple[str, ...], escapes: Escapes) -> Cells:
    return matrix_of([*(escapes.escaped(entry) for entry in table), b""])


@cache
def _digit_groups(base: int) -> Cells:
    alphabet = np.frombuffer(b"0123456789ABCDEF", dtype=np.uint8)
    numbers = np.arange(base**4)
    return np.stack([alphabet[numbers // base**place % base] for place in (3, 2, 1, 0)], axis=1)


@cache
def _stripped_groups() -> Cells:
    return matrix_of([b"%d" % number for number in range(10_000)])


@cache
def _dates() -> Cells:
    days = np.arange("1970-01-01", "2101-01-01", dtype="datetime64[D]")
    return matrix_of(np.datetime_as_string(days).astype("S10").tolist())


@cache
def _clock() -> Cells:
    return matrix_of([b"%02d:%02d:%02d" % (s // 3600, s // 60 % 60, s % 60) for s in range(86_400)])
