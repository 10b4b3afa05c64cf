"""The function publish_decisions in a worker."""

from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from types import SimpleNamespace

from claimwatch.cases.publish_decisions import Dependencies
from claimwatch.storage.connection import Database
from tests.faults.batch_function import BatchResult, context, loaded
from tests.faults.fault_injection import BreakingAdditions, Raised, fail_as, trap
from tests.faults.seed import Fault

LANDING = "landing"
MOST = 3
"""Decisions of a file, so that a run stores several."""


@dataclass(frozen=True)
class PublicationRequested:
    """A request for another run; the caller answers with True."""


class PublishDecisions:
    """The handler, with the dependencies of a worker; requests go to the other end of the pipe."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._module = loaded("cases/publish_decisions")

    def run(
        self,
        database: Database,
        folder: Path,
        url: str,
        bodies: Mapping[str, str],
        faults: Mapping[str, tuple[Fault, ...]],
    ) -> BatchResult:
        """Publish decisions for a batch; the faults of all its messages strike."""
        deps = Dependencies(database, BreakingAdditions(folder), LANDING, MOST)
        self._module.runtime.publication_requests = lambda: SimpleNamespace(request=self._request)
        vars(self._module)["dependencies"] = lambda: deps
        trap.set(tuple(fault for each in faults.values() for fault in each), url)
        try:
            self._module.handler({}, context("publish_decisions"))
        except Exception as error:  # noqa: BLE001 - Lambda reports every error, and the queue keeps the batch
            return BatchResult([*bodies], [Raised(type(error).__name__, str(error))] * len(bodies))
        return BatchResult()

    def _request(self) -> None:
        fail_as(trap.spring("request"))
        self._pipe.send(PublicationRequested())
        self._pipe.recv()
        trap.spring("requested")
