"""A line with a champion and scored claims."""

from pathlib import Path

import pytest

from tests.cluster import ClonedDatabase
from tests.integration.evaluation.environment import Watch
from tests.integration.ingest.environment import Site
from tests.integration.ingest.glass import GLASS
from tests.integration.models.environment import ModelEnvironment


@pytest.fixture
def house(database: ClonedDatabase, tmp_path: Path) -> ModelEnvironment:
    site = Site.below(database, tmp_path / "buckets")
    assert site.put_contract("glass", GLASS).status == "applied"
    house = ModelEnvironment(site)
    house.register("1")
    house.promote("1")
    house.score(house.drop(*range(100, 3000, 100))["file_id"])
    site.alerts.clear()
    return house


@pytest.fixture
def watch(house: ModelEnvironment) -> Watch:
    return Watch(house.site)
