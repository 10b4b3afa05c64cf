"""What people are told of a window: what to look at first, what changed, where the report is."""

from claimwatch.aws.alerts import Alerts
from claimwatch.evaluation.facts import Findings, PastWindow, WindowFacts


def digest(
    facts: WindowFacts, findings: Findings, before: PastWindow | None, report_uri: str
) -> tuple[str, str] | None:
    """Subject and message of the window's digest; None where nothing is new.

    ``before`` is the window before it that was closed. New is an alarm that did not stand in it, and a check
    without a result.
    """
    return None


def tell_window(
    alerts: Alerts, facts: WindowFacts, findings: Findings, before: PastWindow | None, report_uri: str
) -> bool:
    """Send the digest, where there is one; whether there was."""
    told = digest(facts, findings, before, report_uri)
    if told is None:
        return False
    alerts.publish(*told)
    return True
