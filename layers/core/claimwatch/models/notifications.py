"""Alerts about trainings: how each ended, and what to do next."""

from collections.abc import Mapping, Sequence

from claimwatch.aws.alerts import Alerts
from claimwatch.domain.model.warnings import columns_to_answer_for
from claimwatch.models.promotion_checks import promotion_command
from claimwatch.storage import models
from claimwatch.storage.connection import Database
from claimwatch.storage.models import Training

_TEXTS = {
    "registered": (
        "Claimwatch trained model {version} of line {line}",
        """It is registered, and not live until someone promotes it.
{warnings}
Its metrics and warnings: claimwatch models {line}
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
    with database.transaction() as cursor:
        if not models.set_training_notified(cursor, training.training_id):
            return
        warnings = _counted(models.warnings_of(cursor, training.line, training.version))
        said = vars(training) | {"promote": promote, "warnings": warnings}
        subject, message = (text.format(**said) for text in _TEXTS[training.status])
        alerts.publish(
            subject, f"Training {training.training_id}, requested by {training.asked_by}\n{message}"
        )


def _counted(warnings: Sequence[Mapping[str, str]]) -> str:
    """Return how many warnings a model has, and what they ask of whoever promotes it."""
    number, columns = len(warnings), len(columns_to_answer_for(warnings))
    if not number:
        return "It has no warnings."
    answer = (
        f" Whoever promotes it has to look into them and name {columns} column{'s' * (columns > 1)} with"
        " --trust."
    )
    return f"It has {number} warning{'s' * (number > 1)}.{answer if columns else ''}"
