"""One check of a window, once; whoever ends the last one closes the window."""

import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, Self, cast

from claimwatch.domain.evaluation.finding import CHECKS, Check, Finding
from claimwatch.domain.evaluation.week import monday_of, start_of
from claimwatch.errors import ClaimwatchError, TransientFault
from claimwatch.evaluation.close import Dependencies as Closing
from claimwatch.evaluation.close import Unfinished, close
from claimwatch.storage import evaluations
from claimwatch.storage.connection import Database
from claimwatch.storage.evaluations import Key, Window

LAST_ATTEMPT = 5
"""How often a message comes before it is a dead letter: the queue's maxReceiveCount."""


@dataclass(frozen=True)
class Task:
    """What a message asks for: a check of a window, or without one that the window be closed."""

    key: Key
    check: Check | None

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Self:
        """Read a message; raises ``ValueError`` for one that is none of ours."""
        try:
            key = Key(message["line"], start_of(monday_of(message["window"])), message["model_version"])
            check = message.get("check")
            if check is None and message.get("close") is not True:
                raise ValueError("it asks for nothing")
            if check is not None and check not in CHECKS:
                raise ValueError("it asks for a check that is not known")
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"this is no task: {error}") from None
        return cls(key, cast("Check | None", check))


@dataclass(frozen=True)
class Dependencies:
    """What checks are run with."""

    database: Database
    checks: Mapping[Check, Callable[[Window], list[Finding]]]
    closing: Closing


@dataclass(frozen=True)
class Ended:
    """What became of a task; ``error`` and ``where`` say why a check failed."""

    status: Literal["done", "failed", "ended before", "closed", "waits", "unknown window"]
    findings: int = 0
    seconds: float = 0.0
    error: str | None = None
    where: str | None = None


def run_task(deps: Dependencies, task: Task, attempt: int = 1) -> Ended:
    """Do what a message asks for; ``attempt`` counts how often it has come.

    Raises ``TransientFault`` and ``Unfinished`` where it is to come again.
    """
    with deps.database.transaction() as cursor:
        window = evaluations.find_window(cursor, task.key)
    if window is None:
        return Ended("unknown window")
    if task.check is None:
        close(deps.closing, task.key, final_attempt=attempt >= LAST_ATTEMPT)
        return Ended("closed")
    ended = _run(deps, window, task.check, attempt)
    with suppress(Unfinished):  # others go on; the last of them closes it
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
    except Exception as error:  # noqa: BLE001 - a bug in one check must not keep the others from being told
        failed = Ended("failed", error=_nameless(error), where=_where(error))
    with deps.database.transaction() as cursor:
        evaluations.lock_window(cursor, window.key)
        evaluations.mark_failed(cursor, window.key, check, failed.error or "")
    return failed


def _nameless(error: Exception) -> str:
    """What happened, without what a message of somebody else's may quote."""
    said = f": {error}" if isinstance(error, ClaimwatchError) else "; the logs of RunCheck say where"
    return f"it failed with {type(error).__name__}{said}"


def _where(error: Exception) -> str | None:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else None
