"""Planning of the weekly checks: the last week of each line with a champion, and weeks left open."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Protocol, Self

from claimwatch.aws.event_fields import Fields
from claimwatch.domain.evaluation.finding import CHECKS, Check
from claimwatch.domain.evaluation.week import WEEK, last_complete, monday_of, name_of, start_of
from claimwatch.errors import MalformedEvent, RefusedData
from claimwatch.storage import evaluations, models
from claimwatch.storage.connection import Database
from claimwatch.storage.evaluations import Key, Window

CLOSING_DELAY = 900
"""Delay in seconds of the closing message; SQS allows no more."""


@dataclass(frozen=True)
class EvaluationRequest:
    """A call that plans a week of a line (by default the last week that is over) or of every line."""

    line: str | None = None
    window: str | None = None

    @classmethod
    def parse(cls, event: object) -> Self:
        """Parse a call, or the event of the schedule, which names no line; raises ``MalformedEvent``."""
        fields = Fields(event, "evaluation request")
        return cls(fields.optional_text("line"), fields.optional_text("window"))


@dataclass(frozen=True)
class Task:
    """A message: a check of a window to run, or None to close the window."""

    key: Key
    check: Check | None

    @classmethod
    def parse(cls, message: object) -> Self:
        """Parse what ``plan_window`` sends; raises ``MalformedEvent``."""
        fields = Fields(message, "evaluation task")
        try:
            start = start_of(monday_of(fields.text("window")))
        except ValueError:
            raise MalformedEvent("evaluation task: field 'window' must be a week, as 2026-W30") from None
        key = Key(fields.text("line"), start, fields.text("model_version"))
        if fields.has("check"):
            return cls(key, fields.choice("check", CHECKS))
        if fields.has("close") and fields.flag("close"):
            return cls(key, None)
        raise MalformedEvent("evaluation task: it needs a field 'check', or 'close' that is true")


class Queue(Protocol):
    """Queue of `run_check`."""

    def send(self, messages: list[Mapping[str, Any]], delay_seconds: int = 0) -> None:
        """Send messages, to be delivered after this delay at the earliest."""


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of planning."""

    database: Database
    queue: Queue


def plan_all(deps: Dependencies, now: datetime) -> list[Window]:
    """Plan the last complete week of every line with a champion; planning a week twice has no effect.

    The messages of earlier windows that are still open are sent again, in case one was lost.
    """
    with deps.database.transaction() as cursor:
        lines = evaluations.lines_with_champion(cursor)
    monday = last_complete(now)
    found: dict[evaluations.Key, Window] = {}
    for line in lines:
        with deps.database.transaction() as cursor:
            waiting = evaluations.open_windows(cursor, line)
        for window in [*waiting, _add(deps, line, monday)]:
            found[window.key] = window
    for window in found.values():
        _send(deps, window)
    return list(found.values())


def plan_window(deps: Dependencies, line: str, window: str | None, now: datetime) -> Window:
    """Plan one week of a line: the named one, otherwise the last complete week.

    An incomplete window is opened again; a closed one stays closed. Raises ``RefusedData`` for a line without
    a champion, and for a week that is not over or not a valid ISO week.
    """
    try:
        monday = monday_of(window) if window else last_complete(now)
    except ValueError as error:
        raise RefusedData(str(error)) from None
    if start_of(monday) + WEEK > now:
        raise RefusedData(
            f"week {name_of(monday)} is not over: it can be checked from the following Monday (UTC)"
        )
    found = _add(deps, line, monday, reopen=True)
    _send(deps, found)
    return found


def planned(window: Window) -> dict[str, Any]:
    """Return the answer of PlanEvaluation for a window."""
    return message_of(window) | {
        "challenger": window.challenger,
        "status": window.status,
        "report_uri": window.report_uri,
    }


def message_of(window: Window) -> dict[str, Any]:
    """Return the part of a message that identifies a window."""
    return {
        "line": window.line,
        "window": name_of(window.start.date()),
        "model_version": window.model_version,
    }


def _add(deps: Dependencies, line: str, monday: date, *, reopen: bool = False) -> Window:
    with deps.database.transaction() as cursor:
        live = models.live_models(cursor, line)
        if "champion" not in live:
            raise RefusedData(
                f"line {line} has no champion, so there is nothing to check; promote a model first"
            )
        challenger = live.get("challenger")
        start = start_of(monday)
        window = Window(
            line,
            start,
            start + WEEK,
            live["champion"].version,
            challenger.version if challenger else None,
            "planned",
        )
        evaluations.lock_window(cursor, window.key)
        evaluations.add_window(cursor, window)
        found = evaluations.find_window(cursor, window.key)
        assert found is not None  # it was added above
        if reopen and evaluations.reopen_window(cursor, window.key):
            found = replace(found, status="planned", missing={}, closed_at=None)
    return found


def _send(deps: Dependencies, window: Window) -> None:
    """Send a message for each check that has not ended, and the closing message."""
    if window.status != "planned":
        return
    with deps.database.transaction() as cursor:
        ended = evaluations.marks(cursor, window.key)
        evaluations.refresh_statistics(cursor, window.line)
    named = message_of(window)
    deps.queue.send([named | {"check": check} for check in CHECKS if check not in ended])
    # If all checks end before it is delivered, the closing message finds the window closed.
    deps.queue.send([named | {"close": True}], delay_seconds=CLOSING_DELAY if len(ended) < len(CHECKS) else 0)
