"""Cutting bytes into whole records, so that a damaged record costs no more than itself.

A record of CSV (RFC 4180: one-byte delimiter, fields quoted by ``"``, quotes doubled) ends at the first line
break outside of quotes. Counting quotes finds that at the speed of memory, but only while every quote stands
where the format allows one. So the cutter reads quickly as long as that holds and, from the first record
where it does not, carefully, record by record. A record that cannot be read gives up its first line alone:
the quote that damage has opened must not swallow the rows behind it.

What is decided about a record depends on no byte behind it (but for the cap), so cutting a file at any record
and cutting the two parts gives the same records.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

MAX_RECORD = 1 << 20
"""Bytes of the longest record that is taken; a claim is a few hundred."""

RAW_LIMIT = 64 << 10
"""Bytes of an overlong record that are kept as its raw text."""

_NEWLINE, _RETURN, _QUOTE = b"\n"[0], b"\r"[0], b'"'[0]
_CAREFUL_START, _CAREFUL_MOST = 4, 4096
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*(\\u0000)")
_QUOTED = re.compile(rb'"[^"]*(?:""[^"]*)*"')

Positions = npt.NDArray[np.int64]
_NONE: Positions = np.empty(0, np.int64)


@dataclass(frozen=True)
class Problem:
    """Why a record, or a cell of it, is refused: the column (or None), the rule's name, a sentence."""

    column: str | None
    rule: str
    message: str


@dataclass(frozen=True)
class FieldOffsets:
    """Where the format's own signs stand, in records of CSV that were found to be written as it wants them.

    ``records`` are the indexes of these; ``delimiters`` the places of what is between their fields, a row for
    each record; ``quotes`` those of all quotes, be they of other records, too.
    """

    records: Positions
    delimiters: Positions
    quotes: Positions


_NO_MARKS = FieldOffsets(_NONE, _NONE.reshape(0, 0), _NONE)


@dataclass(frozen=True)
class Batch:
    """Whole records, in their order.

    ``starts`` and ``ends`` are their places in ``data``, without the line break. ``broken`` holds the index
    of each record that cannot be read, with the reason; ``rewritten`` the proper form of each record that
    could be read but is not written as the format wants it. Either may be among those of ``marks``.
    """

    data: bytes
    starts: Positions
    ends: Positions
    broken: dict[int, Problem] = field(default_factory=dict)
    rewritten: dict[int, bytes] = field(default_factory=dict)
    marks: FieldOffsets = _NO_MARKS

    def without_marks(self) -> "Batch":
        """The same records; the marks take nearly as much memory as they."""
        return replace(self, marks=_NO_MARKS)

    def __len__(self) -> int:
        return len(self.starts)

    def raw(self, index: int) -> str:
        """The text of a record as it came; what UTF-8 or PostgreSQL cannot hold is replaced by U+FFFD."""
        start, end = int(self.starts[index]), int(self.ends[index])
        text = self.data[start : min(end, start + RAW_LIMIT if end - start > MAX_RECORD else end)]
        return text.decode("utf-8", "replace").replace("\0", "\ufffd")

    @property
    def readable(self) -> Positions:
        """The indexes of the records that can be read."""
        can_be = np.ones(len(self), np.bool_)
        can_be[list(self.broken)] = False
        return np.flatnonzero(can_be)

    def text(self, indexes: Positions) -> bytes:
        """These records in their proper form, each ending in one newline."""
        if not len(indexes):
            return b""
        starts, ends = self.starts[indexes], self.ends[indexes]
        # What stands together is taken together, but for a record that is written anew.
        alone = np.isin(indexes, list(self.rewritten))
        apart = np.flatnonzero((starts[1:] != ends[:-1] + 1) | alone[1:] | alone[:-1]) + 1
        firsts, lasts = np.concatenate(([0], apart)), np.concatenate((apart, [len(indexes)])) - 1
        data = memoryview(self.data)
        runs = zip(indexes[firsts].tolist(), starts[firsts].tolist(), ends[lasts].tolist(), strict=True)
        return b"\n".join(
            [*(self.rewritten.get(index) or data[start:end] for index, start, end in runs), b""]
        )


class RecordCutter:
    """Cuts a stream that begins at a record.

    ``delimiter`` is one byte for CSV, or None where every line is a record (NDJSON). ``columns`` is the
    number of fields that a record of CSV must have. With ``places_only`` the records have the same places,
    but what is wrong with them is left out, which is several times faster.
    """

    def __init__(self, delimiter: bytes | None, columns: int, *, places_only: bool = False) -> None:
        self._delimiter = delimiter
        self._columns = columns
        self._places_only = places_only
        self._pending = b""
        self._skipping = False
        self._may_open = _any_of(b'\n"' + (delimiter or b""))
        self._may_close = _any_of(b'\r\n"' + (delimiter or b""))
        self._unquoted = re.compile(rb"[^\n" + re.escape(delimiter) + rb"]*") if delimiter else None

    def feed(self, block: bytes) -> Batch:
        """The records that this block completes."""
        return self._cut(self._pending + block if self._pending else block, final=False)

    def finish(self) -> Batch:
        """The records that remain when the stream has ended."""
        return self._cut(self._pending, final=True)

    @property
    def pending(self) -> int:
        """Bytes that wait for the rest of their record."""
        return len(self._pending)

    @property
    def inside_overlong(self) -> bool:
        """Whether the stream stands inside an overlong line that has been given up."""
        return self._skipping

    def cut(self, blocks: Iterable[bytes]) -> Iterator[Batch]:
        """All records of a stream."""
        for block in blocks:
            yield self.feed(block)
        yield self.finish()

    def _cut(self, data: bytes, *, final: bool) -> Batch:
        at = 0
        if self._skipping:  # behind an overlong line: nothing counts until it ends
            newline = data.find(b"\n")
            if newline < 0:
                self._pending = b""
                return Batch(b"", _NONE, _NONE)
            self._skipping, at = False, newline + 1

        pieces: list[tuple[Positions, Positions]] = []
        broken: dict[int, Problem] = {}
        rewritten: dict[int, bytes] = {}
        marks: list[FieldOffsets] = []
        count, careful = 0, _CAREFUL_START
        while at < len(data):
            run = self._cut_quickly(data, at, final=final)
            broken.update((count + index, self._ragged(fields)) for index, fields in run.ragged.items())
            pieces.append((run.starts, run.ends))
            marks.append(replace(run.marks, records=run.marks.records + count))
            count += len(run.starts)
            at = run.next
            if not run.stopped:
                break
            for _ in range(careful):
                if at >= len(data):
                    break
                record = self._cut_carefully(data, at, final=final)
                if record is None:
                    break
                if record.end > record.start:  # else a blank line
                    pieces.append((np.array([record.start]), np.array([record.end])))
                    if record.problem is not None:
                        broken[count] = record.problem
                    elif record.fields is not None:
                        rewritten[count] = self._written(record.fields)
                    count += 1
                at = record.next
            if record is None:
                break
            careful = min(careful * 2, _CAREFUL_MOST)
        if not final and len(data) - at > MAX_RECORD and data.find(b"\n", at) < 0:
            pieces.append((np.array([at]), np.array([len(data)])))
            broken[count] = _OVERLONG
            self._skipping, at = True, len(data)
        self._pending = data[at:]
        starts = np.concatenate([piece[0] for piece in pieces]) if pieces else _NONE
        ends = np.concatenate([piece[1] for piece in pieces]) if pieces else _NONE
        batch = Batch(data, starts, ends, broken, rewritten, _joined(marks))
        if not self._places_only:
            self._mark_unreadable_bytes(batch, at)
        return batch

    def _cut_quickly(self, data: bytes, at: int, *, final: bool) -> "_Run":
        """Records from ``at`` on, up to the first that wants care."""
        view = np.frombuffer(data, np.uint8)[at:]
        newlines = np.flatnonzero(view == _NEWLINE)
        if final and (len(newlines) == 0 or newlines[-1] != len(view) - 1):
            newlines = np.append(newlines, len(view))
        quotes = _NONE
        stop = len(view) + 1  # no record that reaches this place is taken quickly
        if self._delimiter is not None and data.find(b'"', at) >= 0:
            quotes = np.flatnonzero(view == _QUOTE)
            stop = self._first_misplaced(view, quotes, final=final)
            newlines = newlines[(np.searchsorted(quotes, newlines) & 1) == 0]
        ends = newlines[newlines < stop]
        starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else _NONE
        stopped = stop <= len(view)

        if len(ends):
            overlong = np.flatnonzero(ends - starts > MAX_RECORD)
            if len(overlong):
                starts, ends, stopped = starts[: overlong[0]], ends[: overlong[0]], True
        ragged: dict[int, int] = {}
        marks = _NO_MARKS
        if len(ends) and self._delimiter is not None and not self._places_only:
            ragged, marks = self._find_fields(view, quotes, ends, at)
        next_at = at + int(ends[-1]) + 1 if len(ends) else at
        if len(ends) and data.find(b"\r", at, next_at) >= 0:
            before = np.maximum(ends - 1, 0)
            ends = ends - ((view[before] == _RETURN) & (ends > starts))
        if len(ends):
            blank = ends <= starts
            if blank.any():
                renumber = np.cumsum(~blank) - 1
                ragged = {
                    int(renumber[index]): fields for index, fields in ragged.items() if not blank[index]
                }
                there = ~blank[marks.records]  # a blank line has all fields of a file of one column
                records = renumber[marks.records[there]]
                marks = replace(marks, records=records, delimiters=marks.delimiters[there])
                starts, ends = starts[~blank], ends[~blank]
        return _Run(starts + at, ends + at, ragged, marks, stopped, min(next_at, len(data)))

    def _first_misplaced(self, view: npt.NDArray[np.uint8], quotes: Positions, *, final: bool) -> int:
        """The first quote that stands where RFC 4180 has none, or a place behind the data."""
        assert self._delimiter is not None
        opening, closing = quotes[0::2], quotes[1::2]
        before = np.where(opening > 0, view[opening - 1], _NEWLINE)
        behind = np.where(closing + 1 < len(view), view[np.minimum(closing + 1, len(view) - 1)], _NEWLINE)
        bad_opening, bad_closing = ~self._may_open[before], ~self._may_close[behind]
        places = [len(view) + 1]
        if bad_opening.any():
            places.append(int(opening[np.argmax(bad_opening)]))
        if bad_closing.any():
            places.append(int(closing[np.argmax(bad_closing)]))
        if len(opening) > len(closing) and (final or len(view) - int(opening[-1]) > MAX_RECORD):
            places.append(int(opening[-1]))  # never closed
        return min(places)

    def _find_fields(
        self, view: npt.NDArray[np.uint8], quotes: Positions, ends: Positions, at: int
    ) -> tuple[dict[int, int], FieldOffsets]:
        """How many fields each record has that has not as many as it must, and the marks of all others.

        The view begins at the place ``at`` of the data.
        """
        assert self._delimiter is not None
        last = int(ends[-1])
        quotes = quotes[: np.searchsorted(quotes, last)]
        delimiters = _outside(np.flatnonzero(view[:last] == self._delimiter[0]), quotes[0::2], quotes[1::2])
        numbers = np.diff(np.searchsorted(delimiters, ends), prepend=0)
        complete = numbers == self._columns - 1
        if not complete.all():
            delimiters = delimiters[np.repeat(complete, numbers)]
        ragged = {int(index): int(numbers[index]) + 1 for index in np.flatnonzero(~complete)}
        records = np.flatnonzero(complete)
        by_record = (delimiters + at).reshape(len(records), self._columns - 1)
        return ragged, FieldOffsets(records, by_record, quotes + at)

    def _cut_carefully(self, data: bytes, start: int, *, final: bool) -> "_Record | None":
        """The one record at ``start``; None where its end has not come yet."""
        fields: list[bytes] = []
        at, damaged = start, self._unquoted is None
        while not damaged and self._unquoted is not None:
            if data[at : at + 1] == b'"':
                match = _QUOTED.match(data, at, min(len(data), start + MAX_RECORD + 2))
                if match is None or (match.end() == len(data) and not final):
                    if not final and len(data) - start <= MAX_RECORD:
                        return None
                    damaged = True
                    break
                at = match.end()
                fields.append(match[0][1:-1].replace(b'""', b'"'))
                if data[at : at + 2] == b"\r\n":
                    at += 1
            else:
                match = self._unquoted.match(data, at)
                assert match is not None  # it matches the empty field
                at = match.end()
                fields.append(match[0])
            if at >= len(data):
                if not final:
                    return None
                break
            if data[at] == _NEWLINE:
                break
            if data[at : at + 1] != self._delimiter:
                damaged = True
            at += 1
        if not damaged:
            end = at - 1 if data[at - 1 : at] == b"\r" and at > start else at
            if fields and fields[-1].endswith(b"\r") and end < at:
                fields[-1] = fields[-1][:-1]
            problem = None
            if end - start > MAX_RECORD:
                problem = _OVERLONG
            elif len(fields) != self._columns:
                problem = self._ragged(len(fields))
            return _Record(start, end, at + 1, fields, problem)
        newline = data.find(b"\n", start)
        if newline < 0 and not final:
            return None
        end = len(data) if newline < 0 else newline
        next_at = end + 1
        if end > start and data[end - 1] == _RETURN:
            end -= 1
        problem = _OVERLONG if end - start > MAX_RECORD else _BAD_QUOTES
        return _Record(start, end, min(next_at, len(data)), None, problem)

    def _mark_unreadable_bytes(self, batch: Batch, end: int) -> None:
        """Mark the records with bytes that no text has: NUL, bad UTF-8, a carriage return in the open."""
        if not len(batch):
            return
        data = batch.data
        if b"\0" in data:
            self._mark(
                batch, _occurrences(data, b"\0", end), Problem(None, "nul", "the row contains a NUL byte")
            )
        if self._delimiter is None and b"\\u0000" in data:
            places = (match.start(1) for match in _ESCAPED_NUL.finditer(data, 0, end))
            self._mark(batch, places, Problem(None, "nul", "the row contains a NUL character"))
        open_returns = b"\r" in data and data.count(b"\r") != data.count(b"\r\n")
        if self._delimiter is None:
            for sign in (b"\x1f", *([b"\r"] if open_returns else [])):
                self._mark(
                    batch,
                    _occurrences(data, sign, end),
                    Problem(None, "json", "the row contains a control character that JSON does not allow"),
                )
        at = int(batch.starts[0])
        while not data.isascii():
            try:
                data[at:end].decode("utf-8")
                break
            except UnicodeDecodeError as error:
                index = int(np.searchsorted(batch.starts, at + error.start, "right")) - 1
                batch.broken[index] = Problem(None, "encoding", "the row is not valid UTF-8")
                at = int(batch.ends[index]) + 1
                if at >= end:
                    break
        if self._delimiter is not None and open_returns:
            for index in self._indexes(batch, _occurrences(data, b"\r", end)):
                text = data[int(batch.starts[index]) : int(batch.ends[index])]
                if index not in batch.broken and index not in batch.rewritten and b"\r" in text:
                    record = self._cut_carefully(text, 0, final=True)
                    if record is not None and record.fields is not None and record.problem is None:
                        batch.rewritten[index] = self._written(record.fields)

    def _mark(self, batch: Batch, places: Iterable[int], problem: Problem) -> None:
        for index in self._indexes(batch, places):
            batch.broken[index] = problem

    def _indexes(self, batch: Batch, places: Iterable[int]) -> list[int]:
        """The records that hold these places (places between records are in none)."""
        found = np.fromiter(places, np.int64)
        indexes = np.searchsorted(batch.starts, found, "right") - 1
        inside = (indexes >= 0) & (found < batch.ends[indexes])
        return [int(index) for index in np.unique(indexes[inside])]

    def _ragged(self, fields: int) -> Problem:
        noun = "field" if fields == 1 else "fields"
        return Problem(None, "fields", f"the row has {fields} {noun} instead of {self._columns}")

    def _written(self, fields: list[bytes]) -> bytes:
        assert self._delimiter is not None
        return self._delimiter.join(
            b'"' + text.replace(b'"', b'""') + b'"' if text else b"" for text in fields
        )


@dataclass(frozen=True)
class _Run:
    """Records that were cut quickly.

    ``ragged`` has the number of fields of each that has not as many as it must; ``stopped`` says whether the
    next record, which begins at ``next``, wants care.
    """

    starts: Positions
    ends: Positions
    ragged: dict[int, int]
    marks: FieldOffsets
    stopped: bool
    next: int


@dataclass(frozen=True)
class _Record:
    start: int
    end: int
    next: int
    fields: list[bytes] | None
    problem: Problem | None


_OVERLONG = Problem(None, "length", f"the row is longer than {MAX_RECORD >> 20} MiB")
_BAD_QUOTES = Problem(None, "quotes", "a quoted field is not closed, or text follows its closing quote")


def _outside(places: Positions, openings: Positions, closings: Positions) -> Positions:
    """The places that lie between no opening and its closing. Of most pairs none does."""
    first, behind = np.searchsorted(places, openings), np.searchsorted(places, closings)
    some = behind > first
    first, numbers = first[some], (behind - first)[some]
    if not len(first):
        return places
    passed = np.cumsum(numbers)
    outside = np.ones(len(places), np.bool_)
    outside[np.repeat(first - passed + numbers, numbers) + np.arange(passed[-1])] = False
    return places[outside]


def _joined(marks: list[FieldOffsets]) -> FieldOffsets:
    found = [some for some in marks if len(some.records)]
    if len(found) < 2:
        return found[0] if found else _NO_MARKS
    return FieldOffsets(
        np.concatenate([some.records for some in found]),
        np.concatenate([some.delimiters for some in found]),
        np.concatenate([some.quotes for some in found]),
    )


def _any_of(characters: bytes) -> npt.NDArray[np.bool_]:
    """For each byte whether it is one of these: looking that up is faster than comparing."""
    found = np.zeros(256, np.bool_)
    found[list(characters)] = True
    return found


def _occurrences(data: bytes, what: bytes, end: int) -> Iterator[int]:
    at = data.find(what, 0, end)
    while at >= 0:
        yield at
        at = data.find(what, at + 1, end)
