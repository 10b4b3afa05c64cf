"""The index of values that link claims."""

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.storage.queries import queries

_SQL = queries("links")


def feed(cursor: Cursor, file_id: int | None, most: int) -> bool:
    """Add the values of at most ``most`` rows of a committed file to the index; return False if none waits.

    Without a file, the oldest one that waits is taken.
    """
    cursor.execute(_SQL["feed"], {"file_id": file_id, "most": most})
    row = cursor.fetchone()
    assert row is not None  # a function always has a row
    return bool(row[0])
