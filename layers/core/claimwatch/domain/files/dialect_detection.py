"""Detection of the dialect and the header of a CSV file from its first characters."""

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from claimwatch.domain.files.csv_reader import FieldReader, Record
from claimwatch.domain.files.dialect import Dialect, Escape
from claimwatch.domain.files.file_format import SNIFFED_LINES
from claimwatch.errors import RefusedFile
from claimwatch.invisible import without_invisible

_SNIFFED_CHARACTERS = 256 << 10
"""The dialect is detected from this much of the beginning."""

_COMMON = ("\t", "|", ";", ",")  # the most reliable first: numbers and prose contain commas
_RARE = ("^", "~", ":", "\x01", "\x1f", "\x1e", "\xa6", "\xa7", "\xac", "\xfe")
_LONG = (
    "||",
    "::",
    ";;",
    "~~",
    "^^",
    "@@",
    "##",
    "$$",
    "%%",
    "~|~",
    "|~|",
    "^|^",
    "|^|",
    "|;|",
    ";|;",
    "#|#",
    "!|!",
    "<|>",
)
_PUNCTUATION = ("!", "#", "$", "%", "&", "*", "+", "/", "=", "@")
_HEADER_LINES = 40
_SEP = re.compile(r'"?sep=([^\r\n]+?)"?\r?(?:\n|\Z)', re.I)
_LONGEST_BROKEN_NAME = 100
_MOST_FITTING = 0.9
"""Share of the rows that are as wide as the header if that contains no row."""

_BREAK = re.compile(r"[\r\n]")
_BLANKS = " \t\r\n\v\f\xa0\ufeff"
_EMPTY_LINES = re.compile(r'[\s,;|"]*(?:\n|\Z)')


@dataclass(frozen=True)
class CsvPreamble:
    """The beginning of a CSV file: its dialect, its column names, and the offset of the first row."""

    dialect: Dialect
    header: tuple[str, ...]
    body: int
    """Number of characters before the first row."""


def has_lone_returns(sample: str, *, complete: bool) -> bool:
    """Return whether lines end in a lone carriage return."""
    if not complete and sample.endswith("\r"):
        sample = sample[:-1]
    if "\r" not in sample:
        return False
    outside = "".join(sample.split('"')[::2])
    return outside.count("\r") - outside.count("\r\n") > outside.count("\n")


def detect_dialect(sample: str, known_columns: Collection[str], *, complete: bool = False) -> Dialect:
    """Return the dialect of a CSV sample that begins with its header.

    ``complete`` means that the sample is the whole file. The delimiter that finds the most known columns
    wins. If none finds any, it is the delimiter that gives the most rows the width of the header; wide
    headers weigh more.
    """
    text, complete = _beginning(sample, complete)
    return _detect_quoting(text, _detect_delimiter(text, _folded(known_columns), complete), complete)


def read_preamble(sample: str, known_columns: Collection[str], *, complete: bool) -> CsvPreamble | None:
    """Return the preamble of a CSV file, or None if its header does not end within the sample.

    Lines before the header are skipped if they hold only delimiters and spaces, or comments; if columns are
    known, so are lines of prose before the line that names them. A line ``sep=;`` sets the delimiter.
    Raises ``RefusedFile`` if a name has a line break, is not that of a known column, and may consist of rows
    that follow a quote which the header does not close.
    """
    start = _first_line(sample)
    known = _folded(known_columns)
    declared = _SEP.match(sample, start)
    if declared is not None:
        start = _first_line(sample, declared.end())
        text, whole = _beginning(sample[start:], complete)
        dialect = _detect_quoting(text, declared[1], whole)
    else:
        start = _header_line(sample, _skip_comments(sample, start), known)
        dialect = detect_dialect(sample[start:], known_columns, complete=complete)
    reader = FieldReader(dialect)
    first = reader.read(sample, start, final=complete)
    if first is None:
        return None
    names = first.fields or [
        name.strip(dialect.quote) for name in sample[start : first.end].split(dialect.delimiter)
    ]
    following, whole = _beginning(sample[first.next :], complete)
    rows = [record.fields for record in reader.read_all(following, final=whole) if record.fields is not None]
    for place, name in enumerate(names, 1):
        # A known name broken over two lines, as spreadsheets write it, contains no row.
        known_name = not _folded([name]).isdisjoint(known) and not _BREAK.search(name[:1] + name[-1:])
        if _BREAK.search(name) and not known_name and not _is_whole(name, dialect, len(names), rows):
            raise RefusedFile(
                f"column {place} of the header has a line break in its name: a quote may be open there; "
                "close it, or write the name on one line"
            )
    names = _fit_header([name.replace("\0", "\ufffd").strip(_BLANKS) for name in names], rows)
    header = tuple(name or f"column_{place}" for place, name in enumerate(names, 1))
    return CsvPreamble(dialect, header, first.next)


def _is_whole(name: str, dialect: Dialect, width: int, rows: Sequence[Sequence[str]]) -> bool:
    """Return whether a name with a line break contains no row: the rows after the header are as wide as it.

    A row that it contained would have delimiters, as every row of a table with several columns.
    """
    fitting = sum(len(row) == width for row in rows)
    return (
        width > 1
        and len(_BREAK.findall(name.replace("\r\n", "\n").strip())) == 1
        and name == name.strip()
        and dialect.delimiter not in name
        and len(name) <= _LONGEST_BROKEN_NAME
        and fitting >= max(2, _MOST_FITTING * len(rows))
    )


def _fit_header(names: list[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the names adjusted to the width of most rows.

    A name is added if all rows end in a delimiter, and nameless columns that no row has are removed.
    """
    if not rows:
        return names
    width, often = Counter(map(len, rows)).most_common(1)[0]
    if often < 0.9 * len(rows):
        return names
    if width == len(names) + 1 and not any(row[-1] for row in rows if len(row) == width):
        return [*names, ""]
    return names[:width] if width < len(names) and not any(names[width:]) else names


def _beginning(sample: str, complete: bool) -> tuple[str, bool]:
    """Return the part of the sample that is examined, and whether it is the whole text."""
    at = -1
    for _ in range(SNIFFED_LINES):
        at = sample.find("\n", at + 1)
        if at < 0:
            break
    end = min(at + 1 or len(sample), _SNIFFED_CHARACTERS)
    return sample[:end], complete and end == len(sample)


def _first_line(sample: str, at: int = 0) -> int:
    """Return the start of the first line that is neither blank nor only delimiters."""
    match = _EMPTY_LINES.match(sample, at)
    return at if match is None else match.end()


def _skip_comments(sample: str, start: int) -> int:
    """Return the start of the first line that is not a comment.

    A comment with delimiters may be the header, so it is not skipped.
    """
    at = start
    while sample.startswith("#", at):
        newline = sample.find("\n", at)
        if newline < 0 or any(delimiter in sample[at:newline] for delimiter in _COMMON):
            break
        at = newline + 1
    following = sample[at:].partition("\n")[0]
    return at if any(delimiter in following for delimiter in _COMMON) else start


def _folded(names: Iterable[str]) -> frozenset[str]:
    """Return the names without case, spaces, underscores, quotes and what nobody sees."""
    visible = (without_invisible(without_invisible(name).casefold()) for name in names)
    return frozenset("".join(filter(str.isalnum, name)) for name in visible) - {""}


def _header_line(sample: str, start: int, known: frozenset[str]) -> int:
    """Return the start of the line that names known columns.

    It is ``start`` if the first line names any, or if no line does.
    """
    best, most, at = start, 1, start
    for number in range(_HEADER_LINES if known else 0):
        newline = sample.find("\n", at)
        line = sample[at : newline if newline >= 0 else len(sample)]
        for delimiter in (*_COMMON, *_RARE):
            names = line.split(delimiter)
            found = len(_folded(names) & known)
            if found and number == 0:
                return start
            if found > most and 2 * found >= len(names):
                best, most = at, found
        if newline < 0:
            break
        at = newline + 1
    return best


@dataclass(frozen=True)
class _DelimiterScore:
    """How well a text reads with a delimiter."""

    delimiter: str
    width: int
    blank: int
    """Number of header fields without a name."""
    known: int
    """Number of known columns in the header."""
    rows: int
    share: float
    """Share of the lines after the header that belong to rows of its width."""

    @property
    def weight(self) -> float:
        return self.share * math.sqrt(self.width)


def _score_delimiter(text: str, delimiter: str, known: frozenset[str], complete: bool) -> _DelimiterScore:
    records = list(FieldReader(Dialect(delimiter)).read_all(text, final=complete))
    header = (records[0].fields if records else None) or text.partition("\n")[0].split(delimiter)
    lines, good = _good_lines(text, records, len(header))
    return _DelimiterScore(
        delimiter,
        len(header),
        sum(not name.strip() for name in header),
        len(_folded(header) & known),
        len(records) - 1,
        good / lines if lines else 1.0,
    )


def _good_lines(text: str, records: Sequence[Record], width: int) -> tuple[int, int]:
    """Return the number of lines after the header, and how many of them belong to rows of its width.

    One extra delimiter at the end of a row is accepted.
    """
    if not records:
        return 0, 0
    following = text[records[0].next :]
    lines = sum(1 for line in following.split("\n") if line not in ("", "\r"))
    good = sum(
        1 + text.count("\n", record.start, record.end)
        for record in records[1:]
        if record.fields is not None
        and (len(record.fields) == width or (len(record.fields) == width + 1 and not record.fields[-1]))
    )
    return lines, min(good, lines)


def _detect_delimiter(text: str, known: frozenset[str], complete: bool) -> str:
    header = text.partition("\n")[0]
    fits = [
        _score_delimiter(text, delimiter, known, complete)
        for delimiter in (*_LONG, *_COMMON, *_RARE, *_PUNCTUATION, *([" "] if known else []))
        if delimiter in header or ('"' in header and delimiter in text)
    ]
    fits = [fit for fit in fits if fit.width > 1]
    named = [fit for fit in fits if fit.known > (1 if fit.delimiter == " " else 0)]
    if named:
        return max(named, key=lambda fit: (fit.known, fit.known - fit.width, fit.weight)).delimiter
    doubled = [fit for fit in fits if fit.delimiter in _LONG and fit.share > 0.9 and not fit.blank]
    common = [fit for fit in fits if fit.delimiter in _COMMON and fit.share >= 0.5]
    rare = [fit for fit in fits if fit.delimiter in _RARE and fit.share > 0.9 and fit.rows > 0]
    other = [
        fit for fit in fits if fit.delimiter in _PUNCTUATION and fit.share > 0.9 and fit.width > 2 < fit.rows
    ]
    for likely in (doubled, common, rare, other):
        if likely:
            return max(likely, key=lambda fit: fit.weight).delimiter
    return ","


def _detect_quoting(text: str, delimiter: str, complete: bool) -> Dialect:
    """Return the dialect with this delimiter that reads the most rows, preferring the plain one."""
    plain = Dialect(delimiter)
    mark = re.escape(delimiter)
    begin, end = rf"(?:^|{mark}) *", rf" *(?=\r?$|{mark})"
    wrapped = {
        quote: len(
            re.findall(rf"{begin}{quote}(?:[^{quote}\n]|{quote}{quote})*+{quote}{end}", text, re.MULTILINE)
        )
        for quote in ("'", '"')
    }
    quotes = ["'"] if wrapped["'"] > 10 * wrapped['"'] else []
    spaces = delimiter != " " and re.search(rf"{mark} +[\"']", text) is not None
    candidates = [
        Dialect(delimiter, quote, escape, skip_space)
        for quote in ('"', *quotes)
        for escape in ((Escape.DOUBLED, Escape.BACKSLASH) if "\\" in text else (Escape.DOUBLED,))
        for skip_space in ((False, True) if spaces else (False,))
    ]
    if len(candidates) == 1:
        return plain
    rows = [record.fields or [] for record in FieldReader(plain).read_all(text, final=complete)]
    columns = list(zip_longest(*rows))
    scores = {dialect: _score_dialect(text, dialect, columns, complete) for dialect in candidates}
    enough = 0.9 * max(good for good, _ in scores.values())
    likely = [dialect for dialect, (good, _) in scores.items() if good >= enough]
    return max(likely, key=lambda dialect: (scores[dialect][1], scores[dialect][0]))


def _score_dialect(
    text: str, dialect: Dialect, columns: Sequence[Sequence[str | None]], complete: bool
) -> tuple[int, int]:
    """Return the number of lines read well, and the number of signs of the dialect.

    The signs are looked for in ``columns``, as the plain dialect reads them, header first.
    """
    records = list(FieldReader(dialect).read_all(text, final=complete))
    width = len(records[0].fields or []) if records else 0
    _, good = _good_lines(text, records, width)
    signs = 0
    if dialect.quote == "'":
        signs += any(_most_match(column, _IN_SINGLE_QUOTES) for column in columns)
    if dialect.skip_space:
        signs += any(_most_match(column, _AFTER_SPACE[dialect.quote]) for column in columns)
    return good, signs


_IN_SINGLE_QUOTES = re.compile(r" *'.*' *", re.DOTALL)
_AFTER_SPACE = {quote: re.compile(rf" +{quote}.*{quote} *", re.DOTALL) for quote in "'\""}


def _most_match(column: Sequence[str | None], pattern: re.Pattern[str]) -> bool:
    """Return whether at least 90 % of the values match, at least two counting the header's."""
    cells = [cell for cell in column[1:] if cell and cell.strip()]
    matches = sum(pattern.fullmatch(cell) is not None for cell in cells)
    header = bool(column and column[0] and pattern.fullmatch(column[0]))
    return matches >= 0.9 * len(cells) and (matches + header > 1 or (header and len(column) == 1))
