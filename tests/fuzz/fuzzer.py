"""Runs of a target: inputs are drawn from seeds, read in a worker process, and judged."""

import hashlib
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Self

from tests.fuzz.target import Environment, Target
from tests.fuzz.worker import Job, Observation, work

PATIENCE = 120.0
"""Seconds by the clock until a reading counts as hanging; the machine may be busy."""


@dataclass(frozen=True)
class Crash:
    """An input that broke a promise, and how."""

    target: str
    seed: str
    data: bytes
    signature: str
    details: str


@dataclass
class Report:
    """What a run of a target found."""

    target: str
    inputs: int = 0
    stored: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    crashes: dict[str, Crash] = field(default_factory=dict)
    """The smallest input of each signature."""
    repeated: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    peak: int = 0

    def add(self, crash: Crash) -> None:
        """Add a crash; of those with one signature the smallest is kept."""
        self.repeated[crash.signature] += 1
        known = self.crashes.get(crash.signature)
        if known is None or len(crash.data) < len(known.data):
            self.crashes[crash.signature] = crash


class Subject:
    """A target in a worker process. Usable as a context manager."""

    def __init__(self, target: Target, environment: Environment) -> None:
        self._target, self._environment = target, environment
        self._context = multiprocessing.get_context("spawn")

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, *error: object) -> None:
        self._end()

    def read(self, data: bytes, *, stored: bool) -> Observation:
        """Read an input; a worker that hangs or dies is replaced."""
        self._jobs.send(Job(data, stored))
        observation: Observation | None = None
        lost = "the reading hangs"
        with suppress(EOFError, ConnectionResetError):
            if self._jobs.poll(PATIENCE):
                lost = "the process died"
                observation = self._jobs.recv()
        if observation is None:
            self._end()
            details = f"exit code {self._process.exitcode}"
            self._start()
            return Observation("crashed", PATIENCE, 0, lost, details)
        if observation.signature is None:
            return self._within_limits(observation)
        return observation

    def _within_limits(self, observation: Observation) -> Observation:
        exceeded = None
        if observation.seconds > self._target.most_seconds:
            exceeded = "the reading takes too long"
        if observation.peak > self._target.most_memory:
            exceeded = "the reading takes too much memory"
        if exceeded is None:
            return observation
        details = f"{observation.seconds:.1f} s, {observation.peak >> 20} MiB"
        return Observation("crashed", observation.seconds, observation.peak, exceeded, details)

    def _start(self) -> None:
        self._jobs: Connection
        self._jobs, theirs = self._context.Pipe()
        self._process = self._context.Process(
            target=work, args=(theirs, self._target.name, self._environment), daemon=True
        )
        self._process.start()
        theirs.close()
        self._jobs.recv()

    def _end(self) -> None:
        self._jobs.close()
        self._process.join(2)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()


def seeds(seed: int, *, inputs: int | None, seconds: float | None) -> Iterator[str]:
    """Yield the seeds of the inputs until their number or the time is used up."""
    end = None if seconds is None else time.monotonic() + seconds
    number = 0
    while (inputs is None or number < inputs) and (end is None or time.monotonic() < end):
        yield f"{seed}-{number}"
        number += 1


def random_of(target: Target, seed: str) -> Random:
    """Return the generator of random numbers of one input."""
    return Random(hashlib.sha256(f"{target.name}/{seed}".encode()).digest())


def fuzz(target: Target, subject: Subject, chosen: Iterator[str]) -> Report:
    """Read the inputs of these seeds."""
    report = Report(target.name)
    for seed in chosen:
        random = random_of(target, seed)
        stored = random.random() < target.stored_share
        data = target.generate(random)
        observation = subject.read(data, stored=stored)
        report.inputs += 1
        report.stored += stored
        report.outcomes[observation.outcome] += 1
        report.slowest = max(report.slowest, observation.seconds)
        report.peak = max(report.peak, observation.peak)
        if observation.signature is not None:
            report.add(Crash(target.name, seed, data, observation.signature, observation.details))
    return report


def save(crash: Crash, folder: Path) -> Path:
    """Write the input of a crash to a file that ``python -m tests.fuzz --input`` reads; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{crash.target}-{hashlib.sha256(crash.data).hexdigest()[:12]}"
    path.write_bytes(crash.data)
    path.with_suffix(".txt").write_text(f"{crash.signature}\nseed {crash.seed}\n\n{crash.details}\n", "utf-8")
    return path
