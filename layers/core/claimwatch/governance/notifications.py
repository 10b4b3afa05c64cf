"""Alerts about the record of who accessed what."""

from claimwatch.aws.alerts import Alerts
from claimwatch.domain.audit.seal import Seal


def notify_restore(alerts: Alerts, seal: Seal, uri: str) -> None:
    """Report that events which had been sealed are gone, or were numbered anew."""
    alerts.publish(
        "Access events are missing: was the database restored?",
        f"Seal {seal.number} replaces seals {seal.replaces} to {seal.number - 1}, because the events of the"
        " database are not the events that those seals contain.\n\n"
        "If the database was restored to an earlier state, this is expected: the events since then are lost,"
        " and their seals prove how many there were. If it was not, somebody changed the database.\n\n"
        f"The seal: {uri}\n"
        "What is missing: claimwatch audit verify\n"
        'What to do: docs/runbook.md, "Access events do not agree with their seals"\n',
    )
