"""Dependencies of the code under test that inject faults.

Nothing is patched: a connection class of psycopg2 and the object store pass points at which a fault of the
running job may strike.
"""

import os
import signal
import time
from collections.abc import Buffer, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from threading import Thread, Timer
from typing import IO, Any, cast

import psycopg2
from psycopg2.extensions import connection as PgConnection  # noqa: N812 - it is a class
from psycopg2.extensions import cursor as PgCursor  # noqa: N812 - it is a class

from claimwatch.aws.objects import ObjectRef
from claimwatch.aws.published import Pointer
from claimwatch.errors import TransientFault
from local.filesystem_object_store import FilesystemObjectStore
from tests.faults.seed import Fault
from tests.pointers import PointerFiles

READ = 2_048
"""Bytes of a block that the object store returns; a chunk takes several."""
SENT = 1_024
"""Bytes that COPY reads at a time."""


@dataclass(frozen=True)
class Fired:
    """Sent to the caller just before a fault strikes."""

    kind: str


@dataclass(frozen=True)
class Raised:
    """The error of a step, as Lambda reports it."""

    error: str
    cause: str


class Trap:
    """The faults of the running job, with the number of times that each point was passed."""

    def __init__(self) -> None:
        self._pipe: Pipe | None = None
        self._faults: tuple[Fault, ...] = ()
        self._passed: dict[str, int] = {}
        self._url = ""

    def report_to(self, pipe: Pipe) -> None:
        """Report faults that strike to the other end of a pipe."""
        self._pipe = pipe

    def set(self, faults: tuple[Fault, ...], url: str) -> None:
        """Set the faults of a job that uses the database at this URL."""
        self._faults, self._passed, self._url = faults, {}, url

    def spring(self, point: str, connection: PgConnection | None = None) -> Fault | None:
        """Pass a point, where a fault may strike; return a fault that the caller must act out."""
        passed = self._passed.get(point, 0)
        self._passed[point] = passed + 1
        for fault in self._faults:
            if (fault.point, fault.at) == (point, passed):
                assert self._pipe is not None
                self._pipe.send(Fired(fault.kind))
                return self._strike(fault, connection)
        return None

    def _strike(self, fault: Fault, connection: PgConnection | None) -> Fault | None:
        match fault.kind:
            case "kill":
                _die()
            case "kill_soon":
                Timer(fault.delay, _die).start()
            case "stall" | "s3_slow":
                time.sleep(0.15)
            case "terminate" if connection is not None:
                terminate(self._url, connection.info.backend_pid)
            case "race" if connection is not None:
                # Terminates the backend during the commit, just before or just after it.
                arguments = (self._url, connection.info.backend_pid)
                Thread(target=terminate, args=arguments, daemon=True).start()
            case _:
                return fault
        return None


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def terminate(url: str, backend: int) -> None:
    """Terminate a backend and wait until it is gone."""
    with suppress(psycopg2.OperationalError), closing(psycopg2.connect(url)) as other:
        other.autocommit = True
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 2000)", (backend,))


trap = Trap()


class BreakingConnection(PgConnection):
    """A connection that can break before and after each commit."""

    def commit(self) -> None:
        """Commit, unless a fault strikes."""
        trap.spring("before_commit", self)
        super().commit()
        trap.spring("after_commit", self)


class BreakingCursor(PgCursor):
    """A cursor that can break after each statement and during COPY."""

    def execute(self, query: Any, variables: Any = None) -> None:
        """Execute a statement; a fault may strike afterwards."""
        super().execute(query, variables)
        trap.spring("statement", self.connection)

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        """Run COPY in small pieces."""
        super().copy_expert(sql, cast(Any, _InPieces(file, self.connection)), size)


class _InPieces:
    def __init__(self, file: IO[Any], connection: PgConnection) -> None:
        self._file, self._connection, self._begun = file, connection, False

    def read(self, size: int) -> str | Buffer:
        if self._begun:  # the server has received a piece
            trap.spring("copy", self._connection)
        self._begun = True
        piece: str | Buffer = self._file.read(min(size, SENT))
        return piece

    def write(self, data: bytes) -> None:
        trap.spring("copied", self._connection)  # the server has sent a piece
        self._file.write(data)


class BreakingObjects(FilesystemObjectStore):
    """A filesystem store that can fail; like the S3 adapter, it raises TransientFault."""

    def __init__(self, folder: Path, block: int = READ) -> None:
        super().__init__(folder)
        self._block = block

    def read(self, ref: ObjectRef, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes in small blocks."""
        whole = b"".join(super().read(ref, start, end))
        for at in range(0, len(whole), self._block):
            fail_as(trap.spring("read"))
            yield whole[at : at + self._block]

    def newest(self, bucket: str, key: str) -> bytes:
        """Return all bytes, or, if that fault strikes, different bytes than were written."""
        content = super().newest(bucket, key)
        fault = trap.spring("read")
        fail_as(fault)
        return content[:-1] + b"?" if fault is not None and fault.kind == "other_bytes" else content

    def write(self, bucket: str, key: str, blocks: Iterable[bytes]) -> ObjectRef:
        """Write a new version, unless a fault breaks it off."""

        def breaking() -> Iterator[bytes]:
            for block in blocks:
                yield block
                fail_as(trap.spring("write"))

        return super().write(bucket, key, breaking())


class BreakingAdditions(FilesystemObjectStore):
    """A filesystem store that can fail before and after it has stored the only version of a key."""

    def add(self, bucket: str, key: str, content: bytes) -> str | None:
        """Store the bytes, unless a fault strikes."""
        fail_as(trap.spring("add"))
        version = super().add(bucket, key, content)
        fail_as(trap.spring("added"))
        return version


class BreakingPointers(PointerFiles):
    """A store of pointers that can fail before and after each write."""

    def put(self, pointer: Pointer) -> None:
        """Write the pointer, unless a fault strikes."""
        fail_as(trap.spring("publish"))
        super().put(pointer)
        fail_as(trap.spring("published"))


def fail_as(fault: Fault | None) -> None:
    """Raise what S3 or another service raises, if the fault is of that kind."""
    match fault.kind if fault else None:
        case "s3_500":
            raise TransientFault("S3 did not answer: 500 InternalError")
        case "s3_broken":
            raise TransientFault("the connection to S3 was lost")
        case "throttle":
            raise TransientFault("the service did not answer: ThrottlingException")
