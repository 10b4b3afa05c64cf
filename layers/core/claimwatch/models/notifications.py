"""What people are told of trainings: how each ended, and what to do next."""

from claimwatch.aws.alerts import Alerts
from claimwatch.storage import models
from claimwatch.storage.connection import Database
from claimwatch.storage.models import Training

_WHAT_NEXT = {
    "registered": (
        "Claimwatch trained model {version} of line {line}",
        """It is registered, and not live until somebody promotes it. Its metrics: claimwatch models {line}
  claimwatch promote {line} {version} --as challenger --why "..."
""",
    ),
    "refused": (
        "Claimwatch refused model {version} of line {line}",
        """Why: {error}
What is live stays live. The model's card says more: claimwatch models {line}
""",
    ),
    "failed": (
        "Claimwatch could not train a model of line {line}",
        """Why: {error}
What is live stays live, and the instance is gone. When the cause is mended:
  claimwatch train {line} --why "..."
""",
    ),
}


def notify_end(database: Database, alerts: Alerts, training: Training) -> None:
    """The training has ended. Published first, remembered afterwards: told twice rather than never.

    The training itself and the watchdog may be at it at once: one waits, and finds it told.
    """
    if training.notified or training.status not in _WHAT_NEXT:
        return
    subject, message = (text.format(**vars(training)) for text in _WHAT_NEXT[training.status])
    with database.transaction() as cursor:
        if not models.set_training_told(cursor, training.training_id):
            return
        alerts.publish(
            subject, f"Training {training.training_id}, asked for by {training.asked_by}\n{message}"
        )
