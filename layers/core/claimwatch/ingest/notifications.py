"""Notifications about files: what happened, where, and what to do, without any content of claims."""

from claimwatch.aws.alerts import Alerts
from claimwatch.storage import contracts, ledger
from claimwatch.storage.connection import Database


def notify_refused(database: Database, alerts: Alerts, file: ledger.File) -> None:
    """Notify that the file cannot be loaded."""
    advice = (
        "Correct the file and drop it again, or correct the contract and replay the file:\n"
        f"  claimwatch replay {file.file_id}"
    )
    if file.line is None:
        advice = "Drop it again under the right key."
    _notify_once(
        database,
        alerts,
        file,
        f"Claimwatch refused a file: {_name(file)}",
        f"{_where(file)}\nWhy: {file.error}\nNone of its rows was loaded. {advice}\n",
    )


def notify_parked(
    database: Database, alerts: Alerts, file: ledger.File, line: str, draft: str, contract: str
) -> None:
    """Notify that the file waits for a contract, and where its draft is; once per line."""
    with database.transaction() as cursor:
        contracts.lock_line(cursor, line)  # so that of two concurrent files only one notifies
        if ledger.is_parking_notified(cursor, line):
            return
        alerts.publish(
            f"Claimwatch parked a file: line {line} has no contract",
            f"{_where(file)}\nLine {line} has no contract yet, so the file waits; nothing is lost.\n"
            f"Draft of a contract from this file: {draft}\n"
            f"Review the lines with 'check:' and store it at: {contract}\n"
            "All waiting files are then loaded.\n",
        )
        ledger.set_notified(cursor, file.file_id)


def notify_failed(database: Database, alerts: Alerts, file: ledger.File) -> None:
    """Notify that the file failed after all retries."""
    _notify_once(
        database,
        alerts,
        file,
        f"Claimwatch could not load a file: {_name(file)}",
        f"{_where(file)}\nWhat happened: {file.error}\n"
        "None of its rows is visible. Fix the cause, then replay the file:\n"
        f"  claimwatch replay {file.file_id}\n",
    )


def notify_extra_columns(database: Database, alerts: Alerts, file: ledger.File, names: list[str]) -> None:
    """Notify that the file has columns that are not in the contract."""
    alerts.publish(
        f"Claimwatch found new columns in line {file.line}",
        f"{_where(file)}\nNot in the contract: {', '.join(names)}\n"
        "Their values are kept in the column 'extra'. To validate and use them, add them to the contract\n"
        "and raise its version. You are notified once per column.\n",
    )
    with database.transaction() as cursor:
        ledger.set_extra_columns_notified(cursor, file.file_id, names)


def _notify_once(database: Database, alerts: Alerts, file: ledger.File, subject: str, message: str) -> None:
    """Publish before recording: after a crash in between, two notifications are better than none."""
    if file.notified:
        return
    alerts.publish(subject, message)
    with database.transaction() as cursor:
        ledger.set_notified(cursor, file.file_id)


def _name(file: ledger.File) -> str:
    return file.key.rsplit("/", 1)[-1] or file.key


def _where(file: ledger.File) -> str:
    return f"File {file.file_id}: s3://{file.bucket}/{file.key} (version {file.version_id})"
