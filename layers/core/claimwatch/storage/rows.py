"""The rows of claims and outcomes, in the tables that their contracts define.

A row's key is its claim id, its file and its row number in the file, so a row that a newer file replaces is
kept as history.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Literal

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.domain.contract.contract import Column, Contract, Role
from claimwatch.domain.files.layout import copy_columns

_SCHEMA = "claimwatch"
REPEATED_AT_ONCE = 10_000
"""Repeated rows that are fetched at a time."""
COPY_BUFFER = 1 << 16
"""Bytes that are sent at a time; with psycopg2's default of 8 KiB the worker spends twice as much on it."""

type Kept = Literal["first", "last"]
"""Which of several rows of a file with the same claim id is kept."""


def hold(cursor: Cursor, contract: Contract) -> None:
    """Keep the table of claims as it is until the transaction ends."""
    cursor.execute(sql.SQL("LOCK TABLE {} IN ROW EXCLUSIVE MODE").format(_table(contract)))


def copy(cursor: Cursor, contract: Contract, file_id: int, lines: IO[bytes]) -> int:
    """Load rows, which are lines as `values_sql` formats them; return their number.

    The default values of ``file_id`` (and of an outcome's ``line``) are taken from the session, so that the
    lines need not contain them.
    """
    cursor.execute(
        "SELECT set_config('claimwatch.file_id', %s, true), set_config('claimwatch.line', %s, true)",
        (str(file_id), contract.line),
    )
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        _table(contract), sql.SQL(", ").join(map(sql.Identifier, copy_columns(contract)))
    )
    cursor.copy_expert(statement.as_string(cursor), lines, COPY_BUFFER)
    return cursor.rowcount


def delete(cursor: Cursor, contract: Contract, file_id: int) -> None:
    """Delete the rows that an earlier attempt at the file loaded."""
    cursor.execute(sql.SQL("DELETE FROM {} WHERE file_id = %s").format(_table(contract)), (file_id,))


@contextmanager
def repeated(
    cursor: Cursor, contract: Contract, file_id: int, keep: Kept
) -> Iterator[Iterator[tuple[int, int]]]:
    """Provide the rows of a file that repeat a claim id and are not kept, in order.

    Each is a pair: the row's number, and the number of the row with that claim id that is kept, the first or
    the last. PostgreSQL sorts them, on its disk if they are many, and sends some at a time: a file may have
    one claim id in all rows.
    """
    with cursor.connection.cursor("repeated") as found:
        found.itersize = REPEATED_AT_ONCE
        found.execute(_repeated(contract, keep) + sql.SQL(" ORDER BY row_number"), (file_id,))
        yield iter(found)


def delete_repeated(cursor: Cursor, contract: Contract, file_id: int, keep: Kept) -> int:
    """Delete the rows of a file that repeat a claim id and are not kept; return how many were deleted."""
    cursor.execute(
        sql.SQL(
            "DELETE FROM {table} WHERE file_id = %s AND row_number IN (SELECT row_number FROM ({found}) AS r)"
        ).format(table=_table(contract), found=_repeated(contract, keep)),
        (file_id, file_id),
    )
    return cursor.rowcount


def add_outcomes(cursor: Cursor, contract: Contract, label: Column, file_id: int) -> None:
    """Add an outcome for each row of a file whose label is not missing, with the row's own number.

    It counts as decided at the contract's decision time, without one ``decision_days`` after the event, and
    without an event time when the file arrived.
    """
    review = contract.review
    days = review.maturity_days if review.decision_days is None else review.decision_days
    event = next((column.name for column in contract.columns if column.role is Role.EVENT_TIME), None)
    cursor.execute(
        "SELECT claimwatch.add_outcomes(%s, %s, %s, %s, %s, %s, %s)",
        (
            file_id,
            contract.table,
            contract.identifier.name,
            label.name,
            review.decision_column,
            event,
            days,
        ),
    )


@dataclass(frozen=True)
class OutcomeCounts:
    """The outcomes that a file brought; ``not_due`` are decided later than the file arrived."""

    outcomes: int
    frauds: int
    not_due: int


def count_outcomes(cursor: Cursor, file_id: int) -> OutcomeCounts:
    """Return the numbers of outcomes of a committed file."""
    cursor.execute(
        "SELECT count(*), count(*) FILTER (WHERE is_fraud), count(*) FILTER (WHERE decided_at > received_at)"
        " FROM claimwatch.committed_outcome WHERE file_id = %s",
        (file_id,),
    )
    row = cursor.fetchone()
    assert row is not None  # an aggregate always has a row
    return OutcomeCounts(*row)


def _repeated(contract: Contract, keep: Kept) -> sql.Composed:
    return sql.SQL(
        """
        SELECT row_number, kept_row FROM (
            SELECT row_number, {kept}(row_number) OVER (PARTITION BY {identifier}) AS kept_row
            FROM {table} WHERE file_id = %s
        ) AS numbered
        WHERE row_number <> kept_row
        """
    ).format(
        kept=sql.SQL("min" if keep == "first" else "max"),
        identifier=sql.Identifier(contract.identifier.name),
        table=_table(contract),
    )


def _table(contract: Contract) -> sql.Identifier:
    return sql.Identifier(_SCHEMA, contract.table)
