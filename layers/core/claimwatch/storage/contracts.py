"""Storage of submitted contracts, their results, and the running contract of each line."""

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

from claimwatch.domain.contract.contract import OUTCOME_TABLE, Contract, LogicalType
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.contract.schema_change import Stored, StoredColumn
from claimwatch.errors import RefusedContract
from claimwatch.storage.queries import queries

LOCK_TIMEOUT = 10.0
"""Seconds that a change of a table waits for files that are being loaded into it."""

_SQL = queries("contracts")

type Status = Literal["applied", "refused", "superseded"]


@dataclass(frozen=True)
class Submission:
    """An object version with a line's contract."""

    line: str
    bucket: str
    key: str
    version_id: str
    received_at: datetime
    sequencer: str
    text: str

    @property
    def sha256(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class Entry:
    """Result of a submission; ``error`` is the reason if it was refused."""

    contract_id: int
    line: str
    version: str | None
    status: Status
    error: str | None
    notified: bool


@dataclass(frozen=True)
class Running:
    """A line's running contract, and the columns of its table."""

    contract: Contract
    sha256: str
    received_at: datetime
    sequencer: str
    stored: Stored


def running(cursor: Cursor, dataset: str, line: str | None) -> Contract | None:
    """Return the contract for new files of the line, or None if there is none yet."""
    if line is None:
        return None
    if dataset == "outcomes":
        return outcome_contract(line)
    found = find_running(cursor, line)
    return found.contract if found else None


def applied(cursor: Cursor, dataset: str, line: str | None, version: str | None) -> Contract:
    """Return the contract version that a file was inspected with. Raises ``LookupError`` if it is missing."""
    if dataset == "outcomes" and line is not None:
        return outcome_contract(line)
    cursor.execute(_SQL["applied"], {"line": line, "version": version})
    row = cursor.fetchone()
    if row is None or line is None:
        raise LookupError(f"line {line} has no contract {version}")
    return _parsed(row[0], line)


def outcome_contract(line: str) -> Contract:
    """Return the contract of outcomes, which ships with the code and is the same for every line."""
    return _parsed(
        files("claimwatch").joinpath("outcome_contract.yaml").read_text("utf-8"), line, OUTCOME_TABLE
    )


def lock_line(cursor: Cursor, line: str) -> None:
    """Lock the contracts of the line until the transaction ends."""
    cursor.execute(_SQL["lock_line"], {"line": line})


def find_entry(cursor: Cursor, submission: Submission) -> Entry | None:
    """Return the entry of this object version, or None if it is new."""
    cursor.execute(
        _SQL["find_entry"],
        {"bucket": submission.bucket, "key": submission.key, "version_id": submission.version_id},
    )
    row = cursor.fetchone()
    return Entry(*row) if row else None


def find_running(cursor: Cursor, line: str) -> Running | None:
    """Return the line's running contract, or None."""
    cursor.execute(_SQL["running"], {"line": line})
    row = cursor.fetchone()
    if row is None:
        return None
    text, sha256, received_at, sequencer, columns = row
    contract = _parsed(text, line)
    return Running(contract, sha256, received_at, sequencer, _stored(columns, contract))


def lines(cursor: Cursor) -> list[str]:
    """Return the lines that have a running contract."""
    cursor.execute(_SQL["lines"])
    return [line for (line,) in cursor.fetchall()]


def has_column(cursor: Cursor, relation: str, column: str) -> bool:
    """Return whether the schema has a table or view with this name, and it has the column."""
    cursor.execute(_SQL["has_column"], {"relation": relation, "column": column})
    row = cursor.fetchone()
    return row is not None and bool(row[0])


def add(
    cursor: Cursor,
    submission: Submission,
    status: Status,
    *,
    version: str | None = None,
    stored: Stored | None = None,
    compiled: str | None = None,
    error: str | None = None,
) -> Entry:
    """Record the result of a submission. An applied contract becomes the running one.

    ``compiled`` is its compiled form, for the functions of the API.
    """
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
            "compiled": compiled,
            "error": error,
        },
    )
    row = cursor.fetchone()
    if row is None:
        raise LookupError("PostgreSQL returned nothing for what was inserted")
    return Entry(*row)


def set_compiled(cursor: Cursor, line: str, compiled: str) -> None:
    """Store the compiled form of the line's running contract in place of another one."""
    cursor.execute(_SQL["set_compiled"], {"line": line, "compiled": compiled})


def set_notified(cursor: Cursor, contract_id: int) -> None:
    """Record that the refusal was notified."""
    cursor.execute(_SQL["set_notified"], {"contract_id": contract_id})


def change_line(
    cursor: Cursor, line: str, statements: Iterable[str], lock_timeout: float = LOCK_TIMEOUT
) -> None:
    """Run statements that change the line's table or views, and grant each task what it needs of them.

    They belong to the role that applies contracts, which the rest of the transaction runs as.

    Waits at most ``lock_timeout`` seconds for each lock; after that the transaction ends with a
    ``TransientFault``. Raises ``RefusedContract`` if an object that depends on the view, or one that has the
    name of a new object, prevents the change.
    """
    cursor.execute(_SQL["become_owner_of_lines"])
    cursor.execute(_SQL["wait_briefly"], {"milliseconds": str(int(lock_timeout * 1000))})
    try:
        for statement in statements:
            cursor.execute(statement)
        cursor.execute(_SQL["grant_line"], {"line": line})
    except pg.DependentObjectsStillExist as error:
        why = "the type of a column cannot change while other objects depend on the view"
        raise RefusedContract([f"schema: {why} ({error.diag.message_detail}); drop them first"]) from error
    except (pg.DuplicateTable, pg.WrongObjectType) as error:
        # Line e has an index claim_e_by_file, which is also the name of the table of line e_by_file.
        why = f"another object of the database has a name that this line needs ({error.diag.message_primary})"
        raise RefusedContract([f"schema: {why}; choose another name for the line"]) from error


@lru_cache(maxsize=64)
def _parsed(text: str, line: str, table: str = "") -> Contract:
    return parse_contract(text, line, table)


def _stored(columns: dict[str, dict[str, Any]], running: Contract) -> Stored:
    """Return the columns; those that an earlier version of the code stored have no synonyms of their own."""
    known = {column.name: column.synonyms for column in running.columns}
    return {
        name: StoredColumn(
            **column
            | {
                "logical_type": LogicalType(column["logical_type"]),
                "synonyms": tuple(column.get("synonyms", known.get(name, ()))),
            }
        )
        for name, column in columns.items()
    }
