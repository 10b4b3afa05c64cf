"""What a written file holds, row by row where it matters: what a ledger and a quarantine must agree with."""

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class Kind(StrEnum):
    """How a row was damaged."""

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
    """One bad row. Rows count from 1, the header not among them."""

    row: int
    kind: Kind
    column: str | None
    """None where the record as a whole is damaged."""


class Duplicate(NamedTuple):
    """A row that repeats an earlier, sound one of the same file byte for byte."""

    row: int
    of_row: int


_KINDS = list(Kind)


@dataclass
class Manifest:
    """The facts of one file. Damage is kept in 10 bytes a row, so that ten million rows can be described."""

    path: str
    columns: Sequence[str]
    rows: int = 0
    bytes: int = 0
    sha256: str = ""
    corrected_rows: list[int] = field(default_factory=list)
    """Rows that send a claim of an earlier file again, put right."""
    _rows: "array[int]" = field(default_factory=lambda: array("Q"), repr=False)
    _kinds: "array[int]" = field(default_factory=lambda: array("B"), repr=False)
    _columns: "array[int]" = field(default_factory=lambda: array("b"), repr=False)
    _duplicates: "array[int]" = field(default_factory=lambda: array("Q"), repr=False)

    def add_damage(self, row: int, kind: Kind, column: int | None) -> None:
        """One more bad row; the column by its place."""
        self._rows.append(row)
        self._kinds.append(_KINDS.index(kind))
        self._columns.append(-1 if column is None else column)

    def add_duplicate(self, row: int, of_row: int) -> None:
        """One more row that repeats another."""
        self._duplicates.extend((row, of_row))

    @property
    def damaged(self) -> Iterator[Damage]:
        """The bad rows, in their order."""
        for row, kind, column in zip(self._rows, self._kinds, self._columns, strict=True):
            yield Damage(row, _KINDS[kind], None if column < 0 else self.columns[column])

    @property
    def damaged_rows(self) -> list[int]:
        """Their numbers."""
        return self._rows.tolist()

    @property
    def damaged_by_kind(self) -> Counter[Kind]:
        """How many there are of each kind."""
        return Counter(_KINDS[kind] for kind in self._kinds)

    @property
    def duplicates(self) -> list[Duplicate]:
        """The rows that repeat others."""
        pairs = iter(self._duplicates)
        return [Duplicate(row, of_row) for row, of_row in zip(pairs, pairs, strict=True)]

    def as_json(self) -> dict[str, Any]:
        """Plain values, for a file beside the data."""
        return {
            "path": self.path,
            "rows": self.rows,
            "bytes": self.bytes,
            "sha256": self.sha256,
            "damaged": [{"row": d.row, "kind": str(d.kind), "column": d.column} for d in self.damaged],
            "duplicates": [{"row": d.row, "of_row": d.of_row} for d in self.duplicates],
            "corrected_rows": self.corrected_rows,
        }
