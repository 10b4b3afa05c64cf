"""End of a pull that failed: it is recorded, people are notified once, and the source is free again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from claimwatch.aws.alerts import Alerts
from claimwatch.aws.executions import described
from claimwatch.aws.pull_events import FailedPull
from claimwatch.errors import Superseded, sentence
from claimwatch.sources.notifications import notify_failing
from claimwatch.storage import sources
from claimwatch.storage.connection import Database

type Status = Literal["failing", "superseded", "removed"]


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of ``record_pull_failure``."""

    database: Database
    alerts: Alerts
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


def record_pull_failure(deps: Dependencies, failed: FailedPull) -> Status:
    """Record why an execution failed, release the source and notify once until it was pulled again.

    Nothing is recorded if another execution has the source, or if the file of the source has changed: both
    are reasons for a step to end, and no failures of the source.
    """
    now = deps.now()
    with deps.database.transaction() as cursor:
        state = sources.lock(cursor, failed.source)
        if state is None or state.removed:
            return "removed"
        if state.execution not in (None, failed.execution):
            return "superseded"
        if failed.error == Superseded.__name__:
            sources.release(cursor, failed.source)
            return "superseded"
        error = sentence(described(failed.error, failed.cause))
        sources.set_failing(cursor, failed.source, error, now)
    if not state.failure_notified:
        # Before it is recorded: after a crash in between, two notifications are better than none.
        notify_failing(deps.alerts, failed.source, error)
        with deps.database.transaction() as cursor:
            sources.set_failure_notified(cursor, failed.source, now)
    return "failing"
