"""What all tests share: no sockets in unit tests, real PostgreSQL for the others."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import hypothesis
import pytest
import pytest_socket
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from claimwatch.storage.connection import Database
from tests.cluster import Cluster, database_at
from tests.deployed import Deployed

# No test is timed: how long an example takes says how busy the machine is. Benchmarks measure.
hypothesis.settings.register_profile("claimwatch", deadline=None, print_blob=True)
hypothesis.settings.load_profile("claimwatch")

ON_THE_DEPLOYED = ("tests/e2e/", "tests/integration/iam/")
UNIT_TESTS = Path(__file__).parent / "unit"


class Shared(LoadFileScheduling):
    """Two processes share the tests, file by file. One has all that needs the deployed application."""

    def _split_scope(self, nodeid: str) -> str:
        return "deployed" if nodeid.startswith(ON_THE_DEPLOYED) else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Shared:
    # In the order of the command line: what is deployed takes the longest, and stands first there.
    config.option.loadscopereorder = False
    return Shared(config, log)


@pytest.fixture(autouse=True)
def no_sockets_in_unit_tests(request: pytest.FixtureRequest) -> Iterator[None]:
    if not request.path.is_relative_to(UNIT_TESTS):
        yield
        return
    pytest_socket.disable_socket(allow_unix_socket=True)  # asyncio and multiprocessing talk to themselves
    yield
    pytest_socket.enable_socket()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("postgres")) as running:
        yield running


@pytest.fixture
def database_url(cluster: Cluster) -> Iterator[str]:
    """libpq URL of a database of the test's own: migrated, with the contract of line motor."""
    with cluster.clone() as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(database_at(database_url)) as opened:
        yield opened


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The application, deployed by `sam deploy` to the laptop's AWS with IAM enforced."""
    running = Deployed.below(tmp_path_factory.mktemp("stack"))
    try:
        yield running
    finally:
        running.stack.down()
