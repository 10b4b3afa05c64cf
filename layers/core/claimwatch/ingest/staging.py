"""Making ready what was dropped, for everything downstream, which reads plain CSV or NDJSON in UTF-8.

An object that holds that already is used in place. Any other is streamed, in bounded memory, into an object
of the artifact bucket.
"""

import shutil
import tempfile
import zlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

from claimwatch.aws.objects import ObjectRef, ObjectStore
from claimwatch.domain.files.dialect import (
    GZIP,
    Encoding,
    Format,
    detect_encoding,
    detect_format,
    detect_unsupported_format,
    detect_unsupported_text,
    has_lone_returns,
    is_parquet,
    read_preamble,
)
from claimwatch.domain.files.normalize import CsvRewriter, Decoder, JsonLines, decoded, encoded, written
from claimwatch.errors import RefusedFile
from claimwatch.ingest.parquet import ParquetTable

SAMPLE = 1 << 20
"""Bytes of the beginning that tell what a file is; the header has to end in them."""

MOST_BYTES = 50 << 30
"""Bytes that a file may grow to when it is unpacked and converted."""

_BLOCK = 1 << 20
_SPARE_DISK = 64 << 20


@dataclass(frozen=True)
class Prepared:
    """An object that everything downstream can read.

    ``source`` is the dropped object itself or the staged one. Records stand from byte ``body_start`` to
    ``size``. For CSV the ``header`` holds the names as the file has them, stripped, ``column_<k>`` for a
    blank one, repeated ones repeated; for NDJSON it is empty. ``described`` tells what was dropped.
    """

    source: ObjectRef
    format: Literal["csv", "ndjson"]
    delimiter: str
    header: tuple[str, ...]
    body_start: int
    size: int
    described: str


def prepare(
    objects: ObjectStore,
    ref: ObjectRef,
    *,
    known_columns: Collection[str],
    staging_bucket: str,
    staging_key: str,
    encoding: Encoding | None = None,
    most_bytes: int = MOST_BYTES,
) -> Prepared:
    """Make an object ready; raises ``RefusedFile`` with the reason if it holds no table that can be read.

    Without an ``encoding``, bytes without a mark and without the zeros of UTF-16 are taken for UTF-8. Feed
    what comes of it (``source``) to a ``EncodingDetector``; if that ends in another
    one, prepare again with it.
    """
    staging = _Staging(objects, staging_bucket, staging_key, most_bytes)
    dropped = _Dropped(objects, ref)
    if is_parquet(dropped.head):
        return _parquet(dropped, staging)
    stranger = detect_unsupported_format(dropped.head)
    if stranger is not None:
        raise RefusedFile(f"this is {stranger}")
    detected, mark = detect_encoding(dropped.head)
    if encoding is None or detected is not Encoding.UTF_8 or mark:
        encoding = detected
    return _text(dropped, staging, encoding, mark, known_columns)


class _Dropped:
    """The dropped object, unpacked if it is packed."""

    def __init__(self, objects: ObjectStore, ref: ObjectRef) -> None:
        self._objects, self.ref = objects, ref
        self.size = objects.size(ref)
        if self.size == 0:
            raise RefusedFile("the file is empty")
        head = b"".join(objects.read(ref, 0, min(self.size, SAMPLE)))
        self.packed = head.startswith(GZIP)
        """Whether the object is compressed with gzip."""
        self.head = head
        """The first ``SAMPLE`` bytes of the content."""
        self.complete = self.size <= SAMPLE
        """Whether the head is all of the content."""
        if self.packed:
            self.head, self.complete = _unpacked_head(head, self.complete)
            if self.head.startswith(GZIP):
                raise RefusedFile("the file is compressed twice with gzip; compress it once")

    def blocks(self) -> Iterator[bytes]:
        """All of the content."""
        blocks = self._objects.read(self.ref)
        return _unpacked(blocks) if self.packed else blocks

    @property
    def packing(self) -> list[str]:
        return ["gzip"] if self.packed else []


class _Staging:
    """Where the converted object goes."""

    def __init__(self, objects: ObjectStore, bucket: str, key: str, most_bytes: int) -> None:
        self._objects, self._bucket, self._key, self._most_bytes = objects, bucket, key, most_bytes

    def write(self, blocks: Iterable[bytes]) -> tuple[ObjectRef, int]:
        """Write the object; returns it and its size."""
        size = 0

        def counted() -> Iterator[bytes]:
            nonlocal size
            for block in blocks:
                size += len(block)
                if size > self._most_bytes:
                    most = _readable(self._most_bytes)
                    raise RefusedFile(f"the file unpacks to more than {most}; send it in smaller files")
                yield block

        return self._objects.write(self._bucket, self._key, counted()), size


# -- Text ----------------------------------------------------------------------------------------------------


def _text(
    dropped: _Dropped, staging: _Staging, encoding: Encoding, mark: int, known_columns: Collection[str]
) -> Prepared:
    sample = Decoder(encoding).decode(dropped.head[mark:], final=dropped.complete)
    if not sample.strip("\0 \t\r\n\v\f\ufeff\x1a"):
        raise RefusedFile(
            "the file is empty: it holds nothing but white space"
            if dropped.complete
            else f"the first {_readable(SAMPLE)} hold nothing but white space"
        )
    stranger = detect_unsupported_text(sample)
    if stranger is not None:
        raise RefusedFile(f"this is {stranger}")
    lone_returns = has_lone_returns(sample, complete=dropped.complete)
    if lone_returns:
        decoder = Decoder(encoding, lone_returns=True)
        sample = decoder.decode(dropped.head[mark:], final=dropped.complete)
    as_it_is = encoding is Encoding.UTF_8 and not lone_returns

    def texts(skipped: int = 0) -> Iterator[str]:
        blocks = _without_first(dropped.blocks(), mark)
        return _without_first(decoded(blocks, Decoder(encoding, lone_returns=lone_returns)), skipped)

    def staged() -> tuple[ObjectRef, int]:
        """The content in UTF-8, whatever it is; the very bytes where they are that already."""
        if as_it_is and not dropped.packed:
            return dropped.ref, dropped.size
        return staging.write(dropped.blocks() if as_it_is else encoded(texts()))

    kept_mark = mark if as_it_is else 0
    traits = [
        *dropped.packing,
        *([encoding.common_name] if encoding is not Encoding.UTF_8 else []),
        *(["lone carriage returns"] if lone_returns else []),
    ]
    form = detect_format(sample)
    if form is not Format.CSV:
        described = ", ".join([form, *traits])
        if form is Format.JSON:
            source, size = staging.write(encoded(JsonLines().rewrite(texts())))
            return Prepared(source, "ndjson", "", (), 0, size, described)
        source, size = staged()
        return Prepared(source, "ndjson", "", (), kept_mark, size, described)

    opening = read_preamble(sample, known_columns, complete=dropped.complete)
    if opening is None:
        raise RefusedFile(
            f"the header does not end in the first {_readable(SAMPLE)}: a quote in it is not closed, or this "
            "is no table"
        )
    dialect = opening.dialect
    described = ", ".join([form, *traits, *dialect.traits])
    header = tuple(_presentable(name) for name in opening.header)
    if dialect.is_native:
        source, size = staged()
        body = kept_mark + len(sample[: opening.body].encode("utf-8", "surrogateescape"))
        return Prepared(source, "csv", dialect.delimiter, header, body, size, described)
    first = written(header, dialect.native_delimiter).encode()
    rows = CsvRewriter(dialect, len(header)).rewrite(texts(opening.body))
    source, size = staging.write(chain([first], encoded(rows)))
    return Prepared(source, "csv", dialect.native_delimiter, header, len(first), size, described)


def _presentable(name: str) -> str:
    """A column's name without what no text has: stray bytes are read as the Latin-1 that they mostly are."""
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


def _readable(size: int) -> str:
    for unit, bits in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if size >= 1 << bits:
            return f"{size / (1 << bits):g} {unit}"
    return f"{size} bytes"


# -- gzip ----------------------------------------------------------------------------------------------------

_CUT_OFF = "the gzip file is cut off: it ends before its content does; send it again as a whole"
_DAMAGED = "the gzip file is damaged: its content cannot be unpacked; send it again"


def _unpacked(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The content of a gzip stream of one or more members."""
    unpacker = zlib.decompressobj(31)
    begun = True
    for block in blocks:
        data = block
        while data:
            if not begun:
                data = data.lstrip(b"\0")  # padding is allowed behind a member
                if not data:
                    break
                unpacker, begun = zlib.decompressobj(31), True
            try:
                piece = unpacker.decompress(data, _BLOCK)
            except zlib.error as error:
                raise RefusedFile(_DAMAGED) from error
            if piece:
                yield piece
            if unpacker.eof:
                begun, data = False, unpacker.unused_data
            else:
                data = unpacker.unconsumed_tail
    while begun and not unpacker.eof:
        try:
            piece = unpacker.decompress(b"", _BLOCK)
        except zlib.error as error:
            raise RefusedFile(_DAMAGED) from error
        if not piece:
            raise RefusedFile(_CUT_OFF)
        yield piece


def _unpacked_head(packed: bytes, complete: bool) -> tuple[bytes, bool]:
    """The first ``SAMPLE`` bytes of what begins with these packed bytes, and whether they are all."""
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
        raise RefusedFile("the file is empty: the gzip file holds nothing")
    return bytes(head), complete


# -- Parquet ------------------------------------------------------------------------------------------------


def _parquet(dropped: _Dropped, staging: _Staging) -> Prepared:
    """Parquet as CSV. It is read from a file: its table of contents stands at the end."""
    with tempfile.TemporaryDirectory(prefix="claimwatch-") as folder:
        path = Path(folder) / "dropped.parquet"
        _save(dropped.blocks(), path, shutil.disk_usage(folder).free - _SPARE_DISK)
        with ParquetTable(path) as table:
            first = written(table.header, ",").encode()
            source, size = staging.write(chain([first], table.lines()))
    described = ", ".join(["parquet", *dropped.packing])
    return Prepared(source, "csv", ",", table.header, len(first), size, described)


def _save(blocks: Iterable[bytes], path: Path, room: int) -> None:
    with path.open("wb") as file:
        for block in blocks:
            room -= len(block)
            if room < 0:
                raise RefusedFile("the Parquet file is larger than the disk it is put on; send smaller files")
            file.write(block)
