"""The skeleton of a simulation: run a schedule while faults strike, repair, and check the invariants."""

import tempfile
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from tests.cluster import Cluster
from tests.faults.invariants import Invariants, cursor_at
from tests.faults.watcher import Watcher
from tests.faults.workers import Hangs, Invocations, Notes, Workers

MOST_ROUNDS = 12
"""Rounds of people's repairs after which every schedule must be complete."""


@dataclass
class Result:
    """The outcome of one schedule."""

    seed: int
    injected: Counter[str]
    lost: int
    doubled: int
    problems: list[str]
    looks: int
    """Number of times that the watcher looked."""
    observed: Counter[str]
    """Other figures of the schedule, such as what a control has missed."""


class Simulation(ABC):
    """One schedule in a database and a folder of its own."""

    environment: Invocations[Any]
    watcher: Watcher

    @abstractmethod
    def __init__(self, seed: int, url: str, folder: Path, cluster: Cluster, workers: Workers) -> None:
        """Prepare the schedule of a seed."""

    @abstractmethod
    def run_waves(self) -> None:
        """Run the waves of the schedule; meanwhile external faults strike."""

    @abstractmethod
    def repair(self, round_number: int) -> bool:
        """Do what people do when nothing runs (rounds start at 1); return False if nothing is left."""

    def finish(self) -> None:  # noqa: B027 - most simulations have nothing to do
        """Do what follows after the last repair."""

    @abstractmethod
    def invariants(self, cursor: Cursor) -> Invariants:
        """Return the invariants that must hold in the end."""

    def observed(self) -> Counter[str]:
        """Return figures that are printed with the totals of all schedules."""
        return Counter()

    def close(self) -> None:  # noqa: B027 - most simulations only have the clone and the folder
        """Release what the schedule has used."""

    def secrets(self) -> Iterable[str]:
        """Return texts that must not occur in notifications, errors and logs."""
        return ()

    def run(self) -> None:
        """Run the schedule until it is complete; raises Hangs if it never is."""
        with self.environment.stricken():
            self.run_waves()
        self.environment.settle()
        for round_number in range(1, MOST_ROUNDS + 1):
            if not self.repair(round_number):
                self.finish()
                return
            self.environment.settle()
        raise Hangs("the repairs of people do not complete the schedule")


def simulate(kind: type[Simulation], seed: int, cluster: Cluster, workers: Workers) -> Result:
    """Run the schedule of a seed in a database and a folder of its own."""
    already_logged = workers.log.stat().st_size
    with tempfile.TemporaryDirectory(prefix="claimwatch-faults-") as folder, cluster.clone() as url:
        simulation = kind(seed, url, Path(folder), cluster, workers)
        with closing(simulation):
            return _simulated(simulation, seed, url, workers, already_logged)


def _simulated(simulation: Simulation, seed: int, url: str, workers: Workers, already_logged: int) -> Result:
    watcher, notes = simulation.watcher, simulation.environment.notes
    problems = []
    with closing(simulation.environment):
        try:
            with watcher:
                simulation.run()
        except Hangs as hanging:
            problems.append(f"it hangs: {hanging}")
    with cursor_at(url) as cursor:
        invariants = simulation.invariants(cursor)
        invariants.check()
    problems += [*invariants.problems, *watcher.problems, *notes.bugs]
    if watcher.looks == 0:
        problems.append("the watcher never looked")
    problems += _leaks(set(simulation.secrets()), notes, workers.printed(already_logged))
    return Result(
        seed,
        notes.injected,
        invariants.lost,
        invariants.doubled,
        problems,
        watcher.looks,
        simulation.observed(),
    )


def _leaks(secrets: set[str], notes: Notes, printed: str) -> list[str]:
    """Return where secrets occur: in a notification, in an error, or in the output of the workers."""
    texts = {
        "a notification": "\n".join(f"{alert.subject} {alert.message}" for alert in notes.alerts),
        "an error": "\n".join(notes.causes),
        "the log": printed,
    }
    return [
        f"secrets occur in {where}"
        for where, text in texts.items()
        if any(secret in text for secret in secrets)
    ]
