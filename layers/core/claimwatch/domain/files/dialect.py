"""What a file is, told from its bytes: its encoding, its format, the dialect of its CSV.

Nothing here trusts a name or a media type; people rename files.
"""

import codecs
import json
import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest

import numpy as np

LONGEST_RECORD = 1 << 20
"""Characters after which a quote that was not closed is taken for damage."""

SNIFFED_CHARACTERS = 256 << 10
SNIFFED_LINES = 300
"""A dialect is told from so much of the beginning."""


class Encoding(StrEnum):
    """How characters became bytes."""

    UTF_8 = "utf-8"
    UTF_16_LE = "utf-16-le"
    UTF_16_BE = "utf-16-be"
    UTF_32_LE = "utf-32-le"
    UTF_32_BE = "utf-32-be"
    CP1252 = "cp1252"
    """Latin-1 as people write it: windows-1252, and Latin-1 for the five bytes that it leaves undefined."""

    @property
    def common_name(self) -> str:
        """What people call it."""
        return "latin-1" if self is Encoding.CP1252 else self.value.removesuffix("-le").removesuffix("-be")


class Format(StrEnum):
    """What the text of a file is written in."""

    CSV = "csv"
    NDJSON = "ndjson"
    JSON = "json"
    """Objects over several lines, one behind the other or in an array."""


class Escape(StrEnum):
    """How a quote is written inside of quotes."""

    DOUBLED = "doubled"
    BACKSLASH = "backslash"


@dataclass(frozen=True)
class Dialect:
    """How CSV is written. ``skip_space``: spaces behind a delimiter do not belong to the field."""

    delimiter: str = ","
    quote: str = '"'
    escape: Escape = Escape.DOUBLED
    skip_space: bool = False

    @property
    def is_native(self) -> bool:
        """Whether everything downstream reads it as it is."""
        return self == Dialect(self.native_delimiter)

    @property
    def native_delimiter(self) -> str:
        """The delimiter itself where downstream can read it, else a tab, which few cells hold."""
        return self.delimiter if self.delimiter in _NATIVE_DELIMITERS else "\t"

    @property
    def traits(self) -> list[str]:
        """Words for what is not as in a plain CSV."""
        named = _DELIMITER_NAMES.get(self.delimiter, f"delimiter {ascii(self.delimiter)[1:-1]}")
        return [
            *([named] if self.delimiter != "," else []),
            *(["single quotes"] if self.quote == "'" else []),
            *(["backslash escapes"] if self.escape is Escape.BACKSLASH else []),
            *(["spaced"] if self.skip_space else []),
        ]


_NATIVE_DELIMITERS = frozenset("\t!#$%&()*+,-./:;<=>?@[]^_`{|}~")
_DELIMITER_NAMES = {
    ";": "semicolon",
    "\t": "tab",
    "|": "pipe",
    ":": "colon",
    "^": "caret",
    "~": "tilde",
    " ": "space",
}


# -- Encoding ------------------------------------------------------------------------------------------------

_MARKS = (
    (codecs.BOM_UTF8, Encoding.UTF_8),
    (codecs.BOM_UTF32_LE, Encoding.UTF_32_LE),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, Encoding.UTF_32_BE),
    (codecs.BOM_UTF16_LE, Encoding.UTF_16_LE),
    (codecs.BOM_UTF16_BE, Encoding.UTF_16_BE),
)


def detect_encoding(head: bytes) -> tuple[Encoding, int]:
    """The encoding that the first bytes tell, and the length of the byte order mark.

    What has neither a mark nor the zeros of UTF-16 and UTF-32 counts as UTF-8; ``EncodingDetector`` knows
    better once it has seen the whole file.
    """
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, len(mark)
    share = head.count(0) / max(1, len(head))
    if share < 0.01 or share > 0.9 or (share < 0.3 and _is_utf8(head)):
        return Encoding.UTF_8, 0
    begin = head[:1024]  # a lost byte turns what follows it
    quads = np.frombuffer(begin, "<u4", len(begin) // 4)
    for encoding, units in ((Encoding.UTF_32_LE, quads), (Encoding.UTF_32_BE, quads.byteswap())):
        if len(units) and np.count_nonzero(units <= _LAST_CHARACTER) > 0.9 * len(units):
            return encoding, 0
    pairs = np.frombuffer(begin, "<u2", len(begin) // 2)
    little, big = (int(np.count_nonzero(units <= _LAST_ASCII)) for units in (pairs, pairs.byteswap()))
    # A few characters of Chinese look like ASCII the wrong way round; delimiters and line breaks are more.
    if max(little, big) > 2 * min(little, big) and max(little, big) > 0.03 * len(pairs):
        return Encoding.UTF_16_LE if little > big else Encoding.UTF_16_BE, 0
    return Encoding.UTF_8, 0


_LAST_ASCII, _LAST_CHARACTER = 0x7F, 0x10FFFF


def _is_utf8(head: bytes) -> bool:
    """Whether it is UTF-8; the last character may be cut."""
    try:
        codecs.utf_8_decode(head, "strict", False)
    except UnicodeDecodeError:
        return False
    return True


class EncodingDetector:
    """Whether bytes that are not all ASCII are UTF-8 with some damage or a one-byte encoding.

    Feed it the whole file in blocks of any size. Text in UTF-8 has more good sequences than bytes that fit in
    none; in Latin-1 it is the other way round. Bytes that hardly any Latin-1 text has speak for damage.
    """

    def __init__(self) -> None:
        self.sequences = 0
        """Characters of two to four bytes."""
        self.strays = 0
        """Bytes that belong to no character but could be one in windows-1252."""
        self.damage = 0
        """Bytes that belong to no character there either."""
        self._pending = b""

    def feed(self, block: bytes) -> None:
        """Count a block; at the speed of memory for ASCII."""
        if not self._pending and block.isascii():
            return
        data = self._pending + block if self._pending else block
        try:
            _, used = codecs.utf_8_decode(data, "strict", False)
            self.sequences += int(np.count_nonzero(np.frombuffer(data, np.uint8, used) >= _LEAD))
        except UnicodeDecodeError:
            used = self._count_damaged(data)
        self._pending = data[used:]

    def _count_damaged(self, data: bytes) -> int:
        """Count what is not all UTF-8, sequences by their shape alone; returns how many bytes are counted."""
        padded = np.frombuffer(data + bytes(3), np.uint8)
        high = np.flatnonzero(padded >= 0x80)
        continues = (padded & 0xC0) == 0x80
        lengths = np.array([0, 2, 3, 4])[np.searchsorted(_LEADS, padded[high], "right")]
        lengths[padded[high] > _LAST_LEAD] = 0
        cut = high + lengths > len(data)
        used = int(high[cut][0]) if cut.any() else len(data)
        high, lengths = high[high < used], lengths[high < used]
        covered = np.zeros(len(padded), np.bool_)
        for length in (2, 3, 4):
            places = high[lengths == length]
            for behind in range(1, length):
                places = places[continues[places + behind]]
            for part in range(length):
                covered[places + part] = True
            self.sequences += len(places)
        strays = padded[high][~covered[high]]
        damage = int(np.count_nonzero(np.isin(strays, _UNLIKELY_STRAYS)))
        self.strays += len(strays) - damage
        self.damage += damage
        return used

    def encoding(self) -> Encoding:
        """UTF-8 or CP1252, after what was fed so far."""
        strays = self.strays + (1 if self._pending else 0)
        return Encoding.CP1252 if strays > self.sequences + self.damage else Encoding.UTF_8


_LEAD = 0xC0
_LEADS = np.array([0xC2, 0xE0, 0xF0], np.uint8)
"""The least leads of two, three and four bytes."""
_LAST_LEAD = 0xF4
# Undefined in windows-1252, and the letter that no word begins with and hardly one holds.
_UNLIKELY_STRAYS = np.array([0x81, 0x8D, 0x8F, 0x90, 0x9D, 0xFF], np.uint8)


# -- What is no table of claims ------------------------------------------------------------------------------

GZIP = b"\x1f\x8b"
PARQUET = b"PAR1"

_SEND_TEXT = "send the table as CSV, NDJSON or Parquet"
_UNPACK = "send the file inside, as it is or compressed with gzip"
_PHOTO = "damage photos go under images/"
_STRANGERS = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook or another Office file; save it as CSV"),
    (b"%PDF-", f"a PDF document; {_SEND_TEXT}"),
    (b"\x89PNG", f"a PNG image; {_PHOTO}"),
    (b"\xff\xd8\xff", f"a JPEG image; {_PHOTO}"),
    (b"GIF8", f"a GIF image; {_PHOTO}"),
    (b"II*\0", f"a TIFF image; {_PHOTO}"),
    (b"MM\0*", f"a TIFF image; {_PHOTO}"),
    (b"BZh", f"a bzip2 archive; {_UNPACK}"),
    (b"\xfd7zXZ\0", f"an xz archive; {_UNPACK}"),
    (b"\x28\xb5\x2f\xfd", f"a Zstandard archive; {_UNPACK}"),
    (b"\x04\x22\x4d\x18", f"an LZ4 archive; {_UNPACK}"),
    (b"7z\xbc\xaf\x27\x1c", f"a 7-Zip archive; {_UNPACK}"),
    (b"Rar!\x1a\x07", f"a RAR archive; {_UNPACK}"),
    (b"SQLite format 3\0", f"an SQLite database; {_SEND_TEXT}"),
    (b"Obj\x01", f"an Avro file; {_SEND_TEXT}"),
    (b"ORC", f"an ORC file; {_SEND_TEXT}"),
    (b"ARROW1\0\0", f"an Arrow file; {_SEND_TEXT}"),
    (b"FEA1", f"a Feather file; {_SEND_TEXT}"),
    (b"PARE", "an encrypted Parquet file; send it unencrypted (the bucket encrypts it)"),
    (b"\x7fELF", f"a program; {_SEND_TEXT}"),
)
_ZIPPED = (
    (b"xl/", "an Excel workbook; save it as CSV"),
    (b"opendocument.spreadsheet", "an OpenDocument spreadsheet; save it as CSV"),
    (b"word/", f"a Word document; {_SEND_TEXT}"),
    (b"ppt/", f"a presentation; {_SEND_TEXT}"),
    (b"[Content_Types].xml", "an Office document, perhaps an Excel workbook; save it as CSV"),
)
_MARKUP = (
    (re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.I), f"a web page; {_SEND_TEXT}"),
    (re.compile(r"<\?xml\b", re.I), f"an XML document; {_SEND_TEXT}"),
    (re.compile(r"\{\\rtf"), f"a rich text document; {_SEND_TEXT}"),
)
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\v\f\r\x1a\x1b")


def is_parquet(head: bytes) -> bool:
    """Whether the file begins as Parquet does (and not as a CSV whose first column is called PAR1)."""
    return head.startswith(PARQUET) and _controls(head) > 0


def detect_unsupported_format(head: bytes) -> str | None:
    """What the file seems to be and what to send instead, if its first bytes are of no format read here."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return next((what for trace, what in _ZIPPED if trace in head), f"a zip archive; {_UNPACK}")
    if head[257:262] == b"ustar":
        return f"a tar archive; {_UNPACK}"
    controls = _controls(head)
    for magic, what in _STRANGERS:
        if head.startswith(magic) and (controls or not magic.isalnum()):
            return what
    encoding, _ = detect_encoding(head)
    if encoding is Encoding.UTF_8:
        share = controls / max(1, len(head))
        if share > 0.3 or (share > 0.06 and not _is_utf8(head)):
            return f"binary data; {_SEND_TEXT}"
    return None


def detect_unsupported_text(sample: str) -> str | None:
    """What the text seems to be and what to send instead, if it is no table."""
    begin = sample[:1024].lstrip()
    return next((what for pattern, what in _MARKUP if pattern.match(begin)), None)


def _controls(head: bytes) -> int:
    return len(head) - len(head.translate(None, _CONTROLS))


# -- Format --------------------------------------------------------------------------------------------------

_OBJECT = re.compile(r"\{\s*[\"}]")
_ARRAY = re.compile(r"\[\s*[{\]]")
_JSON = json.JSONDecoder(parse_int=str, parse_float=str)  # a number may be too long for Python


def detect_format(sample: str) -> Format:
    """CSV, unless the text begins as JSON does."""
    begin = sample.lstrip()
    if _ARRAY.match(begin):
        return Format.JSON
    if not _OBJECT.match(begin):
        return Format.CSV
    at = whole = 0
    for _ in range(SNIFFED_LINES):
        end = _end_of_json(begin, at)
        if end is not None and "\n" in begin[at:end]:
            return Format.JSON
        whole += end is not None
        newline = begin.find("\n", at)
        if newline < 0:
            break
        at = newline + 1
    return Format.NDJSON if whole or "\n" not in begin.rstrip() else Format.JSON


def _end_of_json(text: str, at: int) -> int | None:
    """Where the JSON value ends that begins at this place, if one does."""
    try:
        return _JSON.raw_decode(text, at)[1]
    except (ValueError, RecursionError):
        return None


# -- Records and fields of CSV -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Record:
    """A record from ``start`` to ``end``, without its line break; ``fields`` is None if it cannot be read."""

    start: int
    end: int
    next: int
    fields: list[str] | None


class FieldReader:
    """Reads records of CSV in any dialect; lines end in LF or CRLF.

    A record that cannot be read gives up its first line alone, as the cutter of native bytes does.
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
        self._enough = max(2, len(dialect.delimiter))  # characters that tell what ends a field

    def read(self, text: str, at: int, *, final: bool, columns: int | None = None) -> Record | None:
        """The record at ``at``; None where more text is needed to tell its end.

        A record over several lines that has not the number of ``columns`` is taken for damage.
        """
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
            if match is None:  # a quote is not closed in what is here
                return Record(start, size, size, None) if final else None
            inside, outside, delimiter, newline = match.groups()
            at = match.end()
            if delimiter is not None:
                fields.append(
                    self._plain(inside, quoted=True) if inside is not None else self._plain(outside)
                )
                continue
            if newline is None and size - at < self._enough and not final:
                return None
            if newline is None and at < size:
                return Record(start, at, at, None)  # text behind a closing quote
            end = match.start(4) if newline else at
            if outside is not None and outside.endswith("\r"):
                outside, end = outside[:-1], end - 1
            fields.append(self._plain(inside, quoted=True) if inside is not None else self._plain(outside))
            return Record(start, end, at, fields)

    def _plain(self, content: str, *, quoted: bool = False) -> str:
        quote = self._dialect.quote
        if self._escaped is not None and "\\" in content:
            parts = self._escaped.split(content)  # text and escaped characters in turn
            if quoted:
                parts[0::2] = [part.replace(quote + quote, quote) for part in parts[0::2]]
            return "".join(parts)
        return content.replace(quote + quote, quote) if quoted else content

    def read_all(self, text: str, *, final: bool) -> Iterator[Record]:
        """All records up to the last whole one; blank lines are none."""
        at = 0
        while at < len(text):
            record = self.read(text, at, final=final)
            if record is None:
                return
            at = record.next
            if record.end > record.start:
                yield record


# -- Dialect -------------------------------------------------------------------------------------------------

_COMMON = ("\t", "|", ";", ",")  # the more telling first: commas are in numbers and prose
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
_HEADER_SOUGHT = 40
_SEP = re.compile(r'"?sep=([^\r\n]+?)"?\r?(?:\n|\Z)', re.I)
_BLANKS = " \t\r\n\v\f\xa0\ufeff"
_NOTHING = re.compile(r'[\s,;|"]*(?:\n|\Z)')


@dataclass(frozen=True)
class CsvPreamble:
    """How a CSV begins: its dialect, its column names, and how many characters stand before the first row."""

    dialect: Dialect
    header: tuple[str, ...]
    body: int


def has_lone_returns(sample: str, *, complete: bool) -> bool:
    """Whether lines end in a carriage return alone."""
    if not complete and sample.endswith("\r"):
        sample = sample[:-1]
    if "\r" not in sample:
        return False
    outside = "".join(sample.split('"')[::2])
    return outside.count("\r") - outside.count("\r\n") > outside.count("\n")


def detect_dialect(sample: str, known_columns: Collection[str], *, complete: bool = False) -> Dialect:
    """The dialect of CSV that begins with its header; ``complete`` if the sample is the whole of it.

    The delimiter that finds the most of the known columns wins; without any, the one that makes the most rows
    as wide as the header, wide headers first.
    """
    text, complete = _beginning(sample, complete)
    return _quoting(text, _delimiter(text, _normal(known_columns), complete), complete)


def read_preamble(sample: str, known_columns: Collection[str], *, complete: bool) -> CsvPreamble | None:
    """Where the header is and what it says; None if the header does not end in the sample.

    Left out before the header are lines of nothing but delimiters and spaces, comments, and where columns are
    known, lines of prose before the line that names them. A line ``sep=;`` is obeyed.
    """
    start = _first_line(sample)
    known = _normal(known_columns)
    told = _SEP.match(sample, start)
    if told is not None:
        start = _first_line(sample, told.end())
        text, whole = _beginning(sample[start:], complete)
        dialect = _quoting(text, told[1], whole)
    else:
        start = _header_line(sample, _behind_comments(sample, start), known)
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
    names = _fitted([name.replace("\0", "\ufffd").strip(_BLANKS) for name in names], rows)
    header = tuple(name or f"column_{place}" for place, name in enumerate(names, 1))
    return CsvPreamble(dialect, header, first.next)


def _fitted(names: list[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The names with the one that the rows' trailing delimiter asks for, or without the one that it lacks."""
    if not rows:
        return names
    width, often = Counter(map(len, rows)).most_common(1)[0]
    if often < 0.9 * len(rows):
        return names
    if width == len(names) + 1 and not any(row[-1] for row in rows if len(row) == width):
        return [*names, ""]
    return names[:width] if width < len(names) and not any(names[width:]) else names


def _beginning(sample: str, complete: bool) -> tuple[str, bool]:
    """The part of the sample that is looked at, and whether it is the whole text."""
    at = -1
    for _ in range(SNIFFED_LINES):
        at = sample.find("\n", at + 1)
        if at < 0:
            break
    end = min(at + 1 or len(sample), SNIFFED_CHARACTERS)
    return sample[:end], complete and end == len(sample)


def _first_line(sample: str, at: int = 0) -> int:
    """Where the first line begins that is not blank, nor nothing but delimiters."""
    match = _NOTHING.match(sample, at)
    return at if match is None else match.end()


def _behind_comments(sample: str, start: int) -> int:
    """Where the first line begins that is no comment; one with delimiters may well be the header."""
    at = start
    while sample.startswith("#", at):
        newline = sample.find("\n", at)
        if newline < 0 or any(delimiter in sample[at:newline] for delimiter in _COMMON):
            break
        at = newline + 1
    following = sample[at:].partition("\n")[0]
    return at if any(delimiter in following for delimiter in _COMMON) else start


def _normal(names: Iterable[str]) -> frozenset[str]:
    """Names without what people change about them: case, spaces, underscores, quotes."""
    return frozenset("".join(filter(str.isalnum, name.casefold())) for name in names) - {""}


def _header_line(sample: str, start: int, known: frozenset[str]) -> int:
    """Where the line begins that names known columns, or ``start`` if the first does or none does."""
    best, most, at = start, 1, start
    for number in range(_HEADER_SOUGHT if known else 0):
        newline = sample.find("\n", at)
        line = sample[at : newline if newline >= 0 else len(sample)]
        for delimiter in (*_COMMON, *_RARE):
            names = line.split(delimiter)
            found = len(_normal(names) & known)
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
    """How a text looks when read with a delimiter."""

    delimiter: str
    width: int
    blank: int
    """Header fields without a name."""
    known: int
    """Known columns in the header."""
    rows: int
    share: float
    """Of the lines behind the header that are in rows as wide as it."""

    @property
    def weight(self) -> float:
        return self.share * math.sqrt(self.width)


def _fit(text: str, delimiter: str, known: frozenset[str], complete: bool) -> _DelimiterScore:
    records = list(FieldReader(Dialect(delimiter)).read_all(text, final=complete))
    header = (records[0].fields if records else None) or text.partition("\n")[0].split(delimiter)
    lines, good = _good_lines(text, records, len(header))
    return _DelimiterScore(
        delimiter,
        len(header),
        sum(not name.strip() for name in header),
        len(_normal(header) & known),
        len(records) - 1,
        good / lines if lines else 1.0,
    )


def _good_lines(text: str, records: Sequence[Record], width: int) -> tuple[int, int]:
    """How many lines stand behind the header, and how many of them in rows that fit it.

    A delimiter too many at the end of a row is no misfit.
    """
    if not records:
        return 0, 0
    behind = text[records[0].next :]
    lines = sum(1 for line in behind.split("\n") if line not in ("", "\r"))
    good = sum(
        1 + text.count("\n", record.start, record.end)
        for record in records[1:]
        if record.fields is not None
        and (len(record.fields) == width or (len(record.fields) == width + 1 and not record.fields[-1]))
    )
    return lines, min(good, lines)


def _delimiter(text: str, known: frozenset[str], complete: bool) -> str:
    header = text.partition("\n")[0]
    fits = [
        _fit(text, delimiter, known, complete)
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


def _quoting(text: str, delimiter: str, complete: bool) -> Dialect:
    """The dialect with this delimiter that reads the most rows; the plain one, unless another is better."""
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
    merits = {dialect: _score(text, dialect, columns, complete) for dialect in candidates}
    enough = 0.9 * max(good for good, _ in merits.values())
    likely = [dialect for dialect, (good, _) in merits.items() if good >= enough]
    return max(likely, key=lambda dialect: (merits[dialect][1], merits[dialect][0]))


def _score(
    text: str, dialect: Dialect, columns: Sequence[Sequence[str | None]], complete: bool
) -> tuple[int, int]:
    """Lines read well, and signs of the dialect in ``columns``, header first, as the plain one reads them."""
    records = list(FieldReader(dialect).read_all(text, final=complete))
    width = len(records[0].fields or []) if records else 0
    _, good = _good_lines(text, records, width)
    signs = 0
    if dialect.quote == "'":
        signs += any(_most_match(column, _IN_SINGLE_QUOTES) for column in columns)
    if dialect.skip_space:
        signs += any(_most_match(column, _BEHIND_SPACE[dialect.quote]) for column in columns)
    return good, signs


_IN_SINGLE_QUOTES = re.compile(r" *'.*' *", re.DOTALL)
_BEHIND_SPACE = {quote: re.compile(rf" +{quote}.*{quote} *", re.DOTALL) for quote in "'\""}


def _most_match(column: Sequence[str | None], pattern: re.Pattern[str]) -> bool:
    """Whether nearly all values below the header match; two at least, of which one may be the header's."""
    cells = [cell for cell in column[1:] if cell and cell.strip()]
    matches = sum(pattern.fullmatch(cell) is not None for cell in cells)
    header = bool(column and column[0] and pattern.fullmatch(column[0]))
    return matches >= 0.9 * len(cells) and (matches + header > 1 or (header and len(column) == 1))
