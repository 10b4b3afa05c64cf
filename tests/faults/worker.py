"""A worker process: runs steps of the pipeline as a function's environment does, and breaks on command.

Nothing of the code under test is patched but the sizes that make small files have many chunks, and what a
handler finds to work with. Faults sit at its borders: a connection class of psycopg2's, the object store, the
pipeline, the alerts and the decoder are given to it.
"""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

from claimwatch.aws.events import created_object
from claimwatch.aws.executions import execution_name
from claimwatch.aws.objects import ObjectRef
from claimwatch.domain.contract import odcs  # noqa: F401 - slow to import, so before workers are forked off
from claimwatch.ingest import commit, fail, inspect, load, register, replay, validation
from claimwatch.storage.connection import Database
from tests.cluster import database_at
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
from tests.faults.schedule import ARTIFACTS, PERSONAL_DATA_KEY
from tests.faults.scores.steps import Scores
from tests.faults.seed import Fault


@dataclass(frozen=True)
class Place:
    """Where a schedule's work is done."""

    url: str
    folder: Path
    chunk_bytes: int = 0


@dataclass(frozen=True)
class Job:
    """One invocation."""

    place: Place
    step: str
    arguments: dict[str, Any]
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Started:
    """An execution that somebody asks for; the caller answers with True."""

    name: str
    file_id: int
    attempt: int


@dataclass(frozen=True)
class Alerted:
    """A message to people."""

    subject: str
    message: str


@dataclass(frozen=True)
class Done:
    """What a step returned."""

    value: Any


class TellingPipeline:
    """Step Functions, played by the caller."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def start(self, ref: ObjectRef, file_id: int, attempt: int) -> None:
        """Ask the caller for an execution."""
        fail_as(trap.spring("start"))
        self._pipe.send(Started(execution_name(ref, attempt), file_id, attempt))
        self._pipe.recv()
        trap.spring("started")


class TellingAlerts:
    """The alert topic, played by the caller."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def publish(self, subject: str, message: str) -> None:
        """Tell the caller."""
        fail_as(trap.spring("alert"))
        self._pipe.send(Alerted(subject, message))
        trap.spring("alerted")


class Worker:
    """One execution environment: it keeps its connection from job to job."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._pipeline = TellingPipeline(pipe)
        self._alerts = TellingAlerts(pipe)
        self._url = ""
        self._database = database_at("")
        self._process_image = ProcessImage()
        self._scores = Scores(pipe, self._alerts)

    def serve(self) -> None:
        """Run jobs until the caller lets go."""
        while True:
            try:
                job: Job = self._pipe.recv()
            except EOFError:
                return
            trap.set(job.faults, job.place.url)
            answer: Done | Raised
            try:
                answer = Done(self._run(job))
            except Exception as error:  # noqa: BLE001 - whatever it is, Lambda reports it to its caller
                answer = Raised(type(error).__name__, str(error))
            trap.set((), "")
            self._pipe.send(answer)

    def _run(self, job: Job) -> Any:
        database, place = self._database_of(job.place), job.place
        if job.step == "process_image":
            return self._process_image.take(database, place.folder, place.url, **job.arguments)
        # A chunk ends where a block does, or later.
        objects = BreakingObjects(place.folder, min(READ, place.chunk_bytes // 3))
        inspect.CHUNK, inspect.BLOCK = place.chunk_bytes, place.chunk_bytes // 3
        validation.BLOCK = place.chunk_bytes // 2
        steps: dict[str, Callable[..., Any]] = {
            "register": lambda event: (
                register.register(database, self._pipeline, self._alerts, _created(event)).file_id
            ),
            "inspect": lambda **of: inspect.inspect(
                inspect.Dependencies(database, objects, self._alerts, ARTIFACTS), **of
            ),
            "load": lambda **of: load.load_chunk(
                load.Dependencies(database, objects, PERSONAL_DATA_KEY), **of
            ),
            "commit": lambda **of: commit.commit_file(commit.Dependencies(database, objects), **of),
            "fail": lambda **of: fail.record_failure(database, self._alerts, **of),
            "replay": lambda **of: replay.replay(database, self._pipeline, **of).attempt,
            **self._scores.steps(database, place.folder),
        }
        return steps[job.step](**job.arguments)

    def _database_of(self, place: Place) -> Database:
        if place.url != self._url:
            self._database.close()
            self._url = place.url
            self._database = database_at(
                place.url, connection_factory=BreakingConnection, cursor_factory=BreakingCursor
            )
        return self._database


def _created(event: dict[str, Any]) -> Any:
    created = created_object(event)
    assert created is not None
    return created


def work(pipe: Pipe, log: Path) -> None:
    """The process: it has one caller, at the other end of the pipe; what it prints goes to the log."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller ends it
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    trap.tell(pipe)
    Worker(pipe).serve()
