"""Fixtures: a pipeline per test."""

from pathlib import Path

import pytest

from tests.cluster import ClonedDatabase
from tests.integration.ingest.environment import Site


@pytest.fixture
def site(database: ClonedDatabase, tmp_path: Path) -> Site:
    return Site.below(database, tmp_path / "buckets")
