"""The queue of photos and its consumer."""

from tests.cluster import Cluster
from tests.faults.message_queue import MessageQueue, Received
from tests.faults.photos.schedule import PhotoSchedule
from tests.faults.worker import Workspace
from tests.faults.workers import Workers


class ImagesQueue(MessageQueue):
    """Delivers events about photos until each is processed or a dead letter."""

    def __init__(
        self, schedule: PhotoSchedule, cluster: Cluster, workspace: Workspace, workers: Workers
    ) -> None:
        super().__init__(schedule, schedule, cluster, workspace, workers)
        self._forbids = schedule.forbids

    def _process(self, batch: list[Received]) -> list[Received]:
        expected = {"TransientFault", "UnexpectedError"} if self._forbids else {"TransientFault"}
        return self._call("process_image", batch, expected, forbids=self._forbids)
