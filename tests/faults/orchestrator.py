"""Queue, Lambda and Step Functions of a schedule: at least once, side by side, retrying as defined."""

import json
import multiprocessing
import queue
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from typing import Any

from tests.cluster import PROJECT, Cluster
from tests.faults.schedule import Calling, SampleFile, Schedule
from tests.faults.worker import Alerted, Done, Fired, Job, Place, Raised, Started, work

DEFINITION = PROJECT / "statemachines" / "claims_pipeline.asl.json"
WORKERS = 4
RECEIVES = 5
"""Of a message, before it goes to the dead letters; as in the template."""
LAMBDA_DIED = "Runtime.ExitError"
PATIENCE = 60.0
"""Seconds after which something hangs that must not."""

_STATES = {"inspect": "InspectFile", "load": "LoadChunk", "commit": "CommitFile", "fail": "RecordFailure"}


class StepFailed(Exception):
    """A step ended with an error that its state does not retry, or not any more."""

    def __init__(self, raised: Raised) -> None:
        super().__init__(f"{raised.error}: {raised.cause}")
        self.raised = raised


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

    def close(self) -> None:
        """End all of them."""
        for slot in self.slots:
            slot.end()


@dataclass
class Notes:
    """What happened, for the verdict."""

    injected: Counter[str] = field(default_factory=Counter)
    alerts: list[Alerted] = field(default_factory=list)
    unrecorded: set[int] = field(default_factory=set)
    """Files whose failure the ledger could not be told: the alarm on failed executions speaks for them."""
    dead_letters: list[str] = field(default_factory=list)
    bugs: list[str] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)
    """Of every error, as Lambda's log and Step Functions' history have it."""


class Orchestrator:
    """Runs the pipeline of one schedule; every method may be called from any thread."""

    def __init__(
        self,
        schedule: Schedule,
        cluster: Cluster,
        place: Place,
        workers: Workers,
        files: Mapping[str, SampleFile],
    ) -> None:
        self.notes = Notes()
        self._schedule, self._cluster, self._place, self._workers = schedule, cluster, place, workers
        self._files = files
        self._labels: dict[int, str] = {}
        self._executions: set[str] = set()
        self._lock = threading.Lock()
        self._restarting = threading.Lock()
        self._pending: set[Future[Any]] = set()
        self._impatient = {label: schedule.impatient(label) for label in files}
        self._loaded: Counter[str] = Counter()
        self._threads = ThreadPoolExecutor(64, thread_name_prefix="orchestrator")

    # -- Events ------------------------------------------------------------------------------------------

    def deliver(self, label: str, event: dict[str, Any], copy: int) -> Future[None]:
        """The queue hands on a message until it is taken, at most RECEIVES times."""
        return self._spawn(self._receive, label, event, copy)

    def _receive(self, label: str, event: dict[str, Any], copy: int) -> None:
        for receive in range(RECEIVES):
            calling = self._schedule.calling("register", label, copy, 1, receive)
            answer = self._invoke("register", {"event": event}, calling)
            if isinstance(answer, Done):
                with self._lock:
                    self._labels[answer.value] = label
                return
            self._note_bug(answer, {"TransientFault", LAMBDA_DIED}, f"register {label}")
        with self._lock:
            self.notes.dead_letters.append(label)

    # -- Executions --------------------------------------------------------------------------------------

    def _start_execution(self, asked: Started) -> None:
        with self._lock:
            if asked.name in self._executions:  # ExecutionAlreadyExists
                return
            self._executions.add(asked.name)
        self._spawn(self._execute, asked.file_id, asked.attempt)

    def _execute(self, file_id: int, attempt: int) -> None:
        reference = {"file_id": file_id, "attempt": attempt}
        try:
            found = self._step("inspect", reference)
            if found["status"] != "ready":
                return
            self._map(found["chunks"])
            self._step("commit", reference)
        except StepFailed as failure:
            told = {
                "error": failure.raised.error,
                "cause": json.dumps({"errorMessage": failure.raised.cause}),
            }
            try:
                self._step("fail", reference | told)
            except StepFailed:
                with self._lock:
                    self.notes.unrecorded.add(file_id)

    def _map(self, chunks: list[dict[str, Any]]) -> None:
        """All chunks side by side; when one fails, no more are begun, and those that run are left alone."""
        futures = []
        with ThreadPoolExecutor(_concurrency()) as threads:
            failed = threading.Event()

            def item(chunk: dict[str, Any]) -> None:
                if failed.is_set():
                    return
                try:
                    self._step("load", chunk)
                except StepFailed:
                    failed.set()
                    raise

            futures = [threads.submit(item, chunk) for chunk in chunks]
            wait(futures, return_when=FIRST_EXCEPTION)
        for future in futures:
            future.result()

    def _step(self, step: str, arguments: dict[str, Any]) -> Any:
        """A task state: invoke, and retry as the definition says."""
        label = self._label(arguments["file_id"])
        chunk, attempt = arguments.get("number", -1), arguments["attempt"]
        retried: Counter[int] = Counter()
        for number in range(1000):
            calling = self._schedule.calling(step, label, chunk, attempt, number)
            answer = self._call(step, arguments, calling)
            if isinstance(answer, Done):
                if step == "load":
                    self._maybe_replay(label, arguments["file_id"])
                return answer.value
            self._note_bug(
                answer,
                {"TransientFault", LAMBDA_DIED, "Superseded", "States.Timeout"},
                f"{step} {label} {chunk}",
            )
            retrier = _retrier(_STATES[step], answer.error)
            if retrier is None or retried[retrier[0]] == retrier[1]:
                raise StepFailed(answer)
            retried[retrier[0]] += 1
        raise Hangs(f"{step} of {label} is retried for ever")

    def _call(self, step: str, arguments: dict[str, Any], calling: Calling) -> Done | Raised:
        """Invoke: once, or twice at once, or without waiting for the end."""
        if not (calling.twice or calling.abandoned):
            return self._invoke(step, arguments, calling)
        with self._lock:
            self.notes.injected["abandoned" if calling.abandoned else "doubled message"] += 1
        first = self._spawn(self._invoke, step, arguments, calling)
        if calling.twice:
            second = self._spawn(self._invoke, step, arguments, Calling())
            answers: list[Done | Raised] = [first.result(), second.result()]
            return next((answer for answer in answers if isinstance(answer, Done)), answers[0])
        wait([first], 0.05)
        return Raised("States.Timeout", "the caller's time ran out")

    def _label(self, file_id: int) -> str:
        with self._lock:
            known = self._labels.get(file_id)
        return known or f"file {file_id}"

    # -- People ------------------------------------------------------------------------------------------

    def replay(self, file_id: int, attempt: int) -> None:
        """Somebody types the command, again if it dies."""
        label = self._label(file_id)
        for number in range(20):
            calling = self._schedule.calling("replay", label, 0, attempt, number)
            answer = self._invoke("replay", {"file_id": file_id}, calling)
            if isinstance(answer, Done) or answer.error == "RefusedData":
                return
            self._note_bug(answer, {"TransientFault", LAMBDA_DIED}, f"replay {label}")
        raise Hangs(f"the replay of {label} does not succeed")

    def _maybe_replay(self, label: str, file_id: int) -> None:
        with self._lock:
            self._loaded[label] += 1
            if self._impatient.get(label) is None or self._loaded[label] <= (self._impatient[label] or 0):
                return
            self._impatient[label] = None
            self.notes.injected["replay of a running file"] += 1
        self._spawn(self.replay, file_id, 1)

    # -- Lambda ------------------------------------------------------------------------------------------

    def _invoke(self, step: str, arguments: dict[str, Any], calling: Calling) -> Done | Raised:
        with self._workers.one() as slot:
            try:
                slot.pipe.send(Job(self._place, step, arguments, calling.faults))
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
                        self._spawn(self.restart, kind.removeprefix("restart_"))
                case Started() as asked:
                    self._start_execution(asked)
                    slot.pipe.send(True)
                case Alerted() as alert:
                    with self._lock:
                        self.notes.alerts.append(alert)
                case answer:
                    assert isinstance(answer, Done | Raised)
                    return answer

    def _note_bug(self, raised: Raised, expected: set[str], where: str) -> None:
        with self._lock:
            self.notes.causes.append(raised.cause)
            if raised.error not in expected:
                self.notes.bugs.append(f"{where}: {raised.error}: {raised.cause}"[:600])

    # -- Strikes from outside ----------------------------------------------------------------------------

    def restart(self, mode: Any) -> None:
        """Restart PostgreSQL; one at a time."""
        with self._restarting:
            self._cluster.server.restart(mode)

    def strike(self, kind: str, draw: Random, terminate_all: Callable[[], None]) -> None:
        """Do what comes from outside, whatever runs just now."""
        if kind == "kill_any":
            busy = [slot for slot in self._workers.slots if slot.busy]
            if not busy:
                return
            draw.choice(busy).kill()
        elif kind == "terminate_all":
            terminate_all()
        else:
            self.restart(kind.removeprefix("restart_"))
        with self._lock:
            self.notes.injected[kind] += 1

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


@cache
def _definition() -> dict[str, Any]:
    text = re.sub(r":\s*\$\{\w+\}", ": 4", DEFINITION.read_text(encoding="utf-8"))
    states: dict[str, Any] = json.loads(text)["States"]
    of_the_map: dict[str, Any] = states["LoadChunks"]["ItemProcessor"]["States"]
    return states | of_the_map


def _concurrency() -> int:
    return int(_definition()["LoadChunks"]["MaxConcurrency"])


def _retrier(state: str, error: str) -> tuple[int, int] | None:
    """(place, most attempts) of the first retrier of a state that takes this error."""
    for place, retrier in enumerate(_definition()[state]["Retry"]):
        if error in retrier["ErrorEquals"] or "States.ALL" in retrier["ErrorEquals"]:
            return place, retrier["MaxAttempts"]
    return None
