"""A line of the test's own, with claims to score."""

from pathlib import Path

import pytest

from claimwatch.ingest import inspect, validation
from claimwatch.storage.connection import Database
from local import filesystem_object_store
from tests.integration.ingest.environment import Site
from tests.integration.ingest.glass import GLASS
from tests.integration.models.environment import House


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    site = Site.below(database, tmp_path / "buckets")
    assert site.put_contract("glass", GLASS).status == "applied"
    return House(site)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few records make a chunk."""
    monkeypatch.setattr(inspect, "CHUNK", 120)
    monkeypatch.setattr(inspect, "BLOCK", 60)
    monkeypatch.setattr(validation, "BLOCK", 60)
    monkeypatch.setattr(filesystem_object_store, "READ_BLOCK", 20)
