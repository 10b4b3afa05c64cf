"""What is left to score: the chunks of a committed file, or of all stored files of a line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self

from claimwatch.aws.alerts import Alerts
from claimwatch.aws.event_fields import Fields
from claimwatch.errors import RefusedData
from claimwatch.scoring.notifications import notify_without_champion
from claimwatch.storage import ledger, models, scores
from claimwatch.storage.connection import Database

CHUNKS_AT_A_TIME = 150
"""Most chunks in a plan. An execution scores one plan, and starts another one if chunks are left.

Step Functions ends an execution after 25,000 events; each chunk takes up to 67, if every retry is needed.
"""


@dataclass(frozen=True)
class ChunkToScore:
    """Input of the task that scores a chunk: its file, and its number in the file."""

    file_id: int
    number: int

    @classmethod
    def parse(cls, event: object) -> Self:
        """Parse the input of the task; raises ``MalformedEvent``."""
        fields = Fields(event, "chunk to score")
        return cls(fields.integer("file_id"), fields.integer("number"))


@dataclass(frozen=True)
class ScoringPlan:
    """The chunks that live models have not scored: some (``ready``), none (``done``), or no champion."""

    line: str
    status: Literal["ready", "done", "without_champion"]
    units: Sequence[ChunkToScore] = ()
    file_id: int | None = None

    def to_event(self) -> dict[str, Any]:
        """Return the output of the task, which the state machine reads."""
        return {
            "line": self.line,
            "file_id": self.file_id,
            "status": self.status,
            "units": [vars(unit) for unit in self.units],
        }


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of ``plan_file`` and ``plan_line``."""

    database: Database
    alerts: Alerts


def plan_file(deps: Dependencies, file_id: int) -> ScoringPlan:
    """Plan the scoring of a file."""
    with deps.database.transaction() as cursor:
        file = ledger.get(cursor, file_id)
    if file.line is None:
        raise RefusedData(f"file {file_id} belongs to no line")
    return _plan(deps, file.line, file_id=file_id)


def plan_line(
    deps: Dependencies, line: str, since: datetime | None = None, *, only_unscored: bool = False
) -> ScoringPlan:
    """Plan the scoring of the line's files received since a time.

    With ``only_unscored`` the plan has only chunks that no champion has scored.
    """
    return _plan(deps, line, since=since, only_unscored=only_unscored)


def _plan(deps: Dependencies, line: str, file_id: int | None = None, **selection: Any) -> ScoringPlan:
    with deps.database.transaction() as cursor:
        live = models.live_models(cursor, line)
        chunks = (
            scores.chunks_to_score(cursor, line, limit=CHUNKS_AT_A_TIME, file_id=file_id, **selection)
            if live
            else []
        )
    if "champion" not in live:
        notify_without_champion(deps.database, deps.alerts, line)
        return ScoringPlan(line, "without_champion", file_id=file_id)
    if not chunks:
        return ScoringPlan(line, "done", file_id=file_id)
    with deps.database.transaction() as cursor:
        scores.index_new_rows(cursor, line)
    return ScoringPlan(line, "ready", [ChunkToScore(*chunk) for chunk in chunks], file_id)
