"""The worker processes, and what is done to them and to PostgreSQL: invocations, strikes, threads."""

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
from tests.faults.worker import Done, Job, Place, work

WORKERS = 4
RECEIVES = 5
"""Of a message, before it goes to the dead letters; as in the template."""
LAMBDA_DIED = "Runtime.ExitError"
PATIENCE = 60.0
"""Seconds after which something hangs that must not."""


class Hangs(Exception):
    """Something did not end in time."""


class Slot:
    """A worker process and the pipe to it; a dead one is replaced."""

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
        """SIGKILL, as the kernel sends it to whoever takes too much memory."""
        with suppress(ValueError, AttributeError):  # it is being replaced just now
            self.process.kill()

    def replace(self) -> None:
        """A new process in place of a dead one."""
        self.end()
        self._start()

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.join()
        self.process.close()
        self.pipe.close()


class Workers:
    """Prestarted worker processes, for one schedule after the other; all print to one log."""

    def __init__(self, log: Path) -> None:
        self.log = log
        log.touch()
        self.slots = [Slot(log) for _ in range(WORKERS)]
        self._free: queue.Queue[Slot] = queue.Queue()
        for slot in self.slots:
            self._free.put(slot)

    @contextmanager
    def one(self) -> Iterator[Slot]:
        """A worker that nobody else has."""
        try:
            slot = self._free.get(timeout=PATIENCE)
        except queue.Empty:
            raise Hangs("no worker became free") from None
        slot.busy = True
        try:
            yield slot
        finally:
            slot.busy = False
            self._free.put(slot)

    def printed(self, since: int = 0) -> str:
        """What they have printed, from a place in their log on."""
        with self.log.open("rb") as file:
            file.seek(since)
            return file.read().decode("utf-8", "replace")

    def close(self) -> None:
        """End all of them."""
        for slot in self.slots:
            slot.end()


@dataclass
class Notes:
    """What happened, for the verdict."""

    injected: Counter[str] = field(default_factory=Counter)
    bugs: list[str] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)
    """Of every error, as Lambda's log and Step Functions' history have it."""


class Invocations[N: Notes]:
    """What runs in one schedule, and breaks; every method may be called from any thread."""

    def __init__(self, seeded: Seeded, place: Place, cluster: Cluster, workers: Workers, notes: N) -> None:
        self.notes = notes
        self._seeded, self._place, self._cluster, self._workers = seeded, place, cluster, workers
        self._lock = threading.Lock()
        self._restarting = threading.Lock()
        self._pending: set[Future[Any]] = set()
        self._threads = ThreadPoolExecutor(64, thread_name_prefix="invocations")

    # -- Lambda ------------------------------------------------------------------------------------------

    def _invoke(self, step: str, arguments: dict[str, Any], faults: tuple[Fault, ...] = ()) -> Done | Raised:
        with self._workers.one() as slot:
            try:
                slot.pipe.send(Job(self._place, step, arguments, faults))
                return self._attend(slot)
            except (EOFError, OSError):
                slot.replace()
                return Raised(LAMBDA_DIED, "the process died")

    def _attend(self, slot: Slot) -> Done | Raised:
        while True:
            if not slot.pipe.poll(PATIENCE):
                raise Hangs("a worker does not answer")
            match slot.pipe.recv():
                case Fired(kind):
                    with self._lock:
                        self.notes.injected[kind] += 1
                    if kind.startswith("restart"):
                        self._spawn(self._restart, kind.removeprefix("restart_"))
                case Done() | Raised() as answer:
                    return answer
                case said:
                    self._hear(slot, said)

    def _hear(self, slot: Slot, said: object) -> None:
        """What a worker says before it answers."""
        raise NotImplementedError

    def _note_bug(self, raised: Raised, expected: set[str], where: str) -> None:
        with self._lock:
            self.notes.causes.append(raised.cause)
            if raised.error not in expected:
                self.notes.bugs.append(f"{where}: {raised.error}: {raised.cause}"[:600])

    # -- Strikes from outside ----------------------------------------------------------------------------

    @contextmanager
    def stricken(self) -> Iterator[None]:
        """While what is inside runs, what the schedule has from outside strikes it."""
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
            terminate_all(self._place.url)
        else:
            self._restart(kind.removeprefix("restart_"))
        with self._lock:
            self.notes.injected[kind] += 1

    def _restart(self, mode: Any) -> None:
        with self._restarting:  # one at a time
            self._cluster.server.restart(mode)

    # -- Threads -----------------------------------------------------------------------------------------

    def _spawn(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        future = self._threads.submit(function, *arguments)
        with self._lock:
            self._pending.add(future)
        return future

    def settle(self) -> None:
        """Wait until nothing runs: no message, no execution, no worker that its caller has given up."""
        while True:
            with self._lock:
                pending, self._pending = self._pending, set()
            if not pending:
                return
            done, waiting = wait(pending, PATIENCE * 2)
            if waiting:
                raise Hangs(f"{len(waiting)} things go on for ever")
            for future in done:
                future.result()

    def close(self) -> None:
        """Wait for what still runs."""
        self._threads.shutdown(wait=True, cancel_futures=True)


def terminate_all(url: str) -> None:
    """End every other connection to the database."""
    with suppress(psycopg2.OperationalError), closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
