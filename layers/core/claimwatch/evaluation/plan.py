"""What is to be checked: for each line with a champion the last week, and whatever was never closed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Protocol

from claimwatch.domain.evaluation.finding import CHECKS
from claimwatch.domain.evaluation.week import WEEK, last_complete, monday_of, name_of, start_of
from claimwatch.errors import RefusedData
from claimwatch.storage import evaluations, models
from claimwatch.storage.connection import Database
from claimwatch.storage.evaluations import Window

CLOSING_DELAY = 900
"""Seconds until the message that closes comes first; SQS delays none for longer."""


class Post(Protocol):
    """Where messages go that ``run_check`` gets."""

    def send(self, messages: list[Mapping[str, Any]], delay_seconds: int = 0) -> None:
        """Send them, each to arrive after so many seconds at the earliest."""


@dataclass(frozen=True)
class Dependencies:
    """What planning works with."""

    database: Database
    post: Post


def plan_all(deps: Dependencies, now: datetime) -> list[Window]:
    """Plan the last week that is over, for every line with a champion; planned again, nothing happens twice.

    Windows that were planned before and never closed are sent again, in case a message was lost.
    """
    with deps.database.transaction() as cursor:
        lines = evaluations.lines_with_champion(cursor)
    monday = last_complete(now)
    found: dict[evaluations.Key, Window] = {}
    for line in lines:
        with deps.database.transaction() as cursor:
            waiting = evaluations.open_windows(cursor, line)
        for window in [*waiting, _entered(deps, line, monday)]:
            found[window.key] = window
    for window in found.values():
        _send(deps, window)
    return list(found.values())


def plan_window(deps: Dependencies, line: str, window: str | None, now: datetime) -> Window:
    """Plan one week of a line, the last that is over unless it is named.

    What lacks checks is opened again; what is closed stays so. Raises ``RefusedData`` for a line without a
    champion, and for a week that is not over or is none.
    """
    try:
        monday = monday_of(window) if window else last_complete(now)
    except ValueError as error:
        raise RefusedData(str(error)) from None
    if start_of(monday) + WEEK > now:
        raise RefusedData(f"week {name_of(monday)} is not over: it is checked after its Sunday")
    found = _entered(deps, line, monday, reopen=True)
    _send(deps, found)
    return found


def planned(window: Window) -> dict[str, Any]:
    """What whoever asked is told of a window."""
    return message_of(window) | {
        "challenger": window.challenger,
        "status": window.status,
        "report_uri": window.report_uri,
    }


def message_of(window: Window) -> dict[str, Any]:
    """What names a window in a message."""
    return {
        "line": window.line,
        "window": name_of(window.start.date()),
        "model_version": window.model_version,
    }


def _entered(deps: Dependencies, line: str, monday: date, *, reopen: bool = False) -> Window:
    with deps.database.transaction() as cursor:
        live = models.live_models(cursor, line)
        if "champion" not in live:
            raise RefusedData(f"line {line} has no champion, so there is nothing to check: promote a model")
        challenger = live.get("challenger")
        start = start_of(monday)
        asked = Window(
            line,
            start,
            start + WEEK,
            live["champion"].version,
            challenger.version if challenger else None,
            "planned",
        )
        evaluations.lock_window(cursor, asked.key)
        evaluations.add_window(cursor, asked)
        found = evaluations.find_window(cursor, asked.key)
        assert found is not None  # it was entered just now, if it was not there
        if reopen and evaluations.reopen_window(cursor, asked.key):
            found = replace(found, status="planned", missing={}, closed_at=None)
    return found


def _send(deps: Dependencies, window: Window) -> None:
    """A message for each check that has not ended, and the one that closes."""
    if window.status != "planned":
        return
    with deps.database.transaction() as cursor:
        ended = evaluations.marks(cursor, window.key)
        evaluations.refresh_statistics(cursor, window.line)
    named = message_of(window)
    deps.post.send([named | {"check": check} for check in CHECKS if check not in ended])
    # Were all of them to end before it comes, it finds the window closed.
    deps.post.send([named | {"close": True}], delay_seconds=CLOSING_DELAY if len(ended) < len(CHECKS) else 0)
