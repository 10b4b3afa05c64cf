"""Commit of a window: what was pulled, and how far the source was pulled, in one transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from claimwatch.aws.alerts import Alerts
from claimwatch.aws.objects import LandingStore, ObjectMissing, ObjectRef
from claimwatch.aws.pull_events import WindowRef
from claimwatch.domain.sources.parse import parse_source
from claimwatch.domain.sources.source import Mode
from claimwatch.errors import Superseded
from claimwatch.sources.notifications import notify_deletions, notify_refused_file
from claimwatch.sources.plan_pull import LEASE
from claimwatch.storage import sources
from claimwatch.storage.connection import Database
from claimwatch.storage.sources import Window


@dataclass(frozen=True)
class Committed:
    """Result of committing a window.

    ``more`` is whether the source has another one to plan; ``deleted`` is the number of rows that it no
    longer has, which is counted at the end of a cycle.
    """

    source: str
    number: int
    more: bool
    deleted: int = 0

    def to_event(self) -> dict[str, object]:
        """Return the result for logs and the state machine."""
        return dict(vars(self))


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of ``commit_window``; ``bucket`` is the landing bucket."""

    database: Database
    objects: LandingStore
    alerts: Alerts
    bucket: str
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


def commit_window(deps: Dependencies, ref: WindowRef) -> Committed:
    """Commit an extracted window, exactly once even if called several times.

    Raises ``Superseded`` if the source was planned again, or if the object is not the one that was extracted;
    the window is then extracted again.
    """
    with deps.database.transaction() as cursor:
        sources.hold(cursor, ref.source, ref.generation)
        window = sources.get_window(cursor, ref.source, ref.number)
        sources.renew(cursor, ref.source, deps.now() + LEASE)
    if window.committed_at is not None:
        return Committed(ref.source, ref.number, not window.last)
    _require_object(deps, ref, window)
    with deps.database.transaction() as cursor:
        state = sources.hold(cursor, ref.source, ref.generation)
        source, now = parse_source(state.text, ref.source), deps.now()
        sources.commit(cursor, window, now)
        if window.version_id is not None:
            sources.set_rows_at(cursor, ref.source, now)
        deleted = 0
        if window.last:
            if source.mode is Mode.FILES:
                sources.set_looked(cursor, ref.source, now)
            else:
                deleted = sources.end_cycle(cursor, source, window.cycle_number, now)
            sources.release(cursor, ref.source)
        if deleted:
            # Before the transaction ends: after a crash, two notifications are better than none.
            notify_deletions(deps.alerts, source, deleted)
        if window.refusal is not None and not sources.was_refused_before(cursor, window):
            notify_refused_file(deps.alerts, source, window.number, window.refusal)
    return Committed(ref.source, ref.number, not window.last, deleted)


def _require_object(deps: Dependencies, ref: WindowRef, window: Window) -> None:
    """Raise ``Superseded`` unless the window was extracted and its object is still there."""
    if window.extracted_at is None:
        raise Superseded(f"window {ref.number} of source {ref.source} is not extracted")
    if window.version_id is None:
        return
    try:
        size = deps.objects.listed_size(ObjectRef(deps.bucket, window.object_key, window.version_id))
    except ObjectMissing:
        size = -1
    if size != window.object_bytes:
        with deps.database.transaction() as cursor:
            sources.hold(cursor, ref.source, ref.generation)
            sources.set_not_extracted(cursor, window)
        raise Superseded(
            f"the object of window {ref.number} of source {ref.source} is gone or has another size; the "
            "window is extracted again"
        )
