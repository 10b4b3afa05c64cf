"""Requests of the desk to change what is live, which a function of the database has stored for a person."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.storage.models import Role
from claimwatch.storage.queries import queries

type End = Literal["carried_out", "unchanged", "refused"]

_SQL = queries("promotion_requests")


@dataclass(frozen=True)
class PromotionRequest:
    """A request of a person who had the permission at that moment; ``by`` is the name in the access token.

    ``version`` is the model to promote; of a rollback, the champion that it takes back. ``ended`` says what
    became of the request; None if nothing has yet.
    """

    request_id: str
    line: str
    action: Literal["promote", "rollback"]
    version: str
    role: Role
    why: str
    trust: list[str]
    as_of: date | None
    by: str
    at: datetime
    ended: End | None


def find(cursor: Cursor, request_id: str) -> PromotionRequest | None:
    """Return a request; None if nobody has made it."""
    cursor.execute(_SQL["find"], {"request_id": request_id})
    row = cursor.fetchone()
    return PromotionRequest(*row) if row else None


def end(cursor: Cursor, request_id: str, outcome: End, because: str | None = None) -> None:
    """Store what became of a request, once; ``because`` is the sentence of a refusal."""
    cursor.execute(_SQL["end"], {"request_id": request_id, "outcome": outcome, "because": because})
