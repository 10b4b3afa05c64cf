"""The function record_scores in a worker."""

from collections.abc import Mapping
from types import SimpleNamespace

from claimwatch.storage.connection import Database
from tests.faults.batch_function import BatchFunction, BatchResult
from tests.faults.seed import Fault

_FUNCTION = BatchFunction("api/record_scores", "store")


def record_scores(
    database: Database, url: str, bodies: Mapping[str, str], faults: Mapping[str, tuple[Fault, ...]]
) -> BatchResult:
    """Store a batch of records by message id; the faults of a message strike while it is stored."""
    runtime = _FUNCTION.module.runtime
    runtime.database = lambda: database
    runtime.seal_requests = lambda: SimpleNamespace(request=lambda: None)
    return _FUNCTION.run(url, bodies, faults)
