"""The cells of a block of CSV records: where they are, and their bytes as 64-bit words."""

from collections.abc import Sequence
from copy import copy
from functools import cached_property

import numpy as np
import numpy.typing as npt

from claimwatch.domain.files.records import Batch, Positions

Mask = npt.NDArray[np.bool_]
Words = npt.NDArray[np.uint64]

WORD = 8
"""Bytes."""

_HIGHS, _ONE_BIT = np.uint64(0x8080808080808080), np.uint64(1)

FIRST_BYTES: Words = np.array([(1 << 8 * length) - 1 for length in range(WORD + 1)], np.uint64)
"""For each number of bytes, the bits of that many; a word's first byte is its lowest."""

BEHIND = 32
"""Bytes behind the last cell that may be looked at, whatever they are."""

_QUOTE = b'"'[0]
_ALL = slice(None)


class Text:
    """Bytes that are looked at as words, which may begin at any of them.

    The last cell ends at ``end``. ``quotes`` are the places of quotes, if they are known.
    """

    def __init__(self, data: bytes, end: int, quotes: Positions | None = None) -> None:
        self.data = data if len(data) >= end + BEHIND else data + bytes(BEHIND)
        self.bytes = np.frombuffer(self.data, np.uint8)
        self._words: Words = np.ndarray((end + BEHIND - WORD + 1,), "<u8", self.data, strides=(1,))
        self._quotes = quotes

    def words(self, places: Positions) -> Words:
        """The eight bytes from each of these places on."""
        return self._words[places]

    def words_or_others(self, places: Positions) -> Words:
        """The eight bytes from each of these places on; others where the place lies far behind the end."""
        return self._words[np.minimum(places, len(self._words) - 1)]

    def cut(self, starts: Positions, ends: Positions) -> list[bytes]:
        """The bytes between these places."""
        data = self.data
        return [data[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]

    @property
    def quotes(self) -> Positions:
        """The places of quotes."""
        if self._quotes is None:
            self._quotes = np.flatnonzero(self.bytes == _QUOTE)
        return self._quotes

    @cached_property
    def continuations(self) -> Positions:
        """The places of bytes that begin no character."""
        return np.flatnonzero(self.bytes.view(np.int8) < -0x40)  # 0x80 to 0xBF


class Cells:
    """Some cells of a text, without the quotes around them."""

    def __init__(self, text: Text, starts: Positions, ends: Positions) -> None:
        self._text = text
        self.quoted: Mask = text.bytes[starts] == _QUOTE
        self.starts: Positions = starts
        self.lengths: Positions = ends - starts
        if self.quoted.any():  # of most columns no cell is
            self.quoted &= self.lengths > 1
            self.starts = starts + self.quoted
            self.lengths = ends - self.quoted - self.starts

    @classmethod
    def of(cls, values: Sequence[bytes]) -> "Cells":
        """Cells that hold these values."""
        lengths = np.array([len(value) for value in values], np.int64)
        ends = np.cumsum(lengths)
        data = b"".join(values)
        return cls(Text(data, len(data)), ends - lengths, ends)

    def without_first(self, those: Mask) -> "Cells":
        """The same cells, some of them without their first byte."""
        cells = copy(self)
        cells.starts, cells.lengths = self.starts + those, self.lengths - those
        cells.__dict__.pop("texts", None)
        return cells

    @cached_property
    def texts(self) -> list[bytes]:
        """Each by itself."""
        return self._text.cut(self.starts, self.ends)

    @property
    def ends(self) -> Positions:
        return self.starts + self.lengths

    def word(self, offset: int = 0) -> Words:
        """Eight bytes of each cell from the offset on, with zeros behind the cell's end."""
        return self.whole_word(offset) & FIRST_BYTES[self.inside(offset)]

    def inside(self, offset: int = 0) -> Positions:
        """How many of the eight bytes from the offset on are the cell's."""
        return np.minimum(np.maximum(self.lengths - offset, 0) if offset else self.lengths, WORD)

    def whole_word(self, offset: int = 0) -> Words:
        """Eight bytes from the offset on, be it that the cell ends before."""
        if offset <= BEHIND - WORD:
            return self._text.words(self.starts + offset if offset else self.starts)
        return self._text.words_or_others(self.starts + offset)

    def words_at(self, places: Positions) -> Words:
        """The eight bytes from these places of the text on."""
        return self._text.words(places)

    def byte(self, places: Positions) -> npt.NDArray[np.uint8]:
        """The bytes at these places of the text."""
        return self._text.bytes[places]

    @property
    def with_quotes(self) -> Mask:
        """Which of them have quotes inside, where each is doubled."""
        if not self.quoted.any():
            return self.quoted
        return self.quoted & (self._count(self._text.quotes) > 0)

    @property
    def characters(self) -> Positions:
        """The number of characters of each; a doubled quote counts as two."""
        return self.lengths - self._count(self._text.continuations)

    def characters_in(self, words: int) -> Positions:
        """The number of characters that begin in the first so many words of each."""
        found = np.zeros(len(self.starts), np.int64)
        for offset in range(0, WORD * words, WORD):
            word = self.whole_word(offset)
            # Bytes that begin no character have the highest bit, and not the next one.
            found += np.bitwise_count(
                ~(word & ~(word << _ONE_BIT)) & _HIGHS & FIRST_BYTES[self.inside(offset)]
            )
        return found

    def _count(self, places: Positions) -> Positions:
        return np.searchsorted(places, self.ends) - np.searchsorted(places, self.starts)


class Table:
    """The records of a batch that can be read, and are written as the format wants it, cut into cells.

    ``records`` are the indexes of these in the batch.
    """

    def __init__(self, batch: Batch) -> None:
        records, delimiters = batch.marks.records, batch.marks.delimiters
        others = np.zeros(len(batch), np.bool_)
        others[[*batch.broken, *batch.rewritten]] = True
        if others[records].any():
            regular = ~others[records]
            records, delimiters = records[regular], delimiters[regular]
        self.records: Positions = records
        self.text = Text(batch.data, int(batch.ends[-1]) if len(batch) else 0, batch.marks.quotes)
        columns = delimiters.shape[1] + 1
        # A row for what stands before each column, and one for what stands behind the last.
        self._around = np.empty((columns + 1, len(records)), np.int64)
        self._around[0], self._around[-1] = batch.starts[records] - 1, batch.ends[records]
        self._around[1:-1] = delimiters.T

    def starts(self, column: int, records: Positions | slice = _ALL) -> Positions:
        """Where the cells at this position of the records begin, quotes included."""
        begins: Positions = self._around[column, records] + 1
        return begins

    def ends(self, column: int, records: Positions | slice = _ALL) -> Positions:
        """The places behind the cells at this position of the records."""
        behind: Positions = self._around[column + 1, records]
        return behind

    def cells(self, column: int, records: Positions | slice = _ALL) -> Cells:
        """The cells at this position of the records, or of some of them."""
        return Cells(self.text, self.starts(column, records), self.ends(column, records))
