"""End of a file that could not be loaded: it is recorded in the ledger and notified."""

from claimwatch.aws.alerts import Alerts
from claimwatch.aws.executions import described
from claimwatch.aws.objects import ObjectMissing
from claimwatch.ingest.notifications import notify_failed, notify_refused
from claimwatch.storage import ledger
from claimwatch.storage.connection import Database

DELETED = "the object was deleted before it could be read: drop it again"
"""Reason for refusing a file whose object is gone."""

KILLED = ("Runtime.ExitError", "Sandbox.Timedout")
"""Errors of an invocation that ran out of memory or time, by Lambda's names."""

TOO_DEMANDING = (
    "reading this file used up the memory or the time of a function, three times ({}): send it in smaller "
    "files; if other files were refused like this at the same time, replay it"
)
"""Reason for refusing a file that killed every invocation: a replay would do the same."""


def record_failure(
    database: Database, alerts: Alerts, file_id: int, attempt: int, error: str, cause: str
) -> str:
    """Mark the file failed, or refused if its object is gone or kills every invocation; return its status.

    A file that is committed, and one with a newer attempt, stays as it is.
    """
    with database.transaction() as cursor:
        file = ledger.lock(cursor, file_id)
        if file.attempt == attempt and file.status in ("received", "loading"):
            if error == ObjectMissing.__name__:
                ledger.refuse(cursor, file_id, DELETED)
            elif error in KILLED:
                ledger.refuse(cursor, file_id, TOO_DEMANDING.format(error))
            else:
                ledger.fail(cursor, file_id, described(error, cause))
            file = ledger.get(cursor, file_id)
    if file.attempt == attempt and file.status == "failed":
        notify_failed(database, alerts, file)
    if file.attempt == attempt and file.status == "refused":
        notify_refused(database, alerts, file)
    return file.status
