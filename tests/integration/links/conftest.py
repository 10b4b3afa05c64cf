"""A book of claims for each test."""

from pathlib import Path

import pytest

from tests.cluster import ClonedDatabase
from tests.integration.links.environment import Book


@pytest.fixture
def book(database: ClonedDatabase, tmp_path: Path) -> Book:
    return Book.below(database, tmp_path)
