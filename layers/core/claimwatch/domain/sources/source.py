"""The definition of a source: where rows or files come from, and how they are pulled."""

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Kind(StrEnum):
    """What a source is, and so which driver reads it."""

    POSTGRESQL = "postgresql"
    MYSQL = "mysql"
    """MySQL or MariaDB."""
    SQLSERVER = "sqlserver"
    ORACLE = "oracle"
    SFTP = "sftp"


class Mode(StrEnum):
    """How new rows are told apart from pulled ones."""

    HORIZON = "horizon"
    """By the transaction that wrote them: exact, for tables of PostgreSQL only."""
    OVERLAP = "overlap"
    """By a watermark; the last minutes are read again, and repetitions are dropped."""
    DIFFERENCE = "difference"
    """By comparing hashes of all rows; also reports deleted rows."""
    FILES = "files"
    """By path, size and modification time, for SFTP only."""


@dataclass(frozen=True)
class Limits:
    """Bounds of one window."""

    rows: int = 500_000
    seconds: int = 600


@dataclass(frozen=True)
class Source:
    """A source, as ``sources/<name>.yaml`` defines it.

    Exactly one of ``table`` (``name`` or ``schema.name``), ``query`` (one SELECT) and ``files`` (a glob) is
    set. ``columns`` are the columns to read, all if empty. ``key`` are the columns that identify a row; they
    are empty for files. ``schedule`` is an expression of EventBridge Scheduler. ``secret`` names a secret
    with host, port, credentials and certificates.
    """

    name: str
    kind: Kind
    line: str
    schedule: str
    secret: str
    mode: Mode
    dataset: str = "claims"
    table: str | None = None
    query: str | None = None
    files: str | None = None
    columns: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    watermark: str | None = None
    overlap: timedelta = timedelta(minutes=10)
    limits: Limits = Limits()
    silent_after: timedelta | None = None
    """Time without a new row or file after which people are alerted; None for never."""
    paused: bool = False
    host_keys: tuple[str, ...] = ()
    """Public host keys of an SFTP server, as in ``known_hosts`` without the host: type, blank, base64."""
    marker: str | None = None
    """Suffix of the file whose presence says that a file is complete, for SFTP only."""
    settle: timedelta = timedelta(seconds=60)
    """How long size and time of a file must not change, unless there is a marker."""

    @property
    def reads_sha256(self) -> str:
        """SHA-256 of what is read, and how; a source with another one begins again with all rows.

        ``files`` is not part of it, because each file is known by its own path, nor are settings that only
        say when and how fast to read.
        """
        what = {
            "kind": self.kind,
            "line": self.line,
            "dataset": self.dataset,
            "secret": self.secret,
            "mode": self.mode,
            "table": self.table,
            "query": self.query,
            "columns": self.columns,
            "key": self.key,
            "watermark": self.watermark,
        }
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
