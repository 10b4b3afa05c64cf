"""Commit of a file: every row is accounted for, and all rows become visible at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.aws.alerts import Alerts
from claimwatch.aws.objects import ObjectStore
from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.files.records import Problem
from claimwatch.errors import ClaimwatchError, Superseded
from claimwatch.ingest import notifications
from claimwatch.ingest.feed_links import feed_links
from claimwatch.ingest.load import batches
from claimwatch.ingest.plan import Plan
from claimwatch.storage import contracts, decided_claims, ledger, quarantine, review_cases, rows
from claimwatch.storage.connection import Database
from claimwatch.storage.ledger import Counts, File
from claimwatch.storage.quarantine import RefusedRow

HASHES_PER_PASS = 4_000_000
"""Number of hashes compared in one pass, so that memory does not grow with the file."""


FEEDING_TIME = 600.0
"""Seconds for the values of the file that link claims; CommitFile has 900 s. The rest waits for the next."""

BACKLOG_TIME = 20.0
"""Seconds for the values of other files that wait."""


class IncompleteFile(ClaimwatchError):
    """Not every chunk of the file is loaded."""


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of ``commit_file``."""

    database: Database
    objects: ObjectStore
    alerts: Alerts


def commit_file(deps: Dependencies, file_id: int, attempt: int) -> dict[str, Any]:
    """Commit the file and return the fields of its event, without any content of claims.

    If the file is committed already, only return them. Columns that the contract does not have are reported
    once. Of several rows with the same claim id, the first stays, in a file of the stream the last, and the
    rest go to quarantine. If the contract has a label, the labels of the rows become outcomes in the same
    transaction. The values that link claims follow in transactions of their own.
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
            if file.dataset == "claims" and contract.label is not None:
                rows.add_outcomes(cursor, contract, contract.label, file_id)
            ledger.commit(cursor, file_id, counts)
            review_cases.settle_cases(cursor, file_id)
            decided_claims.note_outcomes(cursor, file_id)  # locks rows in the order in which decisions do
            ledger.record_extra_columns(cursor, file)
        else:
            counts = ledger.committed_counts(cursor, file_id)
        unreported = ledger.unreported_extra_columns(cursor, file_id)
    if feed_links(deps.database, file_id, FEEDING_TIME):
        feed_links(deps.database, None, BACKLOG_TIME)
    if unreported:
        notifications.notify_extra_columns(deps.database, deps.alerts, file, unreported)
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
    """Return whether two rows of the file may have the same claim id, that is, equal hashes.

    The sorted hashes of the chunks are compared range by range.
    """
    passes = max(1, -(-loaded // HASHES_PER_PASS))
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
    """Quarantine every row whose claim id occurs earlier in the file; return the number of rows.

    In a file of the stream, those whose claim id occurs later: each record is the state of a claim when it
    was sent.
    """
    keep: rows.Kept = "first" if plan.routed is None else "last"
    with rows.repeated(cursor, contract, file.file_id, keep) as repeated:
        refused = _refused(objects, plan, contract.identifier.name, repeated)
        quarantined = quarantine.add(cursor, file.file_id, refused)
    deleted = rows.delete_repeated(cursor, contract, file.file_id, keep)
    if deleted != quarantined:
        raise AssertionError(f"{quarantined} repeated rows were quarantined, but {deleted} deleted")
    return deleted


def _refused(
    objects: ObjectStore, plan: Plan, name: str, repeated: Iterator[tuple[int, int]]
) -> Iterator[RefusedRow]:
    """Yield the repeated rows with their text; only the chunks that have any are read."""
    due = next(repeated, None)
    for number, chunk in enumerate(plan.chunks):
        following = plan.chunks[number + 1].first_row if number + 1 < len(plan.chunks) else None
        if due is None or (following is not None and due[0] >= following):
            continue
        first_row = chunk.first_row
        for batch in batches(objects, plan, chunk):
            while due is not None and due[0] < first_row + len(batch):
                row, kept = due
                if kept < row:
                    problem = Problem(name, "unique", f"row {kept} of this file has the same {name}")
                else:
                    later = f"row {kept} of this file is a later record of the same claim"
                    problem = Problem(name, "replaced", later)
                yield RefusedRow(row, batch.raw(row - first_row), (problem,))
                due = next(repeated, None)
            first_row += len(batch)
