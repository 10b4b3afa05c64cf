"""Separation of duties, which a deployment sets; the API administers permissions (``storage.case_api``)."""

from typing import Literal

from claimwatch.storage.connection import Database
from claimwatch.storage.queries import queries

type Separation = Literal["enforced", "relaxed"]

SEPARATIONS: tuple[Separation, ...] = ("enforced", "relaxed")

_SQL = queries("permissions")


def separate_duties(database: Database, separation: Separation, actor: str) -> bool:
    """Store whether conflicting permissions exclude each other; return whether that has changed.

    A change is an access event. Only the owner of the database may do this.
    """
    with database.transaction() as cursor:
        cursor.execute(_SQL["separate_duties"], {"separation": separation, "actor": actor})
        return bool(cursor.rowcount)
