"""Conversion of text to the normal form that the rest of the pipeline reads.

The normal form is UTF-8 with LF, as plain CSV or as one JSON object per line. Unreadable input is neither
repaired nor dropped: it is written so that ``records.RecordCutter`` detects it and rejects that record alone.
"""

import codecs
import io
import json
import re
from collections.abc import Iterable, Iterator

from claimwatch.domain.files.csv_reader import LONGEST_RECORD, FieldReader
from claimwatch.domain.files.dialect import Dialect, Escape
from claimwatch.domain.files.encoding import Encoding
from claimwatch.domain.files.json_shapes import BETWEEN
from claimwatch.domain.files.records import PADDING
from claimwatch.errors import RefusedFile

UNREADABLE = "\udcff"
"""Replaces bytes that are not a character; written as the byte FF, which never occurs in UTF-8."""

DAMAGED = '"" '
"""Prefix of an unreadable CSV record: every reader rejects text after a closing quote."""

JSON_BREAK = "\x1f"
"""Replaces a line break inside a JSON string, which JSON does not allow."""

_ERRORS = "claimwatch.unreadable"
codecs.register_error(_ERRORS, lambda error: (UNREADABLE, error.end))  # type: ignore[attr-defined]

_LATIN = "".join(bytes([code]).decode("cp1252", "replace") for code in range(256))
_CP1252 = "".join(chr(code) if letter == "\ufffd" else letter for code, letter in enumerate(_LATIN))


class Decoder:
    """Decodes a stream block by block; the byte order mark must have been removed.

    With ``lone_returns`` every line break becomes LF, inside quotes too. In UTF-16, a lost or extra byte
    would garble all the text after it; line breaks at odd offsets reveal it.
    """

    def __init__(self, encoding: Encoding, *, lone_returns: bool = False) -> None:
        self._charmap = encoding is Encoding.CP1252
        errors = "surrogateescape" if encoding is Encoding.UTF_8 else _ERRORS
        self._decoder = codecs.getincrementaldecoder(encoding)(errors)
        self._breaks = io.IncrementalNewlineDecoder(None, translate=True) if lone_returns else None
        self._newline = {Encoding.UTF_16_LE: b"\n\0", Encoding.UTF_16_BE: b"\0\n"}.get(encoding)
        self._odd = b""

    def decode(self, block: bytes, *, final: bool = False) -> str:
        """Return the text that a block completes."""
        if self._charmap:
            text, _ = codecs.charmap_decode(block, "strict", _CP1252)
        elif self._newline is not None:
            text = self._decode_pairs(self._odd + block, self._newline, final=final)
        else:
            text = self._decoder.decode(block, final)
        return self._breaks.decode(text, final=final) if self._breaks else text

    def _decode_pairs(self, data: bytes, newline: bytes, *, final: bool) -> str:
        text = ""
        slip = _slip(data, newline)
        if slip is not None:
            text = self._decoder.decode(data[:slip], True)  # half a pair at the end becomes UNREADABLE
            self._decoder.reset()
            data = data[slip:]
        whole = len(data) if final else len(data) & ~1
        self._odd = data[whole:]
        return text + self._decoder.decode(data[:whole], final)


def _slip(data: bytes, newline: bytes) -> int | None:
    """Return the offset where the text slips by one byte, or None.

    From this line break on, all line breaks are at odd offsets, and the text reads better from there.
    """
    last_even = data.rfind(newline)
    if last_even < 0 or last_even % 2 == 0:
        return None
    while last_even > 0 and last_even % 2:
        last_even = data.rfind(newline, 0, last_even + 1)
    slip = data.find(newline, last_even + 1)
    while slip % 2 == 0:
        slip = data.find(newline, slip + 1)
    here = data[slip:]
    zeros = 1 if newline.endswith(b"\0") else 0
    return slip if here[zeros::2].count(0) > here[1 - zeros :: 2].count(0) else None


def decode_blocks(blocks: Iterable[bytes], decoder: Decoder) -> Iterator[str]:
    """Yield the text of all blocks."""
    for block in blocks:
        yield decoder.decode(block)
    yield decoder.decode(b"", final=True)


def encode_texts(texts: Iterable[str]) -> Iterator[bytes]:
    """Yield the text in UTF-8; characters that could not be decoded become invalid bytes again."""
    for text in texts:
        if text:
            yield text.encode("utf-8", "surrogateescape")


def format_record(fields: Iterable[str], delimiter: str) -> str:
    """Return a record of CSV in normal form."""
    line = delimiter.join([_cell(field, delimiter) for field in fields])
    return (line or '""') + "\n"


def _cell(field: str, delimiter: str) -> str:
    if '"' in field or delimiter in field or "\n" in field or "\r" in field:
        return '"' + field.replace('"', '""') + '"'
    return field


class CsvRewriter:
    """Rewrites CSV of any dialect in normal form, beginning at the start of a record."""

    def __init__(self, dialect: Dialect, columns: int) -> None:
        self._reader = FieldReader(dialect)
        self._dialect = dialect
        self._columns = columns
        self._delimiter = dialect.normal_delimiter
        self._simple, self._swap = _simple_lines(dialect)
        self._pending = ""
        self._in_overlong = False

    def rewrite(self, texts: Iterable[str]) -> Iterator[str]:
        """Yield all records in normal form."""
        for text in texts:
            yield self._rewrite(self._pending + text, final=False)
        yield self._rewrite(self._pending.rstrip(PADDING.decode()), final=True)

    def _rewrite(self, text: str, *, final: bool) -> str:
        at, lines = 0, list[str]()
        if self._in_overlong:
            newline = text.find("\n")
            at = newline + 1 or len(text)
            self._in_overlong = newline < 0
            lines.append(text[:at])
        while at < len(text):
            if self._simple is not None:
                end = _end_of(self._simple, text, at)
                lines.append(text[at:end].replace(*self._swap))
                at = end
            record = (
                self._reader.read(text, at, final=final, columns=self._columns) if at < len(text) else None
            )
            if record is None:
                break
            if record.fields is None:
                lines.append(f"{DAMAGED}{text[record.start : record.end]}\n")
            elif record.end > record.start:
                lines.append(format_record(record.fields, self._delimiter))
            at = record.next
        if not final and len(text) - at > LONGEST_RECORD and text.find("\n", at) < 0:
            lines += [DAMAGED, text[at:]]
            self._in_overlong, at = True, len(text)
        self._pending = text[at:]
        return "".join(lines)


def _simple_lines(dialect: Dialect) -> tuple[re.Pattern[str] | None, tuple[str, str]]:
    """Return a pattern of lines that one replacement converts, and that replacement.

    Most lines of most files match it.
    """
    delimiter, normal = re.escape(dialect.delimiter), dialect.normal_delimiter
    if dialect.skip_space:
        return None, ("", "")
    if normal != dialect.delimiter:
        rest = "\\\\" if dialect.escape is Escape.BACKSLASH else ""
        return re.compile(rf"(?:[^\"'{normal}\n{rest}]*+\n)*+"), (dialect.delimiter, normal)
    if dialect.quote == "'" and dialect.escape is Escape.DOUBLED:
        quoted, outside, swap = r"'[^'\"\n]*+'", rf"[^'\"\n{delimiter}]*+", ("'", '"')
    elif dialect.quote == '"' and dialect.escape is Escape.BACKSLASH:
        quoted, outside = r'"(?:[^"\\\n]++|\\"|"")*+"', rf'[^"\\\n{delimiter}]*+'
        swap = ('\\"', '""')
    else:
        return None, ("", "")
    field = rf"(?:{quoted}|{outside})"
    return re.compile(rf"(?:(?:{field}{delimiter})*+{field}\r?\n)*+"), swap


_BREAKS = re.compile(r"[\n\r]+")
_NEXT_OBJECT = re.compile(r"\}(?=\s*,?\s*\{\s*[\"}])")
_ARRAY = re.compile(r"\[\s*+(?:[{\]]|(?P<cut>\Z))")
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)  # only the offsets matter, not the values


class JsonLines:
    """Rewrites objects in arrays, or in sequence with or without line breaks, as one object per line."""

    def __init__(self) -> None:
        self._pending = ""
        self._open = False
        """Whether the current position is inside an array."""

    def rewrite(self, texts: Iterable[str]) -> Iterator[str]:
        """Yield one line for each object, and for each stretch of text that is not an object.

        Raises ``RefusedFile`` if an array is not closed, because the amount of missing data is unknown.
        """
        for text in texts:
            yield self._rewrite(self._pending + text, final=False)
        yield self._rewrite(self._pending, final=True)

    def _rewrite(self, text: str, *, final: bool) -> str:
        at, lines = 0, list[str]()
        while True:
            at = _end_of(BETWEEN, text, at)
            if at == len(text):
                break
            array = None if self._open else _ARRAY.match(text, at)
            if array is not None:
                if array["cut"] is not None and not final:
                    break
                self._open = True
                at += 1
            elif self._open and text[at] == "]":
                self._open = False
                at += 1
            else:
                end, whole = self._element(text, at, final=final)
                if end is None:
                    break
                lines.append(_on_one_line(text[at:end], whole=whole))
                self._open = self._open and (whole or not text[at:end].rstrip().endswith("]"))
                at = end
        self._pending = text[at:]
        if final and self._open:
            raise RefusedFile("the JSON array is not closed: the file seems to be cut off; send it again")
        return "".join(lines)

    def _element(self, text: str, at: int, *, final: bool) -> tuple[int | None, bool]:
        """Return the end of the element at this position, and whether it can be read.

        The end is None if it takes more text to find it.
        """
        try:
            _, end = _DECODER.raw_decode(text, at)
            return (end, True) if final or end < len(text) else (None, False)
        except json.JSONDecodeError as error:
            certain = not error.msg.startswith("Unterminated") and error.pos < len(text) - len("-Infinity")
        except RecursionError:
            certain = True
        if not final and not certain and len(text) - at <= LONGEST_RECORD:
            return None, False
        match = _NEXT_OBJECT.search(text, at)
        if match is not None:
            return match.end(), False
        return (len(text), False) if final or len(text) - at > LONGEST_RECORD else (None, False)


def _end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return at if match is None else match.end()


def _on_one_line(element: str, *, whole: bool) -> str:
    if whole and "\n" not in element and "\r" not in element:
        return element + "\n"
    line = _BREAKS.sub(" ", element)
    if not whole:
        try:  # only a line break inside a string was wrong: do not repair it silently
            _DECODER.decode(line)
            line = _BREAKS.sub(JSON_BREAK, element)
        except (ValueError, RecursionError):
            pass
    return line + "\n"
