"""The rows of claims and outcomes, in the tables that their contracts define.

A row's key is its claim id, its file and its row number in the file, so a row that a newer file replaces is
kept as history.
"""

from typing import IO

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.files.layout import copy_columns

_SCHEMA = "claimwatch"
COPY_BUFFER = 1 << 16
"""Bytes that are sent at a time; with psycopg2's default of 8 KiB the worker spends twice as much on it."""


def copy(cursor: Cursor, contract: Contract, file_id: int, lines: IO[bytes]) -> int:
    """Load rows, which are lines as `row_rules_sql` formats them; return their number.

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


def repeated(cursor: Cursor, contract: Contract, file_id: int) -> list[tuple[int, int]]:
    """Return the rows of a file that repeat a claim id.

    Each is a pair: the row's number, and the number of the first row with that claim id.
    """
    cursor.execute(
        sql.SQL(
            """
            SELECT row_number, first_row FROM (
                SELECT row_number, min(row_number) OVER (PARTITION BY {identifier}) AS first_row
                FROM {table} WHERE file_id = %s
            ) AS numbered
            WHERE row_number > first_row
            ORDER BY row_number
            """
        ).format(identifier=sql.Identifier(contract.identifier.name), table=_table(contract)),
        (file_id,),
    )
    return cursor.fetchall()


def delete_rows(cursor: Cursor, contract: Contract, file_id: int, numbers: list[int]) -> int:
    """Delete single rows of a file; return how many were deleted."""
    cursor.execute(
        sql.SQL("DELETE FROM {} WHERE file_id = %s AND row_number = ANY(%s)").format(_table(contract)),
        (file_id, numbers),
    )
    return cursor.rowcount


def _table(contract: Contract) -> sql.Identifier:
    return sql.Identifier(_SCHEMA, contract.table)
