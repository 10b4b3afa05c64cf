"""What a closed window is told from: by the report, the digest and the command line alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from claimwatch.domain.evaluation.finding import Check, Finding

type Findings = Mapping[Check, Sequence[Finding]]
"""What each check found, in its own order; a check that is not in it has not run."""


@dataclass(frozen=True)
class WindowFacts:
    """A window that closes.

    ``window`` is its name (``2026-W30``), ``start`` and ``end`` are its bounds in UTC, the end not in it.
    ``claims`` are those scored in it by the champion. ``missing`` names each check without a result and says
    why, in a sentence. ``challenger`` is a model's version, where one runs in shadow.
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
    """An earlier window of the line that was closed, and what it found."""

    window: str
    model_version: str
    findings: Findings
    missing: Mapping[Check, str] = field(default_factory=dict)
