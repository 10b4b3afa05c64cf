"""What people are told about a file: what happened, where, and what to do. Never what a claim says."""

from claimwatch.aws.alerts import Alerts
from claimwatch.storage import contracts, ledger
from claimwatch.storage.connection import Database


def notify_refused(database: Database, alerts: Alerts, file: ledger.File) -> None:
    """The file cannot be loaded."""
    mend = (
        "Mend the file and drop it again, or mend the contract and replay it:\n"
        f"  claimwatch replay {file.file_id}"
    )
    if file.line is None:
        mend = "Drop it again where it belongs."
    _tell(
        database,
        alerts,
        file,
        f"Claimwatch refused a file: {_name(file)}",
        f"{_where(file)}\nWhy: {file.error}\nNothing of it was loaded. {mend}\n",
    )


def notify_parked(
    database: Database, alerts: Alerts, file: ledger.File, line: str, draft: str, contract: str
) -> None:
    """The file waits for a contract, and a draft of one has been written; said once for each line."""
    with database.transaction() as cursor:
        contracts.lock_line(cursor, line)  # of two files that come together, one speaks
        if ledger.is_parking_told(cursor, line):
            return
        alerts.publish(
            f"Claimwatch parked a file: line {line} has no contract",
            f"{_where(file)}\nLine {line} has no contract yet, so the file waits; nothing is lost.\n"
            f"A draft made from it: {draft}\n"
            f"Check what it marks with 'check:' and put it at: {contract}\n"
            "Everything that waits is loaded then.\n",
        )
        ledger.set_notified(cursor, file.file_id)


def notify_failed(database: Database, alerts: Alerts, file: ledger.File) -> None:
    """The file met a fault that no retry mended."""
    _tell(
        database,
        alerts,
        file,
        f"Claimwatch could not load a file: {_name(file)}",
        f"{_where(file)}\nWhat happened: {file.error}\n"
        "None of its rows is visible. When the cause is mended, replay it:\n"
        f"  claimwatch replay {file.file_id}\n",
    )


def notify_extra_columns(database: Database, alerts: Alerts, file: ledger.File, names: list[str]) -> None:
    """The file brings columns that the line's contract does not name."""
    alerts.publish(
        f"Claimwatch found new columns in line {file.line}",
        f"{_where(file)}\nNot in the contract: {', '.join(names)}\n"
        "Their values are kept in the column 'extra'. To check and use them, add them to the contract\n"
        "and raise its version. This is said once for each column.\n",
    )
    with database.transaction() as cursor:
        ledger.set_extra_columns_told(cursor, file.file_id, names)


def _tell(database: Database, alerts: Alerts, file: ledger.File, subject: str, message: str) -> None:
    """Publish first, remember afterwards: a crash in between tells people twice rather than never."""
    if file.notified:
        return
    alerts.publish(subject, message)
    with database.transaction() as cursor:
        ledger.set_notified(cursor, file.file_id)


def _name(file: ledger.File) -> str:
    return file.key.rsplit("/", 1)[-1] or file.key


def _where(file: ledger.File) -> str:
    return f"File {file.file_id}: s3://{file.bucket}/{file.key} (version {file.version_id})"
