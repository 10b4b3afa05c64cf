"""Closing a window: its report, metrics, digest, and the advice to train.

Each step is recorded, so after a crash or with a second message only the remaining steps are done.
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
from claimwatch.evaluation.checks.registry import SPEC_OF
from claimwatch.evaluation.notifications import notify_window
from claimwatch.evaluation.priorities import changes, described
from claimwatch.evaluation.report.page import MOST_WINDOWS, report_page
from claimwatch.evaluation.report_data import WindowResults, read_results
from claimwatch.evaluation.week_profiles import claims_of_week
from claimwatch.storage import contracts, evaluations, models, profiles
from claimwatch.storage.connection import Database
from claimwatch.storage.evaluations import Key, Mark, Window

NO_RESULT = "it has no result: its message was lost, or its function died at every attempt"

AHEAD = timedelta(minutes=110)
"""How far in the future the heartbeat of a closed window is put a second time; CloudWatch accepts two hours.

The alarm looks back seven days, the most that CloudWatch allows. Without the second heartbeat it would go off
shortly before the next weekly run.
"""

MOST_ADVISED = 50
"""Alarms that an event lists; EventBridge takes 256 KB."""


class Unfinished(ClaimwatchError):
    """Some checks of the window have not ended; the closing message has to be delivered again."""


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of `close`."""

    database: Database
    objects: ObjectStore
    bucket: str
    metrics: Metrics
    alerts: Alerts
    event_bus: EventBus
    now: Callable[[], datetime]


def close(deps: Dependencies, key: Key, *, final_attempt: bool = False) -> Window:
    """Close a window, send its digest, and advise training.

    Raises ``Unfinished`` while checks have not ended, except at the final attempt: then the window is closed
    as incomplete, with the missing checks, which alarms. A check that ends later closes the window again; a
    second digest is sent when no check is missing any more.
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
    _notify(deps, key)
    with deps.database.transaction() as cursor:
        return _found(cursor, key)


def _missing(marks: Mapping[Check, Mark]) -> dict[Check, str]:
    """Return every check without a result, with the reason."""
    return {
        check: marks[check].error or NO_RESULT if check in marks else NO_RESULT
        for check in CHECKS
        if check not in marks or marks[check].status == "failed"
    }


def _close(deps: Dependencies, cursor: Cursor, window: Window, missing: Mapping[Check, str]) -> None:
    """Write the report, put the metrics, and mark the window as closed."""
    claims = _claims(cursor, window)
    closed_at = deps.now()
    results = read_results(cursor, window, closed_at, claims=claims, missing=missing, most=MOST_WINDOWS)
    version = models.find_version(cursor, window.line, window.model_version)
    page = report_page(results, version.metrics if version else None)
    key = f"reports/{window.line}/{results.facts.window}/{window.model_version}.html"
    deps.objects.write(deps.bucket, key, [page.encode()])
    if evaluations.is_newest(cursor, window.key):
        # Metrics describe the present state, so an old week that is checked on request puts none.
        deps.metrics.put(list(_measures(results, closed_at)))
    evaluations.close_window(
        cursor,
        window.key,
        closed_at=closed_at,
        claims=claims,
        report_uri=f"s3://{deps.bucket}/{key}",
        missing=missing,
    )


def _claims(cursor: Cursor, window: Window) -> int:
    running = contracts.find_running(cursor, window.line)
    if running is None:  # no line loses its contract, but a window has to be closed in any case
        return profiles.rows_of_week(cursor, window.line, window.model_version, window.start.date())[0]
    return claims_of_week(cursor, running.contract, window.line, window.model_version, window.start.date())


def _notify(deps: Dependencies, key: Key) -> None:
    """Send the digest, then the advice to train, unless they were sent.

    Each is recorded after it was sent: a crash in between sends it twice, never not at all.
    """
    with deps.database.transaction() as cursor:
        evaluations.lock_window(cursor, key)
        window = _found(cursor, key)
        if not window.notified:
            results = _results(cursor, window)
            notify_window(
                deps.alerts, results.facts, results.findings, results.before, window.report_uri or ""
            )
            evaluations.set_notified(cursor, key)
    with deps.database.transaction() as cursor:
        evaluations.lock_window(cursor, key)
        window = _found(cursor, key)
        if not window.advised:
            results = _results(cursor, window)
            alarms = [
                (check, finding)
                for check, finding in changes(results.facts, results.findings, results.before).new
                if SPEC_OF[check].advises_retraining
            ]
            if alarms and evaluations.is_newest(cursor, key):
                deps.event_bus.publish_event("RetrainingAdvised", _advice(window, alarms))
                evaluations.set_advised(cursor, key)


def _advice(window: Window, alarms: list[tuple[Check, Finding]]) -> dict[str, Any]:
    """Return the event, with the ``why``, ``asked_by`` and ``training_id`` of a request to train."""
    week = name_of(window.start.date())
    check, finding = alarms[0]
    more = f", and {len(alarms) - 1} more" if len(alarms) > 1 else ""
    name = f"{window.line} {week} {window.model_version}"
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
            for check, finding in alarms[:MOST_ADVISED]
        ],
        "why": f"week {week}: {check.replace('_', ' ')}, {described(check, finding)}{more}",
        "asked_by": "the weekly check",
        "training_id": f"advised-{hashlib.sha256(name.encode()).hexdigest()[:40]}",
    }


def _measures(results: WindowResults, now: datetime) -> Iterator[Measure]:
    line = {"Line": results.facts.line}
    for check in CHECKS:
        verdicts = [finding.verdict for finding in results.findings.get(check, ())]
        yield Measure("Alarms", verdicts.count("alarm"), line | {"Check": check})
        yield Measure("Watches", verdicts.count("watch"), line | {"Check": check})
    missing = len(results.facts.missing)
    alarms = sum(finding.verdict == "alarm" for each in results.findings.values() for finding in each)
    yield Measure("ChecksMissing", missing, line)
    yield Measure("StandingAlarms", alarms + missing, line)
    yield Measure("ClaimsChecked", results.facts.claims, line)
    yield Measure("WindowsClosed", 1, line, now)
    yield Measure("WindowsClosed", 1, line, now + AHEAD)


def _results(cursor: Cursor, window: Window) -> WindowResults:
    """Read the results of a closed window, with the window before it."""
    assert window.closed_at is not None
    return read_results(
        cursor, window, window.closed_at, claims=window.claims or 0, missing=window.missing, most=1
    )


def _found(cursor: Cursor, key: Key) -> Window:
    window = evaluations.find_window(cursor, key)
    if window is None:
        raise LookupError(f"line {key.line} has no such window")
    return window
