"""A desk for each test, and one for tests that only ask."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cluster import ClonedDatabase, Cluster
from tests.integration.access.environment import Desk


@pytest.fixture
def desk(database: ClonedDatabase, tmp_path: Path) -> Desk:
    return Desk.below(database, tmp_path)


@pytest.fixture(scope="module")
def shared_desk(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with cluster.clone() as url, closing(cluster.database(url)) as database:
        yield Desk.below(database, tmp_path_factory.mktemp("buckets"))
