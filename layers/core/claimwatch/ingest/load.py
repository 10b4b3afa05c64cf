"""Loads one chunk: validates every cell and copies the rows, all in one transaction."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.aws.objects import ObjectStore
from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.files.records import Batch, Problem
from claimwatch.errors import EngineFault, ReaderFault, Superseded, TransientFault
from claimwatch.ingest.plan import Chunk, Plan
from claimwatch.ingest.reader_faults import ignore, reader_faults
from claimwatch.ingest.validation import Validator, cached_validator
from claimwatch.storage import contracts, ledger, quarantine, rows
from claimwatch.storage.connection import Database, DataRefused, savepoint
from claimwatch.storage.ledger import Counts
from claimwatch.storage.quarantine import RefusedRow

MOST_FAULTS = 200
"""Faults in a chunk after which rows that fail together are no longer separated, for the sake of time."""

DATA_FAULTS = (EngineFault, ReaderFault, DataRefused)
"""Errors that the content of rows causes although they passed validation, or while they are validated."""


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of `load_chunk`.

    ``personal_data_key`` is the key of the hashes that are stored instead of personal data. ``report`` is
    called with each fault that the content of rows causes: it has to be fixed in the code.
    """

    database: Database
    objects: ObjectStore
    personal_data_key: bytes
    report: Callable[[str], None] = ignore


def load_chunk(deps: Dependencies, file_id: int, attempt: int, number: int) -> Counts:
    """Load a chunk and return its counts; if it is already loaded, only return them.

    If the content of a row breaks DuckDB, PostgreSQL or the code, the chunk is loaded again in parts: the row
    is quarantined, and the others are loaded. Raises ``Superseded`` if a newer attempt at the file has
    started.
    """
    try:
        return _load_chunk(deps, file_id, attempt, number, _load)
    except DATA_FAULTS as fault:
        deps.report(str(fault))
        return _load_chunk(deps, file_id, attempt, number, _load_in_parts)


def _load_chunk(deps: Dependencies, file_id: int, attempt: int, number: int, load: "_Load") -> Counts:
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
        _refuse_changed_storage(cursor, contract)
        plan = Plan.from_json(file.details)
        target = _Target(cursor, file_id, contract)
        load(deps, target, plan, plan.chunks[number])
        hashes = np.sort(np.concatenate([np.empty(0, np.uint64), *target.hashes]))
        ledger.add_chunk(cursor, file_id, number, target.counts, hashes.tobytes(), target.extra)
        return target.counts


def _refuse_changed_storage(cursor: Cursor, contract: Contract) -> None:
    """Raise ``TransientFault`` if hashes would be loaded into a column that is stored in clear by now.

    A contract that changes this waits for files that are being loaded, but not for one that is inspected at
    the same moment. Its replay uses the new contract.
    """
    hashed = {column.name for column in contract.columns if column.hashed}
    if not hashed:
        return
    rows.hold(cursor, contract)
    running = contracts.find_running(cursor, contract.line)
    stored = running.stored if running else {}
    if any(name in hashed and not column.hashed for name, column in stored.items()):
        raise TransientFault(
            f"contract {contract.version} of line {contract.line} was replaced by one that stores a column "
            "in another way: replay the file"
        )


def _lock_chunk(cursor: Cursor, file_id: int, number: int) -> None:
    """Wait for any other worker that loads this chunk; a redelivered message then finds it loaded."""
    cursor.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"claimwatch chunk {file_id} {number}",)
    )


@dataclass
class _Target:
    """Where the rows of a chunk go, and what has been stored there so far."""

    cursor: Cursor
    file_id: int
    contract: Contract
    read: int = 0
    loaded: int = 0
    refused: int = 0
    hashes: list[npt.NDArray[np.uint64]] = field(default_factory=list)
    extra: dict[str, None] = field(default_factory=dict)

    @property
    def counts(self) -> Counts:
        return Counts(self.read, self.loaded, self.refused)

    def store(self, validator: Validator, remaining: Iterator[Batch], first_row: int) -> int:
        """Validate and store as many of the batches as memory allows; return the number of records."""
        result = validator.check(remaining, first_row)
        if result.loaded:
            lines = io.BytesIO(result.copy_text)
            rows.copy(self.cursor, self.contract, self.file_id, lines)
        refused = quarantine.add(self.cursor, self.file_id, result.refused)
        self.read += result.read
        self.loaded += result.loaded
        self.refused += refused
        self.hashes.append(result.claim_hashes)
        self.extra |= dict.fromkeys(result.extra)
        return result.read

    def quarantine(self, batch: Batch, first_row: int, problem: Problem) -> None:
        """Quarantine all records of a batch for the same reason, or for that which they have already."""
        refused = (
            RefusedRow(first_row + index, batch.raw(index), (batch.broken.get(index, problem),))
            for index in range(len(batch))
        )
        self.refused += quarantine.add(self.cursor, self.file_id, refused)
        self.read += len(batch)


type _Load = Callable[[Dependencies, _Target, Plan, Chunk], None]


def _load(deps: Dependencies, target: _Target, plan: Plan, chunk: Chunk) -> None:
    remaining = batches(deps.objects, plan, chunk)
    layout = plan.layout(target.contract)
    with cached_validator(layout, deps.personal_data_key) as validator, reader_faults():
        while target.store(validator, remaining, chunk.first_row + target.read):
            pass


def _load_in_parts(deps: Dependencies, target: _Target, plan: Plan, chunk: Chunk) -> None:
    """Load the chunk batch by batch; halve a batch that causes a fault until the row is found."""
    layout = plan.layout(target.contract)
    faults = 0
    with reader_faults():
        for batch in batches(deps.objects, plan, chunk):
            parts = [batch]
            while parts:
                part, first_row = parts.pop(), chunk.first_row + target.read
                try:
                    with (
                        savepoint(target.cursor),
                        cached_validator(layout, deps.personal_data_key) as validator,
                        reader_faults(),
                    ):
                        target.store(validator, iter([part]), first_row)
                except DATA_FAULTS as fault:
                    faults += 1
                    if len(part) > 1 and faults < MOST_FAULTS:
                        middle = len(part) // 2
                        parts += [part.part(middle, len(part)), part.part(0, middle)]
                    else:
                        deps.report(str(fault))
                        target.quarantine(part, first_row, _problem(part, fault))


def _problem(part: Batch, fault: Exception) -> Problem:
    cause = f"it breaks the reader ({fault})" if len(part) == 1 else f"one of {len(part)} rows does ({fault})"
    return Problem(None, "reader", f"the row cannot be loaded: {cause}")


def batches(objects: ObjectStore, plan: Plan, chunk: Chunk) -> Iterator[Batch]:
    """Yield the records of a chunk, in blocks that fit the processor's caches."""
    blocks = objects.read(plan.source, chunk.start, chunk.end)
    return (batch for batch in plan.cutter().cut(blocks) if len(batch))
