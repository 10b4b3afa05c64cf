"""The process that reads the inputs of one target; it is replaced when it hangs or dies."""

import resource
import time
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from tests.fuzz.peak_memory import peak_of, reset_peak
from tests.fuzz.target import BrokenPromise, Environment, Reader
from tests.fuzz.targets import TARGETS

ADDRESS_SPACE = 8 << 30
"""Protects the machine: far more than any input may take."""


@dataclass(frozen=True)
class Job:
    """An input, and whether its result goes to PostgreSQL too."""

    data: bytes
    stored: bool


@dataclass(frozen=True)
class Observation:
    """What became of an input: a word for it, or the ``signature`` and the details of a crash."""

    outcome: str
    seconds: float = 0.0
    peak: int = 0
    signature: str | None = None
    details: str = ""


def work(jobs: Connection, target_name: str, environment: Environment) -> None:
    """Read inputs until the pipe is closed."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    target = TARGETS[target_name]
    with target.open(environment) as reader:
        jobs.send(None)
        while True:
            try:
                job: Job = jobs.recv()
            except EOFError:
                return
            jobs.send(_observed(reader, job))


def _observed(reader: Reader, job: Job) -> Observation:
    reset_peak()
    began = time.process_time()
    outcome, signature, details = "crashed", None, ""
    try:
        outcome = reader.read(job.data, stored=job.stored)
    except BrokenPromise as broken:
        signature, details = broken.what, _trace(broken)
    except Exception as error:  # noqa: BLE001 - any exception is a crash
        signature, details = f"{type(error).__name__} in {_place(error)}", _trace(error)
    seconds = time.process_time() - began
    return Observation(outcome, seconds, max(peak_of(), reader.peak()), signature, details)


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(error, limit=-12))[-6000:]


def _place(error: BaseException) -> str:
    """Return the innermost function of Claimwatch in the traceback."""
    places = [
        f"{Path(frame.filename).stem}.{frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
        if "/claimwatch/" in frame.filename
    ]
    return places[-1] if places else "the harness"
