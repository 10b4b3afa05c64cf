"""The rows of claims and outcomes, in the tables that their contracts make.

A row's key is its claim id, its file and its place in the file, so what a newer file replaces stays as
history.
"""

from typing import IO

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.files.layout import Layout, copy_columns, copy_delimiter

_SCHEMA = "claimwatch"
COPY_BUFFER = 1 << 16
"""Bytes that are handed over at a time; psycopg2's own 8 KiB cost the worker twice as much."""


def copy(cursor: Cursor, layout: Layout, file_id: int, text: IO[bytes]) -> int:
    """Load rows, in lines as ``domain.checks`` says for this layout; returns their number.

    The table's ``file_id`` (and an outcome's ``line``) come from the session, so that the rows need not carry
    them.
    """
    cursor.execute(
        "SELECT set_config('claimwatch.file_id', %s, true), set_config('claimwatch.line', %s, true)",
        (str(file_id), layout.contract.line),
    )
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, DELIMITER {})").format(
        _table(layout.contract),
        sql.SQL(", ").join(map(sql.Identifier, copy_columns(layout))),
        sql.Literal(copy_delimiter(layout)),
    )
    cursor.copy_expert(statement.as_string(cursor), text, COPY_BUFFER)
    return cursor.rowcount


def delete(cursor: Cursor, contract: Contract, file_id: int) -> None:
    """Take out what an earlier attempt at the file loaded."""
    cursor.execute(sql.SQL("DELETE FROM {} WHERE file_id = %s").format(_table(contract)), (file_id,))


def repeated(cursor: Cursor, contract: Contract, file_id: int) -> list[tuple[int, int]]:
    """The rows of a file whose claim id an earlier row of it has: (row number, number of the first such
    row)."""
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
    """Take out single rows of a file; returns how many there were."""
    cursor.execute(
        sql.SQL("DELETE FROM {} WHERE file_id = %s AND row_number = ANY(%s)").format(_table(contract)),
        (file_id, numbers),
    )
    return cursor.rowcount


def _table(contract: Contract) -> sql.Identifier:
    return sql.Identifier(_SCHEMA, contract.table)
