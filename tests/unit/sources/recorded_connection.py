"""A DB-API connection without a server: it records statements and answers from a table of answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any


@dataclass
class RecordedConnection:
    """Records each statement with its parameters. ``answer`` returns the rows of a statement."""

    answer: Callable[[str], Sequence[Any]] = lambda _: []
    description: Sequence[Any] = ()
    statements: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    closed: bool = False

    def cursor(self, *_: Any) -> "RecordedCursor":
        """Return a cursor."""
        return RecordedCursor(self)

    def close(self) -> None:
        """Note that the connection was closed."""
        self.closed = True

    def is_healthy(self) -> bool:
        """Return whether the connection is open, as that of Oracle does."""
        return not self.closed


class RecordedCursor:
    """A cursor of a recorded connection."""

    def __init__(self, connection: RecordedConnection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.arraysize = self.prefetchrows = 1

    @property
    def description(self) -> Sequence[Any]:
        """The columns that the test has prepared."""
        return self._connection.description

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Record a statement."""
        self._connection.statements.append((statement, tuple(parameters)))
        self._rows = list(self._connection.answer(statement))

    def fetchone(self) -> Any:
        """Return the next row."""
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int) -> list[Any]:
        """Return the next rows."""
        found, self._rows = self._rows[:size], self._rows[size:]
        return found

    def fetchall(self) -> list[Any]:
        """Return all other rows."""
        return self.fetchmany(len(self._rows))

    def close(self) -> None:
        """Drop all other rows."""
        self._rows = []


def field_of_mysql(name: str, code: int, **values: int) -> Any:
    """Return what MySQL's driver has of a field of a result."""
    defaults = {"flags": 1, "charsetnr": 45, "length": 11, "scale": 0}
    return SimpleNamespace(name=name, type_code=code, **defaults | values)
