"""Scores of claims: what scoring reads, and what it writes once for each chunk and model."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, Any, Protocol

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.domain.contract.contract import Contract
from claimwatch.storage.models import LiveModel, Role
from claimwatch.storage.queries import queries

_SQL = queries("scores")


class Readable(Protocol):
    """The part of a file that COPY reads from."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class Scoring:
    """The values that all scores of a chunk have in common."""

    line: str
    file_id: int
    number: int
    model: LiveModel
    contract_version: str
    code_version: str
    threshold: float


@dataclass(frozen=True)
class ScoringCounts:
    """Counts of a scored chunk. ``missing`` and ``unseen`` count claims by feature.

    A value is unseen if the model was not trained on it.
    """

    claims: int
    referred: int
    audit_sample: int
    missing: dict[str, int]
    unseen: dict[str, int]


@dataclass(frozen=True)
class ChunkTiming:
    """Time and resources of a scored chunk.

    ``cold_start`` says whether it was the first chunk of its process, ``memory_mb`` the process's memory.
    """

    seconds: float
    cold_start: bool | None = None
    memory_mb: int | None = None


def lock_chunk(cursor: Cursor, file_id: int, number: int) -> None:
    """Wait for any other process that scores the same chunk, and make later ones wait."""
    cursor.execute(_SQL["lock_chunk"], {"file_id": str(file_id), "number": str(number)})


def scored_by(cursor: Cursor, file_id: int, number: int) -> set[tuple[str, Role]]:
    """Return the models that have scored the chunk, each with its role at the time."""
    cursor.execute(_SQL["scored_by"], {"file_id": file_id, "number": number})
    return set(cursor.fetchall())


def audit_key(cursor: Cursor) -> bytes:
    """Return the key by which claims are drawn for the random audit."""
    cursor.execute(_SQL["audit_key"])
    row = cursor.fetchone()
    assert row is not None  # the migration wrote it
    return bytes(row[0])


def index_new_rows(cursor: Cursor, line: str) -> None:
    """Add new rows to the line's index of files and row numbers, so that a chunk reads only its own rows."""
    cursor.execute(_SQL["index_new_rows"], {"line": line})


def copy_claims(
    cursor: Cursor,
    contract: Contract,
    columns: list[str],
    file_id: int,
    first_row: int,
    last_row: int | None,
    text: IO[bytes],
) -> None:
    """Write the claims of a range of rows as CSV without a header: the claim id, then these columns.

    A missing value is an empty field without quotation marks. ``last_row`` is included; None means no upper
    bound.
    """
    statement = sql.SQL(
        "COPY (SELECT {columns} FROM {table} WHERE file_id = {file_id} AND row_number >= {first_row}{last})"
        " TO STDOUT (FORMAT csv)"
    ).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, [contract.identifier.name, *columns])),
        table=sql.Identifier("claimwatch", contract.table),
        file_id=sql.Literal(file_id),
        first_row=sql.Literal(first_row),
        last=sql.SQL("")
        if last_row is None
        else sql.SQL(" AND row_number <= {}").format(sql.Literal(last_row)),
    )
    cursor.copy_expert(statement.as_string(cursor), text, 1 << 16)


def add(cursor: Cursor, scoring: Scoring, rows: Readable) -> None:
    """Write a chunk's scores.

    ``rows`` is in PostgreSQL's binary format: probability, percentile, referred, audit sample, claim id,
    reasons or null. The columns that all scores of a chunk have in common (line, file_id, model_version,
    role, contract_version, code_version, threshold) are not copied: ``set_score_defaults`` stores them in
    settings of the transaction, and the columns' defaults (migration 0004) read them from there.
    """
    cursor.execute(
        _SQL["set_score_defaults"],
        {
            "line": scoring.line,
            "file_id": str(scoring.file_id),
            "model_version": scoring.model.version,
            "role": scoring.model.role,
            "contract_version": scoring.contract_version,
            "code_version": scoring.code_version,
            "threshold": repr(scoring.threshold),
        },
    )
    copy = _SQL["copy_scores"].removesuffix(";")
    cursor.copy_expert(copy, rows, 1 << 16)  # type: ignore[arg-type] # it calls only read


def add_chunk(cursor: Cursor, scoring: Scoring, counts: ScoringCounts, timing: ChunkTiming) -> None:
    """Mark the chunk as scored by this model in this role."""
    cursor.execute(
        _SQL["add_chunk"],
        {
            "file_id": scoring.file_id,
            "number": scoring.number,
            "model_version": scoring.model.version,
            "role": scoring.model.role,
            "claims": counts.claims,
            "referred": counts.referred,
            "audit_sample": counts.audit_sample,
            "missing": json.dumps(counts.missing),
            "unseen": json.dumps(counts.unseen),
            "seconds": timing.seconds,
            "cold_start": timing.cold_start,
            "memory_mb": timing.memory_mb,
        },
    )


def chunks_to_score(
    cursor: Cursor,
    line: str,
    *,
    limit: int,
    file_id: int | None = None,
    since: datetime | None = None,
    only_unscored: bool = False,
) -> list[tuple[int, int]]:
    """Return chunks that a live model has not scored, oldest first: their files and their numbers."""
    cursor.execute(
        _SQL["chunks_to_score"],
        {"line": line, "file_id": file_id, "since": since, "only_unscored": only_unscored, "limit": limit},
    )
    return cursor.fetchall()


def received_on(cursor: Cursor, file_id: int) -> date:
    """Return the day, in UTC, on which the file was received."""
    cursor.execute(_SQL["received_on"], {"file_id": file_id})
    row = cursor.fetchone()
    assert row is not None
    day: date = row[0]
    return day


def add_line_without_model(cursor: Cursor, line: str) -> bool:
    """Record that an alert says that the line has no champion; return False if one said so before."""
    cursor.execute(_SQL["add_line_without_model"], {"line": line})
    return cursor.fetchone() is not None


def delete_line_without_model(cursor: Cursor, line: str) -> None:
    """Record that the line has a champion; if it loses it, an alert is sent again."""
    cursor.execute(_SQL["delete_line_without_model"], {"line": line})


def count_unscored(cursor: Cursor, line: str) -> tuple[int, int]:
    """Return how many files and claims of the line have no score by a champion."""
    cursor.execute(_SQL["count_unscored"], {"line": line})
    row = cursor.fetchone()
    assert row is not None  # an aggregate always has a row
    return row


@dataclass(frozen=True)
class WorkList:
    """The first claims that investigators should review, and how many claims there are in all."""

    claims: list[dict[str, Any]]
    total: int


def work_list(
    cursor: Cursor,
    line: str,
    *,
    since: datetime | None = None,
    decided: bool = False,
    most_suspicious_first: bool = False,
    limit: int | None = None,
) -> WorkList:
    """Return the referred claims and those of the random audit that have no outcome, oldest day first.

    Within a day, the order is that of a hash of the claim id, and does not reveal which claim is which. With
    ``decided`` the list includes claims that have an outcome.
    """
    parameters = {
        "line": line,
        "since": since,
        "decided": decided,
        "most_suspicious_first": most_suspicious_first,
        "limit": limit,
    }
    cursor.execute(_SQL["work_list"], parameters)
    names = [column.name for column in cursor.description or ()]
    claims = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    totals = [claim.pop("waiting") for claim in claims]
    return WorkList(claims, totals[0] if totals else 0)
