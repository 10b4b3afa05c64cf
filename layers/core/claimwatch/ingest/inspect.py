"""Before a file is loaded: what is it, does its contract know it, and where can it be cut?"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.aws.alerts import Alerts
from claimwatch.aws.objects import ObjectMissing, ObjectRef, ObjectStore
from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.files.encoding import Encoding, EncodingDetector
from claimwatch.domain.files.header import csv_layout, ndjson_layout
from claimwatch.domain.files.layout import Layout
from claimwatch.errors import RefusedFile, Superseded, TransientFault
from claimwatch.ingest import drafting, notifications
from claimwatch.ingest.plan import Chunk, ChunkToLoad, Plan, cutter
from claimwatch.ingest.staging import Prepared, prepare
from claimwatch.storage import contracts, ledger, quarantine, rows
from claimwatch.storage.connection import Database

CHUNK = 24 << 20
"""Bytes of a chunk, a block more or less and but for an overlong record; one is loaded in one transaction."""

BLOCK = 1 << 20
"""Bytes that are looked through at a time: as many as the processor's caches hold."""

MOST_CHUNKS = 1000
"""Chunks of a file: the list of them must fit into 256 KiB of state, so huge files have larger chunks."""

KEYS_SAMPLE = 1 << 20
"""Bytes of an NDJSON file whose objects show the keys."""


@dataclass(frozen=True)
class Dependencies:
    """What inspection works with. Converted copies and drafts go to ``artifact_bucket``."""

    database: Database
    objects: ObjectStore
    alerts: Alerts
    artifact_bucket: str


def inspect(deps: Dependencies, file_id: int, attempt: int) -> dict[str, Any]:
    """Decide how the file is loaded; returns its state and, if it is ready, the numbers of its chunks.

    The state is ``ready``, ``refused``, ``parked``, or ``done`` for a file that is committed already.
    """
    with deps.database.transaction() as cursor:
        file = ledger.get(cursor, file_id)
        contract = contracts.running(cursor, file.dataset, file.line)
    _refuse_stale(file, attempt)
    if file.status in ("committed", "loading"):
        return _inspected(deps, file)

    ref = ObjectRef(file.bucket, file.key, file.version_id)
    assert file.line is not None  # register refuses files without a line
    try:
        if contract is None:
            return _park(deps, file, file.line, attempt, ref)
        plan, described = _plan(deps, file, ref, contract)
    except RefusedFile as refusal:
        return _refuse(deps, file_id, attempt, str(refusal))
    except ObjectMissing:
        return _refuse(
            deps, file_id, attempt, "the object was deleted before it could be read: drop it again"
        )

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
            ledger.note_extra_columns(cursor, file, list(_extra(plan, contract)))
            file = ledger.get(cursor, file_id)
    return _inspected(deps, file)


def _inspected(deps: Dependencies, file: ledger.File) -> dict[str, Any]:
    """What this attempt's inspection came to. The first plan stays: chunks may be loaded by it already."""
    if file.status == "committed":
        return _state(file, "done")
    with deps.database.transaction() as cursor:
        untold = ledger.extra_columns_untold(cursor, file.file_id)
    if untold:
        notifications.notify_extra_columns(deps.database, deps.alerts, file, untold)
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


def _refuse(deps: Dependencies, file_id: int, attempt: int, why: str) -> dict[str, Any]:
    with deps.database.transaction() as cursor:
        file = ledger.lock(cursor, file_id)
        _refuse_stale(file, attempt)
        planned = file.status in ("committed", "loading")
        repeated = file.status == "refused" and file.error == why  # perhaps told already
        if not planned and not repeated:
            _forget_rows(cursor, file, contracts.running(cursor, file.dataset, file.line))
            ledger.refuse(cursor, file_id, why)
            file = ledger.get(cursor, file_id)
    if planned:
        return _inspected(deps, file)
    notifications.notify_refused(deps.database, deps.alerts, file)
    return _state(file, "refused")


def _park(deps: Dependencies, file: ledger.File, line: str, attempt: int, ref: ObjectRef) -> dict[str, Any]:
    """Let the file wait for its line's contract; people hear of it once for each line."""
    prepared = _prepare(deps, file, ref, known_columns=())
    drafting.write_draft(deps.objects, deps.artifact_bucket, line, prepared)
    place, draft = (
        f"s3://{deps.artifact_bucket}/{key}"
        for key in (drafting.contract_key(line), drafting.draft_key(line))
    )
    waiting = f"line {line} has no contract: put one at {place} (a draft is at {draft})"
    with deps.database.transaction() as cursor:
        # Whoever applies a contract looks for parked files afterwards, and must not miss this one.
        contracts.lock_line(cursor, line)
        if contracts.running(cursor, file.dataset, line) is not None:
            raise TransientFault(f"a contract of line {line} came while the file was looked at")
        file = ledger.lock(cursor, file.file_id)
        _refuse_stale(file, attempt)
        if file.status != "parked":  # else a repeated call
            ledger.park(cursor, file.file_id, waiting, prepared.described)
            file = ledger.get(cursor, file.file_id)
    notifications.notify_parked(deps.database, deps.alerts, file, line, draft, place)
    return _state(file, "parked")


def _plan(deps: Dependencies, file: ledger.File, ref: ObjectRef, contract: Contract) -> tuple[Plan, str]:
    names = {name for column in contract.columns for name in (column.name, *column.synonyms)}
    prepared = _prepare(deps, file, ref, known_columns=names)
    census = EncodingDetector()
    layout = _layout(deps, contract, prepared)
    chunks = _chunks(deps.objects, prepared, layout, census)
    if census.encoding() is not Encoding.UTF_8:
        # Only now is the whole file seen: its bytes are another encoding's, so it is converted (again).
        prepared = _prepare(deps, file, ref, known_columns=names, encoding=census.encoding())
        layout = _layout(deps, contract, prepared)
        chunks = _chunks(deps.objects, prepared, layout, EncodingDetector())
    return Plan.of(prepared.source, layout, chunks), prepared.described


def _prepare(
    deps: Dependencies,
    file: ledger.File,
    ref: ObjectRef,
    known_columns: Any,
    encoding: Encoding | None = None,
) -> Prepared:
    return prepare(
        deps.objects,
        ref,
        known_columns=known_columns,
        staging_bucket=deps.artifact_bucket,
        staging_key=f"staging/{file.file_id}/{file.attempt}",
        encoding=encoding,
    )


def _layout(deps: Dependencies, contract: Contract, prepared: Prepared) -> Layout:
    if prepared.format == "csv":
        return csv_layout(contract, prepared.header, prepared.delimiter)
    return ndjson_layout(contract, _keys(deps.objects, prepared))


def _keys(objects: ObjectStore, prepared: Prepared) -> list[str]:
    """The keys of the objects at the beginning of an NDJSON file, in the order in which they come."""
    sample = b"".join(objects.read(prepared.source, prepared.body_start, prepared.body_start + KEYS_SAMPLE))
    keys: dict[str, None] = {}
    for line in sample.split(b"\n"):
        try:
            item = json.loads(line)
        except ValueError:
            continue  # a damaged row, or the one that the sample cuts off
        if isinstance(item, dict):
            keys.update(dict.fromkeys(item))
    return list(keys)


def _chunks(
    objects: ObjectStore, prepared: Prepared, layout: Layout, census: EncodingDetector
) -> list[Chunk]:
    """Runs of whole records of about one size, found in one pass over the bytes.

    They share the file evenly, in an even number: else one of two workers would wait for the other at last.
    """
    whole = prepared.size - prepared.body_start
    number = -(-whole // CHUNK)
    number = min(MOST_CHUNKS, number + (number % 2 if number > 1 else 0))
    cut = cutter(layout.delimiter, len(layout.fields), places_only=True)
    chunks: list[Chunk] = []
    start = at = prepared.body_start
    first_row = row = 1
    for block in _ahead(_counted(_blocks(objects.read(prepared.source, start, prepared.size)), census)):
        row += len(cut.feed(block))
        at += len(block)
        due = len(chunks) + 1 < number and at - prepared.body_start >= (len(chunks) + 1) * whole // number
        if due and at - cut.pending > start and not cut.inside_overlong:
            chunks.append(Chunk(start, at - cut.pending, first_row))
            start, first_row = at - cut.pending, row
    row += len(cut.finish())
    if row > first_row:
        chunks.append(Chunk(start, at, first_row))
    return chunks


def _blocks(stream: Iterator[bytes]) -> Iterator[bytes]:
    """The stream in blocks that are worth whole-array operations."""
    pending = bytearray()
    for block in stream:
        if not pending and len(block) >= BLOCK:
            yield block
            continue
        pending += block
        if len(pending) >= BLOCK:
            yield bytes(pending)
            pending.clear()
    if pending:
        yield bytes(pending)


def _counted(blocks: Iterator[bytes], census: EncodingDetector) -> Iterator[bytes]:
    for block in blocks:
        census.feed(block)
        yield block


def _ahead(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The blocks; the next one is read, and counted, while the present one is cut."""
    with ThreadPoolExecutor(1, "ahead") as reader:
        coming = reader.submit(next, blocks, b"")
        while block := coming.result():
            coming = reader.submit(next, blocks, b"")
            yield block


def _extra(plan: Plan, contract: Contract) -> tuple[str, ...]:
    return plan.layout(contract).extra


def _forget_other_plans(cursor: Cursor, file: ledger.File, contract: Contract, plan: Plan) -> None:
    """What an earlier attempt loaded stays only where it was loaded by this very plan and contract."""
    if file.details != plan.to_json() or file.contract_version != contract.version:
        _forget_rows(cursor, file, contract)


def _forget_rows(cursor: Cursor, file: ledger.File, contract: Contract | None) -> None:
    """Take out what earlier attempts at the file loaded; no contract, no table."""
    if file.chunks is None and file.attempt == 1:
        return
    if contract is not None:
        rows.delete(cursor, contract, file.file_id)
    quarantine.delete(cursor, file.file_id)
    ledger.delete_chunks(cursor, file.file_id)
