"""Watch over a source: people are alerted once if it has had no new row or file for too long."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from claimwatch.aws.alerts import Alerts
from claimwatch.aws.pull_events import WatchedSource
from claimwatch.domain.sources.parse import parse_source
from claimwatch.sources.notifications import notify_silent
from claimwatch.storage import sources
from claimwatch.storage.connection import Database

type Status = Literal["fine", "silent", "unwatched"]


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of ``watch_source``."""

    database: Database
    alerts: Alerts
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


def watch_source(deps: Dependencies, watched: WatchedSource) -> Status:
    """Return whether the source is silent, and notify once for each time that it is.

    It is silent if its last new row or file came longer ago than its file allows; that it was not pulled at
    all has the same effect, so this also notices schedules that do not run.
    """
    now = deps.now()
    with deps.database.transaction() as cursor:
        state = sources.lock(cursor, watched.source)
        if state is None or state.removed or state.paused:
            return "unwatched"
        source = parse_source(state.text, watched.source)
        if source.silent_after is None:
            return "unwatched"
        since = max(state.rows_at or state.applied_at, state.applied_at)
        if now - since <= source.silent_after:
            return "fine"
        if not state.silence_notified:
            # Before the transaction ends: after a crash, two notifications are better than none.
            notify_silent(deps.alerts, source, state)
            sources.set_silence_notified(cursor, watched.source, now)
    return "silent"
