"""Cohorts: the newest row of each claim in a period, with its score and its outcome; and replaced rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.domain.contract.contract import Contract, Role

PROBABILITY, REFERRED, SAMPLED, OUTCOME, SOURCE, OTHER = (
    f"\0{name}" for name in ("probability", "referred", "sampled", "outcome", "source", "other")
)
"""Values that ``copy_cohort`` writes for each claim after its id; no column can have these names."""

SHARED = (PROBABILITY, REFERRED, SAMPLED, OUTCOME, SOURCE, OTHER)

LAST_OUTCOME = sql.SQL(
    "from_label, CASE WHEN NOT from_label THEN effective_at END DESC, received_at DESC, sequencer DESC,"
    " file_id DESC, row_number DESC"
)
"""The order of a claim's rows in ``committed_outcome`` in which the one that counts is the first.

View ``current_outcome`` has the same order.
"""


@dataclass(frozen=True)
class CohortQuery:
    """Query of the claims of a model: those in ``files`` with event time from ``since`` until ``until``.

    Only outcomes that were decided, or at the latest delivered, before ``decided_before`` count. With
    ``other``, only claims that this model version has scored too, in an order drawn by the claim ids: of
    equal scores, the first count as higher. With ``most``, a sample of at most this many claims, always the
    same one.
    """

    line: str
    model_version: str
    files: Sequence[int]
    since: datetime
    until: datetime
    decided_before: datetime
    columns: Sequence[str] = ()
    other: str | None = None
    most: int | None = None


def copy_cohort(cursor: Cursor, contract: Contract, query: CohortQuery, text: IO[bytes]) -> None:
    """Write claims as CSV without a header: the claim id, ``SHARED``, then the columns.

    A missing value is an empty, unquoted field.
    """
    other = sql.SQL("NULL")
    join_other: sql.Composable = sql.SQL("")
    if query.other is not None:
        other = sql.SQL("t.probability")
        join_other = sql.SQL(
            " JOIN claimwatch.score AS t ON t.line = {line} AND t.claim_id = s.claim_id"
            " AND t.file_id = c.file_id AND t.model_version = {other} AND t.role = 'challenger'"
        ).format(line=sql.Literal(query.line), other=sql.Literal(query.other))
    sampled: sql.Composable = sql.SQL("")
    if query.other is not None or query.most is not None:
        sampled = sql.SQL(" ORDER BY hashtextextended(s.claim_id, 8) LIMIT {}").format(
            sql.Literal(query.most)
        )
    columns = [sql.SQL("c.{}").format(sql.Identifier(name)) for name in query.columns]
    statement = sql.SQL(
        "COPY (SELECT {columns} FROM {table} AS c"
        " JOIN claimwatch.file AS f ON f.file_id = c.file_id"
        " JOIN claimwatch.score AS s ON s.line = {line} AND s.claim_id = c.{identifier}::text"
        " AND s.file_id = c.file_id AND s.model_version = {version}"
        "{join_other}"
        # As view current_outcome, at an earlier time.
        " LEFT JOIN (SELECT DISTINCT ON (claim_id) claim_id, is_fraud, source"
        " FROM claimwatch.committed_outcome WHERE line = {line} AND effective_at < {decided_before}"
        " ORDER BY claim_id, {outcomes_order}) AS o ON o.claim_id = s.claim_id"
        " WHERE c.file_id = ANY({files}) AND f.status = 'committed'"
        " AND c.{event} >= {since} AND c.{event} < {until}"
        # A model that scored a claim in both roles gave the same score twice.
        " AND (s.role = 'champion' OR NOT EXISTS (SELECT FROM claimwatch.score AS twin"
        " WHERE (twin.line, twin.claim_id, twin.file_id, twin.model_version)"
        " = (s.line, s.claim_id, s.file_id, s.model_version) AND twin.role = 'champion'))"
        " AND NOT {replaced}{sampled}) TO STDOUT (FORMAT csv)"
    ).format(
        columns=sql.SQL(", ").join(
            [
                sql.SQL("s.claim_id, s.probability, s.referred, s.audit_sample, o.is_fraud, o.source"),
                other,
                *columns,
            ]
        ),
        table=sql.Identifier("claimwatch", contract.table),
        line=sql.Literal(query.line),
        identifier=sql.Identifier(contract.identifier.name),
        version=sql.Literal(query.model_version),
        join_other=join_other,
        decided_before=sql.Literal(query.decided_before),
        outcomes_order=LAST_OUTCOME,
        files=sql.Literal(list(query.files)) + sql.SQL("::bigint[]"),
        event=sql.Identifier(_event_time(contract)),
        since=sql.Literal(query.since),
        until=sql.Literal(query.until),
        replaced=_replaced(contract),
        sampled=sampled,
    )
    cursor.copy_expert(statement.as_string(cursor), text, 1 << 16)


@dataclass(frozen=True)
class ReplacedQuery:
    """Query of rows with event time from ``since`` until ``until`` that a newer row of the claim replaces.

    Only rows in ``files`` that were scored count: with ``model_version``, those that this model has scored.
    """

    line: str
    files: Sequence[int]
    since: datetime
    until: datetime
    model_version: str | None = None


def count_replaced(cursor: Cursor, contract: Contract, query: ReplacedQuery) -> list[tuple[int, date, int]]:
    """Return the number of replaced rows by file and Monday of their week."""
    statement = sql.SQL(
        "SELECT c.file_id, date_trunc('week', c.{event}::timestamptz AT TIME ZONE 'UTC')::date, count(*)"
        " FROM {rows} GROUP BY 1, 2"
    ).format(event=sql.Identifier(_event_time(contract)), rows=_replaced_rows(contract, query))
    cursor.execute(statement)
    return cursor.fetchall()


def copy_replaced(
    cursor: Cursor,
    contract: Contract,
    query: ReplacedQuery,
    columns: Sequence[str],
    part: tuple[int, int],
    text: IO[bytes],
) -> None:
    """Write replaced rows as CSV without a header: claim id, event time, probability, then the columns.

    ``part`` is the number of a part, from 0, and the number of parts into which the claims are divided.
    """
    statement = sql.SQL(
        "COPY (SELECT c.{identifier}, c.{event}, s.probability{columns} FROM {rows}"
        " AND mod(hashtextextended(c.{identifier}::text, 9) & 9223372036854775807, {parts}) = {part})"
        " TO STDOUT (FORMAT csv)"
    ).format(
        identifier=sql.Identifier(contract.identifier.name),
        event=sql.Identifier(_event_time(contract)),
        columns=sql.SQL("").join(sql.SQL(", c.{}").format(sql.Identifier(name)) for name in columns),
        rows=_replaced_rows(contract, query),
        part=sql.Literal(part[0]),
        parts=sql.Literal(part[1]),
    )
    cursor.copy_expert(statement.as_string(cursor), text, 1 << 16)


def _replaced_rows(contract: Contract, query: ReplacedQuery) -> sql.Composed:
    """Return a FROM clause, with conditions: rows ``c`` of files ``f``, each with its score ``s``."""
    by_model: sql.Composable = sql.SQL("")
    if query.model_version is not None:
        by_model = sql.SQL(" AND s.model_version = {}").format(sql.Literal(query.model_version))
    return sql.SQL(
        "{table} AS c JOIN claimwatch.file AS f ON f.file_id = c.file_id"
        # A model that scored a row in both roles, and two models, have one score here.
        " CROSS JOIN LATERAL (SELECT s.probability FROM claimwatch.score AS s WHERE s.line = {line}"
        " AND s.claim_id = c.{identifier}::text AND s.file_id = c.file_id{by_model} LIMIT 1) AS s"
        " WHERE c.file_id = ANY({files}) AND f.status = 'committed'"
        " AND c.{event} >= {since} AND c.{event} < {until} AND {replaced}"
    ).format(
        table=sql.Identifier("claimwatch", contract.table),
        line=sql.Literal(query.line),
        identifier=sql.Identifier(contract.identifier.name),
        by_model=by_model,
        files=sql.Literal(list(query.files)) + sql.SQL("::bigint[]"),
        event=sql.Identifier(_event_time(contract)),
        since=sql.Literal(query.since),
        until=sql.Literal(query.until),
        replaced=_replaced(contract),
    )


def _replaced(contract: Contract) -> sql.Composed:
    """Return the condition that a committed file has a newer row of the claim of row ``c`` of file ``f``."""
    return sql.SQL(
        "EXISTS (SELECT FROM {table} AS later JOIN claimwatch.file AS g ON g.file_id = later.file_id"
        " WHERE later.{identifier} = c.{identifier} AND g.status = 'committed'"
        ' AND (g.received_at, g.sequencer COLLATE "C", g.file_id, later.row_number)'
        ' > (f.received_at, f.sequencer COLLATE "C", f.file_id, c.row_number))'
    ).format(
        table=sql.Identifier("claimwatch", contract.table),
        identifier=sql.Identifier(contract.identifier.name),
    )


def _event_time(contract: Contract) -> str:
    return next(column.name for column in contract.columns if column.role is Role.EVENT_TIME)


def count_repeated(cursor: Cursor, contract: Contract, files: Sequence[int]) -> int:
    """Return the number of rows of these files whose claim had arrived before."""
    if not files:
        return 0
    statement = sql.SQL(
        "SELECT count(*) FROM {table} AS c JOIN claimwatch.file AS f ON f.file_id = c.file_id"
        " WHERE c.file_id = ANY({files}) AND EXISTS (SELECT FROM {table} AS earlier"
        " JOIN claimwatch.file AS g ON g.file_id = earlier.file_id"
        " WHERE earlier.{identifier} = c.{identifier} AND g.status = 'committed'"
        ' AND (g.received_at, g.sequencer COLLATE "C", g.file_id, earlier.row_number)'
        ' < (f.received_at, f.sequencer COLLATE "C", f.file_id, c.row_number))'
    ).format(
        table=sql.Identifier("claimwatch", contract.table),
        files=sql.Literal(list(files)) + sql.SQL("::bigint[]"),
        identifier=sql.Identifier(contract.identifier.name),
    )
    cursor.execute(statement)
    row = cursor.fetchone()
    assert row is not None  # an aggregate always has a row
    return int(row[0])
