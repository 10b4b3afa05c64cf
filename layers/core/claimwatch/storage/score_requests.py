"""Requests to the API that scored claims or sent some, and the access event of each."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.storage.queries import queries

_SQL = queries("score_requests")


@dataclass(frozen=True)
class ScoreRequest:
    """A request, or a part of one; ``claims`` has an entry for each of its claims."""

    request_id: str
    at: datetime
    actor: str
    action: str
    purpose: str | None
    line: str | None
    landed_key: str | None
    outcome: str
    problem: str | None
    code_version: str
    model_version: str | None
    model_sha256: str | None
    contract_version: str | None
    threshold: float | None
    claims: Sequence[Mapping[str, Any]]


def add(cursor: Cursor, request: ScoreRequest) -> int:
    """Store the claims that are not stored yet, and return their number.

    Each has an access event, except in a what-if, whose event was written before.
    """
    cursor.execute(_SQL["add"], vars(request) | {"claims": json.dumps(list(request.claims))})
    row = cursor.fetchone()
    assert row is not None  # a count has one row
    return int(row[0])
