"""Fixtures: an environment per test."""

from pathlib import Path

import pytest

from tests.cluster import ClonedDatabase
from tests.integration.sources.environment import Environment


@pytest.fixture
def env(database: ClonedDatabase, tmp_path: Path) -> Environment:
    return Environment(database, tmp_path / "objects")
