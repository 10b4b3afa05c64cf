"""Protection of the values of extra columns that were stored before these were hashed."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class
from psycopg2.extras import execute_values

from claimwatch.storage.queries import queries

_SQL = queries("extra")


@dataclass(frozen=True)
class Replacement:
    """Members of a row's extra columns to remove, and members to add after that."""

    removed: list[str] = field(default_factory=list)
    added: dict[str, str | None] = field(default_factory=dict)


def files_with_rows(cursor: Cursor, dataset: str, line: str) -> list[int]:
    """Return the files of a line's claims or outcomes that have loaded rows, in order."""
    cursor.execute(_SQL["files_with_rows"], {"dataset": dataset, "line": line})
    return [file_id for (file_id,) in cursor.fetchall()]


def replace_members(
    cursor: Cursor, table: str, file_id: int, after: int, limit: int, replace: Callable[[str], Replacement]
) -> tuple[int, int, int]:
    """Replace members of the extra columns in the next rows of a file, beginning after a row.

    ``replace`` gets the JSON of a row. Returns how many rows were read, how many of them were changed, and
    the number of the last one.
    """
    name = sql.Identifier("claimwatch", table)
    cursor.execute(
        sql.SQL(
            "SELECT row_number, extra::text FROM {} WHERE file_id = %s AND row_number > %s"
            " AND extra IS NOT NULL ORDER BY row_number LIMIT %s FOR NO KEY UPDATE"
        ).format(name),
        (file_id, after, limit),
    )
    rows: list[tuple[int, str]] = cursor.fetchall()
    found = [(number, replace(text)) for number, text in rows]
    changed = [(number, one.removed, json.dumps(one.added)) for number, one in found if one.removed]
    if changed:
        statement = sql.SQL(
            "UPDATE {} AS c SET extra = nullif((c.extra - v.removed) || v.added::jsonb, '{{}}')"
            " FROM (VALUES %s) AS v (row_number, removed, added)"
            " WHERE c.file_id = {} AND c.row_number = v.row_number"
        ).format(name, sql.Literal(file_id))
        execute_values(cursor, statement.as_string(cursor), changed, page_size=limit)
    return len(rows), len(changed), rows[-1][0] if rows else after
