"""Export of quarantined rows to a file that can be corrected and dropped again.

The file has the columns and the delimiter of the original file. A second file, ``<name>.reasons.csv``, says
why each row was rejected. A row that could not be split into cells, or that lost bytes, is only in the second
file, as raw text: a guess could put its values into the wrong columns.
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

_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")  # spreadsheets treat the full-width signs alike
_NUMBER = re.compile(r"[+-][\d .,()/-]*([eE][+-]?\d+)?%?", re.ASCII)
"""Numbers and telephone numbers: signs and digits alone cannot compute anything harmful."""

_SEPARATOR = re.compile(r"([,;|\t\r\n])")
"""Separators of columns and rows in the files that spreadsheets open."""


@dataclass(frozen=True)
class Exported:
    """Result of an export.

    ``rows`` were written to the file itself, ``apart`` only to the file of reasons; ``guarded`` cells got an
    apostrophe.
    """

    file: Path
    reasons: Path
    rows: int
    apart: int
    guarded: int


def export(rows: Iterable[RefusedRow], plan: Plan, file: Path, *, verbatim: bool) -> Exported:
    """Write the rows of a file that was loaded with this plan, and why each was rejected.

    Unless ``verbatim``, a cell that a spreadsheet would read as a formula gets an apostrophe in front. Raises
    ``RefusedData`` if a file exists, because someone may have corrected it already.
    """
    reasons = file.with_name(f"{file.stem}.reasons.csv")
    for path in (file, reasons):
        if path.exists():
            raise RefusedData(f"{path} exists already: choose another name or remove it")
    with (
        file.open("x", encoding="utf-8", newline="") as table,
        reasons.open("x", encoding="utf-8", newline="") as reasons_file,
    ):
        writer = _Writer(plan, table, reasons_file, verbatim=verbatim)
        for row in rows:
            writer.add(row)
    return Exported(file, reasons, writer.rows, writer.apart, writer.guarded)


def is_formula(cell: str) -> bool:
    """Return whether a spreadsheet would compute this cell, or a part of it, instead of showing it."""
    return guard(cell) != cell


def guard(cell: str) -> str:
    """Return the cell, with an apostrophe in front of each part that would be computed.

    A spreadsheet that expects another separator than the file's splits cells at it, whatever their quotes.
    """
    guarded = _SEPARATOR.split(cell)
    for place in range(0, len(guarded), 2):
        text = guarded[place].lstrip('"')
        if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text):
            guarded[place] = f"'{guarded[place]}"
    if cell.startswith(_FORMULA) and not guarded[0]:  # a separator itself begins the formula
        guarded[0] = "'"
    return "".join(guarded)


class _Writer:
    def __init__(self, plan: Plan, table: TextIO, reasons: TextIO, *, verbatim: bool) -> None:
        self.rows = self.apart = self.guarded = 0
        self._table = table
        self._guarding = not verbatim
        self._reasons = csv.writer(reasons, lineterminator="\n")
        self._reasons.writerow(("exported_row", "row_number", "column", "rule", "message", "raw"))
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
            self._reasons.writerow((self.rows if whole else "", row.number, *map(guard, cells)))

    def _write(self, raw: str) -> bool:
        """Write a row unchanged except for guards; return False if it cannot be split into cells."""
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
