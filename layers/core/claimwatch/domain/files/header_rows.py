"""Recognition of headers among the rows: files that were joined."""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from claimwatch.domain.contract.column_names import column_names
from claimwatch.domain.contract.contract import MAX_NAME, folded_name
from claimwatch.domain.files.layout import Layout
from claimwatch.domain.files.records import Batch, Problem
from claimwatch.errors import RefusedFile

_REPEATED = Problem(
    None, "header", "the row repeats the header: files were joined, and this one has no claim"
)
_NUMBERED = re.compile(r"_[0-9]+\Z")
_LONGEST = 64 << 10
"""Bytes of the longest record that is compared with the header."""
_SEPARATORS = b" _.-\t"


class HeaderRows:
    """Finds headers among the rows of a CSV file, at the speed of NumPy."""

    def __init__(self, layout: Layout) -> None:
        assert layout.delimiter is not None
        self._layout = layout
        self._delimiter = layout.delimiter
        self._columns = column_names(layout.contract)
        self._places = {name: place for place, name in enumerate(layout.fields)}
        self._identifier = layout.contract.identifier.name
        own = {folded_name(name): name for name in layout.extra}
        self._names: Mapping[str, str] = own | self._columns
        names = [name.encode() for name in self._names if len(name) <= MAX_NAME]
        self._steps = [_step(names, place, layout.delimiter.encode()) for place in range(MAX_NAME + 1)]
        self._empty = layout.delimiter.encode() * (len(layout.fields) - 1) or b'""'

    def mark(self, batch: Batch) -> Batch:
        """Return the batch with each repeated header as an unreadable record."""
        repeated = [index for index, cells in self._candidates(batch) if self._is_header(cells)]
        if not repeated:
            return batch
        return replace(
            batch,
            broken=batch.broken | dict.fromkeys(repeated, _REPEATED),
            rewritten=batch.rewritten | dict.fromkeys(repeated, self._empty),
        )

    def refuse_other(self, batch: Batch, first_row: int) -> None:
        """Raise ``RefusedFile`` if a row is a header with other columns, or with the same in another order.

        The cells of the rows after it would be read as values of wrong columns. A header of another width
        does no harm: the rows after it are quarantined.
        """
        for index, cells in self._candidates(batch):
            if self._is_other_header(cells) and not self._is_header(cells):
                raise RefusedFile(
                    f"row {first_row + index:,} is another header, with other columns or another order: "
                    "files with different columns were joined; send each of them alone"
                )

    def _candidates(self, batch: Batch) -> Iterator[tuple[int, list[str]]]:
        """Yield the records that begin with the name of a column, with their cells, if they are as many."""
        if not len(batch):
            return
        view = np.frombuffer(batch.data, np.uint8)
        starts = batch.starts + (view[batch.starts] == ord('"'))
        indexes, found = np.arange(len(batch)), list[npt.NDArray[np.int64]]()
        for place, (ends, continues) in enumerate(self._steps):
            if not len(indexes):
                break
            bytes_here = view[np.minimum(starts[indexes] + place, len(view) - 1)]
            found.append(indexes[ends[bytes_here]])
            indexes = indexes[continues[bytes_here]]
        for index in np.unique(np.concatenate(found)).tolist():
            start, end = int(batch.starts[index]), int(batch.ends[index])
            if end - start <= _LONGEST:
                text = batch.data[start:end].decode("utf-8", "replace").replace("\0", "\ufffd")
                first = text.partition(self._delimiter)[0].strip('"')
                if folded_name(first) in self._names:
                    cells = next(csv.reader([text], delimiter=self._delimiter), [])
                    if len(cells) == len(self._layout.fields):
                        yield index, cells

    def _is_header(self, cells: list[str]) -> bool:
        return all(map(self._is_name, cells, self._layout.fields))

    def _is_name(self, cell: str, field: str) -> bool:
        """Return whether a cell is a name of the column at its position."""
        name = folded_name(cell)
        if name in self._columns:
            return self._columns[name] == field
        other = folded_name(field)
        return not name or name == other or name == _NUMBERED.sub("", other)

    def _is_other_header(self, cells: list[str]) -> bool:
        """Return whether at least half of the cells, and the identifier, are names of columns."""
        meant = [self._names[name] for name in map(folded_name, cells) if name in self._names]
        return self._identifier in meant and 2 * len(set(meant)) >= max(4, len(cells))


def _step(
    names: list[bytes], place: int, delimiter: bytes
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return for each byte whether a name may end before it at this position, and whether one may have it.

    A letter outside of ASCII counts as an end, because its case is changed in more ways.
    """
    ends, continues = np.zeros(256, np.bool_), np.zeros(256, np.bool_)
    for name in names:
        before, rest = name[:place], name[place:]
        if len(before) < place or not before.isascii():
            continue
        if not rest:
            ends[list(b' "\r\n' + delimiter)] = True
        elif not rest[:1].isascii():
            ends[0x80:] = True
        else:
            same = _SEPARATORS if rest[:1] in _SEPARATORS else rest[:1].lower() + rest[:1].upper()
            continues[list(same)] = True
    return ends, continues
