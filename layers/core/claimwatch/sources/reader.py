"""What a source's driver has to offer: a ``TableReader`` or a ``FileReader``, and their errors."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from claimwatch.errors import ClaimwatchError, RefusedData, sentence

type Cycle = Mapping[str, Any]
"""What a cycle reads, fixed when it begins, in values that JSON has. Only its reader understands it."""

type Key = tuple[str, ...]
"""The key of a row: the text of each key column, as the source's own server writes and reads it."""


class SourceUnreachable(ClaimwatchError):
    """A source does not answer, or broke off. A retry may help. The message names no secret and no value."""


class RefusedSource(RefusedData):
    """A source that must not or cannot be pulled until a person changes something; the message says what."""

    def __init__(self, reason: str) -> None:
        super().__init__(sentence(reason))


class FileChanged(SourceUnreachable):
    """A file has changed, or is gone, since its window was planned; it must be planned again."""


class WindowTooLarge(ClaimwatchError):
    """A window could not be read in the time that a step has; a smaller one will do."""


@dataclass(frozen=True)
class Column:
    """A column of a source, with the type in the words of its server."""

    name: str
    type: str


@dataclass(frozen=True)
class Row:
    """A row of a source: its key, and its values in the order of the columns.

    ``recent`` is whether the next cycle may read the same row again, so that its hash must be kept.
    """

    key: Key
    values: Sequence[Any]
    recent: bool = True


@dataclass(frozen=True)
class RemoteFile:
    """A file of an SFTP server; ``modified_at`` is the server's, in whole seconds of UTC."""

    path: str
    size: int
    modified_at: datetime


class Reader(Protocol):
    """An open connection to a source, for the length of one step."""

    def refuse_writers(self) -> None:
        """Raise ``RefusedSource`` if the login may change data; the message has the grant to use instead."""

    def close(self) -> None:
        """Close the connection."""


class TableReader(Reader, Protocol):
    """Reads the table or the query of a source.

    A cycle is a set of rows that only shrinks while it is read: a row that changes in the meantime belongs to
    the next cycle. So its windows, which are ranges of keys, can be read in any number of steps and repeated.
    All methods raise ``SourceUnreachable`` or ``RefusedSource``.
    """

    def columns(self) -> tuple[Column, ...]:
        """Return the columns that are read, in their order."""

    def tables(self) -> tuple[str, ...]:
        """Return the names of the tables and views that the login may read, for discovery."""

    def sample(self, rows: int) -> list[Sequence[Any]]:
        """Return some rows, in the order of ``columns``."""

    def begin_cycle(self, previous: Cycle | None) -> Cycle:
        """Return the next cycle after ``previous``; without one, it has all rows."""

    def last_key(self, cycle: Cycle, after: Key | None, rows: int) -> tuple[Key | None, bool]:
        """Return the key of the ``rows``-th row of the cycle after a key, and whether more rows follow it.

        With fewer rows, it is the key of the last one; None if there is none.
        """

    def rows(self, cycle: Cycle, after: Key | None, upto: Key) -> Iterator[list[Row]]:
        """Yield the rows of a window in batches of at most 10,000, in no particular order."""


class CopyingReader(TableReader, Protocol):
    """A table reader whose server writes CSV itself, which is many times faster."""

    def copy(self, cycle: Cycle, after: Key | None, upto: Key) -> Iterator[bytes]:
        """Yield the window as CSV with a header, in blocks of any size."""

    copied: int
    """The rows that the last ``copy`` has yielded, once it has ended."""


class FileReader(Reader, Protocol):
    """Reads the files of an SFTP server."""

    def files(self) -> list[RemoteFile]:
        """Return the files that match the source's glob, and with a marker only those that have theirs."""

    def read(self, file: RemoteFile) -> Iterator[bytes]:
        """Yield the bytes of a file.

        Raises ``FileChanged`` if it is not, or no longer, as planned, and ``RefusedFile`` if it alone cannot
        be read.
        """
