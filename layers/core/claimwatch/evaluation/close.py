"""Closing a window: its report, the numbers that alarms go by, what people are told, and advice to train.

Each step is remembered; whoever comes again, after a crash or with a second message, does what is left.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.aws.alerts import Alerts
from claimwatch.aws.event_bus import EventBus
from claimwatch.aws.metrics import Measure, Metrics
from claimwatch.aws.objects import ObjectStore
from claimwatch.domain.evaluation.finding import CHECKS, Check, Finding
from claimwatch.domain.evaluation.week import name_of
from claimwatch.errors import ClaimwatchError
from claimwatch.evaluation.notifications import notify_window
from claimwatch.evaluation.priorities import changes, described
from claimwatch.evaluation.report import report_page
from claimwatch.evaluation.report.page import MOST_WINDOWS
from claimwatch.evaluation.report_data import Findings, PastWindow, WindowFacts
from claimwatch.storage import evaluations, models, profiles
from claimwatch.storage.connection import Database
from claimwatch.storage.evaluations import Key, Mark, Window

NO_RESULT = "no result came: its message was lost, or its function died each time"

AHEAD = timedelta(minutes=110)
"""How far ahead a window's heartbeat is put a second time; CloudWatch takes two hours.

The alarm looks back seven days, which is all that it can: a week in which all is as ever must not end first.
"""

ADVISING: tuple[Check, ...] = ("feature_drift", "score_drift", "performance")
"""Checks whose alarms say that a model may have to be trained anew."""

MOST_ADVISED = 50
"""Alarms that an event names; EventBridge takes 256 KB."""


class Unfinished(ClaimwatchError):
    """Some checks of the window have not ended yet; its closing message is to come again."""


@dataclass(frozen=True)
class Dependencies:
    """What closing works with."""

    database: Database
    objects: ObjectStore
    bucket: str
    metrics: Metrics
    alerts: Alerts
    event_bus: EventBus
    now: Callable[[], datetime]


@dataclass(frozen=True)
class _Told:
    """A closed window with all that is told of it."""

    facts: WindowFacts
    findings: Findings
    history: list[PastWindow]

    @property
    def before(self) -> PastWindow | None:
        return self.history[-1] if self.history else None


def close(deps: Dependencies, key: Key, *, final_attempt: bool = False) -> Window:
    """Close a window, and settle who hears what of it.

    Raises ``Unfinished`` while checks have not ended, unless it is the last call: then what is missing is
    named, and alarms. A check that comes later closes the window anew; people hear of it when it is whole.
    """
    with deps.database.transaction() as cursor:
        evaluations.lock_window(cursor, key)
        window = _found(cursor, key)
        marks = evaluations.marks(cursor, key)
        if len(marks) < len(CHECKS) and window.status == "planned" and not final_attempt:
            raise Unfinished(f"{len(CHECKS) - len(marks)} checks of the window have not ended")
        missing = _missing(marks)
        if window.status == "planned" or (window.status == "incomplete" and missing != window.missing):
            _close(deps, cursor, window, missing)
    _settle(deps, key)
    with deps.database.transaction() as cursor:
        return _found(cursor, key)


def _missing(marks: Mapping[Check, Mark]) -> dict[Check, str]:
    """Every check without a result, and why."""
    return {
        check: marks[check].error or NO_RESULT if check in marks else NO_RESULT
        for check in CHECKS
        if check not in marks or marks[check].status == "failed"
    }


def _close(deps: Dependencies, cursor: Cursor, window: Window, missing: Mapping[Check, str]) -> None:
    """Write the report, put the numbers, and enter that the window is closed."""
    claims = profiles.claims_of_week(cursor, window.line, window.model_version, window.start.date())
    closed_at = deps.now()
    told = _told(cursor, window, claims, closed_at, missing)
    version = models.find_version(cursor, window.line, window.model_version)
    page = report_page(told.facts, told.findings, told.history, version.metrics if version else None)
    report = f"reports/{window.line}/{told.facts.window}/{window.model_version}.html"
    deps.objects.write(deps.bucket, report, [page.encode()])
    if evaluations.is_newest(cursor, window.key):
        # An old week that somebody has checked says nothing of how things are.
        deps.metrics.put(list(_measures(told, closed_at)))
    evaluations.close_window(
        cursor,
        window.key,
        closed_at=closed_at,
        claims=claims,
        report_uri=f"s3://{deps.bucket}/{report}",
        missing=missing,
    )


def _settle(deps: Dependencies, key: Key) -> None:
    """Tell people, then those who train: done first and remembered afterwards, twice rather than never."""
    with deps.database.transaction() as cursor:
        evaluations.lock_window(cursor, key)
        window = _found(cursor, key)
        if not window.told:
            told = _told_of(cursor, window)
            notify_window(deps.alerts, told.facts, told.findings, told.before, window.report_uri or "")
            evaluations.set_told(cursor, key)
    with deps.database.transaction() as cursor:
        evaluations.lock_window(cursor, key)
        window = _found(cursor, key)
        if not window.advised:
            told = _told_of(cursor, window)
            alarming = [
                (check, finding)
                for check, finding in changes(told.facts, told.findings, told.before).new
                if check in ADVISING
            ]
            if alarming and evaluations.is_newest(cursor, key):
                deps.event_bus.publish_event("RetrainingAdvised", _advice(window, alarming))
                evaluations.set_advised(cursor, key)


def _advice(window: Window, alarming: list[tuple[Check, Finding]]) -> dict[str, Any]:
    """The event: with ``why``, ``asked_by`` and ``training_id`` as one that asks for a training has them."""
    week = name_of(window.start.date())
    check, finding = alarming[0]
    more = f", and {len(alarming) - 1} more" if len(alarming) > 1 else ""
    named = f"{window.line} {week} {window.model_version}"
    return {
        "line": window.line,
        "window": week,
        "model_version": window.model_version,
        "report_uri": window.report_uri,
        "alarms": [
            {
                "check": check,
                "metric": finding.metric,
                "feature": finding.feature,
                "segment": finding.segment,
                "value": finding.value,
                "threshold": finding.threshold,
            }
            for check, finding in alarming[:MOST_ADVISED]
        ],
        "why": f"week {week}: {check.replace('_', ' ')}, {described(finding)}{more}",
        "asked_by": "the weekly check",
        "training_id": f"advised-{hashlib.sha256(named.encode()).hexdigest()[:40]}",
    }


def _measures(told: _Told, now: datetime) -> Iterator[Measure]:
    line = {"Line": told.facts.line}
    for check in CHECKS:
        found = told.findings.get(check, ())
        dimensions = line | {"Check": check}
        yield Measure("Alarms", sum(each.verdict == "alarm" for each in found), dimensions)
        yield Measure("Watches", sum(each.verdict == "watch" for each in found), dimensions)
    yield Measure("ChecksMissing", len(told.facts.missing), line)
    yield Measure("ClaimsChecked", told.facts.claims, line)
    yield Measure("WindowsClosed", 1, line, now)
    yield Measure("WindowsClosed", 1, line, now + AHEAD)


def _told_of(cursor: Cursor, window: Window) -> _Told:
    assert window.closed_at is not None
    return _told(cursor, window, window.claims or 0, window.closed_at, window.missing)


def _told(
    cursor: Cursor, window: Window, claims: int, closed_at: datetime, missing: Mapping[Check, str]
) -> _Told:
    before = evaluations.closed_before(cursor, window.key, MOST_WINDOWS)
    facts = WindowFacts(
        line=window.line,
        window=name_of(window.start.date()),
        start=window.start,
        end=window.end,
        model_version=window.model_version,
        closed_at=closed_at,
        claims=claims,
        challenger=window.challenger,
        missing=missing,
    )
    history = [
        PastWindow(
            name_of(past.start.date()),
            past.model_version,
            evaluations.findings(cursor, past.key),
            past.missing,
        )
        for past in reversed(before)
    ]
    return _Told(facts, evaluations.findings(cursor, window.key), history)


def _found(cursor: Cursor, key: Key) -> Window:
    window = evaluations.find_window(cursor, key)
    if window is None:
        raise LookupError(f"line {key.line} has no such window")
    return window
