"""A worker process: runs steps as the execution environment of a function does, and fails on command.

Only sizes of the code under test are patched, so that small files have many chunks, and the dependencies of a
handler. Faults are injected through its dependencies: psycopg2's connection class, the object store, the
pipeline, the alerts and the decoder.
"""

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from claimwatch import observability  # noqa: F401 - errors that C code prints have no message, as on Lambda
from claimwatch.aws.events import CreatedObject, parse_object_event
from claimwatch.aws.executions import execution_name
from claimwatch.aws.objects import ObjectRef
from claimwatch.domain.contract import odcs  # noqa: F401 - slow to import, so import it before workers fork
from claimwatch.ingest import commit, fail, inspect, load, register, replay, validation
from claimwatch.storage.connection import Database
from tests.cluster import Cluster, database_at
from tests.faults.claims.schedule import ARTIFACTS, PERSONAL_DATA_KEY
from tests.faults.fault_injection import (
    READ,
    BreakingConnection,
    BreakingCursor,
    BreakingObjects,
    Raised,
    fail_as,
    trap,
)
from tests.faults.photos.function import ProcessImage
from tests.faults.publications.function import PublishDecisions
from tests.faults.pulls.function import Pulls
from tests.faults.requests.function import record_scores
from tests.faults.scores.steps import Scores
from tests.faults.seed import Fault

TASKS = {
    "replay": "replay",
    "process_image": "photos",
    "plan_scoring": "scoring",
    "score_chunk": "scoring",
    "record_unscored": "scoring",
    "change": "promotion",
    "record_scores": "record",
    "publish_decisions": "decisions",
    "plan_pull": "sources",
    "extract_window": "sources",
    "commit_window": "sources",
    "record_pull_failure": "sources",
}
"""The tasks of the steps; all other steps load files."""


@dataclass(frozen=True)
class Workspace:
    """The database of a schedule, by task and for the superuser, and its folder."""

    urls: Mapping[str, str]
    superuser_url: str
    folder: Path
    chunk_bytes: int = 0

    @classmethod
    def of(cls, cluster: Cluster, url: str, folder: Path, chunk_bytes: int = 0) -> "Workspace":
        """Return the workspace of a clone."""
        superuser = urlsplit(cluster.server.superuser_url)._replace(path=urlsplit(url).path).geturl()
        return cls(cluster.database(url).urls, superuser, folder, chunk_bytes)


@dataclass(frozen=True)
class Job:
    """One invocation."""

    workspace: Workspace
    step: str
    arguments: dict[str, Any]
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class ExecutionRequested:
    """A request to start an execution of the claims pipeline; the caller answers with True."""

    name: str
    file_id: int
    attempt: int


@dataclass(frozen=True)
class Alerted:
    """An alert to people."""

    subject: str
    message: str


@dataclass(frozen=True)
class Done:
    """The return value of a step."""

    value: Any


class RemotePipeline:
    """Step Functions, simulated by the caller."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def start(self, ref: ObjectRef, file_id: int, attempt: int) -> None:
        """Request an execution from the caller."""
        fail_as(trap.spring("start"))
        self._pipe.send(ExecutionRequested(execution_name(ref, attempt), file_id, attempt))
        self._pipe.recv()
        trap.spring("started")


class RemoteAlerts:
    """The alert topic, simulated by the caller."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def publish(self, subject: str, message: str) -> None:
        """Send the alert to the caller."""
        fail_as(trap.spring("alert"))
        self._pipe.send(Alerted(subject, message))
        trap.spring("alerted")


class Worker:
    """An execution environment, which keeps its connection from job to job."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._pipeline = RemotePipeline(pipe)
        self._alerts = RemoteAlerts(pipe)
        self._urls: Mapping[str, str] = {}
        self._databases: dict[str, Database] = {}
        self._process_image = ProcessImage()
        self._publish_decisions = PublishDecisions(pipe)
        self._scores = Scores(pipe, self._alerts)
        self._pulls = Pulls(self._alerts)

    def serve(self) -> None:
        """Run jobs until the caller closes the pipe."""
        while True:
            try:
                job: Job = self._pipe.recv()
            except EOFError:
                return
            trap.set(job.faults, job.workspace.superuser_url)
            answer: Done | Raised
            try:
                answer = Done(self._run(job))
            except Exception as error:  # noqa: BLE001 - Lambda reports every error to its caller
                answer = Raised(type(error).__name__, str(error))
            trap.set((), "")
            self._pipe.send(answer)

    def _run(self, job: Job) -> Any:
        workspace, task = job.workspace, TASKS.get(job.step, "ingest")
        database = self._database_of(workspace, task)
        if job.step == "process_image":
            return self._process_image.run(
                database, workspace.folder, workspace.superuser_url, **job.arguments
            )
        if job.step == "record_scores":
            return record_scores(database, workspace.superuser_url, **job.arguments)
        if job.step == "publish_decisions":
            return self._publish_decisions.run(
                database, workspace.folder, workspace.superuser_url, **job.arguments
            )
        # A chunk ends at the end of a block or later.
        objects = BreakingObjects(workspace.folder, min(READ, workspace.chunk_bytes // 3))
        inspect.CHUNK, inspect.BLOCK = workspace.chunk_bytes, workspace.chunk_bytes // 3
        validation.BLOCK = workspace.chunk_bytes // 2
        steps: dict[str, Callable[..., Any]] = {
            "register": lambda event: (
                register.register(database, self._pipeline, self._alerts, objects, _created(event)).file_id
            ),
            "inspect": lambda **of: inspect.inspect(
                inspect.Dependencies(database, objects, self._alerts, ARTIFACTS), **of
            ),
            "load": lambda **of: load.load_chunk(
                load.Dependencies(database, objects, PERSONAL_DATA_KEY), **of
            ),
            "commit": lambda **of: commit.commit_file(
                commit.Dependencies(database, objects, self._alerts), **of
            ),
            "fail": lambda **of: fail.record_failure(database, self._alerts, **of),
            "replay": lambda **of: replay.replay(database, self._pipeline, **of).attempt,
            **self._scores.steps(database, workspace.folder),
            **self._pulls.steps(database, workspace.folder),
        }
        return steps[job.step](**job.arguments)

    def _database_of(self, workspace: Workspace, task: str) -> Database:
        if workspace.urls != self._urls:
            for opened in self._databases.values():
                opened.close()
            self._urls, self._databases = workspace.urls, {}
        if task not in self._databases:
            self._databases[task] = database_at(
                workspace.urls[task], connection_factory=BreakingConnection, cursor_factory=BreakingCursor
            )
        return self._databases[task]


def _created(event: dict[str, Any]) -> Any:
    created = parse_object_event(event)
    assert isinstance(created, CreatedObject)
    return created


def work(pipe: Pipe, log: Path) -> None:
    """Serve the caller at the other end of the pipe; output goes to the log."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller ends it
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    trap.report_to(pipe)
    Worker(pipe).serve()
