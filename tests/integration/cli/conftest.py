"""A stack without AWS: files written to its buckets are processed at once, by the real use cases."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pytest
from typer.testing import CliRunner, Result

from claimwatch.aws.events import CreatedObject
from claimwatch.aws.objects import ObjectRef
from claimwatch.ingest import apply_contract, inspect, load
from claimwatch.ingest.commit import Dependencies as CommitDependencies
from claimwatch.ingest.commit import commit_file
from claimwatch.ingest.register import register
from claimwatch.ingest.replay import replay
from cli.main import app
from cli.stack import Stack
from local.filesystem_object_store import FilesystemObjectStore
from tests.cluster import ClonedDatabase, SilentAlerts

LANDING, ARTIFACTS = "landing", "artifacts"


class Emulation(FilesystemObjectStore):
    """Buckets whose events are processed before the write returns, and the pipeline that processes them."""

    def __init__(self, folder: Path, database: ClonedDatabase) -> None:
        super().__init__(folder)
        self._database = database
        self._alerts = SilentAlerts()

    def write(self, bucket: str, key: str, blocks: Iterable[bytes]) -> ObjectRef:
        ref = super().write(bucket, key, blocks)
        created = CreatedObject(ref, self.size(ref), ref.version_id, datetime.now(UTC))
        if bucket == LANDING:
            register(self._database.as_task("ingest"), self, self._alerts, self, created)
        elif key.startswith("contracts/"):
            database = self._database.as_task("contracts")
            deps = apply_contract.Dependencies(database, self, self._alerts, self._replay, lambda _: None)
            apply_contract.apply_contract(deps, created)
        return ref

    def start(self, _ref: ObjectRef, file_id: int, attempt: int) -> None:
        database = self._database.as_task("ingest")
        deps = inspect.Dependencies(database, self, self._alerts, ARTIFACTS)
        found = inspect.inspect(deps, file_id, attempt)
        if found["status"] != "ready":
            return
        for chunk in found["chunks"]:
            load.load_chunk(load.Dependencies(database, self, b"key"), file_id, attempt, chunk["number"])
        commit_file(CommitDependencies(database, self, self._alerts), file_id, attempt)

    def _replay(self, file_id: int) -> None:
        replay(self._database.as_task("replay"), self, file_id)


class Run(Protocol):
    """Runs the command line."""

    def __call__(self, *arguments: object) -> Result: ...


@pytest.fixture
def run(database: ClonedDatabase, tmp_path: Path) -> Run:
    buckets = Emulation(tmp_path / "buckets", database)
    stack = Stack(
        "the test's stack",
        database.as_task("read"),
        buckets,
        buckets,
        LANDING,
        ARTIFACTS,
        open_for_replays=lambda: database.as_task("replay"),
        open_for_protection=lambda: (database.as_task("contracts"), b"key"),
    )

    def invoke(*arguments: object) -> Result:
        words = [str(argument) for argument in arguments]
        return CliRunner().invoke(app, words, obj=lambda _: stack, catch_exceptions=False)

    return invoke


def answer(result: Result) -> Any:
    """The JSON document of a successful command."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)
