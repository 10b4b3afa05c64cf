"""Conversion of dropped files to the normal form that the pipeline reads: plain CSV or NDJSON in UTF-8.

An object that is in normal form already is used in place. Any other is streamed, in bounded memory, into an
object of the artifact bucket.
"""

import shutil
import tempfile
import zlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Literal

from claimwatch.aws.objects import ObjectRef, ObjectStore
from claimwatch.domain.files.dialect_detection import has_lone_returns, read_preamble
from claimwatch.domain.files.encoding import Encoding, detect_encoding
from claimwatch.domain.files.file_format import GZIP, PARQUET, Format, detect_format, is_parquet
from claimwatch.domain.files.header import refuse_too_wide
from claimwatch.domain.files.joined_objects import JoinedLines
from claimwatch.domain.files.json_shapes import describe_json_without_records
from claimwatch.domain.files.normalize import (
    CsvRewriter,
    Decoder,
    JsonLines,
    decode_blocks,
    encode_texts,
    format_record,
)
from claimwatch.domain.files.stream_files import routed_line
from claimwatch.domain.files.unsupported import detect_unsupported_format
from claimwatch.domain.files.unsupported_text import detect_unsupported_text
from claimwatch.errors import RefusedFile
from claimwatch.ingest.parquet import ParquetTable

SAMPLE = 1 << 20
"""Bytes from which the format is detected; the header must end within them."""

MOST_BYTES = 5 << 30
"""Largest size, in bytes, of a file that is compressed or converted, before and after it is.

InspectFile has 900 seconds. For 5 GiB, unpacking, writing and cutting take about 300 seconds at the 75 MB/s
that S3 gives a function, and rewriting JSON or another dialect at 20 MB/s takes about as long again.
"""

MOST_BYTES_IN_PLACE = 20 << 30
"""Largest size, in bytes, of a file that is used in place: it is only read, in about 300 seconds."""

MOST_RATIO = 200
"""Largest ratio of the unpacked size of a gzip file to its packed size.

Text of claims has 5 to 30. Deflate can pack 1,000 bytes into one, so that a small file fills the database.
"""

RATIO_FLOOR = 64 << 20
"""Unpacked bytes up to which a gzip file may have any ratio."""

MOST_MEMBERS = 1_000_000
"""Largest number of members of a gzip file. Tools that write many make them 64 KiB large; each takes time."""

_BLOCK = 1 << 20
_INPUT = 16 << 10
"""Packed bytes that are unpacked at a time: the rest is copied after each member of a gzip file."""
_SPARE_DISK = 64 << 20


@dataclass(frozen=True)
class Prepared:
    """An object in normal form.

    ``source`` is the dropped object itself or its staged copy. The records are the bytes from ``body_start``
    to ``size``. For CSV, ``header`` holds the names of the file, stripped, with ``column_<k>`` for a blank
    name; duplicates are kept. For NDJSON it is empty. ``described`` describes the format of the dropped file.
    ``doubles`` are the places of the columns that it holds as floating-point numbers. ``routed`` is the line
    to which the stream routed the records.
    """

    source: ObjectRef
    format: Literal["csv", "ndjson"]
    delimiter: str
    header: tuple[str, ...]
    body_start: int
    size: int
    described: str
    doubles: tuple[int, ...] = ()
    routed: str | None = None


def prepare(
    objects: ObjectStore,
    ref: ObjectRef,
    *,
    known_columns: Collection[str],
    staging_bucket: str,
    staging_key: str,
    encoding: Encoding | None = None,
    most_bytes: int = MOST_BYTES,
    decimal_commas: Collection[str] = (),
    joined: bool = False,
) -> Prepared:
    """Bring an object into normal form.

    ``decimal_commas`` names columns whose numbers the contract reads with a decimal comma. ``joined`` says
    that lines of NDJSON have several objects, which only a ``JoinedObjects`` that has read the whole file
    finds out.

    Without an ``encoding``, bytes without a byte order mark and without the zeros of UTF-16 are read as
    UTF-8. Feed the resulting ``source`` to an ``EncodingDetector``; if that reports another encoding, call
    ``prepare`` again with it.

    Raises ``RefusedFile`` with the reason if the object is not a readable table.
    """
    staging = _Staging(objects, staging_bucket, staging_key, most_bytes)
    dropped = _DroppedObject(objects, ref)
    if is_parquet(dropped.head):
        return _parquet(dropped, staging, decimal_commas)
    content = dropped.head.rstrip(b"\0") if dropped.complete else dropped.head  # without padding
    unsupported = detect_unsupported_format(content)
    if unsupported is not None:
        raise RefusedFile(f"this is {unsupported}")
    detected, mark = detect_encoding(content)
    if encoding is None or detected is not Encoding.UTF_8 or mark:
        encoding = detected
    prepared = _text(dropped, staging, encoding, mark, known_columns, joined=joined)
    return replace(prepared, routed=routed_line(ref.key)) if prepared.format == "ndjson" else prepared


class _DroppedObject:
    """The dropped object; gzip is unpacked."""

    def __init__(self, objects: ObjectStore, ref: ObjectRef) -> None:
        self._objects, self.ref = objects, ref
        self.size = objects.size(ref)
        if self.size == 0:
            raise RefusedFile("the file is empty")
        if self.size > MOST_BYTES_IN_PLACE:
            raise RefusedFile(_too_large("is larger", MOST_BYTES_IN_PLACE))
        head = b"".join(objects.read(ref, 0, min(self.size, SAMPLE)))
        self.packed = head.startswith(GZIP)
        """Whether the object is compressed with gzip."""
        self.head = head
        """The first ``SAMPLE`` bytes of the content."""
        self.complete = self.size <= SAMPLE
        """Whether the head is the whole content."""
        if self.packed:
            if self.size > MOST_BYTES:
                raise RefusedFile(_too_large("is compressed and larger", MOST_BYTES))
            self.head, self.complete = _unpacked_head(head, self.complete)
            if self.head.startswith(GZIP):
                raise RefusedFile("the file is compressed twice with gzip; compress it once")

    def blocks(self) -> Iterator[bytes]:
        """Return the whole content."""
        blocks = self._objects.read(self.ref)
        return join_blocks(_unpacked(blocks), _BLOCK) if self.packed else blocks

    @property
    def packing(self) -> list[str]:
        return ["gzip"] if self.packed else []


class _Staging:
    """The place that the converted object is written to."""

    def __init__(self, objects: ObjectStore, bucket: str, key: str, most_bytes: int) -> None:
        self._objects, self._bucket, self._key, self._most_bytes = objects, bucket, key, most_bytes

    def write(self, blocks: Iterable[bytes]) -> tuple[ObjectRef, int]:
        """Write the object; return it and its size."""
        size = 0

        def counted() -> Iterator[bytes]:
            nonlocal size
            for block in blocks:
                size += len(block)
                if size > self._most_bytes:
                    raise RefusedFile(_too_large("unpacks to more", self._most_bytes))
                yield block

        return self._objects.write(self._bucket, self._key, counted()), size


# -- Text ----------------------------------------------------------------------------------------------------


def _text(
    dropped: _DroppedObject,
    staging: _Staging,
    encoding: Encoding,
    mark: int,
    known_columns: Collection[str],
    *,
    joined: bool,
) -> Prepared:
    sample = Decoder(encoding).decode(dropped.head[mark:], final=dropped.complete)
    if not sample.strip("\0 \t\r\n\v\f\ufeff\x1a"):
        raise RefusedFile(
            "the file is empty: it contains only white space or padding"
            if dropped.complete
            else f"the first {_readable(SAMPLE)} contain only white space"
        )
    unsupported = detect_unsupported_text(sample) or describe_json_without_records(
        sample, known_columns, complete=dropped.complete
    )
    if unsupported is not None:
        raise RefusedFile(f"this is {unsupported}")
    lone_returns = has_lone_returns(sample, complete=dropped.complete)
    if lone_returns:
        decoder = Decoder(encoding, lone_returns=True)
        sample = decoder.decode(dropped.head[mark:], final=dropped.complete)
    is_plain = encoding is Encoding.UTF_8 and not lone_returns

    def texts(skipped: int = 0) -> Iterator[str]:
        blocks = _without_first(dropped.blocks(), mark)
        return _without_first(decode_blocks(blocks, Decoder(encoding, lone_returns=lone_returns)), skipped)

    def staged() -> tuple[ObjectRef, int]:
        """Return the content in UTF-8: the dropped object itself if it is plain UTF-8 already."""
        if is_plain and not dropped.packed:
            return dropped.ref, dropped.size
        return staging.write(dropped.blocks() if is_plain else encode_texts(texts()))

    kept_mark = mark if is_plain else 0
    traits = [
        *dropped.packing,
        *([encoding.common_name] if encoding is not Encoding.UTF_8 else []),
        *(["lone carriage returns"] if lone_returns else []),
    ]
    form = detect_format(sample)
    if form is not Format.CSV:
        described = ", ".join([form, *traits])
        if form is Format.JSON:
            source, size = staging.write(encode_texts(JsonLines().rewrite(texts())))
            return Prepared(source, "ndjson", "", (), 0, size, described)
        if joined:
            source, size = staging.write(encode_texts(JoinedLines().rewrite(texts())))
            return Prepared(source, "ndjson", "", (), 0, size, f"{described}, joined objects")
        source, size = staged()
        return Prepared(source, "ndjson", "", (), kept_mark, size, described)

    preamble = read_preamble(sample, known_columns, complete=dropped.complete)
    if preamble is None:
        raise RefusedFile(
            f"the header does not end within the first {_readable(SAMPLE)}: it has an unclosed quote, or the "
            "file is not a table"
        )
    dialect = preamble.dialect
    described = ", ".join([form, *traits, *dialect.traits])
    header = tuple(_presentable(name) for name in preamble.header)
    refuse_too_wide(header)
    if dialect.is_normal:
        source, size = staged()
        body = kept_mark + len(sample[: preamble.body].encode("utf-8", "surrogateescape"))
        return Prepared(source, "csv", dialect.delimiter, header, body, size, described)
    first = format_record(header, dialect.normal_delimiter).encode()
    rows = CsvRewriter(dialect, len(header)).rewrite(texts(preamble.body))
    source, size = staging.write(chain([first], encode_texts(rows)))
    return Prepared(source, "csv", dialect.normal_delimiter, header, len(first), size, described)


def _presentable(name: str) -> str:
    """Return a column's name as valid text; stray bytes are read as Latin-1, which they usually are."""
    data = name.encode("utf-8", "surrogateescape")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return Decoder(Encoding.CP1252).decode(data)


def _without_first[T: (str, bytes)](pieces: Iterable[T], skipped: int) -> Iterator[T]:
    for piece in pieces:
        if skipped < len(piece):
            yield piece[skipped:] if skipped else piece
        skipped = max(0, skipped - len(piece))


def _too_large(what: str, most: int) -> str:
    return f"the file {what} than {_readable(most)}; send it in smaller files"


def join_blocks(stream: Iterable[bytes], least: int) -> Iterator[bytes]:
    """Yield the stream in blocks of at least this many bytes, except the last one."""
    pending = bytearray()
    for block in stream:
        if not pending and len(block) >= least:
            yield block
            continue
        pending += block
        if len(pending) >= least:
            yield bytes(pending)
            pending.clear()
    if pending:
        yield bytes(pending)


def _readable(size: int) -> str:
    for unit, bits in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if size >= 1 << bits:
            return f"{size / (1 << bits):g} {unit}"
    return f"{size} bytes"


# -- gzip ----------------------------------------------------------------------------------------------------

_CUT_OFF = "the gzip file is cut off: it ends before its content does; send the whole file again"
_TRAILING = (
    "other bytes follow after the content of the gzip file: it is damaged, or was joined with another file; "
    "send each file alone"
)
_PADDING = b"\0\x1a \t\r\n"
"""Bytes after a member that mean nothing: tapes, disk blocks, DOS and mail programs append them."""
_DAMAGED = "the gzip file is damaged: its content cannot be unpacked; send it again"


def _unpacked(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the content of a gzip stream of one or more members, within the limits of ratio and members."""
    packed = unpacked = 0
    for taken, piece in _unpacked_pieces(blocks):
        packed += taken
        unpacked += len(piece)
        if unpacked > max(RATIO_FLOOR, MOST_RATIO * packed):
            raise RefusedFile(
                f"the gzip file unpacks to more than {MOST_RATIO} times its size; if its content is right, "
                "send it uncompressed"
            )
        if piece:
            yield piece


def _unpacked_pieces(blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield pieces of the content, each with the number of packed bytes that were taken for it."""
    unpacker = zlib.decompressobj(31)
    begun, members = True, 1
    for block in blocks:
        for start in range(0, len(block), _INPUT):
            data = block[start : start + _INPUT]
            taken = len(data)
            while data:
                if not begun:
                    data = data.lstrip(_PADDING)
                    if not data:
                        break
                    if not GZIP.startswith(data[: len(GZIP)]):
                        raise RefusedFile(_TRAILING)
                    members += 1
                    if members > MOST_MEMBERS:
                        raise RefusedFile(
                            f"the gzip file has more than {MOST_MEMBERS:,} members; compress it again"
                        )
                    unpacker, begun = zlib.decompressobj(31), True
                yield taken, _decompress(unpacker, data)
                taken = 0
                if unpacker.eof:
                    begun, data = False, unpacker.unused_data
                else:
                    data = unpacker.unconsumed_tail
    while begun and not unpacker.eof:
        piece = _decompress(unpacker, b"")
        if not piece:
            raise RefusedFile(_CUT_OFF)
        yield 0, piece


def _decompress(unpacker: "zlib._Decompress", data: bytes) -> bytes:
    try:
        return unpacker.decompress(data, _BLOCK)
    except zlib.error as error:
        raise RefusedFile(_DAMAGED) from error


def _unpacked_head(packed: bytes, complete: bool) -> tuple[bytes, bool]:
    """Return the first ``SAMPLE`` bytes of the unpacked content, and whether they are the whole content."""
    head = bytearray()
    try:
        for piece in _unpacked([packed]):
            head += piece
            if len(head) > SAMPLE:
                return bytes(head[:SAMPLE]), False
    except RefusedFile:
        if complete or not head:
            raise
        return bytes(head), False
    if complete and not head:
        raise RefusedFile("the file is empty: the gzip file has no content")
    return bytes(head), complete


# -- Parquet ------------------------------------------------------------------------------------------------


def _parquet(dropped: _DroppedObject, staging: _Staging, decimal_commas: Collection[str]) -> Prepared:
    """Convert Parquet to CSV. It is read from a local file because its metadata is at the end."""
    with tempfile.TemporaryDirectory(prefix="claimwatch-") as folder:
        path = Path(folder) / "dropped.parquet"
        _save(dropped.blocks(), path, shutil.disk_usage(folder).free - _SPARE_DISK)
        with ParquetTable(path) as table:
            refuse_too_wide(table.header)
            first = format_record(table.header, ",").encode()
            source, size = staging.write(chain([first], table.lines(decimal_commas)))
    described = ", ".join(["parquet", *dropped.packing])
    return Prepared(source, "csv", ",", table.header, len(first), size, described, table.doubles)


def _save(blocks: Iterable[bytes], path: Path, room: int) -> None:
    """Write the file; raises ``RefusedFile`` if it is several files, because only one would be read."""
    before = b""
    with path.open("wb") as file:
        for block in blocks:
            if 2 * PARQUET in before + block[: len(PARQUET) * 2] or 2 * PARQUET in block:
                raise RefusedFile("several Parquet files were joined; send each of them alone")
            before = (before + block)[1 - 2 * len(PARQUET) :]
            room -= len(block)
            if room < 0:
                raise RefusedFile("the Parquet file is larger than the free disk space; send smaller files")
            file.write(block)
