"""Shared by all tests: no sockets in unit tests, a real PostgreSQL for integration tests."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import hypothesis
import pytest
import pytest_socket
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from tests.cluster import ClonedDatabase, Cluster
from tests.deployed import Deployed, is_built

# One OpenMP thread per test process. With more, the threads of two processes spin while they wait for the
# same cores, and training in a test takes up to sixty times as long. OpenMP reads this when it is loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# No deadlines: how long an example takes depends on the load of the machine. Benchmarks measure time.
hypothesis.settings.register_profile("claimwatch", deadline=None, print_blob=True)
hypothesis.settings.load_profile("claimwatch")

NEEDS_DEPLOYED_STACK = ("tests/e2e/", "tests/integration/iam/", "tests/browser/")
OWN_STACK = "tests/e2e/test_evaluation.py"
"""Deploys a stack of its own, so another process can do so meanwhile."""
UNIT_TESTS = Path(__file__).parent / "unit"


class Scheduler(LoadFileScheduling):
    """Distributes tests by file; all tests of the shared deployed application run in one process.

    Without a finished build, those with a stack of their own run there too: two processes cannot build.
    """

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        self.others = (OWN_STACK,) if is_built() else ()

    def _split_scope(self, nodeid: str) -> str:
        shared = nodeid.startswith(NEEDS_DEPLOYED_STACK) and not nodeid.startswith(self.others)
        return "deployed" if shared else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduler:
    # Keep the order of the command line: the Makefile starts with the deployed application, the longest part.
    config.option.loadscopereorder = False
    return Scheduler(config, log)


@pytest.fixture(autouse=True)
def no_sockets_in_unit_tests(request: pytest.FixtureRequest) -> Iterator[None]:
    if not request.path.is_relative_to(UNIT_TESTS):
        yield
        return
    pytest_socket.disable_socket(allow_unix_socket=True)  # asyncio and multiprocessing use Unix sockets
    yield
    pytest_socket.enable_socket()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("postgres")) as running:
        yield running


@pytest.fixture
def database_url(cluster: Cluster) -> Iterator[str]:
    """libpq URL of a database for this test alone: migrated, with the contract of line motor."""
    with cluster.clone() as url:
        yield url


@pytest.fixture
def database(cluster: Cluster, database_url: str) -> Iterator[ClonedDatabase]:
    with closing(cluster.database(database_url)) as opened:
        yield opened


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The application, deployed with `sam deploy` to the laptop's AWS with IAM enforced."""
    running = Deployed.below(tmp_path_factory.mktemp("stack"))
    try:
        yield running
    finally:
        running.stack.down()
