"""Notifications about files: what happened, where, and what to do, without any content of claims.

Whoever may drop files writes their keys and headers. So a notification names a file by its id and not by its
key, names only some columns, and is one of a limited number a day.
"""

from collections.abc import Sequence

from claimwatch.aws.alerts import Alerts
from claimwatch.domain.contract.contract import MAX_NAME
from claimwatch.domain.contract.type_inference import is_value
from claimwatch.domain.files.stream_files import is_undelivered
from claimwatch.domain.sources.object_keys import source_of
from claimwatch.storage import contracts, ledger
from claimwatch.storage.connection import Database

MOST_A_DAY = 50
"""Notifications in 24 hours about a line, about all keys without a line, and about all new lines."""

MOST_NAMED = 20
"""Columns that a notification names."""


def notify_refused(database: Database, alerts: Alerts, file: ledger.File) -> None:
    """Notify that the file cannot be loaded."""
    advice = (
        "Correct the file and drop it again, or correct the contract and replay the file:\n"
        f"  claimwatch replay {file.file_id}"
    )
    if is_undelivered(file.key):
        advice = (
            "Correct what sends them. Those of a line can be sent again:\n"
            f"  claimwatch stream replay {file.file_id} --line LINE"
        )
    elif file.line is None:
        advice = "Drop it again under the right key."
    elif source_of(file.key):
        advice = (
            "If the source has changed its columns, change the contract, or the columns in the file of the "
            f"source, and replay the file:\n  claimwatch replay {file.file_id}"
        )
    elif file.dataset == "outcomes":
        advice = "Correct the file and drop it again."
    _notify_once(
        database,
        alerts,
        file,
        f"Claimwatch refused {_name(file)}",
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
        sent = ledger.notified_new_lines(cursor)
        if sent >= MOST_A_DAY:
            return
        alerts.publish(
            f"Claimwatch parked a file: line {line} has no contract",
            f"{_where(file)}\nLine {line} has no contract yet, so the file waits; nothing is lost.\n"
            f"Draft of a contract from this file: {draft}\n"
            f"Review the lines with 'check:' and store it at: {contract}\n"
            f"All waiting files are then loaded.\n{_last(sent, '--status parked')}",
        )
        ledger.set_notified(cursor, file.file_id)


def notify_failed(database: Database, alerts: Alerts, file: ledger.File) -> None:
    """Notify that the file failed after all retries."""
    _notify_once(
        database,
        alerts,
        file,
        f"Claimwatch could not load {_name(file)}",
        f"{_where(file)}\nWhat happened: {file.error}\n"
        "None of its rows is visible. Fix the cause, then replay the file:\n"
        f"  claimwatch replay {file.file_id}\n",
    )


def notify_extra_columns(database: Database, alerts: Alerts, file: ledger.File, names: list[str]) -> None:
    """Notify that the file has columns that are not in the contract."""
    with database.transaction() as cursor:
        sent = ledger.notified_of_line(cursor, file.line)
    if sent >= MOST_A_DAY:
        return
    alerts.publish(
        f"Claimwatch found new columns in line {file.line}",
        f"{_where(file)}\nNot in the contract: {_listed(names)}\n"
        "Their values are kept in the column 'extra', as the contract says: as hashes, unless its property\n"
        "'extra' is plain or drop. To validate and use them, add them to the contract\n"
        f"and raise its version. You are notified once per column.\n{_last(sent, f'--line {file.line}')}",
    )
    with database.transaction() as cursor:
        ledger.set_extra_columns_notified(cursor, file.file_id, names)


def _notify_once(database: Database, alerts: Alerts, file: ledger.File, subject: str, message: str) -> None:
    """Publish before recording: after a crash in between, two notifications are better than none."""
    if file.notified:
        return
    with database.transaction() as cursor:
        sent = ledger.notified_of_line(cursor, file.line)
    if sent >= MOST_A_DAY:
        return
    alerts.publish(subject, message + _last(sent, f"--status {file.status}"))
    with database.transaction() as cursor:
        ledger.set_notified(cursor, file.file_id)


def _last(sent: int, which: str) -> str:
    """Return a sentence for the last notification of a day."""
    if sent + 1 < MOST_A_DAY:
        return ""
    return (
        f"This is number {MOST_A_DAY} of its kind in 24 hours, and the last. The others are listed by:\n"
        f"  claimwatch files {which}\n"
    )


def _listed(names: Sequence[str]) -> str:
    """Return the first names, and the number of others; one that looks like a value is not shown."""
    shown = [name for name in names if not is_value(name)]
    listed = ", ".join(
        name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…" for name in shown[:MOST_NAMED]
    )
    parts = [listed] if shown else []
    if len(shown) > MOST_NAMED:
        parts.append(f"{len(shown) - MOST_NAMED:,} more")
    if len(shown) < len(names):
        parts.append(f"{len(names) - len(shown):,} whose names look like values, so that they are not shown")
    return "; ".join(parts)


def _name(file: ledger.File) -> str:
    return f"file {file.file_id}" + (f" of line {file.line}" if file.line else "")


def _where(file: ledger.File) -> str:
    source = source_of(file.key)
    pulled = f"\nPulled from source: {source} (`claimwatch sources` shows it)" if source else ""
    return f"File {file.file_id}: {described_place(file)}{pulled}"


def described_place(file: ledger.File) -> str:
    """Return where a file was dropped, without its key, which may contain anything."""
    folder = f"{file.dataset}/{file.line}/…" if file.line else "…"
    return f"s3://{file.bucket}/{folder} (version {file.version_id}; `claimwatch files` shows its key)"
