"""`make faults`: seeded schedules of kills, restarts, duplicates and late events lose and double nothing."""

import argparse
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster import Cluster
from tests.faults.claims.simulation import ClaimsSimulation
from tests.faults.photos.simulation import PhotosSimulation
from tests.faults.publications.simulation import PublicationsSimulation
from tests.faults.pulls.simulation import (
    MariadbPullsSimulation,
    PullsSimulation,
    SftpPullsSimulation,
)
from tests.faults.requests.simulation import RequestsSimulation
from tests.faults.scores.simulation import ScoresSimulation
from tests.faults.simulation import Result, Simulation, simulate
from tests.faults.workers import Workers
from tests.mariadb import MISSING as MARIADB_MISSING
from tests.sshd import PROGRAM as SSHD


@dataclass
class Part:
    """The schedules of one simulation and their results."""

    name: str
    simulation: type[Simulation]
    schedules: int
    watched: str
    """The consistency that the watcher checks during a schedule."""
    missing: str = ""
    """Why the part cannot run here; empty if it can."""
    seeds: range = range(0)
    injected: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    doubled: int = 0
    looks: int = 0
    observed: Counter[str] = field(default_factory=Counter)
    failed: list[int] = field(default_factory=list)

    def run(self, seeds: range, cluster: Cluster, workers: Workers) -> None:
        """Run the schedules of these seeds and print what was injected."""
        self.seeds = seeds
        began = time.monotonic()
        for done, seed in enumerate(seeds, start=1):
            self._add(simulate(self.simulation, seed, cluster, workers))
            if done % 20 == 0 or done == len(seeds):
                print(
                    f"{self.name}: seeds {seeds[0]} to {seed}: {self.injected.total()} faults,"
                    f" {len(self.failed)} schedules failed, {time.monotonic() - began:.0f} s",
                    flush=True,
                )
        for kind, count in self.injected.most_common():
            print(f"  {count:6} {kind}")
        print(f"  {self.looks:6} looks at {self.watched}")
        for figure, count in sorted(self.observed.items()):
            print(f"  {count:6} {figure}")

    def _add(self, result: Result) -> None:
        self.injected += result.injected
        self.lost, self.doubled = self.lost + result.lost, self.doubled + result.doubled
        self.looks += result.looks
        self.observed.update(result.observed)
        if result.problems:
            self.failed.append(result.seed)
            command = f"python -m tests.faults --only {self.name} --seed {result.seed}"
            print(f"{self.name}: seed {result.seed} FAILED; repeat it with: {command}")
            print("\n".join(f"  {problem}" for problem in result.problems))


PARTS = (
    Part(
        "claims", ClaimsSimulation, 200, "the current claims: each file was visible as a whole or not at all"
    ),
    Part("photos", PhotosSimulation, 70, "the photos: each was visible with all its matches or not at all"),
    Part(
        "scores", ScoresSimulation, 100, "scores and history: only whole chunks, and no entry was rewritten"
    ),
    Part("requests", RequestsSimulation, 40, "the records of requests: each claim had exactly one event"),
    Part(
        "publications",
        PublicationsSimulation,
        60,
        "the publications: none was undone, and numbers had no gaps",
    ),
    Part("pulls", PullsSimulation, 500, "the windows: one is open at most, and none changed once committed"),
    Part("pulls-mariadb", MariadbPullsSimulation, 100, "the windows of a source in MariaDB", MARIADB_MISSING),
    Part(
        "pulls-sftp",
        SftpPullsSimulation,
        100,
        "the windows of a source with files",
        "" if SSHD else "sshd is missing: `make setup-sources` installs it on Debian",
    ),
)


def main() -> int:
    """Run the schedules of all simulations, and print one line of totals at the end."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", choices=[part.name for part in PARTS], help="run only this part")
    parser.add_argument("--schedules", type=int, help="number of schedules per part")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--seed", type=int, help="run only this seed, for instance of a failed schedule")
    options = parser.parse_args()
    chosen = [part for part in PARTS if options.only in (None, part.name)]
    for part in chosen:
        if part.missing:
            print(f"{part.name}: skipped: {part.missing}")
    parts = [part for part in chosen if not part.missing]
    with (
        tempfile.TemporaryDirectory(prefix="claimwatch-faults-") as folder,
        Cluster(Path(folder) / "postgres") as cluster,
        closing(Workers(Path(folder) / "workers.log")) as workers,
    ):
        for part in parts:
            first = options.first_seed if options.seed is None else options.seed
            count = 1 if options.seed is not None else options.schedules or part.schedules
            part.run(range(first, first + count), cluster, workers)
    for part in parts:
        if part.failed:
            print(f"{part.name}: failed seeds: {', '.join(map(str, part.failed))}")
        print(
            f"{part.name}: schedules={len(part.seeds)} injected={part.injected.total()}"
            f" lost={part.lost} doubled={part.doubled}"
        )
    schedules = sum(len(part.seeds) for part in parts)
    injected = sum(part.injected.total() for part in parts)
    lost = sum(part.lost for part in parts)
    doubled = sum(part.doubled for part in parts)
    print(f"faults: schedules={schedules} injected={injected} lost={lost} doubled={doubled}")
    return 1 if lost or doubled or any(part.failed for part in parts) else 0


if __name__ == "__main__":
    sys.exit(main())
