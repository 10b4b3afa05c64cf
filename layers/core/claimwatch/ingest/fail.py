"""Failure of a file after all retries: it is recorded in the ledger and notified."""

import json

from claimwatch.aws.alerts import Alerts
from claimwatch.ingest.notifications import notify_failed
from claimwatch.storage import ledger
from claimwatch.storage.connection import Database

LONGEST = 500
"""Maximum length of a recorded description."""


def record_failure(
    database: Database, alerts: Alerts, file_id: int, attempt: int, error: str, cause: str
) -> str:
    """Mark the file failed, unless it is committed or a newer attempt runs; return the file's status."""
    with database.transaction() as cursor:
        file = ledger.lock(cursor, file_id)
        if file.attempt == attempt and file.status in ("received", "loading"):
            ledger.fail(cursor, file_id, described(error, cause))
            file = ledger.get(cursor, file_id)
    if file.status == "failed" and file.attempt == attempt:
        notify_failed(database, alerts, file)
    return file.status


def described(error: str, cause: str) -> str:
    """Return a description of the fault. A Lambda's cause is JSON with a message, any other is text."""
    try:
        message = str(json.loads(cause)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        message = cause
    return f"{error}: {message}"[:LONGEST]
