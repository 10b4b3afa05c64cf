"""The contracts that were put in place, what became of each, and the one that runs."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal

from psycopg2 import errors as pg
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.domain.contract.contract import Contract, LogicalType
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.contract.schema_change import Stored, StoredColumn
from claimwatch.errors import RefusedContract
from claimwatch.storage.queries import queries

LOCK_TIMEOUT = 10.0
"""Seconds that a change of a table waits for the files that are being loaded into it."""

_SQL = queries("contracts")

type Status = Literal["applied", "refused", "superseded"]


@dataclass(frozen=True)
class Submission:
    """One object version that was put where a line's contract belongs."""

    line: str
    bucket: str
    key: str
    version_id: str
    received_at: datetime
    sequencer: str
    text: str

    @property
    def sha256(self) -> str:
        """Of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class Entry:
    """What became of a submission; ``error`` says why it was refused."""

    contract_id: int
    line: str
    version: str | None
    status: Status
    error: str | None
    notified: bool


@dataclass(frozen=True)
class Running:
    """A line's running contract, and the columns that its table has."""

    contract: Contract
    sha256: str
    received_at: datetime
    sequencer: str
    stored: Stored


def running(cursor: Cursor, dataset: str, line: str | None) -> Contract | None:
    """The contract that a new file of the line is read by; None if there is none yet."""
    if line is None:
        return None
    if dataset == "outcomes":
        return outcome_contract(line)
    found = find_running(cursor, line)
    return found.contract if found else None


def applied(cursor: Cursor, dataset: str, line: str | None, version: str | None) -> Contract:
    """The contract of that version, which a file was inspected by; ``LookupError`` if there is none."""
    if dataset == "outcomes" and line is not None:
        return outcome_contract(line)
    cursor.execute(_SQL["applied"], {"line": line, "version": version})
    row = cursor.fetchone()
    if row is None or line is None:
        raise LookupError(f"line {line} has no contract {version}")
    return _parsed(row[0], line)


def outcome_contract(line: str) -> Contract:
    """The contract of the outcomes of any line; it ships with the code."""
    return _parsed(files("claimwatch").joinpath("outcome_contract.yaml").read_text("utf-8"), line, "outcome")


def lock_line(cursor: Cursor, line: str) -> None:
    """Wait until no other transaction looks at a contract of the line, and keep others waiting."""
    cursor.execute(_SQL["lock_line"], {"line": line})


def find_entry(cursor: Cursor, submission: Submission) -> Entry | None:
    """What became of it, if it came before."""
    cursor.execute(
        _SQL["find_entry"],
        {"bucket": submission.bucket, "key": submission.key, "version_id": submission.version_id},
    )
    row = cursor.fetchone()
    return Entry(*row) if row else None


def find_running(cursor: Cursor, line: str) -> Running | None:
    """The line's running contract."""
    cursor.execute(_SQL["running"], {"line": line})
    row = cursor.fetchone()
    if row is None:
        return None
    text, sha256, received_at, sequencer, columns = row
    return Running(_parsed(text, line), sha256, received_at, sequencer, _stored(columns))


def lines(cursor: Cursor) -> list[str]:
    """The lines that have a running contract."""
    cursor.execute(_SQL["lines"])
    return [line for (line,) in cursor.fetchall()]


def has_relation(cursor: Cursor, name: str) -> bool:
    """Whether there is a table or a view of that name in our schema."""
    cursor.execute(_SQL["has_relation"], {"name": name})
    row = cursor.fetchone()
    return row is not None and bool(row[0])


def add(
    cursor: Cursor,
    submission: Submission,
    status: Status,
    *,
    version: str | None = None,
    stored: Stored | None = None,
    error: str | None = None,
) -> Entry:
    """Record what becomes of a submission; an applied one is the running one from now on."""
    cursor.execute(
        _SQL["add"],
        {
            "line": submission.line,
            "version": version,
            "status": status,
            "text": submission.text,
            "sha256": submission.sha256,
            "bucket": submission.bucket,
            "key": submission.key,
            "version_id": submission.version_id,
            "received_at": submission.received_at,
            "sequencer": submission.sequencer,
            "columns": json.dumps({name: asdict(column) for name, column in (stored or {}).items()}),
            "error": error,
        },
    )
    row = cursor.fetchone()
    if row is None:
        raise LookupError("PostgreSQL returned nothing for what was inserted")
    return Entry(*row)


def set_notified(cursor: Cursor, contract_id: int) -> None:
    """People have been told."""
    cursor.execute(_SQL["set_notified"], {"contract_id": contract_id})


def run(cursor: Cursor, statements: Iterable[str], lock_timeout: float = LOCK_TIMEOUT) -> None:
    """Change the line's table.

    Waits at most ``lock_timeout`` seconds for each lock; when that is not enough, the transaction ends in a
    ``TransientFault``. Raises ``RefusedContract`` where something that others built stands in the way.
    """
    cursor.execute(_SQL["wait_briefly"], {"milliseconds": str(int(lock_timeout * 1000))})
    try:
        for statement in statements:
            cursor.execute(statement)
    except pg.DependentObjectsStillExist as error:
        why = "a column's type is to change, and what others built on the view stands in the way"
        raise RefusedContract([f"schema: {why} ({error.diag.message_detail}); drop that first"]) from error


@lru_cache(maxsize=64)
def _parsed(text: str, line: str, table: str = "") -> Contract:
    return parse_contract(text, line, table)


def _stored(columns: dict[str, dict[str, Any]]) -> Stored:
    return {
        name: StoredColumn(**column | {"logical_type": LogicalType(column["logical_type"])})
        for name, column in columns.items()
    }
