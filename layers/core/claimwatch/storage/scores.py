"""Scores of claims: what is read for them, and what is written, once for each chunk and model."""

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

type Unit = tuple[int, int]
"""What is scored at a time: a file and the number of a chunk of it."""


class Readable(Protocol):
    """What COPY reads from."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class Scoring:
    """What the scores of a chunk have in common."""

    line: str
    file_id: int
    number: int
    model: LiveModel
    contract_version: str
    code_version: str
    threshold: float


@dataclass(frozen=True)
class ScoringCounts:
    """What the scoring of a chunk came to. ``missing`` and ``unseen`` count claims by feature."""

    claims: int
    referred: int
    audit_sample: int
    missing: dict[str, int]
    unseen: dict[str, int]


@dataclass(frozen=True)
class ChunkTiming:
    """What a chunk took. ``cold_start`` says that its process began with it, ``memory_mb`` what it had."""

    seconds: float
    cold_start: bool | None = None
    memory_mb: int | None = None


def lock_chunk(cursor: Cursor, file_id: int, number: int) -> None:
    """Wait for whoever scores the same chunk."""
    cursor.execute(_SQL["lock_chunk"], {"file_id": str(file_id), "number": str(number)})


def scored_by(cursor: Cursor, file_id: int, number: int) -> set[tuple[str, Role]]:
    """The models that have scored the chunk, each with its role then."""
    cursor.execute(_SQL["scored_by"], {"file_id": file_id, "number": number})
    return set(cursor.fetchall())


def index_new_rows(cursor: Cursor, line: str) -> None:
    """Have the line's rows found by their file and number, so that a chunk reads none but its own."""
    cursor.execute(_SQL["index_new_rows"], {"index": f"claimwatch.claim_{line}_by_file"})


def copy_claims(
    cursor: Cursor,
    contract: Contract,
    columns: list[str],
    file_id: int,
    first_row: int,
    last_row: int | None,
    text: IO[bytes],
) -> None:
    """Write the claims of a run of rows as CSV without a header: the claim id, then these columns.

    A missing value is an empty field without quotation marks. ``last_row`` is the last one's number; None
    takes all that follow.
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

    ``rows`` are in PostgreSQL's binary format: probability, percentile, referred, audit sample, claim id,
    reasons or null.
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
    cursor.copy_expert(copy, rows, 1 << 16)  # type: ignore[arg-type] # it calls nothing but read


def add_chunk(cursor: Cursor, scoring: Scoring, tally: ScoringCounts, took: ChunkTiming) -> None:
    """Write that a chunk's scores are written."""
    cursor.execute(
        _SQL["add_chunk"],
        {
            "file_id": scoring.file_id,
            "number": scoring.number,
            "model_version": scoring.model.version,
            "role": scoring.model.role,
            "claims": tally.claims,
            "referred": tally.referred,
            "audit_sample": tally.audit_sample,
            "missing": json.dumps(tally.missing),
            "unseen": json.dumps(tally.unseen),
            "seconds": took.seconds,
            "cold_start": took.cold_start,
            "memory_mb": took.memory_mb,
        },
    )


def units_to_score(
    cursor: Cursor,
    line: str,
    *,
    limit: int,
    file_id: int | None = None,
    since: datetime | None = None,
    only_unscored: bool = False,
) -> list[Unit]:
    """Chunks that a live model has not scored, in the order in which they came."""
    cursor.execute(
        _SQL["units_to_score"],
        {"line": line, "file_id": file_id, "since": since, "only_unscored": only_unscored, "limit": limit},
    )
    return cursor.fetchall()


def received_on(cursor: Cursor, file_id: int) -> date:
    """The day, in UTC, on which a file came."""
    cursor.execute(_SQL["received_on"], {"file_id": file_id})
    row = cursor.fetchone()
    assert row is not None
    day: date = row[0]
    return day


def notify_without_model(cursor: Cursor, line: str) -> bool:
    """Remember that people are told that the line has no champion; False if they were told before."""
    cursor.execute(_SQL["notify_without_model"], {"line": line})
    return cursor.fetchone() is not None


def forget_without_model(cursor: Cursor, line: str) -> None:
    """The line has a champion: were it to lose it, people would be told again."""
    cursor.execute(_SQL["forget_without_model"], {"line": line})


def count_unscored(cursor: Cursor, line: str) -> tuple[int, int]:
    """Files and claims of the line that wait for a champion's scores."""
    cursor.execute(_SQL["count_unscored"], {"line": line})
    row = cursor.fetchone()
    assert row is not None  # an aggregate always has a row
    return row


def referrals(
    cursor: Cursor, line: str, *, since: datetime | None = None, decided: bool = False, limit: int = 50
) -> list[dict[str, Any]]:
    """The investigators' queue: referred claims that nobody has decided on (with ``decided`` those too), the
    most suspicious first."""
    cursor.execute(_SQL["referrals"], {"line": line, "since": since, "decided": decided, "limit": limit})
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
