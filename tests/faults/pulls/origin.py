"""A table of claims in another server, with a history of all committed versions of its rows."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

type RowKey = tuple[str, ...]


@dataclass(frozen=True)
class Version:
    """One version of a row: what was written. Each version has a revision of its own."""

    revision: int
    amount: str
    note: str | None


class Origin(ABC):
    """The source of one schedule; ``secret`` is what Claimwatch reads from Secrets Manager."""

    secret: Mapping[str, Any]
    table: str
    broken: tuple[type[Exception], ...]
    """Errors of a connection or a statement after a fault."""
    clock: str
    """SQL for the time now, with microseconds."""

    @abstractmethod
    def connect(self) -> Any:
        """Return a connection that may write, in a transaction."""

    @abstractmethod
    def shifted(self, seconds: int) -> str:
        """Return SQL for the time by a clock that is wrong by some seconds."""

    @abstractmethod
    def terminate_readers(self) -> None:
        """End all connections of the login that Claimwatch uses."""

    @abstractmethod
    def restart(self, mode: str) -> None:
        """Restart the server: fast or immediate."""

    @abstractmethod
    def drop(self) -> None:
        """Remove the source."""

    def mark(self) -> int:
        """Return a mark of this moment, after the last write."""
        return 0

    def reached(self, position: Any, mark: int) -> bool:  # noqa: ARG002 - most servers have no horizon
        """Return whether a cycle that ended at a position has read everything up to a mark."""
        return True

    def prepare(self, connection: Any, name: str) -> None:
        """Prepare the transaction of a connection for a commit in two phases."""
        raise NotImplementedError

    def commit_prepared(self) -> None:  # noqa: B027 - not every server has them
        """Commit all prepared transactions."""

    def newest(self, key: Sequence[str]) -> dict[RowKey, Version]:
        """Return the rows of the table by key."""
        columns = ", ".join(key)
        rows = self._query(f"SELECT revision, amount, note, {columns} FROM {self.table}")
        return {tuple(row[3:]): Version(row[0], str(row[1]), row[2]) for row in rows}

    def versions(self) -> dict[int, Version]:
        """Return all versions of rows that were ever committed, by revision."""
        return {
            row[0]: Version(row[0], str(row[1]), row[2])
            for row in self._query(f"SELECT revision, amount, note FROM {self.table}_history")
        }

    def deleted(self, key: Sequence[str]) -> set[RowKey]:
        """Return the keys of which a row was deleted or renamed."""
        return {tuple(row) for row in self._query(f"SELECT {', '.join(key)} FROM {self.table}_deleted")}

    def _query(self, statement: str) -> list[Any]:
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall())
        finally:
            connection.close()
