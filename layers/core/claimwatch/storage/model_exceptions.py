"""Exceptions: who approved that a model may go live although a gate refused it, and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.storage.queries import queries

type ExceptedGate = Literal["bias"]

EXCEPTED_GATES: tuple[ExceptedGate, ...] = ("bias",)
"""The gates to which there are exceptions. The other gates find models that are wrong, whoever approves."""

_SQL = queries("model_exceptions")


@dataclass(frozen=True)
class ModelException:
    """An approved exception for the model with this hash; ``caller`` is the verified identity."""

    exception_id: int
    request_id: str
    line: str
    version: str
    gate: ExceptedGate
    bundle_sha256: str
    at: datetime
    by: str
    caller: str
    why: str


def find(cursor: Cursor, line: str, version: str, gate: ExceptedGate) -> ModelException | None:
    """Return the exception for a model."""
    cursor.execute(_SQL["find"], {"line": line, "version": version, "gate": gate})
    row = cursor.fetchone()
    return ModelException(*row) if row else None


def of_line(cursor: Cursor, line: str) -> list[ModelException]:
    """Return the exceptions for the models of a line, oldest first."""
    cursor.execute(_SQL["of_line"], {"line": line})
    return [ModelException(*row) for row in cursor.fetchall()]


def add(
    cursor: Cursor,
    request_id: str,
    line: str,
    version: str,
    gate: ExceptedGate,
    *,
    bundle_sha256: str,
    by: str,
    caller: str,
    why: str,
) -> ModelException:
    """Add an exception for the model with this hash."""
    cursor.execute(
        _SQL["add"],
        {
            "request_id": request_id,
            "line": line,
            "version": version,
            "gate": gate,
            "bundle_sha256": bundle_sha256,
            "by": by,
            "caller": caller,
            "why": why,
        },
    )
    (row,) = cursor.fetchall()
    return ModelException(*row)
