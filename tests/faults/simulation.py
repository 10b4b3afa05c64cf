"""One schedule from its first event to the verdict."""

import tempfile
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2

from claimwatch.aws.objects import ObjectRef
from local.filesystem_object_store import FilesystemObjectStore
from tests.cluster import Cluster
from tests.faults.model import expected_file, personal_values, visible
from tests.faults.orchestrator import Orchestrator
from tests.faults.schedule import LANDING, SampleFile, Schedule
from tests.faults.verdict import Result, Verdict, judge
from tests.faults.watcher import ClaimsWatcher
from tests.faults.worker import Place
from tests.faults.workers import Hangs, Workers

MOST_ROUNDS = 12
"""Of people who look at the ledger and replay what is not committed."""


def simulate(seed: int, cluster: Cluster, workers: Workers) -> Result:
    """Run the schedule of a seed in a database and a folder of its own."""
    schedule = Schedule(seed)
    with tempfile.TemporaryDirectory(prefix="claimwatch-faults-") as name, cluster.clone() as url:
        folder = Path(name)
        files = {file.label: file for file in schedule.files(folder)}
        refs, events = _drop(FilesystemObjectStore(folder), files)
        expected = {label: expected_file(file) for label, file in files.items()}
        place = Place(url, folder, schedule.chunk_bytes)
        orchestrator = Orchestrator(schedule, cluster, place, workers, files)
        labels = {ref: label for label, ref in refs.items()}
        watcher = ClaimsWatcher(url, lambda committed: visible(expected, (labels[ref] for ref in committed)))
        result = Result(seed)
        already_logged = workers.log.stat().st_size
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
        result.problems += _told_of(secrets, orchestrator, workers.printed(already_logged))
    return result


def _run(
    schedule: Schedule,
    orchestrator: Orchestrator,
    url: str,
    files: Mapping[str, SampleFile],
    events: Mapping[str, dict[str, Any]],
) -> None:
    with orchestrator.stricken():
        copies: Counter[str] = Counter()
        for wave in schedule.deliveries(list(files.values())):
            for label in wave:
                orchestrator.deliver(label, events[label], copies[label])
                copies[label] += 1
            orchestrator.settle()
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


def _drop(
    objects: FilesystemObjectStore, files: Mapping[str, SampleFile]
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


def _told_of(secrets: set[str], orchestrator: Orchestrator, printed: str) -> list[str]:
    """Personal data where it must not be: in a notification, in an error, in what the workers printed."""
    notes = orchestrator.notes
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
    watcher: ClaimsWatcher,
    verdict: Verdict,
) -> None:
    result.injected = orchestrator.notes.injected
    result.lost, result.doubled = verdict.lost, verdict.doubled
    result.looks = watcher.looks
    result.problems += [*verdict.problems, *watcher.problems, *orchestrator.notes.bugs]
    if watcher.looks == 0:
        result.problems.append("nobody watched")
