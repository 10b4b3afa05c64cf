"""Reader of CSV in any dialect."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from claimwatch.domain.files.dialect import Dialect, Escape

LONGEST_RECORD = 1 << 20
"""Number of characters after which an unclosed quote counts as damage."""


@dataclass(frozen=True)
class Record:
    """A record: the text from ``start`` to ``end``, without its line break, and where the next one begins.

    ``fields`` is None if the record cannot be read.
    """

    start: int
    end: int
    next: int
    fields: list[str] | None


class FieldReader:
    """Reads records of CSV in any dialect; lines end in LF or CRLF.

    A record that cannot be read loses only its first line, as in ``records.RecordCutter``.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        quote, delimiter = re.escape(dialect.quote), re.escape(dialect.delimiter)
        backslash = dialect.escape is Escape.BACKSLASH
        rest = r"\\" if backslash else ""
        escaped = r"|\\(?:.|\Z)" if backslash else ""
        plain = (
            rf"[^{delimiter}\n{rest}]+"
            if len(dialect.delimiter) == 1
            else rf"(?:(?!{delimiter})[^\n{rest}])+"
        )
        space = " *+" if dialect.skip_space else ""
        inside = rf"(?:[^{quote}{rest}]++|{quote}{quote}{escaped})*+"
        outside = rf"(?:{plain}{escaped})*+"
        self._field = re.compile(
            rf"{space}(?:{quote}({inside}){quote}{space}|(?!{quote})({outside}))(?:({delimiter})|(\r?\n))?",
            re.DOTALL,
        )
        first = re.escape(dialect.delimiter[0])
        self._escaped = re.compile(rf"\\([\\{quote}{first}\n\r])") if backslash else None
        self._enough = max(2, len(dialect.delimiter))  # characters needed to recognize the end of a field

    def read(self, text: str, at: int, *, final: bool, columns: int | None = None) -> Record | None:
        """Return the record at ``at``, or None if more text is needed to find its end.

        A record of several lines whose number of fields is not ``columns`` counts as damaged. A byte order
        mark before the record does not belong to it.
        """
        while text.startswith("\ufeff", at):  # files were joined
            at += 1
        newline = text.find("\n", at)
        line = text[at : newline if newline >= 0 else len(text)]
        if self._dialect.quote not in line and (self._escaped is None or "\\" not in line):
            if newline < 0 and not final:
                return None
            end = at + len(line)
            if line.endswith("\r"):
                line, end = line[:-1], end - 1
            fields = line.split(self._dialect.delimiter)
            if self._dialect.skip_space:
                fields = [field.lstrip(" ") for field in fields]
            return Record(at, end, len(text) if newline < 0 else newline + 1, fields)
        record = self._read_quoted(text, at, final=final)
        if record is None and not final and len(text) - at <= LONGEST_RECORD:
            return None
        if record is not None and record.fields is not None:
            several = newline >= 0 and newline < record.end
            if not several or columns is None or len(record.fields) == columns:
                return record
        if newline < 0 and not final:
            return None
        end = at + len(line)
        return Record(
            at, end - 1 if line.endswith("\r") else end, len(text) if newline < 0 else newline + 1, None
        )

    def _read_quoted(self, text: str, at: int, *, final: bool) -> Record | None:
        start, size, fields = at, len(text), list[str]()
        while True:
            match = self._field.match(text, at)
            if match is None:  # a quote is not closed within the text
                return Record(start, size, size, None) if final else None
            inside, outside, delimiter, newline = match.groups()
            at = match.end()
            if delimiter is not None:
                fields.append(
                    self._unquote(inside, quoted=True) if inside is not None else self._unquote(outside)
                )
                continue
            if newline is None and size - at < self._enough and not final:
                return None
            if newline is None and at < size:
                return Record(start, at, at, None)  # text after a closing quote
            end = match.start(4) if newline else at
            if outside is not None and outside.endswith("\r"):
                outside, end = outside[:-1], end - 1
            fields.append(
                self._unquote(inside, quoted=True) if inside is not None else self._unquote(outside)
            )
            return Record(start, end, at, fields)

    def _unquote(self, content: str, *, quoted: bool = False) -> str:
        quote = self._dialect.quote
        if self._escaped is not None and "\\" in content:
            parts = self._escaped.split(content)  # text and escaped characters alternate
            if quoted:
                parts[0::2] = [part.replace(quote + quote, quote) for part in parts[0::2]]
            return "".join(parts)
        return content.replace(quote + quote, quote) if quoted else content

    def read_all(self, text: str, *, final: bool) -> Iterator[Record]:
        """Yield all complete records; blank lines are skipped."""
        at = 0
        while at < len(text):
            record = self.read(text, at, final=final)
            if record is None:
                return
            at = record.next
            if record.end > record.start:
                yield record
