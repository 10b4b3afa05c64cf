"""A first look at records of CSV, for most of them are as they should be and show it in their bytes.

It says of a record that it is sure: it keeps its contract, and PostgreSQL reads from its bytes what the
checks (`row_rules_sql`) would have written. Such a record goes to COPY as it came, with hashes in
the place of personal data. One that is not sure is not wrong: it may hold a time with an offset, a doubled
quote in a name, a number in another notation. The checks look at it, and they alone refuse.

So nothing here has to be complete, only sound. Cells are looked at eight bytes at a time, as arrays of 64-bit
words, which takes a fraction of the time of reading them into values and writing these again.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import compress, pairwise

import numpy as np

from claimwatch.domain.files.layout import COPY_DELIMITERS, Layout
from claimwatch.domain.files.records import Batch, Positions
from claimwatch.domain.validation.fast_path.cells import Cells, Mask, Table
from claimwatch.domain.validation.fast_path.column_predicates import Check, column_predicate
from claimwatch.domain.validation.keyed_hash import REMEMBERED, KeyedHashes

_HASHED_ALIKE = re.compile("[\0-\x9f\xa1-\u012f\u0131-\u03a2\u03a4-\u052f]*")
"""Text whose small letters Python and the engine agree on, and whose only blanks are spaces."""


@dataclass(frozen=True)
class FastPathResult:
    """What a first look has come to: ``lines`` for COPY and claim ``ids`` of the records that are sure.

    ``rest`` are the indexes of the others, but for those that cannot be read.
    """

    lines: list[bytes]
    ids: list[bytes]
    rest: Positions


class FastPath:
    """Looks at records of one layout.

    ``personal_data_key`` is the key of the hashes that stand in for personal data.
    """

    def __init__(self, layout: Layout, rule_query: list[Check], hashed: dict[int, "_Hashes"]) -> None:
        assert layout.delimiter is not None
        contract = layout.contract
        self._delimiter = layout.delimiter.encode()
        self._identifier = layout.fields.index(contract.identifier.name)
        self._last = len(layout.fields) - 1
        self._checks, self._hashed = rule_query, hashed
        absent = sum(column.name not in layout.fields for column in contract.columns)
        # What stands between two hashes side by side is the same in every record.
        self._neighbours = {after for before, after in pairwise(hashed) if after == before + 1}
        kept = [(self._delimiter if place in self._neighbours else b"%b") + b"%b" for place in hashed]
        # Behind the record come the columns that the file does not have, and ``extra``.
        behind = b"%b" + self._delimiter * (absent + 1) + b"\n"
        self._line = b"".join((b"%d", self._delimiter, *kept, behind))

    @classmethod
    def of(cls, layout: Layout, personal_data_key: bytes) -> "FastPath | None":
        """A first look at records of this layout; None where it could not tell of any that it is sure."""
        if layout.delimiter is None or layout.delimiter not in COPY_DELIMITERS or layout.extra:
            return None
        rule_query: list[Check] = []
        hashed: dict[int, _Hashes] = {}
        for position, name in enumerate(layout.fields):
            column = layout.contract.column(name)
            assert column is not None  # nothing is extra
            check = column_predicate(column)
            if check is None:
                return None
            rule_query.append(check)
            if column.hashed:
                hashed[position] = _Hashes(personal_data_key)
        return cls(layout, rule_query, hashed)

    def at(self, batch: Batch, first_row: int) -> FastPathResult:
        """Look at the records of a batch whose first one has the row number ``first_row``."""
        if not len(batch.marks.records):
            return FastPathResult([], [], batch.readable)
        table = Table(batch)
        keeping = np.ones(len(table.records), np.bool_)
        personal: dict[int, Cells] = {}
        for position, check in enumerate(self._checks):
            cells = table.cells(position)
            keeping &= check(cells)
            if position in self._hashed:
                personal[position] = cells
        kept, hashes = self._hashes(personal, keeping)
        indexes = table.records[kept]
        rest = np.ones(len(batch), np.bool_)
        rest[list(batch.broken)] = False
        rest[indexes] = False
        lines = list(self._lines(table, kept, hashes, first_row + indexes))
        return FastPathResult(lines, table.cells(self._identifier, kept).texts, np.flatnonzero(rest))

    def _hashes(
        self, personal: dict[int, Cells], keeping: Mask
    ) -> tuple[Positions, list[list[bytes | None]]]:
        """Of these records those whose personal data is sure too, and their hashes, column by column."""
        kept, among = np.flatnonzero(keeping), keeping.tolist()
        columns = [
            list(map(hashes.__getitem__, compress(personal[position].texts, among)))
            for position, hashes in self._hashed.items()
        ]
        sure = np.ones(len(kept), np.bool_)
        for column in columns:
            if None in column:
                sure &= [found is not None for found in column]
        if not sure.all():
            columns = [list(compress(column, sure)) for column in columns]
        return kept[sure], columns

    def _lines(
        self, table: Table, kept: Positions, hashes: list[list[bytes | None]], rows: Positions
    ) -> Iterator[bytes]:
        """These records for COPY: number, what stands before the first hash, the hash, and so on."""
        pieces: list[Iterable[object]] = [rows.tolist()]
        begins = table.starts(0, kept)
        for position, found in zip(self._hashed, hashes, strict=True):
            if position not in self._neighbours:
                pieces.append(table.text.cut(begins, table.starts(position, kept)))
            pieces.append(found)
            begins = table.ends(position, kept)
        pieces.append(table.text.cut(begins, table.ends(self._last, kept)))
        return map(self._line.__mod__, zip(*pieces, strict=True))


class _Hashes(dict[bytes, bytes | None]):
    """The hash of a cell by its text, None if that is not sure; some are remembered, for names repeat."""

    def __init__(self, key: bytes) -> None:
        super().__init__({b"": b""})  # there is no hash of nothing
        self._hashes = KeyedHashes(key)

    def __missing__(self, cell: bytes) -> bytes | None:
        text = cell.strip(b" ").lower() if cell.isascii() else _small(cell)
        made = None if text is None else self._hashes.made(text).encode()
        if len(self) < REMEMBERED:
            self[cell] = made
        return made


def _small(cell: bytes) -> bytes | None:
    """The text that is hashed; None if the engine might see another."""
    text = cell.decode()
    return text.strip(" ").lower().encode() if _HASHED_ALIKE.fullmatch(text) else None
