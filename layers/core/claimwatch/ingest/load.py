"""Loads one chunk: validates every cell and copies the rows, all in one transaction."""

import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.aws.objects import ObjectStore
from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.files.records import Batch
from claimwatch.errors import Superseded
from claimwatch.ingest.plan import Chunk, Plan
from claimwatch.ingest.validation import cached_validator
from claimwatch.storage import contracts, ledger, quarantine, rows
from claimwatch.storage.connection import Database
from claimwatch.storage.ledger import Counts


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of `load_chunk`.

    ``personal_data_key`` is the key of the hashes that are stored instead of personal data.
    """

    database: Database
    objects: ObjectStore
    personal_data_key: bytes


def load_chunk(deps: Dependencies, file_id: int, attempt: int, number: int) -> Counts:
    """Load a chunk and return its counts; if it is already loaded, only return them.

    Raises ``Superseded`` if a newer attempt at the file has started.
    """
    with deps.database.transaction() as cursor:
        file = ledger.share(cursor, file_id)
        if file.attempt != attempt or file.status not in ("loading", "committed"):
            raise Superseded(
                f"file {file_id} is {file.status} at attempt {file.attempt}; this is attempt {attempt}"
            )
        _lock_chunk(cursor, file_id, number)
        done = ledger.find_chunk(cursor, file_id, number)
        if done is not None:
            return done
        contract = contracts.applied(cursor, file.dataset, file.line, file.contract_version)
        plan = Plan.from_json(file.details)
        return _load(deps, cursor, file_id, number, contract, plan)


def _lock_chunk(cursor: Cursor, file_id: int, number: int) -> None:
    """Wait for any other worker that loads this chunk; a redelivered message then finds it loaded."""
    cursor.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"claimwatch chunk {file_id} {number}",)
    )


def _load(
    deps: Dependencies, cursor: Cursor, file_id: int, number: int, contract: Contract, plan: Plan
) -> Counts:
    chunk = plan.chunks[number]
    read = loaded = refused = 0
    hashes = [np.empty(0, np.uint64)]
    remaining = batches(deps.objects, plan, chunk)
    with cached_validator(plan.layout(contract), deps.personal_data_key) as validator:
        while (result := validator.check(remaining, chunk.first_row + read)).read:
            if result.loaded:
                loaded += rows.copy(cursor, contract, file_id, io.BytesIO(result.copy_text))
            refused += quarantine.add(cursor, file_id, result.refused)
            read += result.read
            hashes.append(result.claim_hashes)
    counts = Counts(read, loaded, refused)
    ledger.add_chunk(cursor, file_id, number, counts, np.sort(np.concatenate(hashes)).tobytes())
    return counts


def batches(objects: ObjectStore, plan: Plan, chunk: Chunk) -> Iterator[Batch]:
    """Yield the records of a chunk, in blocks that fit the processor's caches."""
    blocks = objects.read(plan.source, chunk.start, chunk.end)
    return (batch for batch in plan.cutter().cut(blocks) if len(batch))
