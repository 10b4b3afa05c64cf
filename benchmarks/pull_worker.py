"""A process that pulls a source with the steps of the state machine, like a function's warm environment.

Run as ``python -m benchmarks.pull_worker URL FOLDER [ENDPOINT]``: objects go into the folder, or to S3
at the endpoint. This module imports nothing that the functions would not import, because its memory is
measured.
"""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import boto3

from benchmarks.null_services import NullServices
from benchmarks.worker import PERSONAL_DATA_KEY, serve
from claimwatch.aws.objects import S3Objects
from claimwatch.aws.pull_events import PullRequest, WindowRef
from claimwatch.domain.sources.parse import parse_source
from claimwatch.domain.sources.source import Source
from claimwatch.sources import commit_window, extract_window, plan_pull
from claimwatch.sources.open_reader import open_reader
from claimwatch.sources.reader import FileReader, TableReader
from claimwatch.storage import sources
from claimwatch.storage.connection import Database
from claimwatch.storage.sources import Submission
from local.filesystem_object_store import FilesystemObjectStore

NAME, BUCKET = "policies", "landing"


class Pull:
    """Defines the source and runs executions that pull it."""

    def __init__(self, database: Database, folder: Path, endpoint: str | None) -> None:
        objects = S3Objects(_client(endpoint)) if endpoint else FilesystemObjectStore(folder)
        alerts = NullServices()
        self._database = database
        self._secret: dict[str, Any] = {}
        self._planning = plan_pull.Dependencies(database, alerts, self._open)
        self._extracting = extract_window.Dependencies(
            database, objects, BUCKET, self._open, lambda: PERSONAL_DATA_KEY
        )
        self._committing = commit_window.Dependencies(database, objects, alerts, BUCKET)
        self._executions = 0

    def open(self, secret: dict[str, Any]) -> None:
        """Take the secret of the source, which is not passed as an argument that other processes can see."""
        self._secret = secret

    def _open(self, source: Source) -> TableReader | FileReader:
        return open_reader(source, self._secret)

    def define(self, text: str) -> None:
        """Store the source, which begins again with all rows."""
        source, now = parse_source(text, NAME), datetime.now(UTC)
        submission = Submission(NAME, "artifacts", f"sources/{NAME}.yaml", "1", now, "", text)
        with self._database.transaction() as cursor:
            sources.apply(cursor, submission, source, now)
            sources.begin_again(cursor, NAME, now)

    def pull(self) -> dict[str, Any]:
        """Pull the source to its end; return rows, bytes and windows."""
        self._executions += 1
        request = PullRequest(NAME, f"execution-{datetime.now(UTC).timestamp()}-{self._executions}")
        rows = size = windows = 0
        while True:
            plan = plan_pull.plan_pull(self._planning, request)
            if plan.status != "extract":
                break
            ref = WindowRef(plan.source, plan.number, plan.generation)
            extracted = extract_window.extract_window(self._extracting, ref, lambda: 900.0)
            rows += extracted.rows_pulled or 0
            size += extracted.object_bytes
            windows += 1
            if not commit_window.commit_window(self._committing, ref).more:
                break
        return {"rows": rows, "bytes": size, "windows": windows, "status": plan.status}


def _client(endpoint: str) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="eu-central-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - the stand-in checks no signature
    )


def _steps(database: Database, folder: Path, endpoint: str | None) -> dict[str, Callable[..., Any]]:
    pull = Pull(database, folder, endpoint)
    return {"open": pull.open, "define": pull.define, "pull": pull.pull}


if __name__ == "__main__":
    url, objects, *endpoint = sys.argv[1:]
    serve(url, partial(_steps, folder=Path(objects), endpoint=endpoint[0] if endpoint else None))
