"""What was pulled from each source, and what became of the versions of its file, for people."""

from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.storage.queries import queries

_SQL = queries("source_overview")


def list_sources(cursor: Cursor, source: str | None = None) -> list[dict[str, Any]]:
    """Return the running sources by name, or only one of them."""
    return _rows(cursor, "list_sources", {"source": source})


def list_windows(cursor: Cursor, source: str, bucket: str, limit: int) -> list[dict[str, Any]]:
    """Return the last windows of a source, newest first, with the files of this bucket that they became."""
    return _rows(cursor, "list_windows", {"source": source, "bucket": bucket, "limit": limit})


def find_version(cursor: Cursor, bucket: str, key: str, version_id: str) -> tuple[str, str | None] | None:
    """Return status and error of a version of a source's file; None before it is applied or refused."""
    cursor.execute(_SQL["find_version"], {"bucket": bucket, "key": key, "version_id": version_id})
    found: tuple[str, str | None] | None = cursor.fetchone()
    return found


def is_running(cursor: Cursor, source: str) -> bool:
    """Return whether the source was applied and is not removed."""
    cursor.execute(_SQL["is_running"], {"source": source})
    return cursor.fetchone() == (True,)


def _rows(cursor: Cursor, query: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    cursor.execute(_SQL[query], parameters)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
