"""Separation of duties, which a deployment sets; the API administers permissions (``storage.case_api``)."""

from typing import Literal

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.storage.queries import queries

type Separation = Literal["enforced", "relaxed"]

SEPARATIONS: tuple[Separation, ...] = ("enforced", "relaxed")

_SQL = queries("permissions")


def set_separation_of_duties(cursor: Cursor, value: Separation, actor: str) -> bool:
    """Store whether conflicting permissions exclude each other; return whether that has changed.

    A change is an access event. Only the owner of the database may call this.
    """
    cursor.execute(_SQL["set_separation_of_duties"], {"value": value, "actor": actor})
    return bool(cursor.rowcount)
