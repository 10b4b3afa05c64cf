"""`make fuzz`: hostile files, photos, contracts and keys are stored or refused, in bounded memory."""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster import PROJECT, Cluster
from tests.fuzz.fuzzer import Crash, Report, Subject, fuzz, save, seeds
from tests.fuzz.target import Environment, Target
from tests.fuzz.targets import TARGETS

CRASHES = PROJECT / ".local" / "fuzz"


def main() -> int:
    """Fuzz the targets, or read one input again."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--target", choices=TARGETS, action="append", help="fuzz only this target")
    parser.add_argument("--inputs", type=int, help="number of inputs per target")
    parser.add_argument("--seconds", type=float, help="time per target, instead of a number of inputs")
    parser.add_argument("--seed", type=int, default=1, help="the same seed draws the same inputs")
    parser.add_argument("--input", type=Path, help="read only this file, by the target of --target")
    options = parser.parse_args()
    targets = [
        target for name, target in TARGETS.items() if options.target in (None, []) or name in options.target
    ]
    with tempfile.TemporaryDirectory(prefix="claimwatch-fuzz-") as folder, Cluster(Path(folder)) as cluster:
        if options.input is not None:
            return _read_again(targets, options.input, cluster, Path(folder))
        reports = []
        for target in targets:
            inputs = options.inputs or (None if options.seconds else target.inputs)
            chosen = seeds(options.seed, inputs=inputs, seconds=options.seconds)
            with environment(cluster, Path(folder) / target.name) as place, Subject(target, place) as subject:
                report = fuzz(target, subject, chosen)
            _print(report)
            reports.append(report)
    crashes = sum(len(report.crashes) for report in reports)
    peak = max(report.peak for report in reports)
    print(f"fuzz: inputs={sum(report.inputs for report in reports)} crashes={crashes} peak={peak >> 20} MiB")
    return 1 if crashes else 0


@contextmanager
def environment(cluster: Cluster, folder: Path) -> Iterator[Environment]:
    """Provide a folder and a database."""
    folder.mkdir()
    with cluster.clone() as url:
        yield Environment(folder, url, cluster.database(url).urls)


def _print(report: Report) -> None:
    outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in report.outcomes.most_common())
    print(
        f"{report.target}: inputs={report.inputs} (stored={report.stored}) crashes={len(report.crashes)}"
        f" slowest={report.slowest:.1f} s peak={report.peak >> 20} MiB: {outcomes}",
        flush=True,
    )
    for crash in report.crashes.values():
        _print_crash(crash, report.repeated[crash.signature])


def _print_crash(crash: Crash, times: int) -> None:
    path = save(crash, CRASHES)
    shown = path.relative_to(PROJECT)
    print(f"  {times} x {crash.signature} ({len(crash.data):,} bytes, seed {crash.seed}); repeat it with:")
    print(f"    python -m tests.fuzz --target {crash.target} --input {shown}", flush=True)


def _read_again(targets: list[Target], path: Path, cluster: Cluster, folder: Path) -> int:
    crashed = False
    for target in targets:
        with environment(cluster, folder / target.name) as place, Subject(target, place) as subject:
            observation = subject.read(path.read_bytes(), stored=True)
        peak = observation.peak >> 20
        print(f"{target.name}: {observation.outcome}, {observation.seconds:.1f} s, {peak} MiB")
        if observation.signature is not None:
            crashed = True
            print(f"{observation.signature}\n{observation.details}")
    return 1 if crashed else 0


if __name__ == "__main__":
    sys.exit(main())
