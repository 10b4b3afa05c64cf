"""Feeding of the values that link claims, after the commit of a file or the application of a contract.

A file is committed without waiting for it: its values follow in transactions that hold no lock that a commit
needs. What is not fed in time, or after a crash, waits in ``link_backlog`` for the next call.
"""

import time

from claimwatch.storage import links
from claimwatch.storage.connection import Database

ROWS_AT_ONCE = 50_000
"""Rows that are fed in one transaction, which takes less than a second."""


def feed_links(database: Database, file_id: int | None, seconds: float) -> bool:
    """Feed a committed file, or all that wait, for about ``seconds``; return whether everything is fed."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with database.transaction() as cursor:
            fed = links.feed(cursor, file_id, ROWS_AT_ONCE)
        if not fed:
            return True
    return False
