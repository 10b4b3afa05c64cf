"""A book of claims for each test, and one for tests that share it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cluster import ClonedDatabase, Cluster
from tests.integration.desk.environment import Book


@pytest.fixture
def book(database: ClonedDatabase, tmp_path: Path) -> Book:
    return Book.below(database, tmp_path)


@pytest.fixture(scope="module")
def shared_book(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    with cluster.clone() as url, closing(cluster.database(url)) as database:
        yield Book.below(database, tmp_path_factory.mktemp("buckets"))
