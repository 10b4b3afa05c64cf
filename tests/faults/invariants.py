"""Comparison of what a database contains after a schedule with what it must contain."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

SHOWN = 5
"""Examples that a problem lists."""


class Invariants:
    """Reads a database and counts rows that are lost or doubled; describes everything that is wrong."""

    def __init__(self, cursor: Cursor) -> None:
        self.lost = 0
        self.doubled = 0
        self.problems: list[str] = []
        self._cursor = cursor

    def check(self) -> None:
        """Check all invariants."""
        raise NotImplementedError

    def rows(self, query: str | sql.Composable, *parameters: object) -> list[Any]:
        """Return the rows of a query."""
        self._cursor.execute(query, parameters)
        return self._cursor.fetchall()

    def compare(self, what: str, found: Counter[Any], wanted: Counter[Any]) -> None:
        """Count what is missing from ``found`` and what is in it too often."""
        lost, doubled = wanted - found, found - wanted
        self.lost += lost.total()
        self.doubled += doubled.total()
        if lost or doubled:
            self.problems.append(f"{what}: {_some('lost', lost)} {_some('too much', doubled)}".strip())

    def expect(self, what: str, found: object, wanted: object) -> None:
        """Note a problem unless ``found`` equals ``wanted``."""
        if found != wanted:
            self.problems.append(f"{what} is {found!r} and must be {wanted!r}"[:400])


@contextmanager
def cursor_at(url: str) -> Iterator[Cursor]:
    """Open a cursor in the database at a URL."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        yield cursor


def _some(what: str, items: Counter[Any]) -> str:
    return f"{items.total()} {what}, such as {', '.join(map(str, [*items][:SHOWN]))};" if items else ""
