"""A worker process: runs steps of the pipeline as a function's environment does, and breaks on command.

Nothing of the code under test is patched but the sizes that make small files have many chunks. Faults sit at
its borders: a connection class of psycopg2's, the object store, the pipeline and the alerts are given to it.
"""

import os
import signal
import threading
import time
from collections.abc import Buffer, Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import IO, Any, cast

import psycopg2
from psycopg2.extensions import connection as PgConnection  # noqa: N812 - it is a class
from psycopg2.extensions import cursor as PgCursor  # noqa: N812 - it is a class

from claimwatch.aws.events import created_object
from claimwatch.aws.executions import execution_name
from claimwatch.aws.objects import ObjectRef
from claimwatch.domain import odcs  # noqa: F401 - slow to import, so before workers are forked off
from claimwatch.errors import TransientFault
from claimwatch.ingest import commit, fail, inspect, load, register, replay
from claimwatch.storage.connection import Database
from local.folder_objects import FolderObjects
from tests.cluster import database_at
from tests.faults.schedule import ARTIFACTS, PERSONAL_DATA_KEY, Fault

READ = 2_048
"""Bytes of a block that the object store hands on, so that a chunk takes several."""
SENT = 1_024
"""Bytes that COPY is given at a time."""


@dataclass(frozen=True)
class Place:
    """Where a schedule's work is done."""

    url: str
    folder: Path
    chunk_bytes: int


@dataclass(frozen=True)
class Job:
    """One invocation."""

    place: Place
    step: str
    arguments: dict[str, Any]
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Fired:
    """Told to the caller just before a fault strikes."""

    kind: str


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


@dataclass(frozen=True)
class Raised:
    """The error that a step ended with, as Lambda reports it."""

    error: str
    cause: str


class Trap:
    """The faults of the running job; counts how often each point is passed."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._faults: tuple[Fault, ...] = ()
        self._passed: dict[str, int] = {}
        self._url = ""

    def set(self, faults: tuple[Fault, ...], url: str) -> None:
        """Begin a job at the database of this URL."""
        self._faults, self._passed, self._url = faults, {}, url

    def spring(self, point: str, connection: PgConnection | None = None) -> str | None:
        """Pass a point: die, break the connection or wait here, or be told the kind of fault to act out."""
        passed = self._passed.get(point, 0)
        self._passed[point] = passed + 1
        for fault in self._faults:
            if (fault.point, fault.at) == (point, passed):
                self._pipe.send(Fired(fault.kind))
                return self._strike(fault.kind, connection)
        return None

    def _strike(self, kind: str, connection: PgConnection | None) -> str | None:
        match kind:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "stall" | "s3_slow":
                time.sleep(0.15)
            case "terminate" if connection is not None:
                terminate(self._url, connection.info.backend_pid)
            case "race" if connection is not None:
                # The backend is ended while it commits, or just before, or just behind.
                arguments = (self._url, connection.info.backend_pid)
                threading.Thread(target=terminate, args=arguments, daemon=True).start()
            case _:
                return kind
        return None


def terminate(url: str, backend: int) -> None:
    """End a backend, and wait until it is gone."""
    with suppress(psycopg2.OperationalError), closing(psycopg2.connect(url)) as other:
        other.autocommit = True
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 2000)", (backend,))


_trap: Trap


class BreakingConnection(PgConnection):
    """A connection that can break before and after its commits."""

    def commit(self) -> None:
        """Commit, unless."""
        _trap.spring("before_commit", self)
        super().commit()
        _trap.spring("after_commit", self)


class BreakingCursor(PgCursor):
    """A cursor whose COPY can break on its way."""

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        """COPY in small pieces."""
        super().copy_expert(sql, cast(Any, _InPieces(file, self.connection)), size)


class _InPieces:
    def __init__(self, file: IO[Any], connection: PgConnection) -> None:
        self._file, self._connection, self._begun = file, connection, False

    def read(self, size: int) -> str | Buffer:
        if self._begun:  # something of it is at the server by now
            _trap.spring("copy", self._connection)
        self._begun = True
        piece: str | Buffer = self._file.read(min(size, SENT))
        return piece


class BreakingObjects(FolderObjects):
    """The folder store on a bad day; S3's errors come as the adapter has them, as passing faults."""

    def read(self, ref: ObjectRef, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes, in small blocks."""
        whole = b"".join(super().read(ref, start, end))
        for at in range(0, len(whole), READ):
            _fail_as(_trap.spring("read"))
            yield whole[at : at + READ]

    def write(self, bucket: str, key: str, blocks: Iterable[bytes]) -> ObjectRef:
        """A new version, unless the writing breaks off."""

        def breaking() -> Iterator[bytes]:
            for block in blocks:
                yield block
                _fail_as(_trap.spring("write"))

        return super().write(bucket, key, breaking())


def _fail_as(kind: str | None) -> None:
    match kind:
        case "s3_500":
            raise TransientFault("S3 did not answer: 500 InternalError")
        case "s3_broken":
            raise TransientFault("reading broke off")
        case "throttle":
            raise TransientFault("the service did not answer: ThrottlingException")


class TellingPipeline:
    """Step Functions, played by the caller."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def start(self, ref: ObjectRef, file_id: int, attempt: int) -> None:
        """Ask the caller for an execution."""
        _fail_as(_trap.spring("start"))
        self._pipe.send(Started(execution_name(ref, attempt), file_id, attempt))
        self._pipe.recv()
        _trap.spring("started")


class TellingAlerts:
    """The alert topic, played by the caller."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def publish(self, subject: str, message: str) -> None:
        """Tell the caller."""
        _fail_as(_trap.spring("alert"))
        self._pipe.send(Alerted(subject, message))
        _trap.spring("alerted")


class Worker:
    """One execution environment: it keeps its connection from job to job."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._pipeline = TellingPipeline(pipe)
        self._alerts = TellingAlerts(pipe)
        self._url = ""
        self._database = database_at("")

    def serve(self) -> None:
        """Run jobs until the caller lets go."""
        while True:
            try:
                job: Job = self._pipe.recv()
            except EOFError:
                return
            _trap.set(job.faults, job.place.url)
            answer: Done | Raised
            try:
                answer = Done(self._run(job))
            except Exception as error:  # noqa: BLE001 - whatever it is, Lambda reports it to its caller
                answer = Raised(type(error).__name__, str(error))
            _trap.set((), "")
            self._pipe.send(answer)

    def _run(self, job: Job) -> Any:
        database, place = self._database_of(job.place), job.place
        objects = BreakingObjects(place.folder)
        inspect.CHUNK, inspect.BLOCK = place.chunk_bytes, place.chunk_bytes // 3
        load.BLOCK = place.chunk_bytes // 2
        steps: dict[str, Callable[..., Any]] = {
            "register": lambda event: (
                register.register(database, self._pipeline, self._alerts, _created(event)).file_id
            ),
            "inspect": lambda **of: inspect.inspect(
                inspect.Workplace(database, objects, self._alerts, ARTIFACTS), **of
            ),
            "load": lambda **of: load.load_chunk(load.Workplace(database, objects, PERSONAL_DATA_KEY), **of),
            "commit": lambda **of: commit.commit_file(commit.Workplace(database, objects), **of),
            "fail": lambda **of: fail.record_failure(database, self._alerts, **of),
            "replay": lambda **of: replay.replay(database, self._pipeline, **of).attempt,
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
    global _trap
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller ends it
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    _trap = Trap(pipe)
    Worker(pipe).serve()
