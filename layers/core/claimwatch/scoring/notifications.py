"""Alerts about scoring: what was not scored, and how to get it scored."""

from datetime import datetime

from claimwatch.aws.alerts import Alerts
from claimwatch.ingest.notifications import described_place
from claimwatch.storage import ledger, scores
from claimwatch.storage.connection import Database


def notify_without_champion(database: Database, alerts: Alerts, line: str) -> None:
    """Send an alert that the line's claims cannot be scored yet, once until a champion is promoted."""
    with database.transaction() as cursor:
        if not scores.add_line_without_model(cursor, line):
            return
        alerts.publish(
            f"Claimwatch stored claims without a score: line {line} has no model",
            f"Line {line} has no champion, so its claims are stored without a score; nothing is lost.\n"
            f'Train a model:   claimwatch train {line} --why "..."\n'
            f'and promote it:  claimwatch promote {line} VERSION --as champion --why "..."\n'
            "All stored claims are scored then. This alert is sent only once.\n",
        )


def notify_unscored_line(alerts: Alerts, line: str, since: datetime | None, error: str) -> None:
    """Send an alert that stored claims of the line could not all be scored."""
    alerts.publish(
        f"Claimwatch could not score the claims of line {line}",
        f"What happened: {error}\n"
        "The claims are loaded and visible; some have no score. When the cause is fixed:\n"
        f"  claimwatch score {line}{f' --since {since:%Y-%m-%d}' if since else ''}\n",
    )


def notify_unscored_file(database: Database, alerts: Alerts, file_id: int, error: str) -> None:
    """Send an alert that the claims of a committed file could not all be scored."""
    with database.transaction() as cursor:
        file = ledger.get(cursor, file_id)
        received = scores.received_on(cursor, file_id)
    alerts.publish(
        f"Claimwatch could not score a file: line {file.line}",
        f"File {file.file_id}: {described_place(file)}\n"
        f"What happened: {error}\n"
        "Its claims are loaded and visible; some have no score. When the cause is fixed:\n"
        f"  claimwatch score {file.line} --since {received}\n",
    )
