"""The expected content of a written file: row counts and bad rows that ledger and quarantine must match."""

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class Kind(StrEnum):
    """Kind of damage to a row."""

    WRONG_TYPE = "wrong_type"
    OUT_OF_RANGE = "out_of_range"
    UNKNOWN_CATEGORY = "unknown_category"
    MISSING_REQUIRED = "missing_required"
    BAD_DATE = "bad_date"
    BAD_PATTERN = "bad_pattern"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    INVALID_BYTES = "invalid_bytes"
    NUL_BYTE = "nul_byte"


class Damage(NamedTuple):
    """One bad row. Rows count from 1, without the header."""

    row: int
    kind: Kind
    column: str | None
    """None if the record as a whole is damaged."""


class Duplicate(NamedTuple):
    """A row that repeats an earlier clean row of the same file byte for byte."""

    row: int
    of_row: int


_KINDS = list(Kind)


@dataclass
class Manifest:
    """Description of one file. A bad row takes only 10 bytes, for files of ten million rows."""

    path: str
    columns: Sequence[str]
    rows: int = 0
    bytes: int = 0
    sha256: str = ""
    corrected_rows: list[int] = field(default_factory=list)
    """Rows that correct a claim of an earlier file."""
    _rows: "array[int]" = field(default_factory=lambda: array("Q"), repr=False)
    _kinds: "array[int]" = field(default_factory=lambda: array("B"), repr=False)
    _columns: "array[int]" = field(default_factory=lambda: array("b"), repr=False)
    _duplicates: "array[int]" = field(default_factory=lambda: array("Q"), repr=False)

    def add_damage(self, row: int, kind: Kind, column: int | None) -> None:
        """Add a bad row; `column` is the position of the column."""
        self._rows.append(row)
        self._kinds.append(_KINDS.index(kind))
        self._columns.append(-1 if column is None else column)

    def add_duplicate(self, row: int, of_row: int) -> None:
        """Add a row that repeats another."""
        self._duplicates.extend((row, of_row))

    @property
    def damaged(self) -> Iterator[Damage]:
        """The bad rows in order."""
        for row, kind, column in zip(self._rows, self._kinds, self._columns, strict=True):
            yield Damage(row, _KINDS[kind], None if column < 0 else self.columns[column])

    @property
    def damaged_rows(self) -> list[int]:
        """The numbers of the bad rows."""
        return self._rows.tolist()

    @property
    def damaged_by_kind(self) -> Counter[Kind]:
        """The number of bad rows of each kind."""
        return Counter(_KINDS[kind] for kind in self._kinds)

    @property
    def duplicates(self) -> list[Duplicate]:
        """The rows that repeat others, in order."""
        pairs = iter(self._duplicates)
        return [Duplicate(row, of_row) for row, of_row in zip(pairs, pairs, strict=True)]

    def as_json(self) -> dict[str, Any]:
        """Return the description for expected.json."""
        return {
            "path": self.path,
            "rows": self.rows,
            "bytes": self.bytes,
            "sha256": self.sha256,
            "damaged": [{"row": d.row, "kind": str(d.kind), "column": d.column} for d in self.damaged],
            "duplicates": [{"row": d.row, "of_row": d.of_row} for d in self.duplicates],
            "corrected_rows": self.corrected_rows,
        }
