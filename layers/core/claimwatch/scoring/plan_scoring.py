"""What there is to score: the chunks of a committed file, or all that a line still has to score."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from claimwatch.aws.alerts import Alerts
from claimwatch.errors import RefusedData
from claimwatch.scoring.notifications import notify_without_champion
from claimwatch.storage import ledger, models, scores
from claimwatch.storage.connection import Database

MOST_UNITS = 500
"""Chunks planned at a time: references far below the 256 KiB of a state. A backfill plans again."""


@dataclass(frozen=True)
class Dependencies:
    """What planning works with."""

    database: Database
    alerts: Alerts


def plan_file(deps: Dependencies, file_id: int) -> dict[str, Any]:
    """What is to be scored of a file."""
    with deps.database.transaction() as cursor:
        file = ledger.get(cursor, file_id)
    if file.line is None:
        raise RefusedData(f"file {file_id} belongs to no line")
    return _plan(deps, file.line, file_id=file_id)


def plan_line(
    deps: Dependencies, line: str, since: datetime | None = None, *, only_unscored: bool = False
) -> dict[str, Any]:
    """What is to be scored of a line's files that came since then."""
    return _plan(deps, line, since=since, only_unscored=only_unscored)


def _plan(deps: Dependencies, line: str, **which: Any) -> dict[str, Any]:
    """``status`` is ``ready``, ``done`` or ``without_champion``; ``units`` are the chunks."""
    with deps.database.transaction() as cursor:
        live = models.live_models(cursor, line)
        units = scores.units_to_score(cursor, line, limit=MOST_UNITS, **which) if live else []
    if "champion" not in live:
        notify_without_champion(deps.database, deps.alerts, line)
        return {"line": line, "status": "without_champion", "units": []}
    if units:
        with deps.database.transaction() as cursor:
            scores.index_new_rows(cursor, line)
    return {
        "line": line,
        "status": "ready" if units else "done",
        "units": [{"file_id": file_id, "number": number} for file_id, number in units],
    }
