"""A photo environment for each test."""

from pathlib import Path

import pytest

from tests.cluster import ClonedDatabase
from tests.integration.photos.environment import PhotoEnvironment


@pytest.fixture
def photos(database: ClonedDatabase, tmp_path: Path) -> PhotoEnvironment:
    return PhotoEnvironment(database, tmp_path / "objects")
