"""The steps of scoring and promoting in a worker, with dependencies that inject faults."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import onnxruntime  # noqa: F401 - slow to import, so import it before workers fork

from claimwatch.aws.alerts import Alerts
from claimwatch.models import promote
from claimwatch.scoring import bundle_store, plan_scoring, score_rows, score_stream
from claimwatch.scoring.live_models import ModelCache
from claimwatch.scoring.notifications import notify_unscored_file, notify_unscored_line
from claimwatch.storage.connection import Database
from claimwatch.storage.models import Role
from tests.faults.fault_injection import BreakingObjects, BreakingPointers, fail_as, trap

BLOCK = 7
"""Claims scored at a time; a chunk takes several blocks."""
POINTERS = "pointers"
"""The folder of the published champions."""
CHUNKS_AT_A_TIME = 3
"""Chunks planned at a time; a backfill plans several times."""


@dataclass(frozen=True)
class BackfillRequested:
    """A request to start an execution of the backfill; the caller answers with True."""

    request_id: str
    line: str
    since: datetime | None
    only_unscored: bool


class RemoteBackfill:
    """Step Functions, simulated by the caller."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def start(
        self, line: str, request_id: str, *, since: datetime | None = None, only_unscored: bool = False
    ) -> str:
        """Request an execution from the caller."""
        fail_as(trap.spring("start"))
        self._pipe.send(BackfillRequested(request_id, line, since, only_unscored))
        self._pipe.recv()
        trap.spring("started")
        return request_id


class Scores:
    """An execution environment, which keeps its models from job to job within one schedule."""

    def __init__(self, pipe: Pipe, alerts: Alerts) -> None:
        self._backfill = RemoteBackfill(pipe)
        self._alerts = alerts
        self._folder: Path | None = None
        self._models = ModelCache()

    def steps(self, database: Database, folder: Path) -> dict[str, Callable[..., Any]]:
        """Return the steps by name."""
        if folder != self._folder:
            self._folder, self._models = folder, ModelCache()
        objects, alerts = BreakingObjects(folder), self._alerts
        score_stream.BLOCK, plan_scoring.CHUNKS_AT_A_TIME = BLOCK, CHUNKS_AT_A_TIME
        planning = plan_scoring.Dependencies(database, alerts)
        scoring = score_rows.Dependencies(
            database, alerts, lambda live: self._models.get(objects, live), code_version="test"
        )
        promoting = promote.Dependencies(
            database,
            lambda uri, sha256: bundle_store.columns_of(objects, uri, sha256),
            self._backfill,
            BreakingPointers(folder / POINTERS),
        )

        def change(request_id: str, line: str, version: str | None, role: Role) -> promote.Promoted:
            request = promote.Request(request_id, f"by {request_id}", f"because of {request_id}", "the test")
            if version is None:
                return promote.rollback(promoting, request, line)
            return promote.promote(promoting, request, line, version, role)

        return {
            "plan_scoring": lambda **of: (
                plan_scoring.plan_file(planning, **of)
                if "file_id" in of
                else plan_scoring.plan_line(planning, **of)
            ).to_event(),
            "score_chunk": lambda **of: score_rows.score_chunk(scoring, **of).claims,
            "record_unscored": lambda error, **of: (
                notify_unscored_file(database, alerts, of["file_id"], error)
                if "file_id" in of
                else notify_unscored_line(alerts, of["line"], None, error)
            ),
            "change": change,
        }
