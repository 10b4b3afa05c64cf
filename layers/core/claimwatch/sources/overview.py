"""How each source is doing: its state, how far behind it is, and when it is looked at next."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from claimwatch.domain.sources.next_run import next_run
from claimwatch.domain.sources.parse import parse_source
from claimwatch.domain.sources.source import Source
from claimwatch.errors import RefusedData

type State = Literal["ok", "pulling", "paused", "failing", "silent", "never run"]


def overview(stored: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return how a source of ``storage.source_overview`` is doing at a time.

    ``lag_seconds`` is the time since the source was last pulled to its end: what it got since then is not
    pulled yet. ``silent_since`` is the time of its last new row, or of its file if that is
    newer, if it is longer ago than the file allows.
    """
    source = _source(stored)
    silent_since = _silent_since(source, stored, now) if source else None
    looked_at = stored["looked_at"]
    return {
        "source": stored["source"],
        "kind": stored["kind"],
        "line": stored["line"],
        "mode": str(source.mode) if source else None,
        "schedule": source.schedule if source else None,
        "state": _state(stored, silent_since),
        "last_window": stored["window"]
        and {
            "number": stored["window"],
            "rows": stored["window_rows"],
            "committed_at": stored["window_at"],
        },
        "rows": stored["rows"],
        "objects": stored["objects"],
        "looked_at": looked_at,
        "lag_seconds": round((now - looked_at).total_seconds()) if looked_at else None,
        "next_run": next_run(source.schedule, looked_at, now) if source and not source.paused else None,
        "silent_since": silent_since,
        "deletions": stored["deletions"],
        "failing_since": stored["failing_since"],
        "error": stored["error"] if stored["failing_since"] else None,
        "refused": stored["refused"],
    }


def _source(stored: Mapping[str, Any]) -> Source | None:
    """Return the running version of the source; None if this version of Claimwatch cannot read its file."""
    try:
        return parse_source(stored["text"], stored["source"])
    except RefusedData:
        return None


def _silent_since(source: Source, stored: Mapping[str, Any], now: datetime) -> datetime | None:
    last: datetime = max(stored["rows_at"] or stored["applied_at"], stored["applied_at"])
    longest: timedelta | None = source.silent_after
    return last if longest is not None and not source.paused and now - last > longest else None


def _state(stored: Mapping[str, Any], silent_since: datetime | None) -> State:
    if stored["paused"]:
        return "paused"
    if stored["failing_since"]:
        return "failing"
    if stored["pulling"]:
        return "pulling"
    if stored["looked_at"] is None:
        return "never run"
    return "silent" if silent_since else "ok"
