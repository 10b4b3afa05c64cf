"""The simulation of loading claims: files, late and duplicate events, replays."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.aws.objects import ObjectRef
from local.filesystem_object_store import FilesystemObjectStore
from tests.cluster import Cluster
from tests.faults.claims.environment import ClaimsEnvironment
from tests.faults.claims.invariants import ClaimsInvariants, ClaimsWatcher
from tests.faults.claims.model import expected_file, personal_values
from tests.faults.claims.schedule import LANDING, ClaimsSchedule, SampleFile
from tests.faults.invariants import cursor_at
from tests.faults.s3_events import object_created
from tests.faults.simulation import Simulation
from tests.faults.worker import Workspace
from tests.faults.workers import Workers


class ClaimsSimulation(Simulation):
    """A few weeks of motor claims."""

    environment: ClaimsEnvironment

    def __init__(self, seed: int, url: str, folder: Path, cluster: Cluster, workers: Workers) -> None:
        """Drop the files of the schedule into the landing bucket."""
        self._schedule, self._url = ClaimsSchedule(seed), url
        self._files = {file.label: file for file in self._schedule.files(folder)}
        self._refs: dict[str, ObjectRef] = {}
        self._events: dict[str, dict[str, Any]] = {}
        for label, file in self._files.items():
            self._drop(FilesystemObjectStore(folder), label, file)
        self._expected = {label: expected_file(file) for label, file in self._files.items()}
        workspace = Workspace.of(cluster, url, folder, self._schedule.chunk_bytes)
        self.environment = ClaimsEnvironment(self._schedule, cluster, workspace, workers, self._files)
        labels = {ref: label for label, ref in self._refs.items()}
        self.watcher = ClaimsWatcher(url, self._expected, labels)

    def _drop(self, objects: FilesystemObjectStore, label: str, file: SampleFile) -> None:
        data = file.path.read_bytes()
        ref = self._refs[label] = objects.write(LANDING, file.key, [data])
        self._events[label] = object_created(ref, len(data), file.received_at, file.sequencer)

    def run_waves(self) -> None:
        """Deliver the events of all files."""
        copies: Counter[str] = Counter()
        for wave in self._schedule.deliveries(list(self._files.values())):
            for label in wave:
                self.environment.deliver(label, self._events[label], copies[label])
                copies[label] += 1
            self.environment.settle()

    def repair(self, _round_number: int) -> bool:
        """Redrive dead letters and replay files that are not committed.

        A file that is neither committed nor reported is lost to people, so it is noted as a bug.
        """
        notes = self.environment.notes
        letters, notes.dead_letters = notes.dead_letters, []
        for label in letters:
            self.environment.deliver(label, self._events[label], 100)
        self.environment.settle()
        with cursor_at(self._url) as cursor:
            cursor.execute(
                "SELECT file_id, key, status, attempt FROM claimwatch.file WHERE status <> 'committed'"
            )
            waiting = cursor.fetchall()
        for file_id, key, status, attempt in waiting:
            reported = any(f"File {file_id}:" in alert.message for alert in notes.alerts)
            if not (status in ("failed", "refused") and reported) and file_id not in notes.unrecorded:
                notes.bugs.append(
                    f"{key} is {status} at attempt {attempt}, but nothing processes it and no alert was sent"
                )
            self.environment.replay(file_id, attempt)
        return bool(letters or waiting)

    def invariants(self, cursor: Cursor) -> ClaimsInvariants:
        """Return the invariants of the design."""
        return ClaimsInvariants(cursor, self._expected, self._refs)

    def secrets(self) -> Iterable[str]:
        """Return the personal data of all files."""
        return set[str]().union(*map(personal_values, self._files.values()))
