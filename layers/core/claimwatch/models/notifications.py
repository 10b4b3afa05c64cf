"""Alerts about trainings: how each ended, and what to do next."""

from claimwatch.aws.alerts import Alerts
from claimwatch.models.promotion_checks import promotion_command
from claimwatch.storage import models
from claimwatch.storage.connection import Database
from claimwatch.storage.models import Training

_TEXTS = {
    "registered": (
        "Claimwatch trained model {version} of line {line}",
        """It is registered, and not live until someone promotes it.
Its metrics, and warnings that whoever promotes it has to answer for: claimwatch models {line}
  {promote}
""",
    ),
    "refused": (
        "Claimwatch refused model {version} of line {line}",
        """Why: {error}
The live models stay live. The training is listed by: claimwatch models {line}
""",
    ),
    "failed": (
        "Claimwatch could not train a model of line {line}",
        """Why: {error}
The live models stay live, and the instance is terminated. When the cause is fixed:
  claimwatch train {line} --why "..."
""",
    ),
}
"""Subject and message, by the status in which a training ends."""


def notify_end(database: Database, alerts: Alerts, training: Training) -> None:
    """Send an alert that the training has ended, unless one was sent before.

    The alert is published before that is committed: it may be sent twice, but is never lost. The training
    itself and the watchdog may call this at once; the second waits for the first, and then sends nothing.
    """
    if training.notified or training.status not in _TEXTS:
        return
    promote = promotion_command(training.line, training.version, "challenger", training.as_of)
    subject, message = (text.format(**vars(training), promote=promote) for text in _TEXTS[training.status])
    with database.transaction() as cursor:
        if not models.set_training_notified(cursor, training.training_id):
            return
        alerts.publish(
            subject, f"Training {training.training_id}, requested by {training.asked_by}\n{message}"
        )
