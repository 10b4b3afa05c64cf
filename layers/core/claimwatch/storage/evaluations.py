"""Evaluations: the windows that are checked, what their checks found, and how they were closed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class
from psycopg2.extras import execute_values

from claimwatch.domain.evaluation.finding import Check, Finding
from claimwatch.storage.queries import queries

type Status = Literal["planned", "closed", "incomplete"]

_SQL = queries("evaluations")


@dataclass(frozen=True)
class Key:
    """What names a window: the line, its first moment (a Monday, 00:00 UTC), the model that is looked at."""

    line: str
    start: datetime
    model_version: str


@dataclass(frozen=True)
class Window:
    """A window and what became of it.

    ``claims`` are those that the model scored in it. ``missing`` names each check without a result and says
    why. ``told`` says that it is settled what people hear of it, ``advised`` that retraining was advised.
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
        """Its name."""
        return Key(self.line, self.start, self.model_version)


@dataclass(frozen=True)
class Mark:
    """That a check has ended, and if it failed why."""

    status: Literal["done", "failed"]
    error: str | None


def lock_window(cursor: Cursor, key: Key) -> None:
    """Wait until nobody else decides about the week's windows, and keep others waiting."""
    cursor.execute(_SQL["lock_window"], {"line": key.line, "start": key.start.isoformat()})


def lines_with_champion(cursor: Cursor) -> list[str]:
    """The lines whose claims are scored."""
    cursor.execute(_SQL["lines_with_champion"])
    return [line for (line,) in cursor.fetchall()]


def add_window(cursor: Cursor, window: Window) -> bool:
    """Enter a window; False if it was there."""
    cursor.execute(
        _SQL["add_window"], _named(window.key) | {"end": window.end, "challenger": window.challenger}
    )
    return bool(cursor.rowcount)


def find_window(cursor: Cursor, key: Key) -> Window | None:
    """The window of that name."""
    cursor.execute(_SQL["find_window"], _named(key))
    row = cursor.fetchone()
    return Window(*row) if row else None


def open_windows(cursor: Cursor, line: str) -> list[Window]:
    """The line's windows that were planned and never closed, the oldest first."""
    cursor.execute(_SQL["open_windows"], {"line": line})
    return [Window(*row) for row in cursor.fetchall()]


def last_windows(cursor: Cursor, line: str, limit: int) -> list[Window]:
    """The line's windows, the newest first."""
    cursor.execute(_SQL["last_windows"], {"line": line, "limit": limit})
    return [Window(*row) for row in cursor.fetchall()]


def closed_before(cursor: Cursor, key: Key, limit: int) -> list[Window]:
    """The windows of earlier weeks that were closed, the newest first, whatever their model."""
    cursor.execute(_SQL["closed_before"], {"line": key.line, "start": key.start, "limit": limit})
    return [Window(*row) for row in cursor.fetchall()]


def is_newest(cursor: Cursor, key: Key) -> bool:
    """Whether no later window of the line has been closed."""
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
    """Close a window; with checks missing it is incomplete."""
    cursor.execute(
        _SQL["close_window"],
        _named(key)
        | {
            "closed_at": closed_at,
            "claims": claims,
            "report_uri": report_uri,
            "missing": json.dumps(dict(missing)),
        },
    )


def reopen_window(cursor: Cursor, key: Key) -> bool:
    """Have an incomplete window's missing checks tried again; False if it is not incomplete."""
    cursor.execute(_SQL["reopen_window"], _named(key))
    if not cursor.rowcount:
        return False
    cursor.execute(_SQL["forget_failed"], _named(key))
    return True


def set_notified(cursor: Cursor, key: Key) -> None:
    """People have heard what there is to hear."""
    cursor.execute(_SQL["set_notified"], _named(key))


def set_advised(cursor: Cursor, key: Key) -> None:
    """Retraining was advised."""
    cursor.execute(_SQL["set_advised"], _named(key))


def marks(cursor: Cursor, key: Key) -> dict[Check, Mark]:
    """The checks of a window that have ended."""
    cursor.execute(_SQL["marks"], _named(key))
    return {check: Mark(status, error) for check, status, error in cursor.fetchall()}


def mark_done(
    cursor: Cursor, window: Window, check: Check, findings: Sequence[Finding], seconds: float
) -> None:
    """Write what a check found, and that it is done."""
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
    """A check has no result, and why; one that is done stays so."""
    _mark(cursor, key, check, "failed", error, None)


def findings(cursor: Cursor, key: Key) -> dict[Check, list[Finding]]:
    """What the checks of a window found; a check that is done and found nothing is there too."""
    found: dict[Check, list[Finding]] = {
        check: [] for check, mark in marks(cursor, key).items() if mark.status == "done"
    }
    cursor.execute(_SQL["findings"], _named(key))
    for check, metric, value, n, verdict, feature, segment, low, high, threshold in cursor.fetchall():
        found.setdefault(check, []).append(
            Finding(metric, value, n, verdict, feature, segment, low, high, threshold)
        )
    return found


def refresh_statistics(cursor: Cursor, line: str) -> None:
    """Have PostgreSQL look at how many claims, scores and outcomes there are before it plans to read them.

    By itself it looks once in a minute or later. Until then a table that was just filled counts as empty, and
    reading it is planned with loops in loops: two minutes instead of one second for 26,000 claims.
    """
    for name in ("file", "score", "outcome", f"claim_{line}"):
        cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier("claimwatch", name)))


def _mark(
    cursor: Cursor, key: Key, check: Check, status: str, error: str | None, seconds: float | None
) -> None:
    cursor.execute(
        _SQL["mark"], _named(key) | {"check": check, "status": status, "error": error, "seconds": seconds}
    )


def _number(value: float | None) -> float | None:
    """A number as PostgreSQL has it: numpy's are not known to it, and nan is none."""
    return None if value is None or value != value else float(value)


def _named(key: Key) -> dict[str, Any]:
    return {"line": key.line, "start": key.start, "model_version": key.model_version}
