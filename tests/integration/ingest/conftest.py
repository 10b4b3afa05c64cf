"""Fixtures: a pipeline per test."""

from pathlib import Path

import pytest

from claimwatch.ingest import inspect, validation
from local import filesystem_object_store
from tests.cluster import ClonedDatabase
from tests.integration.ingest.environment import Site
from tests.integration.ingest.glass import GLASS


@pytest.fixture
def site(database: ClonedDatabase, tmp_path: Path) -> Site:
    return Site.below(database, tmp_path / "buckets")


@pytest.fixture
def glass(site: Site) -> Site:
    """Return a pipeline with the small contract of line glass."""
    assert site.put_contract("glass", GLASS).status == "applied"
    return site


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make chunks of a few records, and validate one or two records at a time."""
    monkeypatch.setattr(inspect, "CHUNK", 120)
    monkeypatch.setattr(inspect, "BLOCK", 60)
    monkeypatch.setattr(validation, "BLOCK", 60)
    monkeypatch.setattr(filesystem_object_store, "READ_BLOCK", 20)
