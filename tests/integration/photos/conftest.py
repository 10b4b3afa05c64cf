"""A photo environment for each test."""

from pathlib import Path

import pytest

from claimwatch.storage.connection import Database
from tests.integration.photos.environment import PhotoEnvironment


@pytest.fixture
def photos(database: Database, tmp_path: Path) -> PhotoEnvironment:
    return PhotoEnvironment(database, tmp_path / "objects")
