"""One schedule from its first event to the verdict."""

import tempfile
import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2

from claimwatch.aws.objects import ObjectRef
from local.folder_objects import FolderObjects
from tests.cluster import Cluster
from tests.faults.model import expected_file, personal_values, visible
from tests.faults.orchestrator import Hangs, Orchestrator, Workers
from tests.faults.schedule import LANDING, SampleFile, Schedule
from tests.faults.verdict import Verdict, judge
from tests.faults.watcher import Watcher
from tests.faults.worker import Place

MOST_ROUNDS = 12
"""Of people who look at the ledger and replay what is not committed."""


@dataclass
class Result:
    """What became of one schedule."""

    seed: int
    injected: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    doubled: int = 0
    problems: list[str] = field(default_factory=list)
    looks: int = 0
    """How often the watcher saw the current view."""


def simulate(seed: int, cluster: Cluster, workers: Workers) -> Result:
    """Run the schedule of a seed in a database and a folder of its own."""
    schedule = Schedule(seed)
    with tempfile.TemporaryDirectory(prefix="claimwatch-faults-") as name, cluster.clone() as url:
        folder = Path(name)
        files = {file.label: file for file in schedule.files(folder)}
        refs, events = _drop(FolderObjects(folder), files)
        expected = {label: expected_file(file) for label, file in files.items()}
        place = Place(url, folder, schedule.chunk_bytes)
        orchestrator = Orchestrator(schedule, cluster, place, workers, files)
        labels = {ref: label for label, ref in refs.items()}
        watcher = Watcher(url, lambda committed: visible(expected, (labels[ref] for ref in committed)))
        result = Result(seed)
        already_logged = workers.log.stat().st_size if workers.log.exists() else 0
        try:
            with watcher:
                _run(schedule, orchestrator, url, files, events)
        except Hangs as hanging:
            result.problems.append(f"it hangs: {hanging}")
        finally:
            orchestrator.close()
        verdict = judge(url, expected, refs)
        _sum_up(result, orchestrator, watcher, verdict)
        secrets = set[str]().union(*map(personal_values, files.values()))
        result.problems += _told_of(secrets, orchestrator, workers.log, already_logged)
    return result


def _run(
    schedule: Schedule,
    orchestrator: Orchestrator,
    url: str,
    files: Mapping[str, SampleFile],
    events: Mapping[str, dict[str, Any]],
) -> None:
    over = threading.Event()
    striker = threading.Thread(target=_strike, args=(schedule, orchestrator, url, over))
    striker.start()
    try:
        copies: Counter[str] = Counter()
        for wave in schedule.deliveries(list(files.values())):
            for label in wave:
                orchestrator.deliver(label, events[label], copies[label])
                copies[label] += 1
            orchestrator.settle()
    finally:
        over.set()
        striker.join()
    orchestrator.settle()
    for _ in range(MOST_ROUNDS):
        if not _put_right(orchestrator, url, events):
            return
        orchestrator.settle()
    raise Hangs("replays do not bring every file to its end")


def _put_right(orchestrator: Orchestrator, url: str, events: Mapping[str, dict[str, Any]]) -> bool:
    """What people do when nothing runs: redrive dead letters, replay what failed. False if all is well.

    What is neither committed nor announced in some way is lost to them: that is a finding.
    """
    notes = orchestrator.notes
    letters, notes.dead_letters = notes.dead_letters, []
    for label in letters:
        orchestrator.deliver(label, events[label], 100)
    orchestrator.settle()
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT file_id, key, status, attempt FROM claimwatch.file WHERE status <> 'committed'"
        )
        waiting = cursor.fetchall()
    for file_id, key, status, attempt in waiting:
        told = any(f"File {file_id}:" in alert.message for alert in notes.alerts)
        if not (status == "failed" and told) and file_id not in notes.unrecorded:
            notes.bugs.append(
                f"{key} is {status} at attempt {attempt}, nothing works on it and nobody was told"
            )
        orchestrator.replay(file_id, attempt)
    return bool(letters or waiting)


def _strike(schedule: Schedule, orchestrator: Orchestrator, url: str, over: threading.Event) -> None:
    draw, elapsed = schedule.random("striker"), 0.0
    for at, kind in schedule.strikes():
        if over.wait(at - elapsed):
            return
        elapsed = at
        orchestrator.strike(kind, draw, lambda: _terminate_all(url))


def _terminate_all(url: str) -> None:
    with suppress(psycopg2.OperationalError), closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


def _drop(
    objects: FolderObjects, files: Mapping[str, SampleFile]
) -> tuple[dict[str, ObjectRef], dict[str, dict[str, Any]]]:
    refs, events = {}, {}
    for label, file in files.items():
        data = file.path.read_bytes()
        refs[label] = ref = objects.write(LANDING, file.key, [data])
        events[label] = {
            "source": "aws.s3",
            "detail-type": "Object Created",
            "time": file.received_at.isoformat(),
            "detail": {
                "bucket": {"name": LANDING},
                "object": {
                    "key": file.key,
                    "size": len(data),
                    "version-id": ref.version_id,
                    "sequencer": file.sequencer,
                },
            },
        }
    return refs, events


def _told_of(secrets: set[str], orchestrator: Orchestrator, log: Path, already_logged: int) -> list[str]:
    """Personal data where it must not be: in a notification, in an error, in what the workers printed."""
    notes = orchestrator.notes
    with log.open("rb") as file:
        file.seek(already_logged)
        printed = file.read().decode("utf-8", "replace")
    told = {
        "a notification": "\n".join(f"{alert.subject} {alert.message}" for alert in notes.alerts),
        "an error": "\n".join(notes.causes),
        "the log": printed,
    }
    return [
        f"personal data in {where}"
        for where, text in told.items()
        if any(secret in text for secret in secrets)
    ]


def _sum_up(
    result: Result,
    orchestrator: Orchestrator,
    watcher: Watcher,
    verdict: Verdict,
) -> None:
    result.injected = orchestrator.notes.injected
    result.lost, result.doubled = verdict.lost, verdict.doubled
    result.looks = watcher.looks
    result.problems += [*verdict.problems, *watcher.problems, *orchestrator.notes.bugs]
    if watcher.looks == 0:
        result.problems.append("nobody watched")
