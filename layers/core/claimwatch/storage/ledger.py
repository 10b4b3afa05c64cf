"""The ledger: one row for each object version, and one for each chunk of it that is loaded."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.storage.queries import queries

_SQL = queries("ledger")


@dataclass(frozen=True)
class File:
    """A row of the ledger, as far as the work on the file needs it."""

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
    """Rows of a chunk or a file; ``read`` is always the sum of the other two."""

    read: int
    loaded: int
    quarantined: int


@dataclass(frozen=True)
class Dropped:
    """What an event says of an object that was dropped."""

    dataset: str
    line: str | None
    bucket: str
    key: str
    version_id: str
    sequencer: str
    size_bytes: int
    received_at: datetime
    refused_because: str | None = None


def register(cursor: Cursor, dropped: Dropped) -> File:
    """Enter an object version, or find it where it was entered before."""
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
        },
    )
    cursor.execute(
        _SQL["find_file"], {"bucket": dropped.bucket, "key": dropped.key, "version_id": dropped.version_id}
    )
    return _file(cursor)


def get(cursor: Cursor, file_id: int) -> File:
    """The file; ``LookupError`` if there is none of that number."""
    cursor.execute(_SQL["get_file"], {"file_id": file_id})
    return _file(cursor)


def lock(cursor: Cursor, file_id: int) -> File:
    """The file, locked until the transaction ends: for changing its state."""
    cursor.execute(_SQL["lock_file"], {"file_id": file_id})
    return _file(cursor)


def share(cursor: Cursor, file_id: int) -> File:
    """The file, its state held still until the transaction ends: for adding rows to it."""
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
    """The file is inspected and goes into so many chunks."""
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
    """The file cannot be loaded; ``error`` says why and what to do."""
    _end_inspection(cursor, file_id, "refused", error, format)


def park(cursor: Cursor, file_id: int, error: str, format: str | None = None) -> None:
    """The file waits for its line's contract."""
    _end_inspection(cursor, file_id, "parked", error, format)


def _end_inspection(cursor: Cursor, file_id: int, status: str, error: str, format: str | None) -> None:
    cursor.execute(
        _SQL["set_outcome_of_inspection"],
        {"file_id": file_id, "status": status, "error": error, "format": format},
    )


def fail(cursor: Cursor, file_id: int, error: str) -> None:
    """The file met a fault that no retry mended; it can be replayed."""
    cursor.execute(_SQL["set_failed"], {"file_id": file_id, "error": error})


def set_notified(cursor: Cursor, file_id: int) -> None:
    """People have been told of the file's state."""
    cursor.execute(_SQL["set_notified"], {"file_id": file_id})


def begin_attempt(cursor: Cursor, file_id: int) -> None:
    """Begin again; work for earlier attempts is refused from now on."""
    cursor.execute(_SQL["begin_attempt"], {"file_id": file_id})


def commit(cursor: Cursor, file_id: int, counts: Counts) -> None:
    """The file becomes visible when this transaction does."""
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
    """The rows of a committed file."""
    cursor.execute(_SQL["committed_counts"], {"file_id": file_id})
    row = cursor.fetchone()
    assert row is not None
    return Counts(*row)


def find_chunk(cursor: Cursor, file_id: int, number: int) -> Counts | None:
    """What the chunk came to, if it is loaded."""
    cursor.execute(_SQL["find_chunk"], {"file_id": file_id, "number": number})
    row = cursor.fetchone()
    return Counts(*row) if row else None


def add_chunk(cursor: Cursor, file_id: int, number: int, counts: Counts, claim_hashes: bytes) -> None:
    """The chunk is loaded, in the transaction that loads its rows."""
    cursor.execute(
        _SQL["add_chunk"],
        {
            "file_id": file_id,
            "number": number,
            "rows_read": counts.read,
            "rows_loaded": counts.loaded,
            "rows_quarantined": counts.quarantined,
            "claim_hashes": claim_hashes,
        },
    )


def sum_chunks(cursor: Cursor, file_id: int) -> tuple[int, Counts]:
    """The number of chunks that are loaded, and their rows."""
    cursor.execute(_SQL["sum_chunks"], {"file_id": file_id})
    row = cursor.fetchone()
    assert row is not None  # an aggregate always has a row
    return row[0], Counts(*row[1:])


def claim_hashes(cursor: Cursor, file_id: int, number: int) -> bytes:
    """The sorted hashes of a chunk's claim ids, eight bytes each."""
    cursor.execute(_SQL["claim_hashes"], {"file_id": file_id, "number": number})
    row = cursor.fetchone()
    return bytes(row[0]) if row else b""


def delete_chunks(cursor: Cursor, file_id: int) -> None:
    """Forget the chunks of an earlier attempt."""
    cursor.execute(_SQL["delete_chunks"], {"file_id": file_id})


def parked_files(cursor: Cursor, line: str) -> list[int]:
    """The files that wait for the line's contract, oldest first."""
    cursor.execute(_SQL["parked_files"], {"line": line})
    return [file_id for (file_id,) in cursor.fetchall()]


def is_parking_told(cursor: Cursor, line: str) -> bool:
    """Whether people have been told of a file that waits for the line's contract."""
    cursor.execute(_SQL["is_parking_told"], {"line": line})
    row = cursor.fetchone()
    return row is not None and bool(row[0])


def note_extra_columns(cursor: Cursor, file: File, names: list[str]) -> None:
    """Remember which of the names this line's files have had."""
    cursor.execute(
        _SQL["new_extra_columns"],
        {"line": file.line, "dataset": file.dataset, "file_id": file.file_id, "names": names},
    )


def extra_columns_untold(cursor: Cursor, file_id: int) -> list[str]:
    """The columns outside of the contract that this file was the first to have, and nobody has heard of."""
    cursor.execute(_SQL["extra_columns_untold"], {"file_id": file_id})
    return [name for (name,) in cursor.fetchall()]


def set_extra_columns_told(cursor: Cursor, file_id: int, names: list[str]) -> None:
    """People have been told of these columns of the file."""
    cursor.execute(_SQL["set_extra_columns_told"], {"file_id": file_id, "names": names})


def list_files(
    cursor: Cursor, *, line: str | None = None, status: str | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """The newest files, as the ledger's columns."""
    cursor.execute(_SQL["list_files"], {"line": line, "status": status, "limit": limit})
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
