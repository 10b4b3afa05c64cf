"""Cases, which scores open and outcomes close; people work on them through ``storage.desk``."""

from collections.abc import Sequence

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.storage.queries import queries

_SQL = queries("review_cases")


def open_cases(cursor: Cursor, line: str, file_id: int, claim_ids: Sequence[str]) -> None:
    """Open, update or withdraw the cases of claims of a file that the champion has just scored."""
    cursor.execute(_SQL["open_cases"], {"line": line, "file_id": file_id, "claim_ids": list(claim_ids)})


def settle_cases(cursor: Cursor, file_id: int) -> None:
    """Close the cases of claims that the outcomes of a committed file decide."""
    cursor.execute(_SQL["settle_cases"], {"file_id": file_id})
