"""Sizes of windows, and which file of a server is next."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from claimwatch.domain.sources.source import Limits

LONGEST_PATH = 900
"""Bytes of a path; the key of its object has at most 1,024."""


def rows_of_window(limits: Limits, previous: tuple[int, float] | None) -> int:
    """Return the limit of rows of the next window; ``previous`` has that of the last one, and its seconds.

    After a window that had to be narrowed, the limit grows back only while windows take less than half of the
    time that they may take.
    """
    if previous is None:
        return limits.rows
    rows, seconds = previous
    return min(limits.rows, rows if seconds * 2 > limits.seconds else rows * 2)


def is_storable_path(path: str) -> bool:
    """Return whether a file with this path can be an object."""
    try:
        encoded = path.encode()
    except UnicodeEncodeError:
        return False
    return 0 < len(encoded) <= LONGEST_PATH and "\0" not in path


def object_path(path: str) -> str:
    """Return the part of an object key that is a file's path; one from the root begins without a slash."""
    return path.lstrip("/")


def seconds_until_settled(seen: Iterable[datetime], settle: timedelta, now: datetime) -> int:
    """Return the whole seconds until the first of these files, by when they were first seen, has settled."""
    first = min(seen)
    return max(1, -(-(first + settle - now) // timedelta(seconds=1)))
