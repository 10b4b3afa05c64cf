"""The simulation of scoring and promoting: files are committed, models go live, claims are scored."""

from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.errors import TransientFault
from claimwatch.storage import models
from claimwatch.storage.models import NewVersion
from local.filesystem_object_store import FilesystemObjectStore
from tests.cluster import Cluster, apply_contract, database_at
from tests.faults.claims.schedule import ARTIFACTS, LANDING
from tests.faults.invariants import cursor_at
from tests.faults.s3_events import object_created
from tests.faults.scores.environment import LINE, ScoresEnvironment
from tests.faults.scores.invariants import Loaded, ScoresInvariants, ScoresWatcher
from tests.faults.scores.model import MODELS, Request, bundle
from tests.faults.scores.schedule import CALM_FROM_ROUND, REFUSED, GlassFile, ScoreSchedule
from tests.faults.scores.steps import POINTERS
from tests.faults.simulation import Simulation
from tests.faults.worker import Workspace
from tests.faults.workers import Hangs, Workers
from tests.integration.ingest.glass import GLASS
from tests.pointers import PointerFiles

ATTEMPTS = 10
"""Attempts to read the database, because faults also hit this connection."""

REGISTRY = """
    CREATE TABLE mlflow.model_version_tags (name text, version integer, key text, value text);
    CREATE TABLE mlflow.registered_model_aliases (
        alias text, version integer, name text, PRIMARY KEY (name, alias)
    );
"""
"""MLflow's tables of aliases."""

_FIRST_DAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


class ScoresSimulation(Simulation):
    """A few files of line glass and three models."""

    environment: ScoresEnvironment

    def __init__(self, seed: int, url: str, folder: Path, cluster: Cluster, workers: Workers) -> None:
        """Create line glass with its models and load the files up to their commit."""
        self._schedule, self._url = ScoreSchedule(seed), url
        self._pointers = PointerFiles(folder / POINTERS)
        _create_line(url, folder)
        self.watcher = ScoresWatcher(url)
        workspace = Workspace.of(cluster, url, folder, self._schedule.chunk_bytes)
        self.environment = ScoresEnvironment(self._schedule, cluster, workspace, workers)
        self._numbers = {
            file.label: self.environment.load(_event(folder, file, number))
            for number, file in enumerate(self._schedule.files)
        }
        with cursor_at(url) as cursor:
            cursor.execute("SELECT file_id, details -> 'chunks' FROM claimwatch.file")
            chunks = dict(cursor.fetchall())
        self._files = {
            number: Loaded(file.label, file.claims, [first_row for _, _, first_row in chunks[number]])
            for file in self._schedule.files
            for number in [self._numbers[file.label]]
        }

    def run_waves(self) -> None:
        """Run waves of requests, commits and backfills."""
        for wave in self._schedule.waves:
            for request in wave.requests:
                self.environment.request(request)
            for label in wave.commits:
                self.environment.commit(label, self._numbers[label])
            for request_id in wave.backfills:
                self.environment.score_all(request_id)
            self.environment.settle()
            self._unscored()

    def repair(self, round_number: int) -> bool:
        """Promote a first model if there is none, and score waiting claims."""
        self.environment.round_number = round_number
        waiting, champion = self._unscored()
        if not champion:
            self.environment.promote(Request("the first that lasts", MODELS[0].version), CALM_FROM_ROUND)
        elif waiting:
            self.environment.score_all(f"round {round_number}")
        return bool(waiting or not champion)

    def finish(self) -> None:
        """Score everything with the live models; claims with a score are not scored again."""
        self.environment.round_number = CALM_FROM_ROUND
        self.environment.score_all("the last")
        self.environment.settle()

    def invariants(self, cursor: Cursor) -> ScoresInvariants:
        """Return the invariants of the history, scores and profiles."""
        published = self._pointers.read(LINE)
        return ScoresInvariants(cursor, self._files, self.environment.notes, published)

    def _unscored(self) -> tuple[list[int], bool]:
        """Return the files without all scores when nothing runs, and whether there is a champion.

        A claim without a score that no alert reported is lost to people, so it is noted as a bug.
        """
        waiting, champion = self._read_unscored()
        notes = self.environment.notes
        for file_id in waiting:
            if not notes.reported(file_id, champion):
                notes.bugs.append(f"file {file_id} has claims without a score, but no alert was sent")
        return waiting, champion

    def _read_unscored(self) -> tuple[list[int], bool]:
        with closing(database_at(self._url)) as database:
            for _ in range(ATTEMPTS):
                with suppress(TransientFault), database.transaction() as cursor:
                    cursor.execute("SELECT file_id FROM claimwatch.unscored_file")
                    waiting = [file_id for (file_id,) in cursor.fetchall()]
                    cursor.execute("SELECT FROM claimwatch.live_model WHERE role = 'champion'")
                    return waiting, bool(cursor.rowcount)
        raise Hangs("the database does not come back")


def _create_line(url: str, folder: Path) -> None:
    """Create line glass with its models, one of them refused, and register them in MLflow."""
    objects = FilesystemObjectStore(folder)
    with closing(database_at(url)) as database:
        assert apply_contract(database, LINE, GLASS, objects) == "applied"
        with database.transaction() as cursor:
            cursor.execute(REGISTRY)
            for model in MODELS:
                files, sha256 = bundle(model)
                for name, content in files.items():
                    objects.write(ARTIFACTS, f"models/{LINE}/{model.version}/{name}", [content])
                models.add_version(cursor, _version(model.version, sha256))
                cursor.execute(
                    "INSERT INTO mlflow.model_version_tags VALUES (%s, %s, 'version', %s)",
                    (LINE, 10 + int(model.version), model.version),
                )
            models.add_version(cursor, _version(REFUSED, "0" * 64, refused_because="it is worse"))
            models.grant_registry(cursor)


def _version(version: str, sha256: str, **other: Any) -> NewVersion:
    return NewVersion(
        line=LINE,
        version=version,
        metrics={},
        data_sha256="d" * 64,
        code_version="test",
        contract_version="1.0.0",
        bundle_uri=f"s3://{ARTIFACTS}/models/{LINE}/{version}/",
        bundle_sha256=sha256,
        **other,
    )


def _event(folder: Path, file: GlassFile, number: int) -> dict[str, Any]:
    data = file.text.encode()
    ref = FilesystemObjectStore(folder).write(LANDING, f"claims/{LINE}/{file.label}.csv", [data])
    return object_created(ref, len(data), _FIRST_DAY + timedelta(hours=number), f"00A{number}")
