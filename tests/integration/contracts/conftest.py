"""Fixtures: an environment per test."""

from pathlib import Path

import pytest

from claimwatch.storage.connection import Database
from tests.integration.contracts.environment import Environment


@pytest.fixture
def env(database: Database, tmp_path: Path) -> Environment:
    return Environment(database, tmp_path / "objects")
