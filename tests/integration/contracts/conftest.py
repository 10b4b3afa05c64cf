"""A house for each test."""

from pathlib import Path

import pytest

from claimwatch.storage.connection import Database
from tests.integration.contracts.environment import House


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    return House(database, tmp_path / "objects")
