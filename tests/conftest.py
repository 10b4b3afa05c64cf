"""What all tests share: no sockets in unit tests, real PostgreSQL for the others."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import hypothesis
import pytest
import pytest_socket

from claimwatch.storage.connection import Database
from tests.cluster import Cluster, database_at
from tests.deployed import Deployed

# No test is timed: how long an example takes says how busy the machine is. Benchmarks measure.
hypothesis.settings.register_profile("claimwatch", deadline=None, print_blob=True)
hypothesis.settings.load_profile("claimwatch")

UNIT_TESTS = Path(__file__).parent / "unit"


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups when its turn comes
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Two processes share the tests (pytest-xdist). One has all that needs the deployed application, and
    begins with it, for that takes the longest. No module is split: its fixtures cost more than its tests."""
    deployed = {item: "deployed" in getattr(item, "fixturenames", ()) for item in items}
    for item in items:
        group = "deployed" if deployed[item] else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: not deployed[item])


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
