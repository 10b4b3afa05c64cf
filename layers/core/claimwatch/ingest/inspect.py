"""Inspection of a file before it is loaded: its format, its columns, and its division into chunks."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.aws.alerts import Alerts
from claimwatch.aws.objects import ObjectMissing, ObjectRef, ObjectStore
from claimwatch.domain.contract.contract import Column, Contract
from claimwatch.domain.files.encoding import Encoding, EncodingDetector
from claimwatch.domain.files.file_format import Format
from claimwatch.domain.files.header import csv_layout, ndjson_layout
from claimwatch.domain.files.header_rows import HeaderRows
from claimwatch.domain.files.joined_objects import JoinedObjects
from claimwatch.domain.files.layout import Layout
from claimwatch.errors import ReaderFault, RefusedFile, Superseded, TransientFault
from claimwatch.ingest import drafting, notifications
from claimwatch.ingest.contract_keys import contract_key, draft_key
from claimwatch.ingest.fail import DELETED
from claimwatch.ingest.plan import Chunk, ChunkToLoad, Plan, cutter
from claimwatch.ingest.reader_faults import ignore, reader_faults
from claimwatch.ingest.staging import MOST_BYTES, Prepared, join_blocks, prepare
from claimwatch.storage import contracts, ledger, quarantine, rows
from claimwatch.storage.connection import Database, DataRefused

CHUNK = 24 << 20
"""Approximate size of a chunk in bytes; each chunk is loaded in one transaction."""

BLOCK = 1 << 20
"""Bytes that are scanned at a time: about as many as the processor's caches hold."""

MAX_CHUNKS = 150
"""Maximum number of chunks; files of more than about 3.5 GiB have larger chunks.

The execution of a file loads and scores every chunk. Step Functions ends it after 25,000 events, and a chunk
takes up to 134, if every retry is needed. The list of chunks must also fit into 256 KiB of state.
"""

KEYS_SAMPLE = 1 << 20
"""Bytes of an NDJSON file from which the keys are collected."""


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of ``inspect``.

    Converted copies and drafts go to ``artifact_bucket``. ``report`` is called with each fault that the
    content of a file causes: it has to be fixed in the code.
    """

    database: Database
    objects: ObjectStore
    alerts: Alerts
    artifact_bucket: str
    report: Callable[[str], None] = ignore


def inspect(deps: Dependencies, file_id: int, attempt: int) -> dict[str, Any]:
    """Decide how the file is loaded; return its state and, if it is ready, the numbers of its chunks.

    The state is ``ready``, ``refused``, ``parked``, or ``done`` if the file is committed already.
    """
    with deps.database.transaction() as cursor:
        file = ledger.get(cursor, file_id)
        contract = contracts.running(cursor, file.dataset, file.line)
    _refuse_stale(file, attempt)
    if file.status in ("committed", "loading"):
        return _inspected(file)
    try:
        return _inspect(deps, file, contract)
    except (ReaderFault, DataRefused) as fault:
        deps.report(str(fault))
        return _refuse(
            deps,
            file_id,
            attempt,
            f"this file breaks the reader ({fault}): send it in another form, and report this sentence",
        )


def _inspect(deps: Dependencies, file: ledger.File, contract: Contract | None) -> dict[str, Any]:
    file_id, attempt = file.file_id, file.attempt
    ref = ObjectRef(file.bucket, file.key, file.version_id)
    assert file.line is not None  # register refuses files without a line
    try:
        if contract is None:
            return _park(deps, file, file.line, attempt, ref)
        with reader_faults():
            plan, described = _plan(deps, file, ref, contract)
    except RefusedFile as refusal:
        return _refuse(deps, file_id, attempt, str(refusal))
    except ObjectMissing:
        return _refuse(deps, file_id, attempt, DELETED)

    with deps.database.transaction() as cursor:
        file = ledger.lock(cursor, file_id)
        _refuse_stale(file, attempt)
        if file.status not in ("committed", "loading"):
            _forget_other_plans(cursor, file, contract, plan)
            ledger.begin_loading(
                cursor,
                file_id,
                format=described,
                contract_version=contract.version,
                chunks=len(plan.chunks),
                details=plan.to_json(),
            )
            file = ledger.get(cursor, file_id)
    return _inspected(file)


def _inspected(file: ledger.File) -> dict[str, Any]:
    """Return the result for a file that has a plan. The plan stays: chunks may be loaded by it already."""
    if file.status == "committed":
        return _state(file, "done")
    return _state(file, "ready") | {
        "chunks": [
            vars(ChunkToLoad(file.file_id, file.attempt, number)) for number in range(file.chunks or 0)
        ]
    }


def _refuse_stale(file: ledger.File, attempt: int) -> None:
    if file.attempt != attempt or file.status == "failed":
        raise Superseded(
            f"file {file.file_id} is {file.status} at attempt {file.attempt}; this is attempt {attempt}"
        )


def _state(file: ledger.File, status: str) -> dict[str, Any]:
    return {"file_id": file.file_id, "attempt": file.attempt, "status": status, "chunks": []}


def _refuse(deps: Dependencies, file_id: int, attempt: int, reason: str) -> dict[str, Any]:
    with deps.database.transaction() as cursor:
        file = ledger.lock(cursor, file_id)
        _refuse_stale(file, attempt)
        planned = file.status in ("committed", "loading")
        repeated = file.status == "refused" and file.error == reason  # perhaps notified already
        if not planned and not repeated:
            _forget_rows(cursor, file, contracts.running(cursor, file.dataset, file.line))
            ledger.refuse(cursor, file_id, reason)
            file = ledger.get(cursor, file_id)
    if planned:
        return _inspected(file)
    notifications.notify_refused(deps.database, deps.alerts, file)
    return _state(file, "refused")


def _park(deps: Dependencies, file: ledger.File, line: str, attempt: int, ref: ObjectRef) -> dict[str, Any]:
    """Let the file wait for its line's contract; send one notification per line."""
    with reader_faults():
        prepared = _prepare(deps, file, ref, known_columns=())
        drafting.write_draft(deps.objects, deps.artifact_bucket, line, prepared)
    place, draft = (f"s3://{deps.artifact_bucket}/{key}" for key in (contract_key(line), draft_key(line)))
    waiting = f"line {line} has no contract: store one at {place} (a draft is at {draft})"
    with deps.database.transaction() as cursor:
        # ApplyContract searches for parked files after applying a contract, and must not miss this one.
        contracts.lock_line(cursor, line)
        if contracts.running(cursor, file.dataset, line) is not None:
            raise TransientFault(f"a contract of line {line} arrived during the inspection of the file")
        file = ledger.lock(cursor, file.file_id)
        _refuse_stale(file, attempt)
        if file.status != "parked":  # otherwise this is a repeated call
            ledger.park(cursor, file.file_id, waiting, prepared.described)
            file = ledger.get(cursor, file.file_id)
    notifications.notify_parked(deps.database, deps.alerts, file, line, draft, place)
    return _state(file, "parked")


def _plan(deps: Dependencies, file: ledger.File, ref: ObjectRef, contract: Contract) -> tuple[Plan, str]:
    names = _names(contract.columns)
    commas = _names(column for column in contract.columns if column.decimal_separator == ",")
    prepared = _prepare(deps, file, ref, known_columns=names, decimal_commas=commas)
    seen = WholeFile(prepared)
    layout = _layout(deps, contract, prepared)
    chunks = _chunks(deps.objects, prepared, layout, seen)
    if seen.encoding() is not Encoding.UTF_8 or seen.joined:
        # The whole file has been read, and is not what its beginning promises, so it is converted (again).
        prepared = _prepare(
            deps,
            file,
            ref,
            known_columns=names,
            decimal_commas=commas,
            encoding=seen.encoding(),
            joined=seen.joined,
        )
        layout = _layout(deps, contract, prepared)
        chunks = _chunks(deps.objects, prepared, layout, WholeFile(prepared))
    return Plan.of(prepared.source, layout, chunks), prepared.described


class WholeFile(EncodingDetector):
    """What the bytes of a whole file say about it, and its beginning does not."""

    def __init__(self, prepared: Prepared) -> None:
        super().__init__()
        # A file that is too large to be rewritten keeps its rows; those of several objects are quarantined.
        rewritable = prepared.described.startswith(Format.NDJSON) and prepared.size <= MOST_BYTES
        self._objects = JoinedObjects() if rewritable else None

    def feed(self, block: bytes) -> None:
        """Look through a block."""
        super().feed(block)
        if self._objects is not None:
            self._objects.feed(block)

    @property
    def joined(self) -> bool:
        """Whether a line of NDJSON has several objects."""
        return self._objects is not None and self._objects.found


def _names(columns: Iterable[Column]) -> set[str]:
    return {name for column in columns for name in (column.name, *column.synonyms)}


def _prepare(
    deps: Dependencies,
    file: ledger.File,
    ref: ObjectRef,
    known_columns: Any,
    decimal_commas: Collection[str] = (),
    encoding: Encoding | None = None,
    joined: bool = False,
) -> Prepared:
    return prepare(
        deps.objects,
        ref,
        known_columns=known_columns,
        staging_bucket=deps.artifact_bucket,
        staging_key=f"staging/{file.file_id}/{file.attempt}",
        encoding=encoding,
        decimal_commas=decimal_commas,
        joined=joined,
    )


def _layout(deps: Dependencies, contract: Contract, prepared: Prepared) -> Layout:
    if prepared.format == "csv":
        return csv_layout(contract, prepared.header, prepared.delimiter, prepared.doubles)
    return ndjson_layout(contract, _keys(deps.objects, prepared), prepared.routed)


def _keys(objects: ObjectStore, prepared: Prepared) -> list[str]:
    """Return the keys of the objects at the beginning of an NDJSON file, in order of appearance."""
    sample = b"".join(objects.read(prepared.source, prepared.body_start, prepared.body_start + KEYS_SAMPLE))
    keys: dict[str, None] = {}
    for line in sample.split(b"\n"):
        try:
            item = json.loads(line)
        except (ValueError, RecursionError):
            continue  # a damaged or deeply nested row, or the row that the sample cuts off
        if isinstance(item, dict):
            keys.update(dict.fromkeys(item))
    return list(keys)


def _chunks(
    objects: ObjectStore, prepared: Prepared, layout: Layout, detector: EncodingDetector
) -> list[Chunk]:
    """Return runs of whole records of about equal size, found in one pass over the bytes.

    Their number is even, so that neither of two workers waits for the other at the end.
    """
    whole = prepared.size - prepared.body_start
    number = -(-whole // CHUNK)
    number = min(MAX_CHUNKS, number + (number % 2 if number > 1 else 0))
    headers = HeaderRows(layout) if layout.delimiter is not None else None
    cut = cutter(layout.delimiter, len(layout.fields), places_only=True)
    chunks: list[Chunk] = []
    start = at = prepared.body_start
    first_row = row = 1
    for block in _prefetched(
        _observed(join_blocks(objects.read(prepared.source, start, prepared.size), BLOCK), detector)
    ):
        batch = cut.feed(block)
        if headers is not None:
            headers.refuse_other(batch, row)
        row += len(batch)
        at += len(block)
        due = len(chunks) + 1 < number and at - prepared.body_start >= (len(chunks) + 1) * whole // number
        if due and at - cut.pending > start and not cut.inside_overlong:
            chunks.append(Chunk(start, at - cut.pending, first_row))
            start, first_row = at - cut.pending, row
    row += len(cut.finish())
    if row > first_row:
        chunks.append(Chunk(start, at, first_row))
    return chunks


def _observed(blocks: Iterator[bytes], detector: EncodingDetector) -> Iterator[bytes]:
    for block in blocks:
        detector.feed(block)
        yield block


def _prefetched(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the blocks; the next one is read and observed while the current one is cut."""
    with ThreadPoolExecutor(1, "prefetch") as reader:
        pending = reader.submit(next, blocks, b"")
        while block := pending.result():
            pending = reader.submit(next, blocks, b"")
            yield block


def _forget_other_plans(cursor: Cursor, file: ledger.File, contract: Contract, plan: Plan) -> None:
    """Delete what earlier attempts loaded, unless they used the same plan and contract."""
    if file.details != plan.to_json() or file.contract_version != contract.version:
        _forget_rows(cursor, file, contract)


def _forget_rows(cursor: Cursor, file: ledger.File, contract: Contract | None) -> None:
    """Delete what earlier attempts loaded. Without a contract there is no table."""
    if file.chunks is None and file.attempt == 1:
        return
    if contract is not None:
        rows.delete(cursor, contract, file.file_id)
    quarantine.delete(cursor, file.file_id)
    ledger.delete_chunks(cursor, file.file_id)
