"""The simulation of processing photos: new and deleted objects, late and duplicate events."""

from collections.abc import Iterable
from pathlib import Path
from threading import Timer

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.aws.objects import ObjectRef
from local.filesystem_object_store import FilesystemObjectStore
from tests.cluster import Cluster
from tests.faults.photos.images_queue import ImagesQueue
from tests.faults.photos.invariants import PhotosInvariants, PhotosWatcher
from tests.faults.photos.schedule import BUCKET, PhotoSchedule
from tests.faults.simulation import Simulation
from tests.faults.worker import Workspace
from tests.faults.workers import Workers


class PhotosSimulation(Simulation):
    """Photos of a few events."""

    environment: ImagesQueue

    def __init__(self, seed: int, url: str, folder: Path, cluster: Cluster, workers: Workers) -> None:
        """Drop all photos into the bucket."""
        self._schedule = PhotoSchedule(seed)
        self._bucket = FilesystemObjectStore(folder)
        for entry in self._schedule.entries:
            if entry.picture is not None:
                ref = self._bucket.write(BUCKET, entry.key, [entry.picture.data])
                assert ref.version_id == entry.version_id
        self.environment = ImagesQueue(self._schedule, cluster, Workspace.of(cluster, url, folder), workers)
        self.watcher = PhotosWatcher(url, self._schedule.entries)

    def run_waves(self) -> None:
        """Deliver two waves of events; photos are erased before, during and between them."""
        first, second = self._schedule.waves()
        self._erase("before")
        meanwhile = Timer(self._schedule.random("meanwhile").uniform(0.0, 0.4), self._erase, ("during",))
        meanwhile.start()
        self.environment.deliver(first)
        meanwhile.join()
        self._erase("between")
        self.environment.deliver(second)

    def _erase(self, moment: str) -> None:
        for erasure in self._schedule.erasures:
            if erasure.moment == moment and erasure.of.picture is not None:
                self._bucket.path(ObjectRef(BUCKET, erasure.of.key, erasure.of.version_id)).unlink()

    def repair(self, round_number: int) -> bool:
        """Redrive dead letters."""
        notes = self.environment.notes
        letters, notes.dead_letters = notes.dead_letters, []
        self.environment.deliver(letters, round_number)
        return bool(letters)

    def invariants(self, cursor: Cursor) -> PhotosInvariants:
        """Return the invariants of photos, rejections, deletions and matches."""
        return PhotosInvariants(cursor, self._schedule.entries, self._schedule.erasures)

    def secrets(self) -> Iterable[str]:
        """Return the event ids: logs refer to photos by number."""
        return {entry.event_id for entry in self._schedule.entries if entry.event_id}
