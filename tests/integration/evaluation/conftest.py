"""A line with a champion and scored claims, and a book of twelve weeks."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from samples import BookConfig, Drift
from samples.delivery import Delivery, deliver
from tests.cluster import ClonedDatabase, Cluster
from tests.integration.evaluation.environment import Watch
from tests.integration.evaluation.motor_book import CLAIMS, LEARNT, Book, load_book
from tests.integration.ingest.environment import Site
from tests.integration.ingest.glass import GLASS
from tests.integration.models.environment import ModelEnvironment
from tests.motor_model import MotorModel, grow


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


@pytest.fixture(scope="session")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    folder = tmp_path_factory.mktemp("book")
    config = BookConfig(seed=5, weeks=12, claims_per_week=CLAIMS, drift=Drift(from_week=10, shift=1.2))
    delivery = Delivery(settling_weeks=9, correction_share=0.02, late_weeks=frozenset({3}))
    sent = deliver(config, folder, delivery)
    return folder, [file.key for file in sent if file.part != "truth"]


@pytest.fixture(scope="session")
def grown(delivered: tuple[Path, list[str]]) -> list[MotorModel]:
    return [grow(delivered[0], LEARNT, version, seed) for version, seed in (("1", 7), ("2", 8))]


@pytest.fixture(scope="module")
def book(
    cluster: Cluster,
    tmp_path_factory: pytest.TempPathFactory,
    delivered: tuple[Path, list[str]],
    grown: list[MotorModel],
) -> Iterator[Book]:
    with cluster.clone() as url, closing(cluster.database(url)) as database:
        yield load_book(database, tmp_path_factory.mktemp("buckets"), delivered, grown)
