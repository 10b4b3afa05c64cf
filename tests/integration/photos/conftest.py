"""A studio for each test."""

from pathlib import Path

import pytest

from claimwatch.storage.connection import Database
from tests.integration.photos.environment import Studio


@pytest.fixture
def studio(database: Database, tmp_path: Path) -> Studio:
    return Studio(database, tmp_path / "objects")
