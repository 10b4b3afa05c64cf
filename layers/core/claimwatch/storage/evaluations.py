"""Evaluations: checked windows, the findings of their checks, and how they were closed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class
from psycopg2.extras import execute_values

from claimwatch.domain.evaluation.finding import Check, Finding
from claimwatch.storage.queries import queries

type Status = Literal["planned", "closed", "incomplete"]

_SQL = queries("evaluations")


@dataclass(frozen=True)
class Key:
    """Key of a window: the line, its start (a Monday, 00:00 UTC), and the checked model."""

    line: str
    start: datetime
    model_version: str


@dataclass(frozen=True)
class Window:
    """A window and its state.

    ``claims`` counts the claims that the model scored in it. ``missing`` maps each check without a result to
    the reason. ``notified``: its digest was sent, or there was none to send. ``advised``: retraining was
    advised.
    """

    line: str
    start: datetime
    end: datetime
    model_version: str
    challenger: str | None
    status: Status
    report_uri: str | None = None
    claims: int | None = None
    missing: Mapping[Check, str] = field(default_factory=dict)
    closed_at: datetime | None = None
    notified: bool = False
    advised: bool = False

    @property
    def key(self) -> Key:
        """Key of the window."""
        return Key(self.line, self.start, self.model_version)


@dataclass(frozen=True)
class Mark:
    """End of a check; ``error`` is the reason if it failed."""

    status: Literal["done", "failed"]
    error: str | None


def lock_window(cursor: Cursor, key: Key) -> None:
    """Lock the windows of a week until the transaction ends."""
    cursor.execute(_SQL["lock_window"], {"line": key.line, "start": key.start.isoformat()})


def lines_with_champion(cursor: Cursor) -> list[str]:
    """Return the lines that have a champion."""
    cursor.execute(_SQL["lines_with_champion"])
    return [line for (line,) in cursor.fetchall()]


def add_window(cursor: Cursor, window: Window) -> bool:
    """Add a window; return False if it exists."""
    cursor.execute(
        _SQL["add_window"], _key_values(window.key) | {"end": window.end, "challenger": window.challenger}
    )
    return bool(cursor.rowcount)


def find_window(cursor: Cursor, key: Key) -> Window | None:
    """Return a window, or None if it does not exist."""
    cursor.execute(_SQL["find_window"], _key_values(key))
    row = cursor.fetchone()
    return Window(*row) if row else None


def open_windows(cursor: Cursor, line: str) -> list[Window]:
    """Return the line's windows that are not closed, the oldest first."""
    cursor.execute(_SQL["open_windows"], {"line": line})
    return [Window(*row) for row in cursor.fetchall()]


def last_windows(cursor: Cursor, line: str, limit: int) -> list[Window]:
    """Return the line's windows, the newest first."""
    cursor.execute(_SQL["last_windows"], {"line": line, "limit": limit})
    return [Window(*row) for row in cursor.fetchall()]


def closed_before(cursor: Cursor, key: Key, limit: int) -> list[Window]:
    """Return the closed windows of earlier weeks, of any model, the newest first."""
    cursor.execute(_SQL["closed_before"], {"line": key.line, "start": key.start, "limit": limit})
    return [Window(*row) for row in cursor.fetchall()]


def is_newest(cursor: Cursor, key: Key) -> bool:
    """Return whether no later window of the line is closed."""
    cursor.execute(_SQL["is_newest"], {"line": key.line, "start": key.start})
    return cursor.fetchone() == (True,)


def close_window(
    cursor: Cursor,
    key: Key,
    *,
    closed_at: datetime,
    claims: int,
    report_uri: str,
    missing: Mapping[Check, str],
) -> None:
    """Close a window; it is incomplete if checks are missing."""
    cursor.execute(
        _SQL["close_window"],
        _key_values(key)
        | {
            "closed_at": closed_at,
            "claims": claims,
            "report_uri": report_uri,
            "missing": json.dumps(dict(missing)),
        },
    )


def reopen_window(cursor: Cursor, key: Key) -> bool:
    """Open an incomplete window again for its missing checks; return False if it is not incomplete."""
    cursor.execute(_SQL["reopen_window"], _key_values(key))
    if not cursor.rowcount:
        return False
    cursor.execute(_SQL["forget_failed"], _key_values(key))
    return True


def set_notified(cursor: Cursor, key: Key) -> None:
    """Record that the digest was sent, or that there was none to send."""
    cursor.execute(_SQL["set_notified"], _key_values(key))


def set_advised(cursor: Cursor, key: Key) -> None:
    """Record that retraining was advised."""
    cursor.execute(_SQL["set_advised"], _key_values(key))


def marks(cursor: Cursor, key: Key) -> dict[Check, Mark]:
    """Return the checks of a window that have ended."""
    cursor.execute(_SQL["marks"], _key_values(key))
    return {check: Mark(status, error) for check, status, error in cursor.fetchall()}


def mark_done(
    cursor: Cursor, window: Window, check: Check, findings: Sequence[Finding], seconds: float
) -> None:
    """Write the findings of a check, and mark it as done."""
    rows = [
        (
            window.line,
            window.start,
            window.end,
            window.model_version,
            check,
            finding.metric,
            finding.feature,
            finding.segment,
            int(finding.n),
            *(_number(each) for each in (finding.value, finding.low, finding.high, finding.threshold)),
            finding.verdict,
            position,
        )
        for position, finding in enumerate(findings)
    ]
    if rows:
        execute_values(cursor, _SQL["add_findings"].removesuffix(";"), rows)
    _mark(cursor, window.key, check, "done", None, seconds)


def mark_failed(cursor: Cursor, key: Key, check: Check, error: str) -> None:
    """Mark a check as failed, with the reason; a check that is done stays done."""
    _mark(cursor, key, check, "failed", error, None)


def findings(cursor: Cursor, key: Key) -> dict[Check, list[Finding]]:
    """Return the findings of a window; a check that is done without findings has an empty list."""
    found: dict[Check, list[Finding]] = {
        check: [] for check, mark in marks(cursor, key).items() if mark.status == "done"
    }
    cursor.execute(_SQL["findings"], _key_values(key))
    for check, metric, value, n, verdict, feature, segment, low, high, threshold in cursor.fetchall():
        found.setdefault(check, []).append(
            Finding(metric, value, n, verdict, feature, segment, low, high, threshold)
        )
    return found


def refresh_statistics(cursor: Cursor, line: str) -> None:
    """Run ANALYZE on the tables that the checks read.

    Autovacuum does so a minute later at the earliest. Until then PostgreSQL takes a table that was just
    filled for empty and plans nested loops: two minutes instead of one second for 26,000 claims.
    """
    cursor.execute(_SQL["refresh_statistics"], {"line": line})


def _mark(
    cursor: Cursor, key: Key, check: Check, status: str, error: str | None, seconds: float | None
) -> None:
    cursor.execute(
        _SQL["mark"],
        _key_values(key) | {"check": check, "status": status, "error": error, "seconds": seconds},
    )


def _number(value: float | None) -> float | None:
    """Return a number for PostgreSQL: NumPy's types become floats, nan becomes NULL."""
    return None if value is None or value != value else float(value)


def _key_values(key: Key) -> dict[str, Any]:
    return {"line": key.line, "start": key.start, "model_version": key.model_version}
