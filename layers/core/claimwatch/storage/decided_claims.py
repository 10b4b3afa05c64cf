"""Decided claims with their main reasons, which a case is compared with; derived from scores and outcomes."""

from collections.abc import Sequence

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.storage.queries import queries

_SQL = queries("decided_claims")


def note_outcomes(cursor: Cursor, file_id: int) -> None:
    """Store what the outcomes of a committed file decide on claims that were referred."""
    cursor.execute(_SQL["note_outcomes"], {"file_id": file_id})


def note_scores(cursor: Cursor, line: str, claim_ids: Sequence[str]) -> None:
    """Store the main reasons of referred claims that were decided before they got this score."""
    if claim_ids:
        cursor.execute(_SQL["note_scores"], {"line": line, "claim_ids": list(claim_ids)})
