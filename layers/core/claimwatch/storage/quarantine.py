"""The quarantine: rejected rows, each with its number, its raw text and every reason."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.domain.files.records import Problem
from claimwatch.storage.queries import queries

AT_ONCE = 1 << 20
"""Characters that are sent at a time."""

_SQL = queries("quarantine")
_as_json = json.JSONEncoder(ensure_ascii=False).encode  # `dumps` would create an encoder per row


@dataclass(frozen=True)
class RefusedRow:
    """A rejected row. ``number`` is its number among the file's records, from 1, without the header."""

    number: int
    raw: str
    problems: tuple[Problem, ...]


def add(cursor: Cursor, file_id: int, rows: Iterable[RefusedRow]) -> int:
    """Add rows of a file to the quarantine, some at a time; return their number."""
    text, number = io.StringIO(), 0
    writer = csv.writer(text)
    # Consecutive damaged rows often have the same reason.
    problems: tuple[Problem, ...] = ()
    reasons = "[]"
    for row in rows:
        if row.problems != problems:
            problems, reasons = row.problems, _as_json([vars(problem) for problem in row.problems])
        writer.writerow((file_id, row.number, row.raw, reasons))
        number += 1
        if text.tell() >= AT_ONCE:
            _send(cursor, text)
    if text.tell():
        _send(cursor, text)
    return number


def _send(cursor: Cursor, text: io.StringIO) -> None:
    text.seek(0)
    cursor.copy_expert(_SQL["copy_rows"], text)
    text.seek(0)
    text.truncate()


def delete(cursor: Cursor, file_id: int) -> None:
    """Delete the rows that an earlier attempt rejected."""
    cursor.execute(_SQL["delete_rows"], {"file_id": file_id})


def rows(cursor: Cursor, file_id: int) -> Iterator[RefusedRow]:
    """Yield the file's rejected rows in order."""
    cursor.execute(_SQL["list_rows"], {"file_id": file_id})
    for number, raw, reasons in cursor:
        yield RefusedRow(number, raw, tuple(Problem(**reason) for reason in reasons))


def most_frequent_reasons(cursor: Cursor, file_id: int, limit: int = 5) -> list[dict[str, Any]]:
    """Return the most frequent reasons: column, rule, number of rows and one example of each."""
    cursor.execute(_SQL["most_frequent_reasons"], {"file_id": file_id, "limit": limit})
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
