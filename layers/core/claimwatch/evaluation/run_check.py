"""One check of a window, run once; the last check that ends closes the window."""

import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from claimwatch.domain.evaluation.finding import Check, Finding
from claimwatch.errors import ClaimwatchError, TransientFault
from claimwatch.evaluation.close import Dependencies as Closing
from claimwatch.evaluation.close import Unfinished, close
from claimwatch.evaluation.plan import Task
from claimwatch.storage import evaluations
from claimwatch.storage.connection import Database
from claimwatch.storage.evaluations import Window

LAST_ATTEMPT = 5
"""Deliveries of a message before it goes to the dead-letter queue: the queue's maxReceiveCount."""


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of `run_task`."""

    database: Database
    checks: Mapping[Check, Callable[[Window], list[Finding]]]
    closing: Closing


@dataclass(frozen=True)
class Ended:
    """Result of a task; ``error`` and ``where`` are the reason and the place of a failure."""

    status: Literal["done", "failed", "ended before", "closed", "waits", "unknown window"]
    findings: int = 0
    seconds: float = 0.0
    error: str | None = None
    where: str | None = None


def run_task(deps: Dependencies, task: Task, attempt: int = 1) -> Ended:
    """Run a task; ``attempt`` counts the deliveries of its message.

    Raises ``TransientFault`` or ``Unfinished`` if the message has to be delivered again.
    """
    with deps.database.transaction() as cursor:
        window = evaluations.find_window(cursor, task.key)
    if window is None:
        return Ended("unknown window")
    if task.check is None:
        close(deps.closing, task.key, final_attempt=attempt >= LAST_ATTEMPT)
        return Ended("closed")
    ended = _run(deps, window, task.check, attempt)
    with suppress(Unfinished):  # the last check that ends closes the window
        close(deps.closing, task.key)
    return ended


def _run(deps: Dependencies, window: Window, check: Check, attempt: int) -> Ended:
    with deps.database.transaction() as cursor:
        if check in evaluations.marks(cursor, window.key):
            return Ended("ended before")
    begun = time.monotonic()
    try:
        findings = deps.checks[check](window)
        seconds = time.monotonic() - begun
        with deps.database.transaction() as cursor:
            evaluations.lock_window(cursor, window.key)
            mark = evaluations.marks(cursor, window.key).get(check)
            if mark is not None and mark.status == "done":
                return Ended("ended before")
            evaluations.mark_done(cursor, window, check, findings, seconds)
        return Ended("done", len(findings), seconds)
    except TransientFault as fault:
        if attempt < LAST_ATTEMPT:
            raise
        failed = Ended("failed", error=f"it failed {attempt} times: {fault}")
    except Exception as error:  # noqa: BLE001 - a bug in one check must not stop the others
        failed = Ended("failed", error=_redacted(error), where=_where(error))
    with deps.database.transaction() as cursor:
        evaluations.lock_window(cursor, window.key)
        evaluations.mark_failed(cursor, window.key, check, failed.error or "")
    return failed


def _redacted(error: Exception) -> str:
    """Return what happened, without the message of a third-party error: it may quote a claim."""
    details = f": {error}" if isinstance(error, ClaimwatchError) else "; see the logs of RunCheck"
    return f"it failed with {type(error).__name__}{details}"


def _where(error: Exception) -> str | None:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else None
