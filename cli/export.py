"""Writing quarantined rows to a file that can be mended and dropped again.

The file has the columns and the delimiter that the rows were read with, so a mended row loads as any other.
Beside it, ``<name>.reasons.csv`` says of each row why it was refused. A row that could not be split into its
cells, or that lost bytes on the way, is in that second file only, as raw text: put back by a guess, its
values could end in wrong columns.
"""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from claimwatch.domain.files.csv_reader import FieldReader
from claimwatch.domain.files.dialect import Dialect
from claimwatch.errors import RefusedData
from claimwatch.ingest.plan import Plan
from claimwatch.storage.quarantine import RefusedRow

_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")  # to a spreadsheet the full-width signs are the same
_NUMBER = re.compile(r"[+-][\d .,()/-]*([eE][+-]?\d+)?%?", re.ASCII)
"""Numbers, and telephone numbers: signs and digits alone compute nothing that could do harm."""


@dataclass(frozen=True)
class Exported:
    """What was written.

    ``rows`` went to the file itself, ``apart`` to the file of reasons alone; ``guarded`` cells were changed.
    """

    file: Path
    reasons: Path
    rows: int
    apart: int
    guarded: int


def export(rows: Iterable[RefusedRow], plan: Plan, file: Path, *, verbatim: bool) -> Exported:
    """Write the rows of a file that was loaded by this plan, and why each was refused.

    A cell that a spreadsheet would take for a formula gets an apostrophe in front, unless ``verbatim``.
    Raises ``RefusedData`` rather than write over what somebody may have mended already.
    """
    reasons = file.with_name(f"{file.stem}.reasons.csv")
    for path in (file, reasons):
        if path.exists():
            raise RefusedData(f"{path} is there already: choose another name, or remove it")
    with (
        file.open("x", encoding="utf-8", newline="") as table,
        reasons.open("x", encoding="utf-8", newline="") as told,
    ):
        writing = _Writing(plan, table, told, verbatim=verbatim)
        for row in rows:
            writing.add(row)
    return Exported(file, reasons, writing.rows, writing.apart, writing.guarded)


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet would compute this cell instead of showing it."""
    return cell.startswith(_FORMULA) and _NUMBER.fullmatch(cell) is None


def guard(cell: str) -> str:
    """The cell, so written that a spreadsheet shows it."""
    return f"'{cell}" if is_formula(cell) else cell


class _Writing:
    def __init__(self, plan: Plan, table: TextIO, told: TextIO, *, verbatim: bool) -> None:
        self.rows = self.apart = self.guarded = 0
        self._table = table
        self._guarding = not verbatim
        self._told = csv.writer(told, lineterminator="\n")
        self._told.writerow(("exported_row", "row_number", "column", "rule", "message", "raw"))
        self._reader: FieldReader | None = None
        if plan.delimiter is not None:
            self._reader = FieldReader(Dialect(plan.delimiter))
            self._cells = csv.writer(table, delimiter=plan.delimiter, lineterminator="\n")
            self._cells.writerow(plan.fields if verbatim else map(guard, plan.fields))

    def add(self, row: RefusedRow) -> None:
        whole = all(problem.column is not None for problem in row.problems) and self._write(row.raw)
        if whole:
            self.rows += 1
        else:
            self.apart += 1
        for problem in row.problems:
            cells = (problem.column or "", problem.rule, problem.message, "" if whole else row.raw)
            self._told.writerow((self.rows if whole else "", row.number, *map(guard, cells)))

    def _write(self, raw: str) -> bool:
        """Write a row as it came; False where it cannot be split into its cells."""
        if self._reader is not None:
            record = self._reader.read(raw, 0, final=True)
            if record is None or record.fields is None or record.next < len(raw):
                return False
            formulas = sum(map(is_formula, record.fields)) if self._guarding else 0
            if formulas:
                self.guarded += formulas
                self._cells.writerow(map(guard, record.fields))
                return True
        self._table.write(f"{raw}\n")
        return True
