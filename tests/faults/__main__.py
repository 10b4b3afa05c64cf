"""`make faults`: seeded schedules of kills, restarts, duplicates and late events, and their cost: nothing."""

import argparse
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from tests.cluster import Cluster
from tests.faults.orchestrator import Workers
from tests.faults.simulation import simulate

SCHEDULES = 200


def main() -> int:
    """Run schedules, tell what was injected, and end with one line of figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--schedules", type=int, default=SCHEDULES, help="how many, from the first seed on")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--seed", type=int, help="only this one, as when a schedule has failed")
    options = parser.parse_args()
    first = options.first_seed if options.seed is None else options.seed
    seeds = range(first, first + (options.schedules if options.seed is None else 1))

    injected: Counter[str] = Counter()
    lost = doubled = looks = 0
    failed: list[int] = []
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="claimwatch-faults-") as folder,
        Cluster(Path(folder) / "postgres") as cluster,
        closing(Workers(Path(folder) / "workers.log")) as workers,
    ):
        for done, seed in enumerate(seeds, start=1):
            result = simulate(seed, cluster, workers)
            injected += result.injected
            lost, doubled, looks = lost + result.lost, doubled + result.doubled, looks + result.looks
            if result.problems:
                failed.append(seed)
                print(f"seed {seed} FAILED; again with: python -m tests.faults --seed {seed}")
                print("\n".join(f"  {problem}" for problem in result.problems))
            if done % 20 == 0 or done == len(seeds):
                print(
                    f"seeds {first} to {seed}: {injected.total()} faults, {len(failed)} schedules failed,"
                    f" {time.monotonic() - began:.0f} s",
                    flush=True,
                )
    for kind, count in injected.most_common():
        print(f"  {count:6} {kind}")
    print(f"  {looks:6} looks at the current claims meanwhile: every file was there whole or not at all")
    if failed:
        print(f"failed seeds: {', '.join(map(str, failed))}")
    print(f"faults: schedules={len(seeds)} injected={injected.total()} lost={lost} doubled={doubled}")
    return 1 if failed or lost or doubled else 0


if __name__ == "__main__":
    sys.exit(main())
