"""The ledger: one row per object version, and one per loaded chunk."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.domain.validation.keyed_hash import SCHEME
from claimwatch.storage.queries import queries

_SQL = queries("ledger")

MOST_EXTRA_COLUMNS = 1_000
"""Columns outside of the contract that are recorded, and reported, for a line."""


@dataclass(frozen=True)
class File:
    """A file in the ledger."""

    file_id: int
    dataset: str
    line: str | None
    bucket: str
    key: str
    version_id: str
    status: str
    attempt: int
    contract_version: str | None
    chunks: int | None
    error: str | None
    notified: bool
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Counts:
    """Numbers of rows of a chunk or a file; ``read`` is always ``loaded`` + ``quarantined``."""

    read: int
    loaded: int
    quarantined: int


@dataclass(frozen=True)
class Dropped:
    """A dropped object, as its event describes it."""

    dataset: str
    line: str | None
    bucket: str
    key: str
    version_id: str
    sequencer: str
    size_bytes: int
    received_at: datetime
    refused_because: str | None = None
    side_file: bool = False


def register(cursor: Cursor, dropped: Dropped) -> File:
    """Register an object version, or return it if it is registered already."""
    cursor.execute(
        _SQL["register_file"],
        {
            "dataset": dropped.dataset,
            "line": dropped.line,
            "bucket": dropped.bucket,
            "key": dropped.key,
            "version_id": dropped.version_id,
            "sequencer": dropped.sequencer,
            "size_bytes": dropped.size_bytes,
            "received_at": dropped.received_at,
            "status": "refused" if dropped.refused_because else "received",
            "error": dropped.refused_because,
            "side_file": dropped.side_file,
        },
    )
    cursor.execute(
        _SQL["find_file"], {"bucket": dropped.bucket, "key": dropped.key, "version_id": dropped.version_id}
    )
    return _file(cursor)


def get(cursor: Cursor, file_id: int) -> File:
    """Return the file. Raises ``LookupError`` if there is no file with this number."""
    cursor.execute(_SQL["get_file"], {"file_id": file_id})
    return _file(cursor)


def lock(cursor: Cursor, file_id: int) -> File:
    """Return the file, locked until the transaction ends, to change its state."""
    cursor.execute(_SQL["lock_file"], {"file_id": file_id})
    return _file(cursor)


def share(cursor: Cursor, file_id: int) -> File:
    """Return the file, protected from state changes until the transaction ends, to add rows to it."""
    cursor.execute(_SQL["share_file"], {"file_id": file_id})
    return _file(cursor)


def _file(cursor: Cursor) -> File:
    row = cursor.fetchone()
    if row is None:
        raise LookupError("there is no such file in the ledger")
    return File(*row)


def begin_loading(
    cursor: Cursor, file_id: int, *, format: str, contract_version: str, chunks: int, details: dict[str, Any]
) -> None:
    """Record that the file is inspected and has this many chunks."""
    cursor.execute(
        _SQL["begin_loading"],
        {
            "file_id": file_id,
            "format": format,
            "contract_version": contract_version,
            "chunks": chunks,
            "details": json.dumps(details),
        },
    )


def refuse(cursor: Cursor, file_id: int, error: str, format: str | None = None) -> None:
    """Record that the file cannot be loaded; ``error`` says why and what to do."""
    _end_inspection(cursor, file_id, "refused", error, format)


def park(cursor: Cursor, file_id: int, error: str, format: str | None = None) -> None:
    """Record that the file waits for its line's contract."""
    _end_inspection(cursor, file_id, "parked", error, format)


def _end_inspection(cursor: Cursor, file_id: int, status: str, error: str, format: str | None) -> None:
    cursor.execute(
        _SQL["set_outcome_of_inspection"],
        {"file_id": file_id, "status": status, "error": error, "format": format},
    )


def fail(cursor: Cursor, file_id: int, error: str) -> None:
    """Record that the file failed after all retries; it can be replayed."""
    cursor.execute(_SQL["set_failed"], {"file_id": file_id, "error": error})


def set_notified(cursor: Cursor, file_id: int) -> None:
    """Record that the file's state was notified."""
    cursor.execute(_SQL["set_notified"], {"file_id": file_id})


def begin_attempt(cursor: Cursor, file_id: int) -> None:
    """Begin a new attempt; work of earlier attempts is rejected from now on."""
    cursor.execute(_SQL["begin_attempt"], {"file_id": file_id})


def commit(cursor: Cursor, file_id: int, counts: Counts) -> None:
    """Commit the file: it becomes visible together with this transaction."""
    cursor.execute(
        _SQL["set_committed"],
        {
            "file_id": file_id,
            "rows_read": counts.read,
            "rows_loaded": counts.loaded,
            "rows_quarantined": counts.quarantined,
        },
    )
    cursor.execute(_SQL["forget_claim_hashes"], {"file_id": file_id})


def committed_counts(cursor: Cursor, file_id: int) -> Counts:
    """Return the numbers of rows of a committed file."""
    cursor.execute(_SQL["committed_counts"], {"file_id": file_id})
    row = cursor.fetchone()
    assert row is not None
    return Counts(*row)


def find_chunk(cursor: Cursor, file_id: int, number: int) -> Counts | None:
    """Return the numbers of rows of the chunk, or None if it is not loaded."""
    cursor.execute(_SQL["find_chunk"], {"file_id": file_id, "number": number})
    row = cursor.fetchone()
    return Counts(*row) if row else None


def add_chunk(
    cursor: Cursor, file_id: int, number: int, counts: Counts, claim_hashes: bytes, extra: Iterable[str] = ()
) -> None:
    """Record that the chunk is loaded, in the transaction that loads its rows.

    ``extra`` has the names of its columns that the contract does not have.
    """
    cursor.execute(
        _SQL["add_chunk"],
        {
            "file_id": file_id,
            "number": number,
            "rows_read": counts.read,
            "rows_loaded": counts.loaded,
            "rows_quarantined": counts.quarantined,
            "claim_hashes": claim_hashes,
            "extra_columns": list(extra),
            "hash_scheme": SCHEME,
        },
    )


def sum_chunks(cursor: Cursor, file_id: int) -> tuple[int, Counts]:
    """Return the number of loaded chunks, and their numbers of rows."""
    cursor.execute(_SQL["sum_chunks"], {"file_id": file_id})
    row = cursor.fetchone()
    assert row is not None  # an aggregate always has a row
    return row[0], Counts(*row[1:])


def claim_hashes(cursor: Cursor, file_id: int, number: int) -> bytes:
    """Return the sorted hashes of a chunk's claim ids, eight bytes each."""
    cursor.execute(_SQL["claim_hashes"], {"file_id": file_id, "number": number})
    row = cursor.fetchone()
    return bytes(row[0]) if row else b""


def delete_chunks(cursor: Cursor, file_id: int) -> None:
    """Delete the chunks of an earlier attempt."""
    cursor.execute(_SQL["delete_chunks"], {"file_id": file_id})


def parked_files(cursor: Cursor, line: str) -> list[int]:
    """Return the files that wait for the line's contract, oldest first."""
    cursor.execute(_SQL["parked_files"], {"line": line})
    return [file_id for (file_id,) in cursor.fetchall()]


def is_loading(cursor: Cursor, line: str) -> bool:
    """Return whether a file of claims of this line is being loaded."""
    cursor.execute(_SQL["is_loading"], {"line": line})
    row = cursor.fetchone()
    return row is not None and bool(row[0])


def is_parking_notified(cursor: Cursor, line: str) -> bool:
    """Return whether a waiting file of this line was notified already."""
    cursor.execute(_SQL["is_parking_notified"], {"line": line})
    row = cursor.fetchone()
    return row is not None and bool(row[0])


def notified_of_line(cursor: Cursor, line: str | None) -> int:
    """Return how many notifications of the last day were about files of the line, or of no line."""
    cursor.execute(_SQL["notified_of_line"], {"line": line})
    row = cursor.fetchone()
    return row[0] if row else 0


def notified_new_lines(cursor: Cursor) -> int:
    """Return how many notifications of the last day were about lines without a contract."""
    cursor.execute(_SQL["notified_new_lines"])
    row = cursor.fetchone()
    return row[0] if row else 0


def record_extra_columns(cursor: Cursor, file: File) -> None:
    """Record the columns of a loaded file that its contract and all earlier files of the line did not have.

    At most `MOST_EXTRA_COLUMNS` are recorded for a line: a sender may write any number of names.
    """
    cursor.execute(
        _SQL["new_extra_columns"],
        {"line": file.line, "dataset": file.dataset, "file_id": file.file_id, "most": MOST_EXTRA_COLUMNS},
    )


def unreported_extra_columns(cursor: Cursor, file_id: int) -> list[str]:
    """Return the extra columns that this file was the first to have and that are not notified yet."""
    cursor.execute(_SQL["unreported_extra_columns"], {"file_id": file_id})
    return [name for (name,) in cursor.fetchall()]


def set_extra_columns_notified(cursor: Cursor, file_id: int, names: list[str]) -> None:
    """Record that these columns of the file were notified."""
    cursor.execute(_SQL["set_extra_columns_notified"], {"file_id": file_id, "names": names})


def list_files(
    cursor: Cursor,
    *,
    line: str | None = None,
    status: str | None = None,
    limit: int = 50,
    side_files: bool = False,
) -> list[dict[str, Any]]:
    """Return the newest files, with the columns of the ledger as keys.

    Side files of tools are left out unless they are asked for.
    """
    cursor.execute(
        _SQL["list_files"], {"line": line, "status": status, "limit": limit, "side_files": side_files}
    )
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def count_side_files(cursor: Cursor, *, line: str | None = None) -> int:
    """Return the number of side files of tools."""
    cursor.execute(_SQL["count_side_files"], {"line": line})
    row = cursor.fetchone()
    return row[0] if row else 0
