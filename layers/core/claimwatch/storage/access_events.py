"""Access events: who asked for what, when and for what purpose."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.storage.queries import queries

type Outcome = Literal["answered", "refused", "not_found", "rejected"]

_SQL = queries("access_events")


@dataclass(frozen=True)
class NewEvent:
    """An event to add; without ``at``, it is now. ``object`` is the claim id of events about a claim."""

    actor: str
    via: Literal["v1", "cli"]
    action: str
    outcome: Outcome
    purpose: str | None
    at: datetime | None = None
    line: str | None = None
    object: str | None = None
    reason: str | None = None
    request_id: str | None = None
    model_version: str | None = None


@dataclass(frozen=True)
class AccessEvent:
    """A stored event. ``object`` is the claim id of events about a claim, ``reason`` why it was refused."""

    seq: int
    at: datetime
    actor: str
    via: str
    action: str
    line: str | None
    object: str | None
    purpose: str | None
    reason: str | None
    request_id: str | None
    outcome: Outcome
    model_version: str | None


@dataclass(frozen=True)
class EventFilter:
    """Conditions on events; None leaves a condition out. ``since`` is included, ``until`` is not."""

    claim: str | None = None
    line: str | None = None
    model: str | None = None
    actor: str | None = None
    purpose: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class EventCount:
    """How often somebody did the same for the same purpose, and when first and last."""

    actor: str
    action: str
    line: str | None
    model_version: str | None
    purpose: str | None
    outcome: Outcome
    events: int
    first: datetime
    last: datetime


def add(cursor: Cursor, events: Iterable[NewEvent]) -> None:
    """Add events."""
    for event in events:
        cursor.execute(_SQL["add"], asdict(event))


def list_events(
    cursor: Cursor, wanted: EventFilter, *, limit: int | None = 100, before: int | None = None
) -> Sequence[AccessEvent]:
    """Return events, newest first; ``before`` is the ``seq`` of the last event of the previous page."""
    cursor.execute(_SQL["list_events"], asdict(wanted) | {"limit": limit, "before": before})
    return [AccessEvent(*row) for row in cursor.fetchall()]


def summarize(cursor: Cursor, wanted: EventFilter) -> Sequence[EventCount]:
    """Return who did what for which purpose, the most frequent first."""
    cursor.execute(_SQL["summarize"], asdict(wanted))
    return [EventCount(*row) for row in cursor.fetchall()]
