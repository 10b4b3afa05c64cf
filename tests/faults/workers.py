"""The worker processes, their invocations, and the faults that strike them and PostgreSQL from outside."""

import multiprocessing
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from typing import Any

import psycopg2

from tests.cluster import Cluster
from tests.faults.fault_injection import Fired, Raised
from tests.faults.seed import Fault, Seeded
from tests.faults.worker import Alerted, Done, Job, Workspace, work

WORKERS = 4
RECEIVES = 5
"""Receives of a message until it is moved to the dead-letter queue; as in the template."""
LAMBDA_DIED = "Runtime.ExitError"
PATIENCE = 60.0
"""Seconds until something counts as hanging."""


class Hangs(Exception):
    """Something did not finish in time."""


class Slot:
    """A worker process and the pipe to it; a dead process is replaced."""

    def __init__(self, log: Path) -> None:
        self.busy = False
        self._log = log
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.faults.worker"])
        ours, theirs = context.Pipe()
        self.pipe: Pipe = ours
        self.process: BaseProcess = context.Process(target=work, args=(theirs, self._log), daemon=True)
        self.process.start()
        theirs.close()

    def kill(self) -> None:
        """Kill the process, as the kernel does when memory runs out, and return when it is dead.

        Its invocation may just have ended. The next one must not find a process that is about to die.
        """
        with suppress(ValueError, AttributeError, AssertionError):  # the process is being replaced
            self.process.kill()
            self.process.join(PATIENCE)

    def replace(self) -> None:
        """Replace a dead process."""
        self.end()
        self._start()

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.join()
        self.process.close()
        self.pipe.close()


class Workers:
    """Prestarted worker processes, shared by all schedules; all write to one log."""

    def __init__(self, log: Path) -> None:
        self.log = log
        log.touch()
        self.slots = [Slot(log) for _ in range(WORKERS)]
        self._free: queue.Queue[Slot] = queue.Queue()
        for slot in self.slots:
            self._free.put(slot)

    @contextmanager
    def one(self) -> Iterator[Slot]:
        """Reserve a worker."""
        try:
            slot = self._free.get(timeout=PATIENCE)
        except queue.Empty:
            raise Hangs("no worker became free") from None
        if not slot.process.is_alive():  # killed after its last invocation had ended
            slot.replace()
        slot.busy = True
        try:
            yield slot
        finally:
            slot.busy = False
            self._free.put(slot)

    def printed(self, since: int = 0) -> str:
        """Return the output of the workers from a position in the log on."""
        with self.log.open("rb") as file:
            file.seek(since)
            return file.read().decode("utf-8", "replace")

    def close(self) -> None:
        """End all worker processes."""
        for slot in self.slots:
            slot.end()


@dataclass
class Notes:
    """What happened in a schedule."""

    injected: Counter[str] = field(default_factory=Counter)
    alerts: list[Alerted] = field(default_factory=list)
    bugs: list[str] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)
    """The messages of all errors, as in Lambda's log and in Step Functions' history."""


class Invocations[N: Notes]:
    """Runs the invocations of one schedule and injects its faults; every method is thread-safe."""

    def __init__(
        self, seeded: Seeded, workspace: Workspace, cluster: Cluster, workers: Workers, notes: N
    ) -> None:
        self.notes = notes
        self._seeded, self._workspace, self._cluster, self._workers = seeded, workspace, cluster, workers
        self._lock = threading.Lock()
        self._restarting = threading.Lock()
        self._pending: set[Future[Any]] = set()
        self._threads = ThreadPoolExecutor(64, thread_name_prefix="invocations")

    # -- Lambda ------------------------------------------------------------------------------------------

    def _invoke(self, step: str, arguments: dict[str, Any], faults: tuple[Fault, ...] = ()) -> Done | Raised:
        with self._workers.one() as slot:
            try:
                slot.pipe.send(Job(self._workspace, step, arguments, faults))
                return self._answer(slot)
            except (EOFError, OSError):
                slot.replace()
                return Raised(LAMBDA_DIED, "the process died")

    def _answer(self, slot: Slot) -> Done | Raised:
        while True:
            if not slot.pipe.poll(PATIENCE):
                raise Hangs("a worker does not answer")
            match slot.pipe.recv():
                case Fired(kind):
                    with self._lock:
                        self.notes.injected[kind] += 1
                    self._fired(kind)
                case Done() | Raised() as answer:
                    return answer
                case Alerted() as alert:
                    with self._lock:
                        self.notes.alerts.append(alert)
                case request:
                    self._start(request)
                    slot.pipe.send(True)

    def _fired(self, kind: str) -> None:
        """Do what a fault needs that strikes a worker and cannot be done by it."""
        if kind.startswith("restart"):
            self._spawn(self._restart, kind.removeprefix("restart_"))

    def _start(self, request: object) -> None:
        """Start the execution that a worker requests."""
        raise NotImplementedError

    def _note_bug(self, raised: Raised, expected: set[str], where: str) -> None:
        with self._lock:
            self.notes.causes.append(raised.cause)
            if raised.error not in expected:
                self.notes.bugs.append(f"{where}: {raised.error}: {raised.cause}"[:600])

    # -- External faults ---------------------------------------------------------------------------------

    @contextmanager
    def stricken(self) -> Iterator[None]:
        """Let the external faults of the schedule strike while the body runs."""
        over = threading.Event()
        striker = threading.Thread(target=self._strike_all, args=(over,))
        striker.start()
        try:
            yield
        finally:
            over.set()
            striker.join()

    def _strike_all(self, over: threading.Event) -> None:
        draw, elapsed = self._seeded.random("striker"), 0.0
        for at, kind in self._seeded.strikes():
            if over.wait(at - elapsed):
                return
            elapsed = at
            self._strike(kind, draw)

    def _strike(self, kind: str, draw: Random) -> None:
        if kind == "kill_any":
            busy = [slot for slot in self._workers.slots if slot.busy]
            if not busy:
                return
            draw.choice(busy).kill()
        elif kind == "terminate_all":
            terminate_all(self._workspace.superuser_url)
        else:
            self._restart(kind.removeprefix("restart_"))
        with self._lock:
            self.notes.injected[kind] += 1

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Let PostgreSQL not run until the end of the block."""
        with self._restarting:  # a restart that strikes meanwhile waits
            self._cluster.server.stop("immediate")
            with self._lock:
                self.notes.injected["stopped database"] += 1
            try:
                yield
            finally:
                self._cluster.server.restart()

    def _restart(self, mode: Any) -> None:
        with self._restarting:  # one restart at a time
            self._cluster.server.restart(mode)

    # -- Threads -----------------------------------------------------------------------------------------

    def _spawn(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        future = self._threads.submit(function, *arguments)
        with self._lock:
            self._pending.add(future)
        return future

    def settle(self) -> None:
        """Wait until nothing runs: no message, no execution, no abandoned invocation."""
        while True:
            with self._lock:
                pending, self._pending = self._pending, set()
            if not pending:
                return
            done, waiting = wait(pending, PATIENCE * 2)
            if waiting:
                raise Hangs(f"{len(waiting)} invocations or executions do not finish")
            for future in done:
                future.result()

    def close(self) -> None:
        """Wait for everything that still runs."""
        self._threads.shutdown(wait=True, cancel_futures=True)


def terminate_all(url: str) -> None:
    """End every other connection to the database."""
    with suppress(psycopg2.OperationalError), closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND backend_type = 'client backend'"
            )
