"""Extraction of a window: its rows or its file are streamed into one object of the landing bucket."""

import hashlib
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from claimwatch.aws.objects import LandingStore
from claimwatch.aws.pull_events import WindowRef
from claimwatch.domain.sources.csv_values import csv_line, row_hash
from claimwatch.domain.sources.parse import parse_source
from claimwatch.domain.sources.source import Mode, Source
from claimwatch.errors import RefusedFile, Superseded
from claimwatch.sources.plan_pull import LEASE
from claimwatch.sources.reader import (
    CopyingReader,
    FileReader,
    Key,
    RemoteFile,
    Row,
    TableReader,
    WindowTooLarge,
)
from claimwatch.storage import sources
from claimwatch.storage.connection import Database
from claimwatch.storage.sources import Extraction, Window

MARGIN = 30.0
"""Seconds of a step that are kept for completing the object and recording it."""

FIRST = 1 << 20
"""Bytes that are gathered before an object is begun: a window without a new row has none."""


@dataclass(frozen=True)
class Extracted:
    """Result of extracting a window; ``rows_read`` and ``rows_pulled`` are None for files."""

    source: str
    number: int
    rows_read: int | None
    rows_pulled: int | None
    object_bytes: int
    has_object: bool
    seconds: float

    def to_event(self) -> dict[str, object]:
        """Return the result for logs and the state machine."""
        return dict(vars(self))


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of ``extract_window``.

    ``hash_key`` is the key of the hashes that replace personal data; ``bucket`` is the landing bucket.
    """

    database: Database
    objects: LandingStore
    bucket: str
    open_reader: Callable[[Source], TableReader | FileReader]
    hash_key: Callable[[], bytes]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    clock: Callable[[], float] = time.monotonic


def extract_window(deps: Dependencies, ref: WindowRef, time_left: Callable[[], float]) -> Extracted:
    """Write the rows of a window to its object, once even if called several times.

    A window without a new row has no object. Raises ``Superseded`` if the source was planned again,
    ``WindowTooLarge`` if the rows take longer than ``time_left`` seconds or the limit of the source allows,
    ``SourceUnreachable``, ``FileChanged`` or ``RefusedSource``. A file that cannot be pulled has no object
    either, and the reason is stored.
    """
    with deps.database.transaction() as cursor:
        sources.hold(cursor, ref.source, ref.generation)
        window = sources.get_window(cursor, ref.source, ref.number)
    if window.extracted_at is not None:
        return _extracted(window)
    # Taken before the generation is compared: whatever a later plan's step has stored, this step does not
    # replace, even if it was frozen for longer than its lease.
    mark = deps.objects.mark(deps.bucket, window.object_key)
    with deps.database.transaction() as cursor:
        state = sources.hold(cursor, ref.source, ref.generation)
        window = sources.get_window(cursor, ref.source, ref.number)
        sources.renew(cursor, ref.source, deps.now() + LEASE)
        if window.extracted_at is not None:
            return _extracted(window)
        sources.forget_window_rows(cursor, ref.source, ref.number)
        attempt = sources.begin_attempt(cursor, window)
    source = parse_source(state.text, ref.source)
    started = deps.clock()
    deadline = started + min(float(source.limits.seconds), time_left() - MARGIN)
    written = _Written(attempt)
    with closing(deps.open_reader(source)) as reader:
        if window.path is not None:
            blocks = _file_blocks(cast("FileReader", reader), window)
        elif source.mode is Mode.HORIZON and hasattr(reader, "copy"):
            blocks = _copied_blocks(cast("CopyingReader", reader), window, written)
        else:
            blocks = _row_blocks(deps, ref, source, cast("TableReader", reader), window, written)
        version_id, refusal = None, None
        try:
            version_id = _write(deps, window, _timed(deps, blocks, deadline), written, mark)
        except WindowTooLarge:
            if window.path is None:
                raise
            refusal = (
                f"a file of {window.size_bytes:,} bytes cannot be read in the time of a step; "
                "raise limits.seconds, or have it sent in smaller files"
            )
        except RefusedFile as refused:
            refusal = str(refused)
    extraction = Extraction(
        rows_read=written.read,
        rows_pulled=written.pulled,
        object_bytes=written.bytes if version_id else 0,
        version_id=version_id,
        sha256=written.digest.hexdigest() if version_id else None,
        seconds=deps.clock() - started,
        refusal=refusal,
    )
    with deps.database.transaction() as cursor:
        sources.hold(cursor, ref.source, ref.generation)
        # Hashes and object must be of one attempt: Lambda may run a step twice at the same time.
        sources.require_attempt(cursor, ref.source, ref.number, attempt)
        sources.set_extracted(cursor, window, extraction, deps.now())
        return _extracted(sources.get_window(cursor, ref.source, ref.number))


@dataclass
class _Written:
    """What has been written of a window; ``read`` and ``pulled`` are rows, and None for files."""

    attempt: int
    read: int | None = None
    pulled: int | None = None
    bytes: int = 0
    digest: Any = field(default_factory=hashlib.sha256)


def _write(
    deps: Dependencies, window: Window, blocks: Iterator[bytes], written: _Written, mark: str | None
) -> str | None:
    """Write the object and return its version; None if the window has no new row."""
    first: list[bytes] = []
    gathered = 0
    for block in blocks:
        first.append(block)
        gathered += len(block)
        if gathered >= FIRST:
            break
    else:
        if written.pulled == 0:
            return None
    stream = _hashed(itertools.chain(first, blocks), written)
    return deps.objects.write_unless_same(deps.bucket, window.object_key, stream, mark).version_id


def _hashed(blocks: Iterator[bytes], written: _Written) -> Iterator[bytes]:
    for block in blocks:
        written.digest.update(block)
        written.bytes += len(block)
        yield block


def _timed(deps: Dependencies, blocks: Iterator[bytes], deadline: float) -> Iterator[bytes]:
    for block in blocks:
        if deps.clock() > deadline:
            raise WindowTooLarge("the window could not be read in the time of a step")
        yield block


def _file_blocks(reader: FileReader, window: Window) -> Iterator[bytes]:
    assert window.path is not None
    assert window.size_bytes is not None
    assert window.modified_at is not None
    return reader.read(RemoteFile(window.path, window.size_bytes, window.modified_at))


def _copied_blocks(reader: CopyingReader, window: Window, written: _Written) -> Iterator[bytes]:
    """Yield the CSV that the source's server writes."""
    yield from reader.copy(window.cycle, _key(window.after_key), _end_of(window))
    written.read = written.pulled = reader.copied


def _row_blocks(
    deps: Dependencies,
    ref: WindowRef,
    source: Source,
    reader: TableReader,
    window: Window,
    written: _Written,
) -> Iterator[bytes]:
    """Yield the new rows as CSV, and store the hashes that the next cycle needs."""
    written.read = written.pulled = 0
    compares = source.mode in (Mode.OVERLAP, Mode.DIFFERENCE)
    hash_key = deps.hash_key() if compares else b""
    header = csv_line([column.name for column in reader.columns()]).encode()
    for batch in reader.rows(window.cycle, _key(window.after_key), _end_of(window)):
        rows = _new_rows(deps, ref, source, hash_key, batch, written.attempt) if compares else batch
        written.read += len(batch)
        written.pulled += len(rows)
        if rows:
            yield header + "".join([csv_line(row.values) for row in rows]).encode()
            header = b""


def _new_rows(
    deps: Dependencies, ref: WindowRef, source: Source, hash_key: bytes, batch: list[Row], attempt: int
) -> list[Row]:
    """Return the rows that no earlier cycle had with the same values; store the hashes of recent ones."""
    hashed = [(sources.key_text(row.key), row_hash(hash_key, row.values), row) for row in batch]
    keep_all = source.mode is Mode.DIFFERENCE
    with deps.database.transaction() as cursor:
        sources.share(cursor, ref.source, ref.generation)
        sources.require_attempt(cursor, ref.source, ref.number, attempt)
        known = sources.known_hashes(cursor, ref.source, [key for key, _, _ in hashed])
        kept = [(key, digest) for key, digest, row in hashed if row.recent or keep_all]
        if kept:
            sources.add_window_rows(cursor, ref.source, ref.number, kept)
    return [row for key, digest, row in hashed if known.get(key) != digest]


def _extracted(window: Window) -> Extracted:
    return Extracted(
        source=window.source,
        number=window.number,
        rows_read=window.rows_read,
        rows_pulled=window.rows_pulled,
        object_bytes=window.object_bytes or 0,
        has_object=window.version_id is not None,
        seconds=window.seconds or 0.0,
    )


def _key(stored: list[str] | None) -> Key | None:
    return None if stored is None else tuple(stored)


def _end_of(window: Window) -> Key:
    if window.upto_key is None:
        raise Superseded(f"window {window.number} of source {window.source} has no rows")
    return tuple(window.upto_key)
