"""What people are told about scoring: what did not happen, and how to make it happen."""

from claimwatch.aws.alerts import Alerts
from claimwatch.storage import ledger, scores
from claimwatch.storage.connection import Database


def notify_without_champion(database: Database, alerts: Alerts, line: str) -> None:
    """The line's claims cannot be scored yet; said once, until a champion is promoted."""
    with database.transaction() as cursor:
        if not scores.notify_without_model(cursor, line):
            return
        alerts.publish(
            f"Claimwatch stored claims without a score: line {line} has no model",
            f"Line {line} has no champion, so its claims are stored and wait to be scored; nothing is lost.\n"
            f'Train a model:   claimwatch train {line} --why "..."\n'
            f'and promote it:  claimwatch promote {line} VERSION --as champion --why "..."\n'
            "Every claim that waits is scored then. This is said once.\n",
        )


def notify_unscored_line(alerts: Alerts, line: str, since: str | None, error: str) -> None:
    """What a line has stored could not all be scored."""
    alerts.publish(
        f"Claimwatch could not score the claims of line {line}",
        f"What happened: {error}\n"
        "The claims are loaded and visible; some have no score. When the cause is mended:\n"
        f"  claimwatch score {line}{f' --since {since[:10]}' if since else ''}\n",
    )


def notify_unscored_file(database: Database, alerts: Alerts, file_id: int, error: str) -> None:
    """The file is committed, and its claims could not all be scored."""
    with database.transaction() as cursor:
        file = ledger.get(cursor, file_id)
        received = scores.received_on(cursor, file_id)
    alerts.publish(
        f"Claimwatch could not score a file: line {file.line}",
        f"File {file.file_id}: s3://{file.bucket}/{file.key} (version {file.version_id})\n"
        f"What happened: {error}\n"
        "Its claims are loaded and visible; some have no score. When the cause is mended:\n"
        f"  claimwatch score {file.line} --since {received}\n",
    )
