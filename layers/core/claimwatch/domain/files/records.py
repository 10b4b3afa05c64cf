"""Splits a stream of bytes into whole records, so that damage affects only the damaged records.

A CSV record (RFC 4180: one-byte delimiter, fields quoted with ``"``, quotes doubled) ends at the first line
break outside quotes. Counting quotes finds these line breaks at memory speed, but only while every quote is
where the format allows one. The cutter therefore works on whole blocks until it meets a misplaced quote, and
then parses record by record until the quotes are in order again. If a record cannot be parsed, only its first
line is given up, so that a stray opening quote does not swallow the rows that follow.

Apart from the size limit, no decision about a record depends on bytes after it. Cutting a file at any record
boundary and processing the two parts separately therefore gives the same records.

Files that were joined have byte order marks and padding between their parts. A mark at the beginning of a
record does not belong to it, and a record of nothing but padding is a blank line. Padding after a last record
without a line break does not belong to it.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache, partial

import numpy as np
import numpy.typing as npt

MAX_RECORD = 1 << 20
"""Size limit of a record in bytes. A typical claim has a few hundred."""

RAW_LIMIT = 64 << 10
"""Bytes that are kept as the raw text of a record above the size limit."""

_NEWLINE, _RETURN, _QUOTE = b"\n"[0], b"\r"[0], b'"'[0]
_CAREFUL_START, _CAREFUL_MOST = 4, 4096
"""Records that are parsed one by one after a misplaced quote; the number doubles with each such quote."""
ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*(\\u0000)")
"""A NUL character in the text of JSON."""
_MARK = codecs.BOM_UTF8
PADDING = b"\0\x1a"
"""Bytes that CP/M and DOS, tapes and disk blocks leave after the end of a text."""
_QUOTED = re.compile(rb'"[^"]*(?:""[^"]*)*"')

Positions = npt.NDArray[np.int64]
_NONE: Positions = np.empty(0, np.int64)


@dataclass(frozen=True)
class Problem:
    """The reason why a record is refused.

    ``column`` is None if the problem concerns the whole record; ``message`` is a sentence for people.
    """

    column: str | None
    rule: str
    message: str


@dataclass(frozen=True)
class Batch:
    """Consecutive whole records.

    Record ``i`` is ``data[starts[i]:ends[i]]``, without its line break. ``broken`` maps the index of each
    unreadable record to the reason. ``rewritten`` maps the index of a record to its text in standard form
    where that differs from ``data``: a readable record in an unusual notation, or an unreadable record, which
    is replaced by an empty one.
    """

    data: bytes
    starts: Positions
    ends: Positions
    broken: dict[int, Problem] = field(default_factory=dict)
    rewritten: dict[int, bytes] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.starts)

    def part(self, begin: int, end: int) -> "Batch":
        """Return the records from ``begin`` to ``end`` (exclusive) as a batch of their own."""
        return Batch(
            self.data,
            self.starts[begin:end],
            self.ends[begin:end],
            {index - begin: problem for index, problem in self.broken.items() if begin <= index < end},
            {index - begin: text for index, text in self.rewritten.items() if begin <= index < end},
        )

    def raw(self, index: int) -> str:
        """Return the original text of a record, with U+FFFD for bytes that PostgreSQL cannot store."""
        start, end = int(self.starts[index]), int(self.ends[index])
        text = self.data[start : min(end, start + RAW_LIMIT if end - start > MAX_RECORD else end)]
        return text.decode("utf-8", "replace").replace("\0", "\ufffd")

    def record(self, index: int) -> bytes:
        """Return one record in standard form."""
        return self.rewritten.get(index) or self.data[int(self.starts[index]) : int(self.ends[index])]

    def text(self) -> bytes:
        """Return all records in standard form, each followed by one newline."""
        if not len(self):
            return b""
        # Adjacent records are copied together, except those that are rewritten.
        alone = np.zeros(len(self), np.bool_)
        alone[list(self.rewritten)] = True
        apart = (self.starts[1:] != self.ends[:-1] + 1) | alone[1:] | alone[:-1]
        firsts = np.concatenate(([0], np.flatnonzero(apart) + 1))
        lasts = np.append(firsts[1:], len(self)) - 1
        data = memoryview(self.data)
        runs = zip(firsts.tolist(), self.starts[firsts].tolist(), self.ends[lasts].tolist(), strict=True)
        texts = [self.rewritten.get(first) or data[start:end] for first, start, end in runs]
        return b"\n".join([*texts, b""])


class RecordCutter:
    """Cuts a stream, which starts at the beginning of a record, into batches of records.

    ``delimiter`` is one byte for CSV, or None if every line is a record (NDJSON). ``columns`` is the
    required number of fields of a CSV record. With ``places_only`` the cutter finds the same records but does
    not report what is wrong with them, which is several times faster.
    """

    def __init__(self, delimiter: bytes | None, columns: int, *, places_only: bool = False) -> None:
        self._delimiter = delimiter
        self._columns = columns
        self._places_only = places_only
        # An empty record has the right number of fields, none of which holds a value.
        self._empty = (delimiter * (columns - 1) or b'""') if delimiter else b"null"
        self._pending = b""
        self._skipping = False
        self._may_open = _any_of(b'\n"' + (delimiter or b""))
        self._may_close = _any_of(b'\r\n"' + (delimiter or b""))
        self._padding = PADDING + (b"" if delimiter else b" \t\r")
        self._begins_oddly = _any_of(_MARK[:1] + self._padding)
        self._unquoted = re.compile(rb"[^\n" + re.escape(delimiter) + rb"]*") if delimiter else None
        self._ragged = cache(partial(_ragged, columns))  # one object for many records with the same problem

    def feed(self, block: bytes) -> Batch:
        """Return the records that this block completes."""
        return self._cut(self._pending + block if self._pending else block, final=False)

    def finish(self) -> Batch:
        """Return the records that remain at the end of the stream."""
        self._pending = self._pending.rstrip(PADDING)
        return self._cut(self._pending, final=True)

    @property
    def pending(self) -> int:
        """The number of bytes of the record that is still incomplete."""
        return len(self._pending)

    @property
    def inside_overlong(self) -> bool:
        """Whether the cutter is skipping the rest of a line above the size limit."""
        return self._skipping

    def cut(self, blocks: Iterable[bytes]) -> Iterator[Batch]:
        """Yield all records of a stream."""
        for block in blocks:
            yield self.feed(block)
        yield self.finish()

    def _cut(self, data: bytes, *, final: bool) -> Batch:
        at = 0
        if self._skipping:
            newline = data.find(b"\n")
            if newline < 0:
                self._pending = b""
                return Batch(b"", _NONE, _NONE)
            self._skipping, at = False, newline + 1

        pieces: list[tuple[Positions, Positions]] = []
        broken: dict[int, Problem] = {}
        rewritten: dict[int, bytes] = {}
        count, careful = 0, _CAREFUL_START
        while at < len(data):
            run = self._cut_quickly(data, at, final=final)
            broken.update((count + index, self._ragged(fields)) for index, fields in run.ragged.items())
            pieces.append((run.starts, run.ends))
            count += len(run.starts)
            at = run.next
            if not run.stopped:
                break
            starts_of, ends_of = list[int](), list[int]()
            for _ in range(careful):
                if at >= len(data):
                    break
                record = self._cut_carefully(data, at, final=final)
                if record is None:
                    break
                if record.end > record.start:  # otherwise it is a blank line
                    starts_of.append(record.start)
                    ends_of.append(record.end)
                    if record.problem is not None:
                        broken[count] = record.problem
                    elif record.fields is not None:
                        rewritten[count] = self._in_standard_form(record.fields)
                    count += 1
                at = record.next
            pieces.append((np.array(starts_of, np.int64), np.array(ends_of, np.int64)))
            if record is None:
                break
            careful = min(careful * 2, _CAREFUL_MOST)
        if not final and len(data) - at > MAX_RECORD and data.find(b"\n", at) < 0:
            pieces.append((np.array([at]), np.array([len(data)])))
            broken[count] = OVERLONG
            self._skipping, at = True, len(data)
        self._pending = data[at:]
        starts = np.concatenate([piece[0] for piece in pieces]) if pieces else _NONE
        ends = np.concatenate([piece[1] for piece in pieces]) if pieces else _NONE
        batch = Batch(data, starts, ends, broken, rewritten)
        if not self._places_only:
            self._mark_unreadable_bytes(batch, at)
            batch.rewritten.update(dict.fromkeys(batch.broken, self._empty))
        return batch

    def _cut_quickly(self, data: bytes, at: int, *, final: bool) -> "_Run":
        """Cut the records from ``at`` up to the first one that must be parsed carefully."""
        view = np.frombuffer(data, np.uint8)[at:]
        newlines = np.flatnonzero(view == _NEWLINE)
        if final and (len(newlines) == 0 or newlines[-1] != len(view) - 1):
            newlines = np.append(newlines, len(view))
        quotes = _NONE
        stop = len(view) + 1  # records that reach this position are left to the careful parser
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
        if len(ends) and self._delimiter is not None and not self._places_only:
            ragged = self._ragged_records(view, quotes, ends)
        next_at = at + int(ends[-1]) + 1 if len(ends) else at
        if len(ends) and data.find(b"\r", at, next_at) >= 0:
            before = np.maximum(ends - 1, 0)
            ends = ends - ((view[before] == _RETURN) & (ends > starts))
        if len(ends):
            for index in np.flatnonzero(self._begins_oddly[view[starts]]).tolist():
                starts[index] = self._content(data, at + int(starts[index]), at + int(ends[index])) - at
            blank = ends <= starts
            if blank.any():
                renumber = np.cumsum(~blank) - 1
                ragged = {
                    int(renumber[index]): fields for index, fields in ragged.items() if not blank[index]
                }
                starts, ends = starts[~blank], ends[~blank]
        return _Run(starts + at, ends + at, ragged, stopped, min(next_at, len(data)))

    def _content(self, data: bytes, start: int, end: int) -> int:
        """Return where the content of a record begins, or its end if it has none."""
        start = _after_marks(data, start, end)
        padded = start < end and data[start] in self._padding
        return end if padded and not data[start:end].strip(self._padding) else start

    def _first_misplaced(self, view: npt.NDArray[np.uint8], quotes: Positions, *, final: bool) -> int:
        """Return the position of the first quote that RFC 4180 does not allow, or one past the data."""
        assert self._delimiter is not None
        opening, closing = quotes[0::2], quotes[1::2]
        before = np.where(opening > 0, view[opening - 1], _NEWLINE)
        after = np.where(closing + 1 < len(view), view[np.minimum(closing + 1, len(view) - 1)], _NEWLINE)
        bad_opening, bad_closing = ~self._may_open[before], ~self._may_close[after]
        places = [len(view) + 1]
        if bad_opening.any():
            places.append(int(opening[np.argmax(bad_opening)]))
        if bad_closing.any():
            places.append(int(closing[np.argmax(bad_closing)]))
        if len(opening) > len(closing) and (final or len(view) - int(opening[-1]) > MAX_RECORD):
            places.append(int(opening[-1]))  # never closed
        return min(places)

    def _ragged_records(
        self, view: npt.NDArray[np.uint8], quotes: Positions, ends: Positions
    ) -> dict[int, int]:
        """Map the index of each record with the wrong number of fields to that number."""
        assert self._delimiter is not None
        view = view[: int(ends[-1]) + 1]
        delimiters = (view == self._delimiter[0]).view(np.uint8)
        starts = np.concatenate(([0], ends[:-1] + 1))
        fields = 1 + np.add.reduceat(delimiters, starts, dtype=np.uint32)
        quotes = quotes[: np.searchsorted(quotes, ends[-1])]
        if len(quotes):  # each opening quote is followed by its closing quote
            quoted = np.add.reduceat(delimiters, quotes, dtype=np.uint32)[::2]
            some = np.flatnonzero(quoted)
            np.subtract.at(fields, np.searchsorted(ends, quotes[::2][some]), quoted[some])
        return {int(index): int(fields[index]) for index in np.flatnonzero(fields != self._columns)}

    def _cut_carefully(self, data: bytes, start: int, *, final: bool) -> "_Record | None":
        """Parse the record at ``start``; return None if its end is not in ``data`` yet."""
        fields: list[bytes] = []
        start = _after_marks(data, start, len(data))
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
                problem = OVERLONG
            elif len(fields) != self._columns:
                problem = self._ragged(len(fields))
            return _Record(self._content(data, start, end), end, at + 1, fields, problem)
        newline = data.find(b"\n", start)
        if newline < 0 and not final:
            return None
        end = len(data) if newline < 0 else newline
        next_at = end + 1
        if end > start and data[end - 1] == _RETURN:
            end -= 1
        problem = OVERLONG if end - start > MAX_RECORD else _BAD_QUOTES
        return _Record(self._content(data, start, end), end, min(next_at, len(data)), None, problem)

    def _mark_unreadable_bytes(self, batch: Batch, end: int) -> None:
        """Mark records with a NUL, invalid UTF-8, or (in NDJSON) other bytes that the format forbids.

        A CSV record with a carriage return outside quotes is rewritten with quotes.
        """
        if not len(batch):
            return
        data = batch.data
        if b"\0" in data:
            self._mark(
                batch, _occurrences(data, b"\0", end), Problem(None, "nul", "the row contains a NUL byte")
            )
        if self._delimiter is None and b"\\u0000" in data:
            places = (match.start(1) for match in ESCAPED_NUL.finditer(data, 0, end))
            self._mark(batch, places, NUL_CHARACTER)
        open_returns = b"\r" in data and data.count(b"\r") != data.count(b"\r\n")
        if self._delimiter is None:
            for sign in (b"\x1f", *([b"\r"] if open_returns else [])):
                self._mark(
                    batch,
                    _occurrences(data, sign, end),
                    Problem(None, "json", "the row contains a control character that JSON does not allow"),
                )
        for index, problem in batch.broken.items():
            if problem.rule == "fields" and self._has_mark(batch, index):
                batch.broken[index] = replace(problem, message=f"{problem.message}: {_NO_BREAK}")
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
                        batch.rewritten[index] = self._in_standard_form(record.fields)

    def _has_mark(self, batch: Batch, index: int) -> bool:
        return batch.data.find(_MARK, int(batch.starts[index]), int(batch.ends[index])) >= 0

    def _mark(self, batch: Batch, places: Iterable[int], problem: Problem) -> None:
        for index in self._indexes(batch, places):
            batch.broken[index] = problem

    def _indexes(self, batch: Batch, places: Iterable[int]) -> list[int]:
        """Return the indexes of the records that contain these positions."""
        found = np.fromiter(places, np.int64)
        indexes = np.searchsorted(batch.starts, found, "right") - 1
        inside = (indexes >= 0) & (found < batch.ends[indexes])
        return [int(index) for index in np.unique(indexes[inside])]

    def _in_standard_form(self, fields: list[bytes]) -> bytes:
        assert self._delimiter is not None
        return self._delimiter.join(
            b'"' + text.replace(b'"', b'""') + b'"' if text else b"" for text in fields
        )


@dataclass(frozen=True)
class _Run:
    """Records that were cut by counting quotes.

    ``ragged`` maps the index of each record with the wrong number of fields to that number. ``stopped`` is
    true if the next record, at ``next``, must be parsed carefully.
    """

    starts: Positions
    ends: Positions
    ragged: dict[int, int]
    stopped: bool
    next: int


@dataclass(frozen=True)
class _Record:
    start: int
    end: int
    next: int
    fields: list[bytes] | None
    problem: Problem | None


NUL_CHARACTER = Problem(None, "nul", "the row contains a NUL character")
OVERLONG = Problem(None, "length", f"the row is longer than {MAX_RECORD >> 20} MiB")
_NO_BREAK = "it contains a byte order mark, so files were joined without a line break between them"
_BAD_QUOTES = Problem(None, "quotes", "a quoted field is not closed, or text follows its closing quote")


def _ragged(columns: int, fields: int) -> Problem:
    noun = "field" if fields == 1 else "fields"
    return Problem(None, "fields", f"the row has {fields} {noun} instead of {columns}")


def _after_marks(data: bytes, start: int, end: int) -> int:
    while data.startswith(_MARK, start, end):
        start += len(_MARK)
    return start


def _any_of(characters: bytes) -> npt.NDArray[np.bool_]:
    """Return a table that tells for each byte whether it is one of these characters."""
    found = np.zeros(256, np.bool_)
    found[list(characters)] = True
    return found


def _occurrences(data: bytes, what: bytes, end: int) -> Iterator[int]:
    at = data.find(what, 0, end)
    while at >= 0:
        yield at
        at = data.find(what, at + 1, end)
