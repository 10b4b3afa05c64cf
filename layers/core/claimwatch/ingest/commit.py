"""Committing a file: every row is accounted for, and all of it becomes visible at once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.aws.objects import ObjectStore
from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.files.records import Problem
from claimwatch.errors import ClaimwatchError, Superseded
from claimwatch.ingest.load import batches
from claimwatch.ingest.plan import Plan
from claimwatch.storage import contracts, ledger, quarantine, rows
from claimwatch.storage.connection import Database
from claimwatch.storage.ledger import Counts, File
from claimwatch.storage.quarantine import RefusedRow

HASHES_AT_A_TIME = 4_000_000
"""Claim ids whose hashes are compared in one pass, so that memory does not grow with the file."""


class IncompleteFile(ClaimwatchError):
    """Not every chunk of the file is loaded."""


@dataclass(frozen=True)
class Dependencies:
    """What committing works with."""

    database: Database
    objects: ObjectStore


def commit_file(deps: Dependencies, file_id: int, attempt: int) -> dict[str, Any]:
    """Commit the file, or return what it came to if it is committed already: the event's facts, no claim's
    content.

    Of the rows with one claim id the first stays and the others go to quarantine.
    """
    with deps.database.transaction() as cursor:
        file = ledger.lock(cursor, file_id)
        if file.attempt != attempt or file.status not in ("loading", "committed"):
            raise Superseded(
                f"file {file_id} is {file.status} at attempt {file.attempt}; this is attempt {attempt}"
            )
        chunks, counts = ledger.sum_chunks(cursor, file_id)
        if chunks != file.chunks:
            raise IncompleteFile(f"{chunks} of {file.chunks} chunks of file {file_id} are loaded")
        if file.status == "loading":
            contract = contracts.applied(cursor, file.dataset, file.line, file.contract_version)
            plan = Plan.from_json(file.details)
            if _has_repeated_ids(cursor, file_id, chunks, counts.loaded):
                repeated = _quarantine_repeated(deps.objects, cursor, file, contract, plan)
                counts = Counts(counts.read, counts.loaded - repeated, counts.quarantined + repeated)
            ledger.commit(cursor, file_id, counts)
        else:
            counts = ledger.committed_counts(cursor, file_id)
    return {
        "file_id": file_id,
        "dataset": file.dataset,
        "line": file.line,
        "contract_version": file.contract_version,
        "rows_read": counts.read,
        "rows_loaded": counts.loaded,
        "rows_quarantined": counts.quarantined,
    }


def _has_repeated_ids(cursor: Cursor, file_id: int, chunks: int, loaded: int) -> bool:
    """Whether two rows of the file may have one claim id: whether two hashes are the same.

    The chunks' sorted hashes are compared range by range of the hashes' own space.
    """
    passes = max(1, -(-loaded // HASHES_AT_A_TIME))
    for part in range(passes):
        low, high = (np.uint64(min((2**64 * edge) // passes, 2**64 - 1)) for edge in (part, part + 1))
        parts = []
        for number in range(chunks):
            hashes = np.frombuffer(ledger.claim_hashes(cursor, file_id, number), np.uint64)
            begin, end = np.searchsorted(hashes, low, "left"), np.searchsorted(hashes, high, "right")
            parts.append(hashes[begin:end])
        together = np.sort(np.concatenate(parts)) if parts else np.empty(0, np.uint64)
        if (together[1:] == together[:-1]).any():
            return True
    return False


def _quarantine_repeated(
    objects: ObjectStore, cursor: Cursor, file: File, contract: Contract, plan: Plan
) -> int:
    """Move every row whose claim id stands further up in the file to quarantine; returns how many."""
    repeated = dict(rows.repeated(cursor, contract, file.file_id))
    name = contract.identifier.name
    for number, chunk in enumerate(plan.chunks):
        last = plan.chunks[number + 1].first_row if number + 1 < len(plan.chunks) else None
        wanted = [row for row in repeated if row >= chunk.first_row and (last is None or row < last)]
        if not wanted:
            continue
        first_row = chunk.first_row
        for batch in batches(objects, plan, chunk):
            here = [row for row in wanted if first_row <= row < first_row + len(batch)]
            quarantine.add(
                cursor,
                file.file_id,
                (
                    RefusedRow(
                        row,
                        batch.raw(row - first_row),
                        (Problem(name, "unique", f"row {repeated[row]} of this file has the same {name}"),),
                    )
                    for row in here
                ),
            )
            first_row += len(batch)
    return rows.delete_rows(cursor, contract, file.file_id, list(repeated))
