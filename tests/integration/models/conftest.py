"""Fixtures: a line with claims to score."""

from pathlib import Path

import pytest

from claimwatch.ingest import inspect, validation
from local import filesystem_object_store
from tests.cluster import ClonedDatabase
from tests.integration.ingest.environment import Site
from tests.integration.ingest.glass import GLASS
from tests.integration.models.environment import ModelEnvironment


@pytest.fixture
def environment(database: ClonedDatabase, tmp_path: Path) -> ModelEnvironment:
    site = Site.below(database, tmp_path / "buckets")
    assert site.put_contract("glass", GLASS).status == "applied"
    return ModelEnvironment(site)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make chunks of a few records."""
    monkeypatch.setattr(inspect, "CHUNK", 120)
    monkeypatch.setattr(inspect, "BLOCK", 60)
    monkeypatch.setattr(validation, "BLOCK", 60)
    monkeypatch.setattr(filesystem_object_store, "READ_BLOCK", 20)
