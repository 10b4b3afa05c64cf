"""Results of a window, from which the report, the digest and the command line are made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.domain.evaluation.finding import Check, Finding, Verdict
from claimwatch.domain.evaluation.week import name_of
from claimwatch.evaluation.formatting import known
from claimwatch.storage import evaluations
from claimwatch.storage.evaluations import Window

type Findings = Mapping[Check, Sequence[Finding]]
"""Findings of each check, in the check's own order; a check that is not in it has no result."""

type Outcome = Verdict | Literal["missing"]
"""Verdict of a check as a whole; ``missing`` if it has no result."""


@dataclass(frozen=True)
class WindowFacts:
    """Facts of a closed window.

    ``window`` is its name (``2026-W30``), ``start`` and ``end`` are its bounds in UTC, the end excluded.
    ``claims`` counts the claims that the champion scored in it. ``missing`` maps each check without a result
    to the reason, a sentence. ``challenger`` is a model's version if one runs in shadow.
    """

    line: str
    window: str
    start: datetime
    end: datetime
    model_version: str
    closed_at: datetime
    claims: int
    challenger: str | None = None
    missing: Mapping[Check, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PastWindow:
    """An earlier closed window of the line, with its findings."""

    window: str
    model_version: str
    findings: Findings
    missing: Mapping[Check, str] = field(default_factory=dict)


@dataclass(frozen=True)
class WindowResults:
    """A closed window, its findings, and the windows before it, the oldest first."""

    facts: WindowFacts
    findings: Findings
    history: Sequence[PastWindow]

    @property
    def before(self) -> PastWindow | None:
        """The window before this one."""
        return self.history[-1] if self.history else None


def read_results(
    cursor: Cursor,
    window: Window,
    closed_at: datetime,
    *,
    claims: int,
    missing: Mapping[Check, str],
    most: int,
) -> WindowResults:
    """Read the findings of a window and of at most ``most`` closed windows before it."""
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
        for past in reversed(evaluations.closed_before(cursor, window.key, most))
    ]
    return WindowResults(facts, evaluations.findings(cursor, window.key), history)


def furthest_first(found: Sequence[Finding]) -> list[Finding]:
    """Sort findings by their distance beyond the bound, relative to the bound."""
    return sorted(found, key=lambda finding: -_beyond(finding))


def _beyond(finding: Finding) -> float:
    if not known(finding.value) or finding.threshold is None:
        return 0.0
    if not finding.threshold:
        return abs(finding.value)
    return abs(finding.value / finding.threshold - 1.0)
