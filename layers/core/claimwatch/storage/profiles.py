"""Profiles of the claims of each chunk and week, and the files of a week."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.storage.queries import queries

_SQL = queries("profiles")
_AT_ONCE = 500
"""Rows that are fetched at a time."""


@dataclass(frozen=True)
class WeekIntake:
    """Intake of a week: its committed files and their rows.

    A file belongs to the week of most of its rows, but to none after its arrival. ``claims`` counts all
    claims of the week, in whatever file, each once and with its newest row, ``late`` those among them that
    arrived in a file of a later week.
    """

    week: date
    files: int
    rows_read: int
    rows_quarantined: int
    by_rule: Mapping[str, int]
    file_ids: Sequence[int]
    late: int
    claims: int


def add_profiles(
    cursor: Cursor,
    line: str,
    model_version: str,
    file_id: int,
    number: int,
    profiles: Mapping[date, tuple[int, bytes]],
) -> None:
    """Write the profiles of a chunk: for each week, the number of claims and their packed counts."""
    for week, (claims, counts) in profiles.items():
        cursor.execute(
            _SQL["add_profile"],
            {
                "line": line,
                "model_version": model_version,
                "week": week,
                "file_id": file_id,
                "number": number,
                "claims": claims,
                "counts": counts,
            },
        )


def packed_of_week(cursor: Cursor, line: str, model_version: str, week: date) -> Iterator[memoryview]:
    """Yield the packed profiles of a week, one per chunk."""
    cursor.execute(_SQL["profiles_of_week"], {"line": line, "model_version": model_version, "week": week})
    while rows := cursor.fetchmany(_AT_ONCE):
        yield from (counts for (counts,) in rows)


def rows_of_week(cursor: Cursor, line: str, model_version: str, week: date) -> tuple[int, list[int]]:
    """Return the number of rows of a week that the model has scored, also replaced ones, and their files."""
    cursor.execute(_SQL["rows_of_week"], {"line": line, "model_version": model_version, "week": week})
    row = cursor.fetchone()
    assert row is not None  # an aggregate always has a row
    return int(row[0]), row[1]


def profiled_files(cursor: Cursor, line: str, first: date, last: date) -> list[int]:
    """Return the files with profiles of claims of these weeks, given by their Mondays."""
    cursor.execute(_SQL["profiled_files"], {"line": line, "first": first, "last": last})
    return [file_id for (file_id,) in cursor.fetchall()]


def files_of_weeks(cursor: Cursor, line: str, first: date, last: date) -> list[int]:
    """Return the scored files that may have claims of these weeks, given by their Mondays."""
    cursor.execute(_SQL["files_of_weeks"], {"line": line, "first": first, "last": last})
    return [file_id for (file_id,) in cursor.fetchall()]


def intake_of_weeks(
    cursor: Cursor, line: str, first: date, last: date, replaced: Sequence[tuple[int, date, int]] = ()
) -> list[WeekIntake]:
    """Return the intake of each week from the first to the last.

    ``replaced`` are the rows that newer rows replace, by file and week (``cohorts.count_replaced``).
    """
    asked = {
        "line": line,
        "first": first,
        "last": last,
        "replaced_files": [file_id for file_id, _, _ in replaced],
        "replaced_weeks": [week for _, week, _ in replaced],
        "replaced_rows": [rows for _, _, rows in replaced],
    }
    cursor.execute(_SQL["intake"], asked)
    return [WeekIntake(*row) for row in cursor.fetchall()]


def chunks_of_week(
    cursor: Cursor, line: str, model_version: str, week: date
) -> list[tuple[int, float, bool | None]]:
    """Return claims, seconds and cold start of each chunk that has claims of the week."""
    cursor.execute(_SQL["chunks_of_week"], {"line": line, "model_version": model_version, "week": week})
    return cursor.fetchall()


def files_between(cursor: Cursor, line: str, since: datetime, until: datetime) -> tuple[int, int]:
    """Return the number of the line's files that arrived in a period, and of those that failed."""
    cursor.execute(_SQL["files_between"], {"line": line, "since": since, "until": until})
    row = cursor.fetchone()
    assert row is not None  # an aggregate always has a row
    return row
