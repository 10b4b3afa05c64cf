"""One schedule of photos from its first event to the verdict."""

import tempfile
from contextlib import closing
from pathlib import Path
from threading import Timer
from typing import Any

from claimwatch.aws.objects import ObjectRef
from local.filesystem_object_store import FilesystemObjectStore
from tests.cluster import Cluster
from tests.faults.photos.images_queue import ImagesQueue
from tests.faults.photos.judge import PhotosWatcher, judge
from tests.faults.photos.schedule import BUCKET, PhotoSchedule
from tests.faults.verdict import Result
from tests.faults.worker import Place
from tests.faults.workers import Hangs, Workers

MOST_REDRIVES = 5
"""Of people who look at the dead letters; from the second on, nothing is disturbed."""


def simulate_photos(seed: int, cluster: Cluster, workers: Workers) -> Result:
    """Run the schedule of a seed in a database and a folder of its own."""
    schedule = PhotoSchedule(seed)
    with tempfile.TemporaryDirectory(prefix="claimwatch-faults-") as folder, cluster.clone() as url:
        result = Result(seed)
        bucket = FilesystemObjectStore(Path(folder))
        for entry in schedule.entries:
            if entry.picture is not None:
                ref = bucket.write(BUCKET, entry.key, [entry.picture.data])
                assert ref.version_id == entry.version_id
        watcher = PhotosWatcher(url, schedule.entries)
        already_logged = workers.log.stat().st_size
        with closing(ImagesQueue(schedule, cluster, Place(url, Path(folder)), workers)) as images:
            try:
                with watcher:
                    _run(schedule, images, bucket)
            except Hangs as hanging:
                result.problems.append(f"it hangs: {hanging}")
        verdict = judge(url, schedule.entries, schedule.erasures)
        notes = images.notes
        result.injected, result.looks = notes.injected, watcher.looks
        result.lost, result.doubled = verdict.lost, verdict.doubled
        result.problems += [*verdict.problems, *watcher.problems, *notes.bugs]
        if watcher.looks == 0:
            result.problems.append("nobody watched")
        result.problems += _told_of(schedule, workers.printed(already_logged))
    return result


def _run(schedule: PhotoSchedule, images: ImagesQueue, bucket: FilesystemObjectStore) -> None:
    def erase(moment: str) -> None:
        for erasure in schedule.erasures:
            if erasure.moment == moment and erasure.of.picture is not None:
                bucket.path(ObjectRef(BUCKET, erasure.of.key, erasure.of.version_id)).unlink()

    first, second = schedule.waves()
    erase("before")
    meanwhile = Timer(schedule.random("meanwhile").uniform(0.0, 0.4), erase, ("during",))
    with images.stricken():
        meanwhile.start()
        images.deliver(first)
        meanwhile.join()
        erase("between")
        images.deliver(second)
    for redrive in range(1, MOST_REDRIVES + 1):
        letters, images.notes.dead_letters = images.notes.dead_letters, []
        if not letters:
            return
        images.deliver(letters, redrive)
    raise Hangs("dead letters that are sent again are there once more")


def _told_of(schedule: PhotoSchedule, printed: str) -> list[str]:
    """Event ids in what the workers printed: logs name photos by numbers."""
    events: set[Any] = {entry.event_id for entry in schedule.entries if entry.event_id}
    return ["an event id in the log"] if any(event in printed for event in events) else []
